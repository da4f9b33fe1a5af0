"""Dates: days since 1970-01-01 in UTC, as models take them, and the text that people write."""

import re
from datetime import UTC, datetime, timedelta

DATE_STRING = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
)
MICROSECONDS_OF_DAY = 86_400_000_000
FIRST_DAY, LAST_DAY = -719_162.0, 2_932_897.0  # of the years 1 to 9999, which ISO 8601 texts can name

_DATE = re.compile(DATE_STRING[:-1])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = int(LAST_DAY) * 86_400 - 1


def days_of_text(text: str) -> float:
    """Days since 1970-01-01 of an ISO 8601 date or date-time, the time of day as a fraction.

    A date-time without an offset is taken as UTC.

    Raises:
        ValueError: the text is no such date.
    """
    if not _DATE.fullmatch(text):
        raise ValueError("not an ISO 8601 date or date-time")
    return days_of_moment(datetime.fromisoformat(text.upper()))


def days_of_moment(moment: datetime) -> float:
    """Days since 1970-01-01 of a date-time, to the microsecond; without an offset it is taken as UTC."""
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return since.days + (since.seconds * 1_000_000 + since.microseconds) / MICROSECONDS_OF_DAY


def text_of_days(days: float) -> str:
    """The ISO 8601 date, with the time in UTC where it is not midnight; `days` from FIRST_DAY to LAST_DAY."""
    moment = _EPOCH + timedelta(seconds=min(round(days * 86_400), _LAST_SECOND))
    if days == int(days):
        return moment.date().isoformat()
    return moment.replace(tzinfo=None).isoformat() + "Z"
