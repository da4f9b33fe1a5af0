"""Ids of jobs."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from brinery.jobs.identifier import new_id, time_of

NOW = datetime(2026, 11, 27, 12, 0, 0, 123000, UTC)


def test_id_is_a_uuid_of_version_7_with_its_time() -> None:
    id = new_id(NOW)
    assert UUID(id).version == 7 and UUID(id).variant == "specified in RFC 4122" and time_of(id) == NOW
    assert new_id(NOW) != id and new_id(NOW + timedelta(milliseconds=1)) > id
    assert len({new_id(NOW)[14:] for _ in range(1000)}) == 1000


WRITTEN_OTHERWISE = {
    "nothing": "",
    "a number": "7",
    "another version": str(uuid4()),
    "capitals": new_id(NOW).upper(),
    "no dashes": new_id(NOW).replace("-", ""),
    "a key": "key:" + "a" * 64,
}


@pytest.mark.parametrize("text", WRITTEN_OTHERWISE.values(), ids=WRITTEN_OTHERWISE)
def test_what_is_no_id_has_no_time(text: str) -> None:
    assert time_of(text) is None


def test_an_id_of_the_end_of_time_is_told() -> None:
    assert time_of("ffffffff-ffff-7000-8000-000000000000") is None
