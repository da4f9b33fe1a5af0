"""The times of cron lines."""

from datetime import UTC, datetime

import pytest

from training.schedule.times import last_time, next_time

AT = datetime(2026, 11, 26, 18, 30, 59, 7, tzinfo=UTC)  # a Thursday


def test_next_time_is_that_of_the_cron_line() -> None:
    assert next_time("30 3 * * 1", AT) == datetime(2026, 11, 30, 3, 30, tzinfo=UTC)
    assert next_time("31 18 * * *", AT) == datetime(2026, 11, 26, 18, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("30 18 * * *", datetime(2026, 11, 26, 18, 30, tzinfo=UTC)),  # the minute that it is
        ("31 18 * * *", datetime(2026, 11, 25, 18, 31, tzinfo=UTC)),
        ("30 3 * * 1", datetime(2026, 11, 23, 3, 30, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_last_time_is_at_this_moment_or_before(line: str, expected: datetime) -> None:
    assert last_time(line, AT) == expected
    assert last_time(line, expected) == expected
