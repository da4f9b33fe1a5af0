"""Looks: what drift, quality and scoring left in the places that are named, as files there say it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from brinery.errors import ArtifactSize, ObjectMissing, ReferenceInvalid, SettingInvalid
from brinery.output.page import FACTS
from brinery.output.stored import contained
from brinery.output.write import visible
from brinery.site.facts import MOST, moment_text
from brinery.site.pages.table import Cell, Column, Table, cut
from brinery.versions.catalog import AT_ONCE
from brinery.versions.profiles import open_registry
from brinery.versions.reference import Reference
from brinery.versions.store import BUCKET, Store

MOST_LISTED, MOST_READ, MAX_BYTES = 10_000, 1000, 8 * 1024 * 1024
NAMED = 10  # files that are none of ours
MANIFEST = "_manifest.json"
HEADS = ("when", "what", "model", "version", "verdict", "rows", "where")
OF_RUNS = ("part-", "refused-", "_run.json", "_pieces/")
BLOCK = f'<script type="application/json" id="{FACTS}">'


@dataclass(frozen=True)
class Look:
    """One of them: when, at which model and version, and what came of it; `page` is shown where it is ours."""

    kind: str
    at: str
    model: str
    version: int | None
    verdict: str
    rows: int | None
    where: str
    page: bytes | None = None

    @property
    def file(self) -> str:
        """Where its page goes."""
        return f"looks/{sha256(self.where.encode()).hexdigest()[:16]}.html"


@dataclass(frozen=True)
class Looks:
    """All of them, the newest first, and what there is to say of the places."""

    found: tuple[Look, ...] = ()
    notes: tuple[str, ...] = ()


def read_looks(places: Sequence[str]) -> Looks:
    """What lies in folders and below s3:// URLs.

    Raises:
        SettingInvalid: a folder is not there.
        StoreError: a bucket refused or could not be reached.
    """
    found: list[Look] = []
    notes: list[str] = []
    for place in places:
        store = _open(place)
        paths = store.some("", MOST_LISTED)
        if len(paths) == MOST_LISTED:
            notes.append(f"{place}: the first {MOST_LISTED:,} files are looked at.")
        wanted = [path for path in paths if path.endswith((".html", ".json")) and not _of_a_run(path)]
        if len(wanted) > MOST_READ:
            notes.append(f"{place}: the last {MOST_READ:,} of {len(wanted):,} pages and documents are read.")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            read = list(pool.map(lambda path, store=store: _look(store, path), wanted[-MOST_READ:]))
        found += [each for each in read if each is not None]
        unknown = [path for path, each in zip(wanted[-MOST_READ:], read, strict=True) if each is None]
        unknown += [path for path in paths if path not in set(wanted) and not _of_a_run(path)]
        if unknown:
            more = ", …" if len(unknown) > NAMED else ""
            names = ", ".join(cut(path, 80) for path in unknown[:NAMED])
            notes.append(f"{place}: files of others, which are not shown: {len(unknown):,} ({names}{more}).")
    tomorrow = moment_text(datetime.now(UTC) + timedelta(days=1))  # what is later comes last, and not first for good
    newest = sorted(found, key=lambda each: (each.at <= tomorrow, each.at, each.where), reverse=True)
    return Looks(tuple(newest), tuple(notes))


def looks_table(looks: Iterable[Look], home: str, models: Iterable[str]) -> Table:
    """Looks as a table; `home` leads to the site's root."""
    there = set(models)
    columns = [Column(name, name == "rows", name == "where") for name in HEADS]
    return Table("looks", "looks", columns, [_row(each, home, there) for each in looks])


def _row(look: Look, home: str, models: set[str]) -> list[Cell]:
    model = f"{home}models/{look.model}/index.html" if look.model in models else ""
    return [
        Cell(look.at.replace("T", " ")[:16], by=look.at, moment=look.at, small=look.at[:10]),
        Cell(look.kind, link=f"{home}{look.file}" if look.page else ""),
        Cell(look.model, link=model),
        Cell("" if look.version is None else str(look.version), by=look.version),
        Cell(badge=look.verdict, by=look.verdict),
        Cell("" if look.rows is None else f"{look.rows:,}", by=look.rows),
        Cell(cut(look.where, 120)),
    ]


def _open(place: str) -> Store:
    if place.startswith("s3://"):
        if BUCKET.fullmatch(urlsplit(place).netloc):
            return open_registry(place, Path.cwd())
    if "://" in place:
        raise SettingInvalid(f"--runs is {ascii(place)}; it must be a folder or s3://BUCKET[/PREFIX]")
    if not Path(place).is_dir():
        raise SettingInvalid(f"--runs: there is no folder {place}")
    return open_registry(Path(place).resolve().as_uri(), Path.cwd())


def _of_a_run(path: str) -> bool:
    """Whether it is part of a run of scoring, whose manifest tells of it."""
    name = path.rpartition("/")[2]
    return name.startswith(OF_RUNS) or "_pieces/" in path


def _look(store: Store, path: str) -> Look | None:
    """What a file says, or None where it is none of ours."""
    try:
        text = bytes(store.read(path, MAX_BYTES)).decode()
        where = visible(f"{store.url}/{path}")
        if path.endswith(".html"):
            page = contained(text)
            begin, found, rest = text.partition(BLOCK)
            if page is None or not found:
                return None
            facts = json.loads(rest.partition("</script>")[0])
            return _told(facts, where, page.encode())
        return _told(json.loads(text), where, None)
    except (ArtifactSize, ObjectMissing, ReferenceInvalid):
        return None
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError):  # it has another shape
        return None


def _told(facts: Mapping[str, Any], where: str, page: bytes | None) -> Look | None:
    for kind, read in (("drift", _drift), ("quality", _quality), ("scoring", _scoring)):
        found = read(facts)
        if found is not None:
            reference, at, verdict, rows = found
            moment = datetime.fromisoformat(at)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return Look(
                kind,
                moment_text(moment),
                reference.name,
                reference.version,
                verdict,
                rows if _is_count(rows) else None,
                where,
                page,
            )
    return None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST


Told = tuple[Reference, str, str, Any]


def _drift(facts: Mapping[str, Any]) -> Told | None:
    """What `registry drift --json` prints, and its page carries."""
    if "drift" not in facts:
        return None
    unsure = any(each["verdict"] == "cannot tell" for each in facts["features"])
    verdict = "drift" if facts["drift"] is True else "cannot tell" if unsure else "no drift"
    return Reference.parse(facts["reference"]), facts["to"], verdict, facts["rows"]


def _quality(facts: Mapping[str, Any]) -> Told | None:
    """What `registry quality --json` prints, and its page carries: of the newest version."""
    if "gate_broken" not in facts:
        return None
    newest = facts["versions"][0]
    unsure = any(each["verdict"] == "cannot tell" for version in facts["versions"] for each in version["metrics"])
    verdict = "worse" if facts["worse"] or facts["gate_broken"] else "cannot tell" if unsure else "no worse"
    return Reference.parse(newest["reference"]), newest["to"], verdict, newest["rows"]


def _scoring(facts: Mapping[str, Any]) -> Told | None:
    """A run's manifest."""
    if "run" not in facts or "parts" not in facts:
        return None
    refused = facts["refused"]["rows"]
    if not _is_count(refused):
        return None
    verdict = f"{refused:,} row{'s'[: refused != 1]} refused" if refused else "done"
    return Reference.parse(facts["reference"]), facts["started_at"], verdict, facts["rows"]
