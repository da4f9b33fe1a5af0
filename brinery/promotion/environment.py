"""What an environment is: where a version is served, such as an environment file or a stack."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from brinery.versions.reference import Reference

Change = Callable[[str], bool]


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

    def current(self, model: str) -> Reference | None:
        """What it is set to now."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep others from changing it meanwhile, where that can be done."""
        ...

    def prepare(self, reference: Reference) -> Change:
        """What sets it, or begins to, and tells whether that is all there is to do; given the record's digest."""
        ...

    def follow(self, reference: Reference, report: Callable[[str], None]) -> tuple[bool, str] | None:
        """Wait for the end of what was begun: whether it now serves `reference`, and details; None for nothing begun.

        Args:
            report: called with each event as a line.
        """
        ...

    def next_step(self, store_url: str, ended: str | None) -> str:
        """What to tell below the result: how it `ended`, where that is known, or what is left to do."""
        ...
