"""Columns of a CSV that are no plain numbers: as they are declared, else as they look."""

import pyarrow as pa

from brinery.tables.spelling import Spelling
from brinery.tables.texts.cells import Cells
from brinery.tables.texts.declared import DECLARED
from brinery.tables.texts.distinct import Texts
from brinery.tables.texts.inferred import inferred
from brinery.tables.texts.values import Interpreted, Unclear


def interpreted(texts: Texts, spelling: Spelling) -> Interpreted:
    """What a column of texts is: as it is declared, else as it looks."""
    cells, kind = Cells(spelling, texts.name), spelling.kind_of(texts.name)
    try:
        if kind is not None:
            return DECLARED[kind](texts, cells, spelling)
        return inferred(texts, cells, spelling)
    except Unclear as exc:
        return Interpreted(pa.nulls(len(texts.codes)), str(exc))
