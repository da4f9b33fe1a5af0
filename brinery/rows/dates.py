"""Dates: days since 1970-01-01 in UTC, as models take them, and the text that people write."""

import re
from datetime import UTC, datetime, timedelta
from math import floor

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[Tt ][0-9]{2}(:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)?"
_OFFSET = " ?([Zz]|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)"
DATE_STRING = f"^{_DAY}({_TIME}{_OFFSET}?)?$"
ZONED_DATE_STRING = f"^{_DAY}{_TIME}{_OFFSET}$"
MICROSECONDS_OF_DAY = 86_400_000_000
FIRST_DAY, LAST_DAY = -719_162.0, 2_932_897.0  # of the years 1 to 9999, which ISO 8601 texts can name

_DATE = re.compile(DATE_STRING[:-1])
_UTC = re.compile(" ?(UTC|GMT)$")
_BLANK = re.compile(" (?=([Z]|[+-][0-9:]+)$)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def days_of_text(text: str) -> float:
    """Days since 1970-01-01 of an ISO 8601 date or date-time, the time of day as a fraction.

    A date-time without an offset is taken as UTC; a blank may stand for the T and before the offset, UTC or GMT for Z,
    and the hour alone for the time.

    Raises:
        ValueError: the text is no such date, or its offset takes it out of the years 1 to 9999.
    """
    if not _DATE.fullmatch(text):
        raise ValueError("not an ISO 8601 date or date-time")
    days = days_of_moment(datetime.fromisoformat(_BLANK.sub("", _UTC.sub("Z", text.upper()))))
    if not FIRST_DAY <= days < LAST_DAY:
        raise ValueError("not a date of the years 1 to 9999 in UTC")
    return days


def days_of_moment(moment: datetime) -> float:
    """Days since 1970-01-01 of a date-time, to the microsecond; without an offset it is taken as UTC."""
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return since.days + (since.seconds * 1_000_000 + since.microseconds) / MICROSECONDS_OF_DAY


def text_of_days(days: float, zoned: bool = False) -> str:
    """The ISO 8601 text that `days_of_text` reads as these days, from FIRST_DAY to LAST_DAY, to the microsecond.

    Args:
        zoned: midnight is written with its time and offset too.
    """
    if days == floor(days) and not zoned:
        return (_EPOCH + timedelta(days)).date().isoformat()
    microseconds = min(round(days % 1 * MICROSECONDS_OF_DAY), MICROSECONDS_OF_DAY - 1)
    moment = _EPOCH + timedelta(days=floor(days), microseconds=microseconds)
    return moment.replace(tzinfo=None).isoformat() + "Z"
