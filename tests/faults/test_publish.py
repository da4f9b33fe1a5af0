"""Many publishers at once, and publishers killed at every step; nothing is lost, nothing half-written is seen."""

import os
import signal
import threading
import time

import pytest

from brinery.loading.load import load
from brinery.versions.catalog import versions
from brinery.versions.read import read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.examples import publish_files, tiny
from tests.faults.publishers import CALLS, processes, publish_and_die, publish_many


def aws_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


@pytest.mark.slow
@pytest.mark.parametrize(("count", "rounds"), [(4, 5), pytest.param(12, 10, marks=pytest.mark.campaign)])
def test_publish_by_many_processes_at_once_gives_each_its_number(s3_store: Store, count: int, rounds: int) -> None:
    context = processes()
    start, results = context.Barrier(count), context.Queue()
    arguments = (s3_store.url, aws_environment(), rounds, start, results)
    publishers = [context.Process(target=publish_many, args=arguments) for _ in range(count)]
    for process in publishers:
        process.start()
    published = [results.get(timeout=240) for _ in range(count * rounds)]
    for process in publishers:
        process.join(60)
    assert [text for text in published if text.startswith("error")] == []
    references = [Reference.parse(text) for text in published]
    assert len({reference.version for reference in references}) == count * rounds
    assert versions(s3_store, "tiny", count * rounds + 1) == sorted(reference.version for reference in references)
    for reference in references:  # each manifest is still the one its publisher wrote
        manifest = read_manifest(s3_store, reference).manifest
        assert manifest.version == reference.version


class _Reader(threading.Thread):
    """Verifies every version that exists, over and over, until it is stopped."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.failures: list[str] = []
        self.rounds = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                for version in versions(self.store, "tiny", 1000):
                    load(self.store, Reference("tiny", version))
                self.rounds += 1
            except Exception as exc:
                self.failures.append(f"{type(exc).__name__}: {exc}")
                return


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["s3_store", "folder_store"])
def test_publish_killed_at_any_store_call_leaves_no_broken_version(kind: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(kind)
    calls = count_store_calls(store)
    assert calls >= 6  # list, claim, two files, their reading back, manifest
    context = processes()
    reader = _Reader(store)
    reader.start()
    for number in range(1, calls + 1):
        for when in ("before", "after"):
            process = context.Process(target=publish_and_die, args=(store.url, aws_environment(), number, when))
            process.start()
            process.join(60)
            assert process.exitcode == -signal.SIGKILL, f"not killed {when} call {number}"
            assert load(store, publish_files(store, *tiny())).manifest.name == "tiny"
    rounds = reader.rounds
    while reader.rounds < rounds + 2 and not reader.failures:  # see all of it at least once more
        time.sleep(0.01)
    reader.stopped.set()
    reader.join()
    assert reader.failures == []
    # Only a kill after the last call, the manifest's, may have left a version of the killed publisher.
    assert len(versions(store, "tiny", 1000)) == 2 * calls + 1 + 1


def count_store_calls(store: Store) -> int:
    """How many calls one publish makes; the version that this publishes stays."""

    class Counting(Store):
        count = 0

        def __getattribute__(self, name: str) -> object:
            if name in CALLS:
                Counting.count += 1
            return super().__getattribute__(name)

    publish_files(Counting(store.backend, store.url), *tiny())
    return Counting.count
