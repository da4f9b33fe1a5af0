"""Ids of jobs: UUIDs of version 7, which begin with their time and cannot be guessed."""

import secrets
from datetime import UTC, datetime
from uuid import RFC_4122, UUID


def new_id(now: datetime) -> str:
    """An id of this moment."""
    milliseconds = int(now.timestamp() * 1000)
    bits = (milliseconds << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return str(UUID(int=bits))


def time_of(text: str) -> datetime | None:
    """The moment of an id, to the millisecond; None for a text that is none, or is written otherwise."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    if str(found) != text or found.variant != RFC_4122 or found.version != 7:
        return None
    try:
        return datetime.fromtimestamp((found.int >> 80) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
