"""Counts of a run: those of its pieces, summed up as they come, so that they take no more room than one."""

from collections.abc import Mapping, Sequence
from typing import Any


class Counts:
    """Rows, features and answers, counted in the bins of a version's profile."""

    def __init__(self) -> None:
        self._rows = 0
        self._features: dict[str, list[int]] = {}
        self._answers: list[int] = []
        self._lacking = False

    def add(self, counts: Mapping[str, Any] | None) -> None:
        """Add those of a piece; None where the version has no profile."""
        if counts is None:
            self._lacking = True
            return
        self._rows += counts["rows"]
        self._answers = _sum(self._answers, counts["answers"])
        for name, found in counts["features"].items():
            self._features[name] = _sum(self._features.get(name, []), found)

    @property
    def told(self) -> dict[str, Any] | None:
        """All of them, as of a piece; None where one had none."""
        if self._lacking:
            return None
        return {"rows": self._rows, "features": self._features, "answers": self._answers}


def _sum(ours: Sequence[int], theirs: Sequence[int]) -> list[int]:
    return [one + other for one, other in zip(ours, theirs, strict=True)] if ours else list(theirs)
