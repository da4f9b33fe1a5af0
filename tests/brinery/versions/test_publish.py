"""Publishing: the files of a version, its number, and what makes none."""

import pytest
from obstore.store import MemoryStore

from brinery.errors import ManifestInvalid, ObjectExists, StoreError
from brinery.loading.load import load
from brinery.rows.feature import Feature
from brinery.rows.written import Written
from brinery.versions.catalog import models, versions
from brinery.versions.manifest import MAX_BYTES
from brinery.versions.publish import MOST_ASKED, MOST_MISSING, next_number, publish
from brinery.versions.read import read_file, read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.examples import loads, publish_example, publish_files, tiny


def test_publish_makes_versions_that_load(store: Store) -> None:
    first, second = (publish_example(store, "wine") for _ in range(2))
    assert (first.version, second.version) == (1, 2)
    assert versions(store, "wine") == [1, 2]
    assert models(store) == ["wine"]
    assert load(store, second).manifest.version == 2
    assert sorted(store.files("wine/versions/000001")) == [
        f"wine/versions/000001/{name}"
        for name in (
            "card.html",
            "claim.json",
            "golden.json",
            "manifest.json",
            "model.joblib",
            "model.onnx",
            "profile.json",
        )
    ]


def test_publish_passes_over_a_claimed_number(store: Store) -> None:
    store.create("tiny/versions/000001/claim.json", b"{}")
    store.create("tiny/versions/not-a-number/claim.json", b"{}")
    store.create("Raw_Data/versions/000001/manifest.json", b"{}")
    assert versions(store, "tiny") == []
    assert models(store) == []
    assert publish_files(store, *tiny()).version == 2


def test_publish_of_a_model_that_fails_its_golden_rows_makes_no_version(store: Store) -> None:
    described, files = tiny()
    wrong = {**files, "golden.json": files["golden.json"].replace(b'"prediction": 0', b'"prediction": 1', 1)}
    with pytest.raises(Exception, match="does not reproduce its golden rows: 1 of 4"):
        publish_files(store, described, wrong)
    assert versions(store, "tiny") == []


def test_publish_makes_files_that_name_their_version(store: Store) -> None:
    described, files = tiny()

    def numbered(reference: Reference) -> dict[str, bytes]:
        return {"card.html": str(reference).encode()}

    for number in (1, 2):
        published = publish(store, described, files, loads, numbered=numbered)
        stored = read_file(store, published, "card.html")
        assert bytes(stored) == f"tiny:{number}".encode() and "card.html" in published.manifest.files
    with pytest.raises(ZeroDivisionError):
        publish(store, described, files, loads, numbered=lambda reference: {"card.html": bytes(1 // 0)})
    assert versions(store, "tiny") == [1, 2]


@pytest.mark.slow
def test_publish_stops_at_the_last_number(folder_store: Store) -> None:
    class Full(Store):
        def folders(self, prefix: str = "") -> list[str]:
            return [f"{number:06d}" for number in range(1, 1_000_000)]

    with pytest.raises(StoreError, match="tiny has used up its version numbers, 1 to 999999"):
        publish_files(Full(folder_store.backend, folder_store.url), *tiny())


@pytest.mark.slow
@pytest.mark.parametrize("stray", ["999999/claim.json", "999999/manifest.json", "000005/claim.json", "000001/x"])
def test_publish_goes_on_after_the_last_version_whatever_lies_above(store: Store, stray: str) -> None:
    store.create(f"tiny/versions/{stray}", b"{}")
    first = 2 if stray.startswith("000001") else 1
    assert [publish_files(store, *tiny()).version for _ in range(2)] == [first, first + 1]


def test_publish_skips_a_number_that_is_claimed_after_the_listing(folder_store: Store) -> None:
    class Late(Store):
        def folders(self, prefix: str = "") -> list[str]:
            found = super().folders(prefix)
            for number in (1, 2):
                self.create(f"tiny/versions/{number:06d}/claim.json", b"{}")
            return found

    assert publish_files(Late(folder_store.backend, folder_store.url), *tiny()).version == 3


def test_publish_beside_ten_thousand_versions_asks_for_one_listing(folder_store: Store) -> None:
    asked: list[str] = []

    class Crowded(Store):
        def folders(self, prefix: str = "") -> list[str]:
            asked.append(prefix)
            return [f"{number:06d}" for number in (*range(1, 10_001), *range(20_000, 30_000, 2))]

        def holds(self, path: str) -> bool:
            asked.append(path)
            return False

        def files(self, prefix: str) -> dict[str, int]:
            raise AssertionError("a listing of every object")

    assert publish_files(Crowded(folder_store.backend, folder_store.url), *tiny()).version == 10_001
    assert len(asked) <= 1 + MOST_ASKED


@pytest.mark.parametrize(
    ("taken", "published", "number"),
    [
        ([], [], 1),
        ([1, 2, 3], [1, 3], 4),
        ([1, 2, 3, 4], [1, 2], 5),  # claims directly above, of which 3 and 4 may yet be published
        ([1, 2, 3, 999_999], [1, 2, 3, 999_999], 4),
        ([1, 2, 3, 50, 51], [1, 2, 3], 4),  # stray claims
        ([1, 2, 3, 5, 6], [1, 2, 3, 6], 7),  # 4 was deleted, and 5 is a claim
        ([*range(5001, 5011)], [*range(5001, 5011)], 5011),  # the oldest were deleted
        ([MOST_MISSING + 1], [MOST_MISSING + 1], MOST_MISSING + 2),
        ([MOST_MISSING + 2], [MOST_MISSING + 2], 1),
        ([*range(500, 20_000, 500)], [*range(500, 20_000, 500)], 10_001),  # a ladder of forged manifests
        ([*range(3, 50, 2), 60], [60], 1),  # too many claims in the way
    ],
)
def test_next_number_follows_from_versions_and_the_claims_above_them(
    taken: list[int], published: list[int], number: int
) -> None:
    assert next_number(taken, published.__contains__) == number


def test_publish_never_writes_over_a_file_that_is_there(store: Store) -> None:
    class Ghost(Store):
        """Another writer gets at a file of the claimed number first."""

        def create(self, path: str, data: object) -> None:
            if path.endswith("golden.json"):
                super().create(path, b"other")
            super().create(path, data)  # type: ignore[arg-type]

    with pytest.raises(ObjectExists, match="golden.json exists already"):
        publish_files(Ghost(store.backend, store.url), *tiny())
    assert versions(store, "tiny") == []


@pytest.fixture
def memory() -> Store:
    return Store(MemoryStore(), "memory:")


@pytest.mark.parametrize("count", [1, 5_000])
def test_manifest_of_thousands_of_features_is_read_as_it_was(memory: Store, count: int) -> None:
    described, files = tiny()
    written = Written(decimal=",", missing=("?",))
    kinds = (
        {"kind": "number", "minimum": -1.0123456789012345, "maximum": 2.0123456789012345},
        {
            "kind": "category",
            "categories": ("ä", "b"),
            "unknown_categories": "accept",
            "nullable": True,
            "unfitted": (None, "b"),
        },
        {"kind": "boolean", "nullable": True, "unfitted": (False,)},
        {"kind": "number", "minimum": 0.1, "maximum": 1e300, "written": written},
    )
    features = tuple(Feature(name=f"column_{i:05d}", **kinds[i % len(kinds)]) for i in range(count))
    published = publish(memory, described.model_copy(update={"features": features}), files, lambda *_: None)
    assert len(published.stored) <= MAX_BYTES
    assert read_manifest(memory, published.reference).manifest == published.manifest
    assert published.manifest.features == features


def test_manifest_of_too_many_features_is_refused(memory: Store) -> None:
    described, files = tiny()
    features = tuple(Feature(name=f"{i:0190d}", kind="boolean") for i in range(5_000))
    with pytest.raises(ManifestInvalid, match="would have .* bytes; at most 1048576 are allowed"):
        publish(memory, described.model_copy(update={"features": features}), files, lambda *_: None)
    assert versions(memory, "tiny") == []
