"""The `train` command."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from tqdm import tqdm

from brinery.errors import RegistryError
from brinery.loading.servable import ServingCheck
from brinery.versions.profiles import profile_credentials
from brinery.versions.store import Store, open_store, registry_url
from training import interrupt
from training.errors import TrainingError
from training.fit.cluster import connect
from training.fit.pipeline import make_estimator
from training.lineage import git_state
from training.report import as_json, report_text
from training.run import Result, Session, train
from training.schedule import run_schedule
from training.spec import ModelSpec, read_specs, select

EXAMPLES = """\
examples:
  train                                  train every model that models.json declares
  train wine                             train one of them
  train --registry s3://bucket/models    publish to a registry on S3
  train --json                           print one JSON object a model
  train --dask tcp://scheduler:8786      run the fits of a search on a Dask cluster
  train --schedule                       keep running, and train each model by its cron line

exit codes: 0 all published and passed their gates, 1 a model failed, 2 wrong usage, 3 a gate was not passed
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    interrupt.listen()
    folder = arguments.models.resolve().parent
    try:
        specs = select(read_specs(arguments.models), arguments.model)
        for name, spec in specs.items():
            make_estimator(name, spec, folder)  # refused here, before anything runs
        if arguments.schedule:
            return run_schedule(specs, _run_arguments(arguments))
        url = registry_url(arguments.registry or os.environ.get("MODEL_REGISTRY"), arguments.models.parent)
        store = open_store(url, create=True, credentials=profile_credentials(os.environ))
        cluster = connect(arguments.dask) if arguments.dask else nullcontext(nullcontext)
        with ServingCheck() as check, cluster as run_there:
            results, failures = _train_all(specs, store, check, folder, run_there)
    except (TrainingError, RegistryError) as exc:
        print(f"train: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        interrupt.handled()
        print("train: interrupted", file=sys.stderr)
        return 1
    if arguments.json:
        for result in results:
            print(json.dumps(as_json(result)))
    elif results:
        print(report_text(results, os.environ.get("SERVE_COMMAND") or "uv run serve"))
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
    parser.add_argument("--dask", metavar="ADDRESS", help="run searches and cross-validation on this Dask scheduler")
    parser.add_argument(
        "--schedule", action="store_true", help="keep running; train each model by its cron line, one JSON line a run"
    )
    return parser


def _run_arguments(arguments: argparse.Namespace) -> list[str]:
    """The options that each run of a schedule is given."""
    options = {"--models": str(arguments.models), "--registry": arguments.registry, "--dask": arguments.dask}
    return [part for option, value in options.items() if value for part in (option, value)]


def _train_all(
    specs: dict[str, ModelSpec], store: Store, check: ServingCheck, folder: Path, cluster: Callable[[], Any]
) -> tuple[list[Result], list[str]]:
    """Train one after the other; a failed model does not keep the next from being trained."""
    git = git_state(folder, os.environ.get("GIT_COMMIT"))
    results, failures = [], []
    for name, spec in specs.items():
        with _progress(name) as report:
            try:
                session = Session(store, check, git, folder, cluster, report)
                with contextlib.redirect_stdout(sys.stderr):  # estimators may be told to talk
                    results.append(train(name, spec, session))
                interrupt.raise_held()
            except (TrainingError, RegistryError) as exc:
                failures.append(str(exc))
            except KeyboardInterrupt:
                interrupt.handled()
                was = "was" if results and results[-1].reference.name == name else "was not"
                failures.append(f"{name}: interrupted; this version {was} published")
                break
            except Exception as exc:
                failures.append(f"{name}: an unexpected {type(exc).__name__}: {' '.join(str(exc).split())[:400]}")
    return results, failures


@contextmanager
def _progress(name: str) -> Iterator[Callable[..., None]]:
    """The stage on stderr, and in a search the fits done with the time left; nothing where it is no terminal."""
    with tqdm(desc=name, unit="fit", disable=None, leave=False, bar_format="{desc} [{elapsed}]") as bar:

        def report(stage: str, done: int = 0, total: int = 0) -> None:
            bar.bar_format = None if total else "{desc} [{elapsed}]"
            if bar.total != (total or None):
                bar.reset(total or None)
            bar.n = done
            bar.set_description(f"{name}: {stage}")

        yield report


if __name__ == "__main__":
    sys.exit(main())
