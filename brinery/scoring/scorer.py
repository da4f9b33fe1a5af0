"""The scorer: the rows of a piece, checked, answered in batches of one size, and made into a part."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from brinery.loading.model import VerifiedModel
from brinery.monitoring.sketch import Profile, Sketch
from brinery.rows.parser import RowParser
from brinery.scoring.outputs import Output
from brinery.scoring.reading.columns import Checked, Columns, Refused, refused_at
from brinery.scoring.reading.source import Source
from brinery.scoring.reading.texts import CsvRows, json_rows

NO_ROW = "must be a row: an object by feature name, or a list"


@dataclass(frozen=True)
class Scored:
    """What became of a piece: its `rows`, those `refused` by their places in it, and a part of the others.

    `counts` are those of a sketch: by feature and of the answers; None where the version has no profile.
    """

    rows: int
    refused: Refused
    table: pa.Table
    counts: Mapping[str, Any] | None


@dataclass(frozen=True)
class _Batch:
    """Rows that are answered at once, shape (rows, features), their places in the piece, and what is kept of them."""

    array: np.ndarray
    places: np.ndarray
    kept: pa.Table


@dataclass(frozen=True)
class Scorer:
    """Answers pieces with one verified version; any number of threads may use it.

    `batch` is how many rows are answered at once, which moves the last bits of answers; `keep` are columns of the input
    that stay beside the answers.
    """

    model: VerifiedModel
    output: Output
    batch: int
    keep: Sequence[str] = ()
    _of_parquet: Columns = field(init=False, repr=False)
    _of_csv: Columns = field(init=False, repr=False)

    def __post_init__(self) -> None:
        features = self.model.manifest.features
        object.__setattr__(self, "_of_parquet", Columns(features))
        object.__setattr__(self, "_of_csv", Columns(features, of_csv=True))

    @property
    def columns(self) -> list[str]:
        """The columns that are read of an input."""
        return list(dict.fromkeys([*self.model.parser.names, *self.keep]))

    def score(self, source: Source, data: pa.Table | bytes, most_refused: int) -> Scored:
        """Score a piece of a source, up to where more of its rows are refused than may be.

        Raises:
            DataInvalid: the piece cannot be read.
        """
        sketch = sketch_of(self.model)
        refused: Refused = {}
        batches = self._of_lines(source, data, refused) if isinstance(data, bytes) and source.kind == "jsonl" else None
        batches = batches or self._of_table(*self._read(source, data), refused)
        tables = []
        for batch in batches:
            tables.append(self._answered(batch, refused, sketch))
            if len(refused) > most_refused:
                break
        table = pa.concat_tables(tables) if tables else self.output.schema.empty_table()
        return Scored(len(table) + len(refused), refused, table, None if sketch is None else self._counts(sketch))

    def _read(self, source: Source, data: pa.Table | bytes) -> tuple[pa.Table, Columns, Refused]:
        """The rows of a piece, what checks them, and why some are none."""
        constants = source.input.constants
        if isinstance(data, pa.Table):
            return data, self._of_csv if constants else self._of_parquet, {}
        columns = self._of_csv
        features = [feature for feature in columns.features if feature.name not in constants]
        keep = [name for name in self.keep if name not in constants]
        table, ragged = CsvRows(source.name, source.stored, source.separator or ",", features, keep).read(data)
        for name, value in constants.items():
            if name in self.columns:
                table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), len(table)))
        return table, columns, ragged

    def _of_table(self, table: pa.Table, columns: Columns, ragged: Refused, refused: Refused) -> Iterator[_Batch]:
        refused |= ragged
        places = np.delete(np.arange(len(table) + len(ragged)), list(ragged))
        features, keep = table.select(list(self.model.parser.names)), table.select(list(self.keep))
        for start in range(0, len(table), self.batch):
            here, kept = places[start : start + self.batch], keep.slice(start, self.batch)
            checked = columns.check(features.slice(start, self.batch))
            refused |= refused_at(checked.refused, here)
            if checked.refused:
                kept = kept.take(pa.array(checked.places))
            yield _Batch(checked.array, here[checked.places], kept)

    def _of_lines(self, source: Source, data: bytes, refused: Refused) -> Iterator[_Batch]:
        constants, parser = source.input.constants, self.model.parser
        if constants:  # what folders name is text
            spelled = {each.name: each for each in self._of_csv.features if each.name in constants}
            parser = RowParser([spelled.get(each.name, each) for each in self.model.manifest.features])
        rows, wrong = json_rows(data)
        refused |= wrong
        for start in range(0, len(rows), self.batch):
            some = rows[start : start + self.batch]
            places = np.array([start + i for i in range(len(some)) if start + i not in wrong], dtype=np.intp)
            checked = self._checked_rows([rows[place] for place in places.tolist()], parser, constants)
            refused |= refused_at(checked.refused, places)
            here = places[checked.places]
            kept = [rows[place] for place in here.tolist()]
            table = pa.table(
                {name: pa.array([_kept(row, name, constants) for row in kept], pa.string()) for name in self.keep}
            )
            yield _Batch(checked.array, here, table)

    def _checked_rows(self, rows: list[Any], parser: RowParser, constants: Mapping[str, str | None]) -> Checked:
        """Rows as a request has them, but that objects may hold more than the features, and lack what folders name."""
        names = self.model.parser.names
        refused: Refused = {}
        given: list[Any] = []
        places: list[int] = []
        for place, row in enumerate(rows):
            if isinstance(row, dict):
                if twice := [name for name in constants if name in row]:
                    refused[place] = [f"{name} is named by a folder, too" for name in twice]
                    continue
                row = {**constants, **row}
                given.append({name: row[name] for name in names if name in row})
            elif isinstance(row, list) or len(names) == 1:
                given.append(row if isinstance(row, list) else [row])
            else:
                refused[place] = [NO_ROW]
                continue
            places.append(place)
        whole = np.array(places, dtype=np.intp)
        if not given:
            return Checked(np.empty((0, len(names))), whole, refused)
        found = parser.parse(given, len(given), partial=True)
        refused |= {int(whole[i]): [message for _, message in errors] for i, errors in found.refused.items()}
        return Checked(found.array, whole[list(found.places)] if found.refused else whole, refused)

    def _answered(self, batch: _Batch, refused: Refused, sketch: Sketch | None) -> pa.Table:
        array, kept = batch.array, batch.kept
        answers, unanswered = self.model.answer_array(array)
        if unanswered:
            refused |= {int(batch.places[row]): [f"it {why}"] for row, why in unanswered.items()}
            rest = np.delete(np.arange(len(array)), list(unanswered))
            array, kept = array[rest], kept.take(pa.array(rest))
        if not len(array):
            return self.output.schema.empty_table()
        if sketch is not None:
            sketch.add(array, answers)
        return self.output.table(kept, self.model.task.columns(answers))

    def _counts(self, sketch: Sketch) -> dict[str, Any]:
        rows, features, answers = sketch.take()
        return {"rows": rows, "features": dict(zip(self.model.parser.names, features, strict=True)), "answers": answers}


def sketch_of(model: VerifiedModel) -> Sketch | None:
    """Counts by the version's profile; None where it has none that can be used."""
    if model.profile is None:
        return None
    try:
        return Sketch(Profile.read(model.profile), model.manifest.features)
    except (ValueError, KeyError):
        return None


def _kept(row: Any, name: str, constants: Mapping[str, str | None]) -> str | None:
    """A value of a line, or of its folders' names, as text."""
    if name in constants:
        return constants[name]
    value = row.get(name) if isinstance(row, dict) else None
    return value if value is None or isinstance(value, str) else json.dumps(value)
