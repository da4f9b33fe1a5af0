"""Partitions: columns whose values the names of folders hold, such as year=2024, as Hive and Spark write them."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from brinery.errors import DataInvalid

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def partitions_of(where: str, paths: Sequence[str]) -> dict[str, Mapping[str, str | None]]:
    """By path of a file, the values of such columns; the same columns for all, and none where no folder is named so.

    Raises:
        DataInvalid: the files have different columns in the names of their folders, or one twice.
    """
    found: dict[str, Mapping[str, str | None]] = {path: _values_in(where, path) for path in paths}
    first = next(iter(found))
    for path, values in found.items():
        if values.keys() != found[first].keys():
            raise DataInvalid(
                f"{where}: the folders of {path} name {_told(values)}, and those of {first} {_told(found[first])}; "
                "each file must lie in folders of the same names"
            )
    return found


def _values_in(where: str, path: str) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for folder in PurePosixPath(path).parts[:-1]:
        name, equals, value = folder.partition("=")
        if not equals or not name:
            continue
        if unquote(name) in values:
            raise DataInvalid(f'{where}: the folders of {path} name "{unquote(name)}" twice')
        values[unquote(name)] = None if value == NO_VALUE else unquote(value)
    return values


def _told(values: Mapping[str, object]) -> str:
    return ", ".join(values) or "no column"
