"""Large objects that S3 sends slowly: fetched in parts side by side, and never mixed of two."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from brinery.errors import ObjectChanged
from brinery.versions.body import FIRST, LARGE, PARTS
from brinery.versions.store import open_store
from tests.slow_s3 import SlowS3, slow_s3

RATE = 60_000_000
SIZE = LARGE + 1_000_001


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("objects")
    content = os.urandom(SIZE)
    (made / "large").write_bytes(content)
    (made / "smaller").write_bytes(content[: LARGE - 1])
    return made


@pytest.fixture
def slow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowS3]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with slow_s3(folder, RATE) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.endpoint)
        yield running


@pytest.mark.parametrize(("name", "requests"), [("large", PARTS), ("smaller", 1)])
def test_only_what_is_large_is_fetched_in_parts(folder: Path, slow: SlowS3, name: str, requests: int) -> None:
    data, digest = open_store("s3://models").fetch(name, SIZE)
    content = (folder / name).read_bytes()
    assert bytes(data) == content and digest == sha256(content).hexdigest()
    assert slow.ranges[0] is None and len(slow.ranges) == requests
    begins = sorted(int(asked[6:].partition("-")[0]) for asked in slow.ranges if asked)
    assert all(begin > FIRST for begin in begins) and len(set(begins)) == len(begins)


def test_part_whose_answer_breaks_off_is_asked_for_again(folder: Path, slow: SlowS3) -> None:
    def break_off(asked: str | None) -> None:
        if asked and slow.ranges.count(asked) == 1:
            raise ConnectionResetError

    slow.before = break_off
    assert bytes(open_store("s3://models").read("large", SIZE)) == (folder / "large").read_bytes()
    assert len(slow.ranges) == 2 * PARTS - 1


def test_object_that_becomes_another_between_two_parts_is_refused(folder: Path, slow: SlowS3) -> None:
    slow.before = lambda asked: os.utime(folder / "large") if asked else None
    with pytest.raises(ObjectChanged, match="no longer the object that was found there"):
        open_store("s3://models").fetch("large", SIZE)
