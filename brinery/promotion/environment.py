"""What an environment is: where a version is served, such as an environment file or a stack."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from brinery.versions.finding import Finding
from brinery.versions.reference import Reference

Change = Callable[[str], None]
SHARE = re.compile(r"[01]|0\.[0-9]{1,6}")


@dataclass(frozen=True)
class State:
    """What an environment is set to: a version, what challenges it, and the share of requests that this answers.

    Where the share is 0, it answers all of them beside the version, unseen.
    """

    reference: Reference
    challenger: Reference | None = None
    share: float | None = None

    @property
    def challenger_text(self) -> str:
        """The value of CHALLENGER_VERSION."""
        return "" if self.challenger is None else self.challenger.version_text

    @property
    def share_text(self) -> str:
        """The value of CHALLENGER_SHARE."""
        return "" if self.share is None else f"{self.share:.6f}".rstrip("0").rstrip(".")

    def __str__(self) -> str:
        if self.challenger is None:
            return str(self.reference)
        by = f"for {100 * self.share:.6g} % of requests" if self.share else "in shadow"
        return f"{self.reference}, challenged by {self.challenger} {by}"


@dataclass(frozen=True)
class Held:
    """What an environment holds: version and challenger, as found; the record that set them; the serving image.

    `share` is None where there is no challenger, or no number from 0 to 1. `unsettled` says why that may not be what
    it serves, and why it cannot be changed now.
    """

    pin: str | None = None
    record: str | None = None
    image: str | None = None
    unsettled: str | None = None
    challenger: str | None = None
    share: float | None = None

    def is_set_to(self, state: State) -> bool:
        """Whether it holds just that."""
        challenger = None if state.challenger is None else str(state.challenger)
        return (self.pin, self.challenger, self.share) == (str(state.reference), challenger, state.share)

    @property
    def text(self) -> str:
        """What it holds, for people."""
        told = self.pin or "nothing"
        return f"{told}, challenged by {self.challenger}" if self.challenger else told


def challenge(model: str, version: str | None, share: str | None) -> tuple[str | None, float | None]:
    """Challenger and share, as `Held` has them, from the values of CHALLENGER_VERSION and CHALLENGER_SHARE."""
    if not version:
        return None, None
    given = share or "0"
    return f"{model}:{version}", float(given) if SHARE.fullmatch(given) else None


class Environment(Protocol):
    """Where a version is served."""

    @property
    def name(self) -> str:
        """Which one it is, the same at every promotion."""
        ...

    @property
    def registry(self) -> str | None:
        """The URL of the registry that it reads, where it tells."""
        ...

    def held(self, model: str) -> Held:
        """What it holds now."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep others from changing it meanwhile, where that can be done."""
        ...

    def prepare(self, state: State) -> Change:
        """What sets it, or begins to, given the name of the record; what can fail without a change fails here."""
        ...

    def follow(self, record: str, report: Callable[[str], None]) -> tuple[bool, str] | None:
        """Wait for the end of what was begun: whether it now holds `record`, and details; None for nothing begun.

        Args:
            report: called with each event as a line.
        """
        ...

    def next_step(self, store_url: str, ended: str | None) -> str:
        """What to tell below the result: how it `ended`, where that is known, or what is left to do."""
        ...

    def findings(self) -> Iterator[Finding]:
        """What there is to say of it beside what it holds."""
        ...
