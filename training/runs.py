"""The runs of one command: the models of a file, trained one after the other."""

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tqdm import tqdm

from brinery.assessment.candidate import Report
from brinery.assessment.lineage import git_state
from brinery.assessment.publish_candidate import Asked
from brinery.commands.checkout import uv_run
from brinery.errors import BrineryError, GateInvalid, words_of
from brinery.output.write import say, write
from brinery.versions.profiles import open_registry
from brinery.versions.reference import Reference
from brinery.versions.store import registry_url
from training import interrupt
from training.errors import SpecInvalid, TrainingError
from training.fit.cluster import connect, many_processes
from training.fit.estimator import make_estimator
from training.models_file import ModelsFile
from training.report import as_json as json_of
from training.report import report_text, told_of
from training.run import Result, Session, train
from training.spec import ModelSpec


def check_estimators(file: ModelsFile, specs: Mapping[str, ModelSpec]) -> None:
    """Refuse, before anything runs, an estimator that cannot be made.

    Raises:
        SpecInvalid, GateInvalid: for the first of them; the text names the file and the model.
    """
    for name, spec in specs.items():
        try:
            make_estimator(spec, file.folder)
        except (SpecInvalid, GateInvalid) as exc:
            raise SpecInvalid(_sentence(file, name, exc)) from exc


def train_all(
    file: ModelsFile,
    specs: Mapping[str, ModelSpec],
    registry: str | None,
    dask: str | None,
    check: Asked,
    *,
    baselines: Mapping[str, Reference],
    trust_bucket: bool,
    as_json: bool,
) -> int:
    """Train the models and print what was published; the command's exit code.

    Args:
        file: where the models are declared; relative paths and the default registry are in its folder.
        dask: the address of a scheduler, for searches and folds.
        check: loads a version as serving would, and says what is wrong.
        baselines, trust_bucket: what the gates compare with, see `brinery.assessment.gate.Beside`.
    """
    store = open_registry(registry, file.folder, create=True)
    store.reach()  # said here, and not after a long fit
    cluster = connect(dask) if dask else nullcontext(many_processes)
    with cluster as run_there:
        git = git_state(file.folder, os.environ.get("GIT_COMMIT"))
        session = Session(store, check, git, file.folder, run_there, baselines=baselines, trust_bucket=trust_bucket)
        promote, serve = _commands(store.url)
        if as_json:
            lines, passed, failures = _train_each(file, specs, session, lambda result: json.dumps(json_of(result)))
        else:
            told, passed, failures = _train_each(file, specs, session, lambda result: told_of(result, promote, serve))
            lines = [report_text(told)] if told else []
    code = write("train", "".join(f"{line}\n" for line in lines))
    for failure in failures:
        say(f"train: {failure}")
    if failures or code:
        return 1
    return 0 if passed else 3


def _commands(registry: str) -> tuple[str, str]:
    """What promotes and serves a version, and what serves it by its variables; an image is told both."""
    here = registry_url(os.environ.get("MODEL_REGISTRY"), Path.cwd())
    run = ("" if here == registry else f"MODEL_REGISTRY={shlex.quote(registry)} ") + (uv_run() or "uv run ")
    return (
        os.environ.get("PROMOTE_COMMAND")
        or f"{run}registry promote {{reference}} --env-file .env && {run}--env-file .env serve",
        os.environ.get("SERVE_COMMAND") or f"{run}serve",
    )


def _train_each[T](
    file: ModelsFile, specs: Mapping[str, ModelSpec], session: Session, tell: Callable[[Result], T]
) -> tuple[list[T], bool, list[str]]:
    """What is to be told of each version, whether all passed their gates, and what failed.

    A failed model does not keep the next from being trained, and of a version nothing is kept but what is told.
    """
    told: list[T] = []
    passed, published = True, ""
    failures: list[str] = []
    for name, spec in specs.items():
        with _progress(name) as report:
            try:
                with (
                    contextlib.redirect_stdout(sys.stderr),  # estimators may be told to talk
                    interrupt.limited(name, spec.time_limit),
                ):
                    result = train(name, spec, session.reporting(report))
                published = name
                told.append(tell(result))
                passed = passed and result.manifest.gate.passed
                interrupt.raise_held()
            except (TrainingError, BrineryError) as exc:
                failures.append(_sentence(file, name, exc))
            except interrupt.Overdue as exc:
                interrupt.handled()
                failures.append(str(exc))
            except KeyboardInterrupt:
                interrupt.handled()
                was = "was" if published == name else "was not"
                failures.append(f"{name}: interrupted; this version {was} published")
                break
            except Exception as exc:
                failures.append(f"{name}: an unexpected {type(exc).__name__}: {words_of(exc, 400)}")
    return told, passed, failures


def _sentence(file: ModelsFile, name: str, exc: Exception) -> str:
    """What went wrong with a model, named here and nowhere else; what the file says wrongly is told with its key."""
    return f"{file.shown}: {name}.{exc}" if isinstance(exc, SpecInvalid | GateInvalid) else f"{name}: {exc}"


@contextmanager
def _progress(name: str) -> Iterator[Report]:
    """The stage on stderr, and in a search the fits done with the time left; nothing where it is no terminal."""
    with tqdm(desc=name, unit="fit", disable=None, leave=False, bar_format="{desc} [{elapsed}]") as bar:

        def report(stage: str, done: int = 0, total: int = 0) -> None:
            bar.bar_format = None if total else "{desc} [{elapsed}]"
            if bar.total != (total or None):
                bar.reset(total or None)
            bar.n = done
            bar.set_description(f"{name}: {stage}")

        yield report
