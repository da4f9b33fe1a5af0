"""A large pickle is stored packed where that pays; it stays everybody's, and unpacks to what was said."""

import gzip
import io
import random
import threading
import zlib
from collections.abc import Callable, Generator
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

from brinery.assessment.publish_fitted import publish_fitted
from brinery.errors import ModelInvalid
from brinery.formats import packed
from brinery.formats.packed import AHEAD, AHEAD_BYTES, LEAST_BYTES, pack, reader
from brinery.loading.load import load
from brinery.versions.manifest import Artifact
from brinery.versions.read import read_file
from brinery.versions.store import Store
from tests.examples import artifact, content, publish_files, tiny
from tests.waiting import wait_until

Of = Callable[[bytes], tuple[bytes, dict[str, Any]]]

RANDOM = random.Random(0)
LARGE = bytes(LEAST_BYTES // 2) + RANDOM.randbytes(LEAST_BYTES // 2)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"", "identity"),
        (bytes(LEAST_BYTES - 1), "identity"),
        (bytes(LEAST_BYTES), "gzip"),
        (LARGE, "gzip"),
        (LARGE[LEAST_BYTES // 2 :] * 2, "identity"),
        (LARGE[LEAST_BYTES // 4 :] + LARGE[LEAST_BYTES // 2 :], "identity"),  # of which a quarter would be saved
    ],
    ids=["nothing", "just too small", "zeros", "half random", "random", "two thirds random"],
)
def test_only_what_is_large_and_shrinks_by_a_third_is_packed(data: bytes, encoding: str) -> None:
    stored, said = pack(data)
    assert said == encoding
    assert (gzip.decompress(stored) if said == "gzip" else stored) == data
    assert stored == pack(data)[0]  # no time in it
    assert reader(stored, said, len(data)).read() == data


def test_published_pickle_that_is_packed_stays_everybodys(folder_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "LEAST_BYTES", 1_000)
    rows, labels = load_wine(return_X_y=True)
    model = RandomForestClassifier(10, random_state=0).fit(rows, labels)
    reference = publish_fitted("wine", model, rows, labels, registry=folder_store.url)
    loaded = load(folder_store, reference, format="pickle")
    said = loaded.manifest.artifacts["pickle"]
    stored = bytes(read_file(folder_store, loaded.published, said.file))
    assert said.encoding == "gzip" and 1.5 * len(stored) < said.unpacked_size
    probabilities = model.predict_proba(rows).tolist()
    assert joblib.load(io.BytesIO(stored)).predict_proba(rows).tolist() == probabilities
    assert loaded.answer(rows.tolist(), len(rows)).answers.probabilities.tolist() == probabilities


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (
            lambda data: (gzip.compress(data), {"unpacked_size": len(data) - 1}),
            "unpacks to more than the .* bytes",
        ),
        (lambda data: (gzip.compress(data)[:-9], {}), "EOFError|zlib"),
        (lambda data: (gzip.compress(data)[:500] + bytes(200), {}), "error|unpacks to more"),
        (lambda data: (gzip.compress(data)[:4] + data, {}), "error"),
        (lambda data: (zlib.compress(data), {}), "incorrect header"),
        (lambda data: (data, {}), "incorrect header"),
        (lambda data: (gzip.compress(data) + gzip.compress(b"more"), {}), "something follows"),
        (lambda data: (gzip.compress(data), {"encoding": "identity"}), "KeyError"),
    ],
    ids=[
        "more than said",
        "cut off",
        "damaged",
        "no stream",
        "of another kind",
        "not packed",
        "more behind it",
        "not said",
    ],
)
def test_pickle_that_is_not_packed_as_is_said_is_refused(folder_store: Store, of: Of, message: str) -> None:
    described, files = tiny()
    data = files["model.joblib"]
    stored, changes = of(data)
    entry = Artifact.model_validate(
        {**artifact("pickle").model_dump(), "encoding": "gzip", "unpacked_size": len(data), **changes}
    )
    described = content("tiny", described.features, (0, 1), artifacts={"pickle": entry})
    with pytest.raises(ModelInvalid, match=f"^tiny:1: model.joblib does not load here: .*(?:{message})"):
        publish_files(folder_store, described, {**files, "model.joblib": stored})


def test_no_thread_is_left_whatever_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where more is packed than waits to be read, and reading ends in an error."""
    monkeypatch.setattr(packed, "AHEAD_FROM", 0)
    data = bytes((AHEAD + 3) * AHEAD_BYTES)
    stored, before = gzip.compress(data, 1), threading.active_count()
    for size in (len(data), len(data) - 1):
        with reader(stored, "gzip", size) as file:
            assert file.read(10) == bytes(10) and threading.active_count() == before + 1
        assert threading.active_count() == before
    with reader(stored, "gzip", len(data) - 1) as file:
        with pytest.raises(ValueError, match="unpacks to more"):
            file.read()
        assert file.read() == b""  # and waits for nothing


def test_pieces_wait_to_be_read_and_no_more_are_made() -> None:
    """So that memory is bounded, however fast one unpacks and however slowly it is read."""
    made = 0

    def pieces() -> Generator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x"

    ahead = packed._ahead(pieces())
    assert next(ahead) == b"x"
    wait_until(lambda: made == AHEAD + 2)
    assert next(ahead) == b"x"
    wait_until(lambda: made == AHEAD + 3)
    ahead.close()
    assert made == AHEAD + 3
