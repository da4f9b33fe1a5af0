"""What the tables state, held to what happens."""

from tests.faithful.family import Family
from tests.faithful.outcome import outcome
from tests.faithful.table import stated

FEW = 1_000  # probe rows


def hold_whole(family: Family, name: str) -> None:
    """At every scale, with all probe rows."""
    for tried, columns, scale in family.asked:
        if tried == name:
            hold_to_what_is_stated(family, name, columns, scale, family.rows)


def hold_to_what_is_stated(family: Family, name: str, columns: str, scale: str, rows: int) -> None:
    found = outcome(family, name, columns, scale, rows)
    assert found.format == stated(family)[name, columns, scale], f"{columns}, {scale}: {found}"
    assert found.others == 0 and (found.difference or 0.0) <= 1e-5, f"{columns}, {scale}: {found}"
