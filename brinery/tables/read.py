"""Reading: from a source to a table whose header is known, and from there to a frame.

What reads files is imported where one is read: scikit-learn's data sets, which are none, are trained on without it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from brinery.errors import DataInvalid
from brinery.rows.written import Written
from brinery.tables.sources import Load, Source
from brinery.tables.spelling import PLAIN, Spelling
from brinery.tables.table import Table, with_usable_types


@dataclass(frozen=True)
class Reading:
    """A frame of some columns, and the sha256 of the source's bytes as fetched.

    Of a folder the digest is that of the lines "SHA256  PATH" of its files. `problems` says why a column cannot be
    used, which is then one of missing values; `notes` what was done to a column. Both are by column, and follow its
    name. `written` is how a CSV wrote a column, by column.
    """

    frame: pd.DataFrame
    sha256: str
    problems: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    written: Mapping[str, Written] = field(default_factory=dict)


class SourceTable:
    """A source with its header read, whose columns can then be chosen; it is read once, and holds its bytes till then.

    `names` are those of all its columns; `index` those that were the index of a frame.
    """

    def __init__(self, source: Source) -> None:
        """Read the header; of many files, that of the first.

        Raises:
            DataInvalid: the source cannot be read, is empty, or is neither CSV nor Parquet.
        """
        self.shown = source.shown
        self._digest = ""
        self._table: Table = _set_of(source) if source.file is None else self._one_file(source.file)
        self.names, self.index = self._table.names, self._table.index

    def read(self, columns: Sequence[str], spelling: Spelling = PLAIN) -> Reading:
        """Read some of the columns.

        Raises:
            DataInvalid: a row cannot be read, or there is none.
        """
        from brinery.tables.frame import to_frame
        from brinery.tables.parquet import ParquetSet

        found = with_usable_types(self.shown, self._table.read(columns, spelling), spelling)
        if isinstance(self._table, ParquetSet):
            listing = "".join(f"{digest}  {path}\n" for path, digest in self._table.digests.items())
            self._digest = hashlib.sha256(listing.encode()).hexdigest()
        del self._table  # with the bytes
        table, found.table = found.table, None
        return Reading(to_frame(table), self._digest, found.problems, found.notes, found.written)

    def _one_file(self, load: Load) -> Table:
        from brinery.tables.compression import decompressed
        from brinery.tables.csv import CsvFile
        from brinery.tables.parquet import MAGIC, ParquetFile

        data, self._digest = load()
        if not memoryview(data).nbytes:
            raise DataInvalid(f"{self.shown} is empty; it must hold a header and rows")
        data = decompressed(self.shown, data)
        file = ParquetFile if bytes(memoryview(data)[:4]) == MAGIC else CsvFile
        return file(self.shown, data)


def _set_of(source: Source) -> Table:
    from brinery.tables.parquet import ParquetSet

    return ParquetSet(source.shown, source.files)
