"""Rows: input as people send it, checked against the features and turned into one array."""

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from pydantic_core import SchemaValidator, ValidationError
from pydantic_core import core_schema as cs

from brinery.errors import RowInvalid, TooManyRows
from brinery.rows.cell import cell_schema
from brinery.rows.feature import Feature
from brinery.rows.unfitted import Unfitted

MAX_ERRORS = 10
MAX_WARNINGS = 10
PIECE = 500  # rows that are checked at once
SCALARS = frozenset({float, int, str, bool, type(None)})  # the types of cells in decoded JSON


Errors = list[tuple[str, str]]


class Warned(NamedTuple):
    """A value that the model was not fitted on the like of, by JSON pointer."""

    path: str
    message: str


class Batch(NamedTuple):
    """Checked rows, shape (rows, features): float64, or object where a feature is a category.

    Missing values are NaN; a missing category is None. `warnings` are values that are accepted and that the model was
    not fitted on the like of, at most 10, in row order. `single` says that it was one row by itself, so that one answer
    is expected. `refused` are errors by row, of rows that are left out, where that was asked for; `places` are then
    those of the rows that are there.
    """

    array: np.ndarray
    warnings: list[Warned]
    single: bool
    refused: Mapping[int, Errors] = MappingProxyType({})
    places: Sequence[int] = ()


class RowParser:
    """Checks and converts rows for one model; made once, at load."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        self.names = tuple(feature.name for feature in features)
        self._known = frozenset(self.names)
        self._widest = len(self.names) + MAX_ERRORS
        cells = [cell_schema(feature) for feature in features]
        as_list = cs.tuple_schema(cells)
        as_object = cs.typed_dict_schema(
            {name: cs.typed_dict_field(cell) for name, cell in zip(self.names, cells, strict=True)},
            extra_behavior="forbid",
        )
        schemas: dict[type, cs.CoreSchema] = {list: as_list, dict: as_object}
        self._shapes = [as_object, as_list, *(cells if len(cells) == 1 else [])]
        self._row = {kind: SchemaValidator(schema) for kind, schema in schemas.items()}
        self._rows = {
            kind: SchemaValidator(cs.list_schema(schema, fail_fast=True, strict=True))
            for kind, schema in schemas.items()
        }
        self._numeric = not any(feature.of_texts for feature in features)
        self._unfitted = Unfitted(self.features)

    def parse(self, data: Any, max_rows: int, partial: bool = False) -> Batch:
        """Turn decoded JSON, one row or a list of rows, into an array.

        Args:
            partial: rows of a list that do not fit are left out, and told in `refused`.

        Raises:
            RowInvalid: the input does not fit the features; at most 10 errors, by JSON pointer.
            TooManyRows: the list is longer than `max_rows`.
        """
        if isinstance(data, dict) or (isinstance(data, list) and self._is_one_row(data)):
            row = self._check(self._row[type(data)], data, "/data")
            return self._batch([row], isinstance(data, dict), data, True)
        if isinstance(data, list):
            if not data:
                raise RowInvalid([("/data", "must hold at least one row")])
            if len(data) > max_rows:
                raise TooManyRows([("/data", f"holds {len(data)} rows; at most {max_rows} are allowed")])
            try:
                return self._batch(*self._parse_many(data), data, False)
            except RowInvalid:
                if not partial:
                    raise
            return self._parse_each(data)
        if len(self.features) == 1:
            row = self._check(self._row[list], [data], "/data", bare=True)
            return self._batch([row], False, data, True)
        raise RowInvalid([("/data", self._row_rule())])

    def unfitted(self, array: np.ndarray) -> bool:
        """Whether checked rows, shape (rows, features), hold a value that the model was not fitted on the like of."""
        return bool(self._unfitted.first(array, 1))

    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of one row, made from the very checks that parse it."""
        from pydantic.json_schema import GenerateJsonSchema  # asked for by people and generators alone

        class WithoutTitles(GenerateJsonSchema):
            def field_title_should_be_set(self, schema: object) -> bool:
                return False

        return WithoutTitles().generate(cs.union_schema(list(self._shapes)))

    def _batch(self, rows: list[Any], keyed: bool, data: Any, single: bool) -> Batch:
        array = self._array(rows, keyed)
        return Batch(array, self._warnings(array, [data] if single else data, single), single)

    def _parse_each(self, data: list[Any]) -> Batch:
        """The rows that fit, one by one, and why others do not."""
        rows: list[Any] = []
        places: list[int] = []
        refused: dict[int, Errors] = {}
        for i, row in enumerate(data):
            try:
                rows.append(self._one_of_mixed(row, f"/data/{i}"))
                places.append(i)
            except RowInvalid as exc:
                refused[i] = exc.errors
        array = self._array(rows, False)
        return Batch(array, self._warnings(array, data, False, places), False, refused, places)

    def _warnings(self, array: np.ndarray, data: list[Any], single: bool, places: Sequence[int] = ()) -> list[Warned]:
        warned = []
        for i, j, message in self._unfitted.first(array, MAX_WARNINGS):
            place = places[i] if places else i
            row, path = data[place], "/data" if single else f"/data/{place}"
            if isinstance(row, dict | list):
                path += f"/{_escaped(self.names[j]) if isinstance(row, dict) else j}"
            warned.append(Warned(path, message))
        return warned

    def _is_one_row(self, data: list[Any]) -> bool:
        """A list of cells is one row; of a one-feature model only when it has one cell.

        Where half of it or more are rows, it is a list of rows, whatever comes first.
        """
        rows = 0 if SCALARS.issuperset(map(type, data)) else sum(isinstance(cell, list | dict) for cell in data)
        if not data or 2 * rows >= len(data):
            return False
        return len(self.features) > 1 or len(data) == 1

    def _parse_many(self, data: list[Any]) -> tuple[list[Any], bool]:
        """The checked rows, and whether they are objects."""
        kinds = set(map(type, data))
        if kinds == {dict}:
            return self._check_many(dict, data), True
        if len(self.features) == 1 and not kinds & {dict, list}:
            rows = self._check_many(list, [[cell] for cell in data], bare=True)
        elif kinds == {list}:
            rows = self._check_many(list, data)
        else:
            rows = [self._one_of_mixed(row, f"/data/{i}") for i, row in enumerate(data)]
        return rows, False

    def _one_of_mixed(self, row: Any, path: str) -> Sequence[Any]:
        if isinstance(row, dict):
            return tuple(self._check(self._row[dict], row, path).values())
        if isinstance(row, list):
            return self._check(self._row[list], row, path)  # type: ignore[no-any-return]
        if len(self.features) == 1:
            return self._check(self._row[list], [row], path, bare=True)  # type: ignore[no-any-return]
        raise RowInvalid([(path, self._row_rule())])

    def _array(self, rows: list[Any], keyed: bool) -> np.ndarray:
        cells = list(chain.from_iterable(map(dict.values, rows) if keyed else rows))
        shape = (len(rows), len(self.features))
        if self._numeric:
            return np.array(cells, dtype=np.float64).reshape(shape)
        array = np.empty(len(cells), dtype=object)
        array[:] = cells
        array = array.reshape(shape)
        for j, feature in enumerate(self.features):
            if not feature.of_texts:
                array[:, j] = array[:, j].astype(np.float64)
        return array

    def _check(self, validator: SchemaValidator, data: Any, path: str, *, bare: bool = False) -> Any:
        try:
            return validator.validate_python(self._without_most_unknown(data) if isinstance(data, dict) else data)
        except ValidationError as exc:
            raise RowInvalid(self._messages(exc, path, bare)) from None

    def _check_many(self, kind: type, data: list[Any], *, bare: bool = False) -> list[Any]:
        """Check rows of one kind in pieces, between which other threads can run."""
        rows: list[Any] = []
        for start in range(0, len(data), PIECE):
            piece = self._without_most_unknown(data[start : start + PIECE])
            try:
                rows += self._rows[kind].validate_python(piece)
            except ValidationError as exc:
                raise RowInvalid(self._messages(exc, "/data", bare, start)) from None
        return rows

    def _without_most_unknown(self, data: Any) -> Any:
        """Objects with no more unknown names than errors are told: each one costs pydantic an error."""
        if isinstance(data, list):
            widest = max((len(row) for row in data if isinstance(row, dict)), default=0)
            return data if widest <= self._widest else [self._without_most_unknown(row) for row in data]
        if not isinstance(data, dict) or len(data) <= self._widest:
            return data
        unknown = islice((name for name in data if name not in self._known), MAX_ERRORS)
        return {name: data[name] for name in chain(self.names, unknown) if name in data}

    def _messages(self, exc: ValidationError, path: str, bare: bool, start: int = 0) -> list[tuple[str, str]]:
        """Paths and messages of what was found in a row, or in the rows from `start` on."""
        found = exc.errors(include_url=False, include_context=True, include_input=False)[:MAX_ERRORS]
        return [(path + self._pointer(error["loc"], bare, start), self._message(error)) for error in found]

    def _pointer(self, loc: tuple[int | str, ...], bare: bool, start: int) -> str:
        if bare:
            loc = loc[:-1]
        if start and isinstance(loc[0], int):
            loc = (loc[0] + start, *loc[1:])
        return "".join(f"/{_escaped(str(part)[:200])}" for part in loc)

    def _message(self, error: Any) -> str:
        kind = error["type"]
        if kind == "cell":
            return str(error["msg"])
        if kind == "missing":
            last = error["loc"][-1]
            return f"{self.names[last] if isinstance(last, int) else last} is missing"
        if kind == "extra_forbidden":
            return "is not a feature of this model"
        if kind == "too_long":
            return f"has more than the {len(self.features)} values of a row"
        return self._row_rule()

    def _row_rule(self) -> str:
        count = len(self.features)
        bare = ", or the bare value" if count == 1 else ""
        return f"must be a row: an object by feature name, or a list of {count} value{'s'[: count != 1]}{bare}"


def _escaped(part: str) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
