"""Faults of a file that was given: told all at once."""

from collections.abc import Sequence

from brinery.errors import DataInvalid


def refuse(name: str, faults: Sequence[str]) -> None:
    """Raise DataInvalid where there are faults; a single one stays in one line."""
    if len(faults) == 1:
        raise DataInvalid(f"{name} cannot be published: {faults[0]}")
    if faults:
        raise DataInvalid("\n  ".join([f"{name} cannot be published:", *faults]))
