"""What an environment is: where a version is served, such as an environment file or a stack."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from brinery.versions.finding import Finding
from brinery.versions.reference import Reference

Change = Callable[[str], None]


@dataclass(frozen=True)
class Held:
    """What an environment holds: the version, as found; the name of the record that set it; the serving image.

    `unsettled` says why that may not be what it serves, and why it cannot be changed now.
    """

    pin: str | None = None
    record: str | None = None
    image: str | None = None
    unsettled: str | None = None


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

    def prepare(self, reference: Reference) -> Change:
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
