"""Scoring: a run from its inputs to its manifest, which is completed however often it is begun."""

import glob
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from brinery.errors import RunConflict, SettingInvalid
from brinery.loading.load import load_files
from brinery.loading.model import VerifiedModel
from brinery.scoring.engine import choose_engine
from brinery.scoring.manifest import libraries_of, make_manifest
from brinery.scoring.outputs import Format
from brinery.scoring.place import MANIFEST, RUN, Place
from brinery.scoring.plan import Plan, batch_rows, make_output, read_sources, refuse_other
from brinery.scoring.reading.inputs import Input, find_inputs
from brinery.scoring.run import Run
from brinery.scoring.scorer import Scorer
from brinery.scoring.work import Where
from brinery.scoring.workers import MakeWorkers, threads
from brinery.tables.https import shown
from brinery.versions.catalog import vouched_version
from brinery.versions.manifest import PROFILE
from brinery.versions.read import Published, read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store


@dataclass(frozen=True)
class Wanted:
    """What is asked for: where rows are and where answers go, and the options of the command."""

    given: str
    keep: Sequence[str] = ()
    format: Format = "parquet"
    trust_bucket: bool = False
    most_refused: int = 0


@dataclass(frozen=True)
class Result:
    """A run that is done: its manifest, and whether it was done `before`."""

    manifest: Mapping[str, Any]
    before: bool


def score(
    registry: Store,
    reference: Reference,
    wanted: Wanted,
    out: Store,
    folder: Path,
    make_workers: MakeWorkers = threads,
    stopped: Callable[[], bool] = lambda: False,
    told: Callable[[int, float], None] = lambda rows, share: None,
) -> Result:
    """Complete a run.

    Args:
        reference: with its digest, unless the bucket is trusted.
        out: where it lies.
        folder: what relative paths are below.
        stopped: whether to end after the pieces that are under way.
        told: is told of the rows that are done, and of their share of all.

    Raises:
        PinRequired: the reference has no digest.
        RunConflict: another run lies there, or its parts are not what they were.
        DataInvalid: the input cannot be read, has changed, or has more rows that do not fit than may be refused.
        Stopped: it was asked to end.
        BrineryError: whatever else stops loading or storing.
    """
    published = vouched_version(registry, reference, trust_bucket=wanted.trust_bucket)
    place = Place(out)
    names = place.names()
    begun = place.read(RUN) if RUN in names else None
    engine = choose_engine(published.manifest, None if begun is None else str(begun.get("engine")))
    with ThreadPoolExecutor(1) as pool:  # what is imported and loaded meanwhile takes as long
        columns = list(dict.fromkeys([*(feature.name for feature in published.manifest.features), *wanted.keep]))
        reading = pool.submit(lambda: read_sources(_inputs(wanted, folder, out), columns))
        model = _loaded(registry, published, engine.format, reference.pinned)
        sources, digests = reading.result()
    output = make_output(model, sources, wanted.keep, wanted.format)
    batch = batch_rows(len(published.manifest.features))
    plan = Plan(str(published.reference), engine.format, sources, digests, tuple(wanted.keep), output, batch)
    if begun is None:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        begun = place.begin(
            {"run": plan.digest, **plan.identity, "input": shown(wanted.given), "started_at": now}, names
        )
    if begun.get("run") != plan.digest:
        refuse_other(begun, plan, out.url)
        raise RunConflict(f"{out.url}/{RUN} is no document of a run; choose another place")
    if MANIFEST in names:
        return Result(_of_run(place, plan, place.read(MANIFEST)), before=True)
    scorer = Scorer(model, output, batch, plan.keep)
    run = Run(plan, scorer.columns, place, names, wanted.most_refused, told)
    where = Where(libraries_of(model), registry.url, plan.reference, plan.engine, output, batch, plan.keep, out.url)
    with make_workers(scorer, place, where, wanted.most_refused) as workers:
        pieces = run.complete(workers, stopped)
    manifest = make_manifest(plan, begun, model, engine, pieces, run.counts.told)
    return Result(_committed(place, plan, manifest), before=False)


def _inputs(wanted: Wanted, folder: Path, out: Store) -> list[Input]:
    inputs = find_inputs(wanted.given, folder)
    if _would_read(wanted, folder, out.url):
        raise SettingInvalid(f"OUT lies in IN, {shown(wanted.given)}, and would be read as rows; choose another place")
    return inputs


def _would_read(wanted: Wanted, folder: Path, out: str) -> bool:
    """Whether parts would be files of the input."""
    base = wanted.given if "://" in wanted.given else str((folder / wanted.given).resolve())
    place = unquote(urlsplit(out).path) if out.startswith("file:") else out
    if place.startswith(f"{base.rstrip('/')}/") or place == base.rstrip("/"):
        return True
    matches = re.compile(glob.translate(base, recursive=True, seps="/")).match
    written = (f"part-000000.{wanted.format}", "refused-000000.jsonl")
    return glob.has_magic(wanted.given) and any(matches(f"{place}/{name}") for name in written)


def _loaded(registry: Store, published: Published, format: str, pinned: bool) -> VerifiedModel:
    model = load_files(registry, published, pinned, format)
    if published.manifest.profile is None:
        return model
    return replace(model, profile=read_file(registry, published, PROFILE))


def _committed(place: Place, plan: Plan, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    place.check([*manifest["parts"], *manifest["refused"]["files"]])
    for source in plan.sources:
        source.input.file.check()
    stored = _of_run(place, plan, place.write(MANIFEST, manifest))
    if stored["parts"] != manifest["parts"]:
        raise RunConflict(f"{place.store.url}/{MANIFEST} tells of other parts; choose another place")
    return stored


def _of_run(place: Place, plan: Plan, stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """A manifest that is there, where it is of this run."""
    if stored.get("run") != plan.digest or not {"reference", "engine", "rows", "refused", "parts"} <= stored.keys():
        raise RunConflict(f"{place.store.url}/{MANIFEST} is not of this run; choose another place")
    return stored
