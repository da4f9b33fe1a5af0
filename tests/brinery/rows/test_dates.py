"""Dates: the days that texts and moments are, and the texts that days are."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from brinery.rows.dates import FIRST_DAY, LAST_DAY, days_of_moment, days_of_text, text_of_days


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1970-01-01", 0),
        ("1969-12-31", -1),
        ("2007-11-11", 13828),
        ("1970-01-01T12:00", 0.5),
        ("1970-01-01 06:00:00Z", 0.25),
        ("1970-01-01 06", 0.25),
        ("1970-01-01t06:00:00z", 0.25),
        ("1970-01-01T00:00:00+06:00", -0.25),
        ("1970-01-01T00:00:00-0730", 7.5 / 24),
        ("1970-01-01T00:00:00.000001", 1 / 86_400_000_000),
        ("1970-01-01T00:00:00,5", 0.5 / 86_400),
        ("0001-01-01", FIRST_DAY),
        ("1970-01-01 06:00:00 UTC", 0.25),
        ("1970-01-01T06:00GMT", 0.25),
        ("1970-01-01 00:00:00 +0600", -0.25),
        ("1970-01-01 06:00:00 Z", 0.25),
    ],
)
def test_text_is_days_in_utc(text: str, days: float) -> None:
    assert days_of_text(text) == days


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2007",
        "2007-11",
        "20071111",
        "2007-W45-7",
        "11.11.2007",
        "2007-11-11T",
        "2007-11-11T1",
        "2007-11-11 ",
        "٢٠٠٧-11-11",
        "2007-02-30",
        "2007-11-11T25:00",
        "2007-11-11 UTC",
        "2007-11-11T06:00 EST",
        "2007-11-11T06:00  UTC",
    ],
)
def test_text_that_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        days_of_text(text)


def test_moment_without_an_offset_is_in_utc() -> None:
    noon = datetime(1970, 1, 2, 12)
    assert days_of_moment(noon) == days_of_moment(noon.replace(tzinfo=UTC)) == 1.5
    assert days_of_moment(noon.replace(tzinfo=timezone(timedelta(hours=12)))) == 1


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0, "1970-01-01"),
        (-0.5, "1969-12-31T12:00:00Z"),
        (13828.25, "2007-11-11T06:00:00Z"),
        (FIRST_DAY, "0001-01-01"),
        (13828 + 1 / 86_400_000_000, "2007-11-11T00:00:00.000001Z"),
        (LAST_DAY - 1e-9, "9999-12-31T23:59:59.999920Z"),
    ],
)
def test_days_are_shown_as_a_text_that_is_read_again(days: float, text: str) -> None:
    assert text_of_days(days) == text
    assert days_of_text(text) == days


def test_days_with_offsets_are_shown_with_one() -> None:
    assert text_of_days(13828, zoned=True) == "2007-11-11T00:00:00Z"
