"""The `train` command."""

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from registry import RegistryError, Store, open_store, registry_url
from registry.profiles import profile_credentials
from registry.table import short_digest, table
from training.errors import TrainingError
from training.lineage import git_state
from training.run import STAGES, Result, train
from training.spec import ModelSpec, read_specs, select

EXAMPLES = """\
examples:
  train                                  train every model that models.json declares
  train wine                             train one of them
  train --registry s3://bucket/models    publish to a registry on S3
  train --json                           print one JSON object a model

exit codes: 0 all published and passed their gates, 1 a model failed, 2 wrong usage, 3 a gate was not passed
"""
SHOWN_METRICS = ("accuracy", "macro_f1", "roc_auc", "log_loss")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # which process 1 of a container would ignore
    try:
        specs = select(read_specs(arguments.models), arguments.model)
        url = registry_url(arguments.registry or os.environ.get("MODEL_REGISTRY"), arguments.models.parent)
        store = open_store(url, create=True, credentials=profile_credentials(os.environ))
    except (TrainingError, RegistryError) as exc:
        print(f"train: {exc}", file=sys.stderr)
        return 1
    results, failures = _train_all(specs, store, arguments.models.resolve().parent)
    if arguments.json:
        for result in results:
            print(json.dumps(_as_json(result)))
    elif results:
        print(_report(results, os.environ.get("SERVE_COMMAND") or "uv run serve"))
    for failure in failures:
        print(f"train: {failure}", file=sys.stderr)
    if failures:
        return 1
    return 0 if all(result.content.gate.passed for result in results) else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train",
        description="Train the models that models.json declares and publish each as a new version.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", nargs="*", metavar="MODEL", help="a model's name; without one, all are trained")
    parser.add_argument("--models", type=Path, default=Path("models.json"), metavar="FILE", help="default: models.json")
    parser.add_argument(
        "--registry", metavar="URL", help="default: $MODEL_REGISTRY, else the folder .registry beside models.json"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a model, for machines")
    return parser


def _train_all(specs: dict[str, ModelSpec], store: Store, folder: Path) -> tuple[list[Result], list[str]]:
    """Train one after the other; a failed model does not keep the next from being trained."""
    git = git_state(folder, os.environ.get("GIT_COMMIT"))
    results, failures = [], []
    with tqdm(total=len(specs) * len(STAGES), unit="stage", disable=None, leave=False) as bar:
        for done, (name, spec) in enumerate(specs.items()):

            def report(stage: str, name: str = name, done: int = done) -> None:
                bar.set_description(f"{name}: {stage}", refresh=False)
                bar.n = done * len(STAGES) + STAGES.index(stage)
                bar.refresh()

            try:
                with contextlib.redirect_stdout(sys.stderr):  # estimators may be told to talk
                    results.append(train(name, spec, store, git, report))
            except (TrainingError, RegistryError) as exc:
                failures.append(str(exc))
            except KeyboardInterrupt:
                failures.append(f"{name}: interrupted; this version was not published")
                break
            except Exception as exc:
                failures.append(f"{name}: an unexpected {type(exc).__name__}: {' '.join(str(exc).split())[:400]}")
    return results, failures


def _report(results: Sequence[Result], serve: str) -> str:
    rows = []
    for result in results:
        metrics = result.content.metrics
        rows.append(
            [
                result.reference.name,
                f"{result.reference.name}:{result.reference.version}@{short_digest(result.reference.digest)}",
                *(f"{metrics[name]:.3f}" if name in metrics else "-" for name in SHOWN_METRICS),
                "passed" if result.content.gate.passed else "FAILED",
                f"{result.seconds:.1f}",
            ]
        )
    head = ["MODEL", "REFERENCE", *(name.upper().replace("_", " ") for name in SHOWN_METRICS), "GATE", "SECONDS"]
    lines = [table(head, rows)]
    passed = [result.reference for result in results if result.content.gate.passed]
    if passed:
        lines += ["", "Promote and serve one of them:" if len(passed) > 1 else "Promote and serve it:"]
        lines += [f"MODEL_NAME={ref.name} MODEL_VERSION={ref.version_text} {serve}" for ref in passed]
    for result in results:
        for check in result.content.gate.checks:
            if not check.passed:
                lines.append(
                    f"{result.reference.name} did not pass its gate: {check.metric} is {check.value:.4f}, "
                    f"{'at least' if check.rule == 'min' else 'at most'} {check.limit:g} is asked for"
                )
    return "\n".join(lines)


def _as_json(result: Result) -> dict[str, object]:
    return {
        "model": result.reference.name,
        "version": result.reference.version,
        "reference": str(result.reference),
        "metrics": dict(result.content.metrics),
        "gate": result.content.gate.model_dump(),
        "seconds": round(result.seconds, 3),
    }


if __name__ == "__main__":
    sys.exit(main())
