"""Faults of S3 while something is published or promoted: tried again, and never told as failed what was done."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from brinery.errors import StoreUnavailable
from brinery.promotion.records import newest, write
from brinery.versions.catalog import versions
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.brinery.promotion.conftest import record
from tests.conftest import BUCKET, python
from tests.examples import loads, publish_files, tiny
from tests.faults.proxy import Fault, Proxy, proxy
from tests.models_file import write as write_models

FILES = ("claim.json", "model.joblib", "golden.json", "manifest.json")
PASSING: list[Fault] = [fault for fault in get_args(Fault) if fault not in ("stall_in_body", "drip", "flip")]


@pytest.fixture(scope="module")
def faulty(s3_endpoint: str) -> Iterator[Proxy]:
    with proxy(s3_endpoint) as running:
        yield running


@pytest.fixture
def store(faulty: Proxy, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A registry of its own behind the proxy."""
    faulty.fail("reset", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", faulty.endpoint)
    return open_store(f"s3://{BUCKET}/writes-{time.time_ns()}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "file", "times"),
    [
        *((fault, file, times) for fault in PASSING if fault != "stall" for file in FILES for times in (1, 3)),
        *(pytest.param("stall", file, 1, marks=pytest.mark.campaign) for file in FILES),  # a time-out each time
    ],
)
def test_version_is_published_once_through_faults_that_pass(
    store: Store, faulty: Proxy, fault: Fault, file: str, times: int
) -> None:
    faulty.fail(fault, times, file)
    published = publish(store, *tiny(), loads)
    assert published.reference.version == 1
    assert versions(store, "tiny") == [1]
    assert len(store.files("tiny/versions")) == len(FILES)


@pytest.mark.parametrize("fault", ["reset", "lost", "slow_down", "cut"])
def test_promotion_is_recorded_once_through_faults_that_pass(store: Store, faulty: Proxy, fault: Fault) -> None:
    promoted = Reference("tiny", 1, "0" * 64)
    faulty.fail(fault, 2, ".json")
    write(store, record(store, promoted, at=datetime.now(UTC)))
    assert len(store.files("_promotions/tiny")) == 1
    assert newest(store, "tiny") == promoted


def test_write_ends_with_an_error_where_the_store_stays_away(faulty: Proxy, store: Store) -> None:
    impatient = Store(store.backend, store.url, patience=0.3)
    faulty.fail("reset", 1000)
    with pytest.raises(StoreUnavailable):
        publish_files(impatient, *tiny())
    faulty.fail("reset", 0)
    assert versions(store, "tiny") == []


@pytest.mark.slow
def test_training_says_before_it_fits_that_the_store_does_not_answer(
    tmp_path: Path, store: Store, faulty: Proxy
) -> None:
    """The model would end the process, were it fitted."""
    faulty.fail("reset", 1000)
    (tmp_path / "ends.py").write_text(
        "from sklearn.dummy import DummyClassifier\n"
        "def make():\n    return DummyClassifier()\n"
        "DummyClassifier.fit = lambda *_: __import__('os')._exit(9)\n"
    )
    models = write_models(tmp_path, {"wine": {"data": "sklearn:wine", "estimator": "ends:make"}})
    done = python("-m", "training", "--models", str(models), "--registry", store.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"train: {store.url}/: the store did not answer as it should")
