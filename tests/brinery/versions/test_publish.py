"""Publishing: the files of a version, its number, and what makes none."""

import pytest

from brinery.errors import ObjectExists, StoreError
from brinery.loading.load import load
from brinery.versions.catalog import models, versions
from brinery.versions.store import Store
from tests.examples import publish_example, publish_files, tiny


def test_publish_makes_versions_that_load(store: Store) -> None:
    first, second = (publish_example(store, "wine") for _ in range(2))
    assert (first.version, second.version) == (1, 2)
    assert versions(store, "wine") == [1, 2]
    assert models(store) == ["wine"]
    assert load(store, second).manifest.version == 2
    assert sorted(store.files("wine/versions/000001")) == [
        f"wine/versions/000001/{name}"
        for name in ("card.html", "claim.json", "golden.json", "manifest.json", "model.joblib", "model.onnx")
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


def test_publish_stops_at_the_last_number(store: Store) -> None:
    store.create("tiny/versions/999999/claim.json", b"{}")
    with pytest.raises(StoreError, match="tiny has used up its version numbers, 1 to 999999"):
        publish_files(store, *tiny())


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
