"""Results as people read them: aligned tables, sizes and ages."""

from collections.abc import Sequence
from datetime import UTC, datetime

from brinery.output.write import visible


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned by spaces, two between them; no line ends in a space."""
    head, *rows = [list(map(visible, row)) for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return "\n".join(line.rstrip() for line in lines)


def figure_text(value: float, places: int = 4) -> str:
    """A figure as people compare it: with so many places, or so many digits and one where it is very small or large."""
    size = abs(value)
    if size >= 1e15 or 0 < size < 0.001:
        return f"{value:.{places + 1}g}"
    return f"{value:,.{places if size < 1000 else 1}f}"


def size_text(size: int) -> str:
    """Bytes in the largest unit that keeps the number at 1 or more: `12.3 MB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def age_text(moment: datetime, now: datetime | None = None) -> str:
    """How long ago, in the largest whole unit: `3 days ago`."""
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s'[: count != 1]} ago"
    return "just now"


def short_digest(digest: str | None) -> str:
    return f"sha256:{digest[:12]}…" if digest else ""
