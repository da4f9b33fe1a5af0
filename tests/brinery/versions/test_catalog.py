"""The catalog: which models and versions there are, and what is said of one that is not."""

import os
from collections.abc import Buffer
from pathlib import Path

import pytest

from brinery.errors import ReferenceInvalid, VersionMissing
from brinery.versions.catalog import UNPUBLISHED, find_version, models, newest, numbers, those_there, versions
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.examples import publish_files, tiny


def test_catalog_of_an_empty_registry_is_empty(store: Store) -> None:
    assert (versions(store, "tiny"), models(store), those_there(store)) == ([], [], "; it has none yet")


def test_catalog_lists_models_by_name_and_versions_by_number(store: Store) -> None:
    for name in ("b", "a", "b"):
        publish_files(store, *tiny(name))
    assert [(name, versions(store, name)) for name in models(store)] == [("a", [1]), ("b", [1, 2])]
    assert those_there(store) == "; it has a, b"


def test_catalog_takes_exact_names_alone(store: Store) -> None:
    publish_files(store, *tiny())
    for stray in (
        "tiny/versions/7/manifest.json",
        "tiny/versions/000000/manifest.json",
        "tiny/versions/000008/claim.json",
        "tiny/versions/000009/manifest.json.bak",
        "tiny/versions/manifest.json",
        "Tiny/versions/000001/manifest.json",
        "_promotions/tiny/x.json",
        "notes.txt",
    ):
        store.create(stray, b"{}")
    assert (models(store), versions(store, "tiny")) == (["tiny"], [1])


def test_catalog_finds_a_version_and_pins_it(folder_store: Store) -> None:
    reference = publish_files(folder_store, *tiny())
    assert find_version(folder_store, Reference("tiny", 1)).reference == reference


def test_version_that_is_not_there_lists_those_that_are(folder_store: Store) -> None:
    for _ in range(2):
        publish_files(folder_store, *tiny())
    with pytest.raises(VersionMissing, match="^tiny has no version 7 in file:.*; it has 1, 2$"):
        find_version(folder_store, Reference("tiny", 7))
    with pytest.raises(VersionMissing, match="^there is no model beer in file:.*; it has tiny$"):
        find_version(folder_store, Reference("beer", 1))


def test_version_that_is_not_there_lists_the_last_twenty(folder_store: Store) -> None:
    for number in range(1, 26):
        folder_store.create(f"tiny/versions/{number:06d}/manifest.json", b"{}")
    with pytest.raises(VersionMissing, match="; it has 6, 7, .*, 24, 25$"):
        find_version(folder_store, Reference("tiny", 99))


def test_catalog_asks_for_no_name_that_none_can_have(folder_store: Store) -> None:
    with pytest.raises(ReferenceInvalid, match="is not valid"):
        versions(folder_store, "../tiny")


def test_newest_versions_are_found_below_numbers_that_were_never_published(folder_store: Store) -> None:
    for _ in range(3):
        publish_files(folder_store, *tiny())
    for number in (4, 6, *range(10, 60)):
        folder_store.create(f"tiny/versions/{number:06d}/claim.json", b"{}")
    assert numbers(folder_store, "tiny")[:5] == [4, 3, 2, 1, 59]
    assert [reference.version for reference, _ in newest(folder_store, "tiny", 2)] == [3, 2]
    assert [reference.version for reference, _ in newest(folder_store, "tiny", None)] == [3, 2, 1]
    for number in range(60, 60 + UNPUBLISHED):
        folder_store.create(f"tiny/versions/{number:06d}/claim.json", b"{}")
    assert [reference.version for reference, _ in newest(folder_store, "tiny", 2)] == [3, 2]


def test_strays_hide_no_version(folder_store: Store) -> None:
    """A flood by whoever may create objects: numbers that no publisher would claim."""
    for _ in range(3):
        publish_files(folder_store, *tiny())
    for number in range(999_000, 999_000 + 3 * UNPUBLISHED):
        folder_store.create(f"tiny/versions/{number:06d}/claim.json", b"{}")
    assert (models(folder_store), versions(folder_store, "tiny")) == (["tiny"], [1, 2, 3])


@pytest.mark.slow
def test_few_requests_are_made_however_many_versions_there_are(s3_store: Store) -> None:
    """Counted at the store: listings by folder, and the manifests that are shown."""

    class Counting(Store):
        asked: list[str] = []

        def fetch(self, path: str, limit: int) -> tuple[Buffer, str]:
            self.asked.append(path)
            return super().fetch(path, limit)

        def files(self, prefix: str) -> dict[str, int]:
            raise AssertionError("a listing of all that is there")

    publish_files(s3_store, *tiny())
    for number in range(2, 300):
        s3_store.create(f"tiny/versions/{number:06d}/manifest.json", b"{}")
    store = Counting(s3_store.backend, s3_store.url)
    assert models(store) == ["tiny"] and len(store.asked) == 1
    store.asked.clear()
    assert len(newest(store, "tiny", 20)) == 20 == len(store.asked)


def test_pipe_for_a_manifest_keeps_nobody(folder_store: Store) -> None:
    """By whoever may create files in a folder; a number beyond a gap is asked of."""
    publish_files(folder_store, *tiny())
    folder = Path(folder_store.url.removeprefix("file://"), "tiny/versions/000007")
    folder.mkdir()
    os.mkfifo(folder / "manifest.json")
    assert publish_files(folder_store, *tiny()).version == 2
    assert models(folder_store) == ["tiny"]
    shown = {reference.version: type(read).__name__ for reference, read in newest(folder_store, "tiny", None)}
    assert shown == {1: "Published", 2: "Published", 7: "StoreError"}


def test_odd_names_in_a_folder_stop_nothing(folder_store: Store) -> None:
    """By whoever may create files there: an order to the terminal, bytes that are no text, links in a circle."""
    publish_files(folder_store, *tiny())
    root = folder_store.url.removeprefix("file://").encode()
    for name in (b"a\x1b[31mred", b"\xffz", b"a\nb", b"tiny/versions/\x07"):
        os.makedirs(root + b"/" + name + b"/versions/000001")
        with open(root + b"/" + name + b"/versions/000001/manifest.json", "w") as file:
            file.write("{}")
    os.symlink(b"..", root + b"/tiny/versions/up")
    os.symlink(b"/nowhere", root + b"/tiny/versions/000001/dangling")
    assert (models(folder_store), versions(folder_store, "tiny")) == (["tiny"], [1])
    assert publish_files(folder_store, *tiny()).version == 2
    assert len(folder_store.files("tiny/versions")) == 8 == len(folder_store.some("tiny/versions", 100))
    assert folder_store.some("tiny/versions", 2) == sorted(folder_store.files("tiny/versions"))[:2]
