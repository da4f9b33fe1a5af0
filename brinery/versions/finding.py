"""What a check of a registry found."""

from typing import Literal, NamedTuple

# As it must be; worth knowing; against what the registry relies on; could not be tried.
State = Literal["ok", "note", "bad", "unknown"]


class Finding(NamedTuple):
    """One check: what it is about, how it came out, and a sentence."""

    check: str
    state: State
    detail: str
