"""The `train` command: what it is told, and what it says."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from brinery.errors import BrineryError, SettingInvalid
from brinery.output.write import say, write
from training import interrupt
from training.errors import TrainingError

if TYPE_CHECKING:
    from brinery.loading.model_process import ModelProcess
    from brinery.versions.reference import Reference
    from training.models_file import ModelsFile
    from training.spec import ModelSpec

    Schedule = Callable[[ModelsFile, Mapping[str, ModelSpec], str | None, Sequence[str]], int]

ESTIMATORS = ("sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline")  # what most models are of
EXAMPLES = """\
examples:
  train                                  train every model that models.json declares
  train wine                             train one of them
  train --registry s3://bucket/models    publish to a registry on S3
  train --baseline wine=7@sha256:…       compare wine's gate with this version
  train --json                           print one JSON object a model
  train --dask tcp://scheduler:8786      run the fits of a search on a Dask cluster
  train --schedule                       keep running, and train each model by its cron line
  train --due                            train each model that no schedule has trained since its cron line's last time
  train --check                          say whether the declarations and their estimators are right, and train nothing

exit codes: 0 all published and passed their gates, or nothing was due, 1 a model failed or was left, 2 wrong usage, 3 a
gate was not passed
"""


def main(
    argv: Sequence[str] | None = None,
    schedule: "Schedule | None" = None,
    due: "Schedule | None" = None,
) -> int:
    """Run the command, and give its exit code.

    Args:
        argv: its arguments; None, where this whole process is for it, which is then replaced by one that shares its
            imports (`brinery.loading.forked`).
        schedule: runs what `--schedule` asks for; default: `training.schedule.keep.run_schedule`.
        due: … what `--due` does; default: `training.schedule.due.run_due`.
    """
    arguments = _parser().parse_args(argv)
    interrupt.listen()
    try:
        return _run(arguments, argv is None, schedule, due)
    except (TrainingError, BrineryError) as exc:
        say(f"train: {exc}")
        return 1
    except KeyboardInterrupt:
        interrupt.handled()
        print("train: interrupted", file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace, this_process: bool, schedule: "Schedule | None", due: "Schedule | None") -> int:
    """What takes long to import comes last: a fault in the file is told at once.

    No import is interrupted, as what is half imported is told as an error of its own.
    """
    with interrupt.held_back():
        from training.models_file import models_file
        from training.spec import read_specs, select
    interrupt.raise_held()
    file = models_file(arguments.models, arguments.registry, os.environ)
    specs = select(file, read_specs(file), arguments.model)
    baselines = {each.name: each for each in arguments.baseline or _baselines(os.environ)}
    if not (arguments.check or arguments.schedule or arguments.due):
        # What is no file, such as a pipe, can be read once.
        with _checking(this_process and (arguments.models is None or arguments.models.is_file())) as checking:
            with interrupt.held_back():
                from training.runs import train_all
            interrupt.raise_held()
            _check_estimators(file, specs)
            return train_all(
                file,
                specs,
                arguments.registry,
                arguments.dask,
                checking,
                baselines=baselines,
                trust_bucket=arguments.trust_bucket,
                as_json=arguments.json,
            )
    _check_estimators(file, specs)
    if arguments.check:
        names = sorted(specs)
        shown = (
            json.dumps({"models": names})
            if arguments.json
            else f"{file.shown} is right, its data not read: {', '.join(names)}"
        )
        return write("train", f"{shown}\n")
    from training.schedule.due import run_due
    from training.schedule.keep import run_schedule

    run = (schedule or run_schedule) if arguments.schedule else (due or run_due)
    return run(file, specs, arguments.registry, _run_arguments(arguments))


def _checking(this_process: bool) -> "ModelProcess":
    """What loads versions as serving would; it shares what this process imports, where that is all for this command."""
    from brinery.loading import forked

    if this_process:
        forked.start_again("brinery.commands.checkout:train", ESTIMATORS)
    from brinery.assessment.lineage import reset_peak_memory
    from brinery.loading.model_process import ModelProcess

    reset_peak_memory()  # which it needs to have done once before that closes this process
    return ModelProcess()


def _check_estimators(file: "ModelsFile", specs: "Mapping[str, ModelSpec]") -> None:
    from training.runs import check_estimators

    with redirect_stdout(sys.stderr):  # a function of the user's may talk
        check_estimators(file, specs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train",
        description="Train the models that models.json declares and publish each as a new version.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", nargs="*", metavar="MODEL", help="a model's name; without one, all are trained")
    parser.add_argument(
        "--models",
        type=Path,
        metavar="FILE",
        help="default: what $MODELS_URI and $MODELS_SHA256 name in S3, else models.json",
    )
    parser.add_argument(
        "--registry", metavar="URL", help="default: $MODEL_REGISTRY, else the folder .registry beside models.json"
    )
    parser.add_argument(
        "--baseline",
        action="append",
        type=_baseline,
        metavar="NAME=VERSION@sha256:…",
        help="what a gate compares a model with; default: $BASELINE, else what the newest record in the bucket names",
    )
    parser.add_argument(
        "--trust-bucket", action="store_true", help="load that also where it is a pickle that no digest vouches for"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a model, for machines")
    parser.add_argument("--dask", metavar="ADDRESS", help="run searches and cross-validation on this Dask scheduler")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--schedule", action="store_true", help="keep running; train each model by its cron line, one JSON line a run"
    )
    instead.add_argument(
        "--due",
        action="store_true",
        help="train what is due by its cron line and no schedule trained yet; one JSON line a run, and one at the end",
    )
    instead.add_argument(
        "--check",
        action="store_true",
        help="read the declarations and make the estimators; read no data, and train nothing",
    )
    return parser


def _baseline(text: str) -> "Reference":
    """A pinned reference, as an environment holds it.

    Raises:
        argparse.ArgumentTypeError: the text is none.
    """
    from brinery.versions.reference import Reference

    name, _, version = text.partition("=")
    try:
        reference = Reference.of(name, version)
    except BrineryError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc
    if not reference.pinned:
        raise argparse.ArgumentTypeError(f"{ascii(text)} has no digest; it must be NAME=VERSION@sha256:…")
    return reference


def _baselines(environ: Mapping[str, str]) -> "list[Reference]":
    """Those of the variable BASELINE, separated by blanks; one that names no model or version is none yet."""
    given = [text for text in environ.get("BASELINE", "").split() if text.strip("=") and not text.endswith("=")]
    try:
        return [_baseline(text) for text in given]
    except argparse.ArgumentTypeError as exc:
        raise SettingInvalid(f"BASELINE: {exc}") from exc


def _run_arguments(arguments: argparse.Namespace) -> list[str]:
    """The options that each run of a schedule is given; the file of models it finds and checks by itself."""
    options = {
        "--models": arguments.models and str(arguments.models),
        "--registry": arguments.registry,
        "--dask": arguments.dask,
    }
    given = [part for option, value in options.items() if value for part in (option, value)]
    given += [part for each in arguments.baseline or () for part in ("--baseline", f"{each.name}={each.version_text}")]
    return given + ["--trust-bucket"] * arguments.trust_bucket


if __name__ == "__main__":
    sys.exit(main())
