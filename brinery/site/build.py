"""Building the site: each model's pages, then those of looks, the list of models last; what is gone is taken away."""

import os
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from brinery.output.progress import progress
from brinery.site.looks import Looks, looks_table, read_looks
from brinery.site.model import Done, Job, Model, Outside, digest
from brinery.site.pages.lists import index_page, looks_page
from brinery.site.place import Place, open_place
from brinery.site.state import BUILDING, Known, State, read_state, write_state
from brinery.versions.catalog import AT_ONCE, each, numbers
from brinery.versions.profiles import open_registry
from brinery.versions.reference import is_name
from brinery.versions.store import Store

MOST_MODELS, MOST_VERSIONS, MOST_IN_ALL = 2000, 5000, 50_000
ALONE = 1  # thing at a time of a folder, which answers at once: more threads would hold each other up
MANY = 1000  # versions that are not known yet, from which on several processes read and write
MOST_PROCESSES = 4
INDEX, LOOKS = "index.html", "looks/index.html"


@dataclass(frozen=True)
class Built:
    """What a build did, in pages."""

    models: int
    versions: int
    unreadable: int
    written: int
    left: int
    removed: int
    looks: int


@dataclass(frozen=True)
class Site:
    """The site of one registry in one place.

    `outside` tells of promotions, given the models' names; `runs` are places where looks are. At most so many versions
    of a model are read; from `many` on that are not known yet, several processes do the work.
    """

    store: Store
    place: Place
    outside: Callable[[Sequence[str]], Outside]
    runs: Sequence[str] = ()
    most: int = MOST_VERSIONS
    many: int = MANY

    def build(self) -> Built:
        """Write what changed since the last build. A build that is killed leaves whole pages, and the next goes on.

        Raises:
            SettingInvalid: what is in the place is not this registry's site.
            StoreError: registry or place refused, or could not be reached.
        """
        state = read_state(self.place, self.store.url)
        there = self.place.names()
        lost = state.pages.keys() - there  # with its card a version's page is written again
        again = {page.replace("-card.html", ".html") for page in lost}
        pages = {page: made_of for page, made_of in state.pages.items() if page not in lost | again}
        every = list(filter(is_name, self.store.folders()))
        names = every[:MOST_MODELS]
        looks = read_looks(self.runs)
        outside = self.outside(names)
        claimed = dict(zip(names, each(lambda name: numbers(self.store, name), names, AT_ONCE), strict=True))
        self.place.write({BUILDING: b"{}\n"})
        most = min(self.most, MOST_IN_ALL // max(1, len(names)))
        done = [
            model
            for model in self._models(_jobs(self.store.url, claimed, state, pages, outside, looks, most))
            if model.view.versions or model.view.unreadable
        ]
        return self._finish(state, there, pages, done, looks, outside, len(every) - len(names))

    def _models(self, jobs: Sequence[Job]) -> Iterator[Done]:
        unknown = sum(len(set(job.numbers) - {each.number for each in job.known.versions}) for job in jobs)
        processes = min(os.cpu_count() or 1, MOST_PROCESSES, len(jobs))
        if unknown < self.many or processes < 2 or not self.store.url.startswith(("s3:", "file:")):
            for job in progress(jobs, "writing"):
                yield Model(self.store, self.place, job).write()
            return
        with ProcessPoolExecutor(processes, get_context("spawn"), _start, (self.store.url, self.place.url)) as pool:
            working = [pool.submit(_write, job) for job in jobs]
            try:
                for future in progress(working, "writing"):
                    yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _finish(
        self,
        state: State,
        there: Collection[str],
        before: dict[str, str],
        done: Sequence[Done],
        looks: Looks,
        outside: Outside,
        left_out: int,
    ) -> Built:
        models = [each.view for each in done]
        pages = {page: made_of for each in done for page, made_of in each.pages.items()}
        files: dict[str, bytes] = {}
        if self.runs:
            table = looks_table(looks.found, "../", [each.name for each in models])
            files = {each.file: each.page for each in looks.found if each.page is not None}
            files[LOOKS] = looks_page(self.store.url, table, looks.notes)
        notes = [f"{left_out:,} more models are left out."] if left_out else []
        files[INDEX] = index_page(self.store.url, models, len(looks.found), notes, outside.environment)
        made_of = {page: digest(data.decode(errors="replace")) for page, data in files.items()}
        changed = {page: files[page] for page in files if before.get(page) != made_of[page]}
        for page, data in changed.items():  # in this order: the index leads to all others
            self.place.write({page: data})
        pages |= made_of
        gone = set(state.pages) - set(pages)
        self.place.remove(gone & set(there))
        written = len(changed) + sum(each.written for each in done)
        known = {each.view.name: each.known for each in done}
        write_state(self.place, State(registry=self.store.url, models=known, pages=dict(sorted(pages.items()))), state)
        return Built(
            models=len(models),
            versions=sum(len(each.versions) for each in models),
            unreadable=sum(len(each.unreadable) for each in models),
            written=written,
            left=len(pages) - written,
            removed=len(gone & set(there)),
            looks=len(looks.found),
        )


def _jobs(
    registry: str,
    claimed: dict[str, list[int]],
    state: State,
    pages: dict[str, str],
    outside: Outside,
    looks: Looks,
    most: int,
) -> list[Job]:
    of: dict[str, dict[str, str]] = {}
    for page, made_of in pages.items():
        if page.startswith("models/"):
            of.setdefault(page.split("/")[1], {})[page] = made_of
    marks: dict[str, dict[str, str]] = {}
    for reference, mark in outside.marks.items():
        marks.setdefault(reference.partition(":")[0], {})[reference] = mark
    at_once = ALONE if registry.startswith("file:") else AT_ONCE
    jobs = []
    for name, found in claimed.items():
        own = {name: outside.chains[name]} if name in outside.chains else {}
        jobs.append(
            Job(
                name,
                found,
                state.models.get(name, Known()),
                of.get(name, {}),
                Outside(outside.environment, marks.get(name, {}), own),
                [each for each in looks.found if each.model == name],
                most,
                at_once,
            )
        )
    return jobs


_opened: list[tuple[Store, Place]] = []  # in a process that works on models


def _start(registry: str, place: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began this one
    _opened.append((open_registry(registry, Path.cwd()), open_place(place, registry)))


def _write(job: Job) -> Done:
    return Model(*_opened[0], job).write()
