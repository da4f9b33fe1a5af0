"""One model's pages: what is not known of it is read, and what is made of other facts than before is written."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Any, NamedTuple

from brinery.errors import ArtifactMissing, BrineryError, DataInvalid, IntegrityError, StoreUnavailable, VersionMissing
from brinery.loading.golden import read_golden
from brinery.output.stored import contained
from brinery.promotion.chain import Chain
from brinery.site.facts import LONG, Promotion, Version
from brinery.site.history import History, chained, recorded
from brinery.site.looks import Look, looks_table
from brinery.site.pages.lists import ModelView, compare_page, model_page
from brinery.site.pages.render import builder
from brinery.site.pages.version import version_page
from brinery.site.place import Place
from brinery.site.state import Known
from brinery.versions.catalog import UNPUBLISHED, each, version_of
from brinery.versions.manifest import CARD, GOLDEN
from brinery.versions.read import Published, read_file, read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store

AT_ONCE_WRITTEN = 128  # pages that are in memory
CARDS = 3  # of the newest versions, beside those that have a mark
GOLDEN_BYTES = 100_000  # that a page holds


@dataclass(frozen=True)
class Outside:
    """What is said of promotions: by an environment, where one is named, or else by records in the bucket.

    `marks` are words by reference, such as `live`; `chains` the records that the environment leads to, by model.
    """

    environment: str | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    chains: Mapping[str, Chain] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What is to be done about one model.

    `numbers` are those that were claimed, the newest first; `pages` our pages that are there, with what they are made
    of; at most so many versions are read, so many things at a time.
    """

    name: str
    numbers: Sequence[int]
    known: Known
    pages: Mapping[str, str]
    outside: Outside
    looks: Sequence[Look]
    most: int
    at_once: int


@dataclass(frozen=True)
class Done:
    """What came of it; `view` is what lists show of it."""

    view: ModelView
    known: Known
    pages: Mapping[str, str]
    written: int


class Loaded(NamedTuple):
    """What was read for a version's page: golden rows or why they are not shown, the card or why it is not."""

    published: Published
    golden: dict[str, Any] | str
    card: bytes | str | None


def digest(*made_of: Any) -> str:
    """Of what a page is made of."""
    return hashlib.sha256(json.dumps([builder(), *made_of]).encode()).hexdigest()


def page_of(name: str, file: str) -> str:
    return f"models/{name}/{file}"


def read_card(store: Store, published: Published) -> bytes:
    """A version's card, as it may be shown.

    Raises:
        ArtifactMissing: it has none. DataInvalid: it is none that Brinery made. Others as of `read_file`.
    """
    if CARD not in published.manifest.files:
        raise ArtifactMissing(f"{published.reference} has no card")
    card = contained(bytes(read_file(store, published, CARD)).decode(errors="replace"))
    if card is None:
        raise DataInvalid(f"the card of {published.reference} is none that Brinery made")
    return card.encode()


class Model:
    """The work on one model; version pages are written first, its list last."""

    def __init__(self, store: Store, place: Place, job: Job) -> None:
        self.store, self.place, self.job = store, place, job
        self.pages: dict[str, str] = {}
        self.written = 0
        self.versions: list[Version] = []
        self.unreadable: list[tuple[int, str]] = []
        self.marks: dict[int, str] = {}
        self._known = {version.number: version for version in job.known.versions}

    def write(self) -> Done:
        """Read, and write what changed.

        Raises:
            StoreError: registry or place refused, or could not be reached.
        """
        job = self.job
        history = self._history()
        given: dict[int | None, list[Promotion]] = {}
        for promotion in history.promotions:
            given.setdefault(promotion.version, []).append(promotion)
        for some in batched(job.numbers[: job.most + UNPUBLISHED], AT_ONCE_WRITTEN, strict=False):
            self._write_versions(some, given)
            if len(self.versions) >= job.most:
                break
        view = ModelView(
            job.name,
            tuple(self.versions),
            tuple(self.unreadable),
            self.marks,
            history.promotions,
            _note(history, job.outside.environment),
            tuple(self._notes()),
        )
        self._write_lists(view)
        known = Known(versions=view.versions, promotions=() if job.outside.environment else history.promotions)
        return Done(view, known, self.pages, self.written)

    def _history(self) -> History:
        job = self.job
        if job.outside.environment is None:
            return recorded(self.store, job.name, job.known.promotions, job.at_once)
        chain = job.outside.chains.get(job.name)
        return chained(chain) if chain else History()

    def _write_versions(self, numbers: Sequence[int], given: Mapping[int | None, list[Promotion]]) -> None:
        wanted: dict[int, tuple[Version, Published | None, dict[str, Any]]] = {}
        for version, published in self._found(numbers):
            mark = self._mark(version)
            promotions = given.get(version.number, [])
            if mark:
                self.marks[version.number] = mark
            card = len(self.versions) < CARDS or bool(mark)
            self.versions.append(version)
            page = page_of(self.job.name, f"{version.number}.html")
            self.pages[page] = digest(version.digest, mark, card, [one.name for one in promotions])
            has_card = page_of(self.job.name, f"{version.number}-card.html")
            if card and has_card in self.job.pages:
                self.pages[has_card] = self.job.pages[has_card]
            if self.job.pages.get(page) != self.pages[page]:
                wanted[version.number] = version, published, {"mark": mark, "promotions": promotions, "card": card}
            if len(self.versions) == self.job.most:
                break
        loaded = each(lambda of: self._loaded(*of), list(wanted.values()), self.job.at_once)
        files: dict[str, bytes] = {}
        for (version, _, shown), read in zip(wanted.values(), loaded, strict=True):
            if read is not None:  # (pages are made here, as threads would only hold each other up)
                files |= self._files(version, read, shown)
        self._put(files)

    def _found(self, numbers: Sequence[int]) -> Iterator[tuple[Version, Published | None]]:
        """The versions among the numbers, each with what was read, where it was not known."""
        known = self._known
        fresh = [number for number in numbers if number not in known]
        found_there = each(lambda number: version_of(self.store, self.job.name, number), fresh, self.job.at_once)
        read = dict(zip(fresh, found_there, strict=True))
        for number in numbers:
            if number in known:
                yield known[number], None
                continue
            found = read[number]
            if found is None:
                continue
            if isinstance(found[1], StoreUnavailable):
                raise found[1]
            if isinstance(found[1], BrineryError):
                self.unreadable.append((number, str(found[1])[:LONG]))
            else:
                yield Version.of(found[1]), found[1]

    def _mark(self, version: Version) -> str:
        marks, name = self.job.outside.marks, f"{self.job.name}:{version.number}"
        return marks.get(f"{name}@sha256:{version.digest}") or marks.get(name, "")

    def _loaded(self, version: Version, published: Published | None, shown: Mapping[str, Any]) -> Loaded | None:
        """What a version's page is made of beside what is known; None where it was changed or taken away meanwhile."""
        try:
            if published is None:
                published = read_manifest(self.store, Reference(self.job.name, version.number, version.digest))
            card: bytes | str | None = None
            if shown["card"] and CARD in published.manifest.files:
                try:
                    card = read_card(self.store, published)
                except (DataInvalid, IntegrityError) as exc:
                    card = str(exc)
            return Loaded(published, self._golden(published), card)
        except (IntegrityError, VersionMissing) as exc:
            self.pages.pop(page_of(self.job.name, f"{version.number}.html"))
            self.unreadable.append((version.number, str(exc)[:LONG]))
            self.versions.remove(version)
            return None

    def _files(self, version: Version, read: Loaded, shown: Mapping[str, Any]) -> dict[str, bytes]:
        """The page of a version, and its card where it is to lie beside it."""
        name, files = self.job.name, {}
        beside = page_of(name, f"{version.number}-card.html")
        self.pages.pop(beside, None)
        if isinstance(read.card, bytes):
            files[beside] = read.card
            self.pages[beside] = digest(version.digest)
        why = read.card if isinstance(read.card, str) else ""
        told = {**shown, "card": bool(files), "card_why": why}
        page = version_page(self.store.url, version, read.published, read.golden, **told)
        return {**files, page_of(name, f"{version.number}.html"): page}

    def _golden(self, published: Published) -> dict[str, Any] | str:
        if published.manifest.files[GOLDEN].size > GOLDEN_BYTES:
            return f"the golden rows have more than {GOLDEN_BYTES:,} bytes; `registry diff` compares them"
        try:
            return read_golden(read_file(self.store, published, GOLDEN), published.manifest)
        except (IntegrityError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
            return str(exc)[:300]

    def _notes(self) -> Iterator[str]:
        if len(self.versions) == self.job.most < len(self.job.numbers):
            all_of_them = f"registry list {self.job.name} --all"
            yield f"The newest {self.job.most:,} versions are shown; `{all_of_them}` has the rest."

    def _write_lists(self, view: ModelView) -> None:
        job = self.job
        looks = [look for look in job.looks if look.model == job.name]
        rows = [(look.file, look.at, look.verdict, look.rows, look.where) for look in looks]
        numbers = [(version.number, version.digest) for version in view.versions]
        marks = sorted(view.marks.items())
        compare, home = page_of(job.name, "compare.html"), page_of(job.name, "index.html")
        if view.versions:
            self.pages[compare] = digest(numbers, marks)
        made_of = [one.name for one in view.promotions], view.history_note, view.notes, job.outside.environment
        self.pages[home] = digest(numbers, marks, view.unreadable, rows, made_of)
        files = {}
        if view.versions and job.pages.get(compare) != self.pages[compare]:
            files[compare] = compare_page(self.store.url, view)
        if job.pages.get(home) != self.pages[home]:
            table = looks_table(looks, "../../", [job.name]) if looks else None
            files[home] = model_page(self.store.url, view, table, job.outside.environment)
        self._put(files)

    def _put(self, files: Mapping[str, bytes]) -> None:
        self.place.write(files)
        self.written += len(files)


def _note(history: History, environment: str | None) -> str:
    if environment or not history.left_out:
        return history.why
    said = f"{history.left_out:,} older records, or records that cannot be read, are left out"
    return f"{said}: {history.why}" if history.why else f"{said}."
