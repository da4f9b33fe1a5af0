"""Columns that are not declared: what a person would take them for, or why that is not clear."""

import re
from collections.abc import Sequence

import pyarrow as pa

from brinery.rows.feature import EXACT
from brinery.rows.written import TRUTHS
from brinery.tables.spelling import Spelling
from brinery.tables.texts.cells import Cell, Cells
from brinery.tables.texts.codes import first_code, first_lost, part_thousands
from brinery.tables.texts.dates import are_seasons
from brinery.tables.texts.distinct import Texts, shown
from brinery.tables.texts.hints import hint_in
from brinery.tables.texts.values import (
    INT64,
    Interpreted,
    Unclear,
    as_dates,
    as_written,
    pairs,
    typed,
    values_of,
    words_of_missing,
)

NUMBERS, DATES = (Cell.NUMBER, Cell.NEAR_NUMBER), (Cell.DATE, Cell.NEAR_DATE)
MARKS = frozenset(("?", "-", "--", ".", "*", "n.a.", "N.A.", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!"))
UNITS_AT_MOST, NUMBERS_AT_LEAST = 3, 3  # words behind different numbers are units where they are few
NUMBER_OF_JSON = re.compile(r"(?!-0([.]0*)?$)-?(0|[1-9]\d*)([.]0*)?")  # a whole one, also as pandas writes it: 1.0
SCALES = "kmgbt"  # letters that stand for thousands and more; others are parts of codes, as in 12A and 12B
UNITS = frozenset(  # of which a column may hold many sorts
    "mm cm dm m km in inch inches ft feet yd mi mile miles mg g kg t lb lbs oz ml cl dl l gal ms s sec secs min mins h "
    "hr hrs hour hours day days wk week weeks month months yr yrs year years kw kwh hz khz mhz ghz kb mb gb tb pa kpa "
    "bar psi kj cal kcal pcs pc".split()
)


def inferred(texts: Texts, cells: Cells, spelling: Spelling) -> Interpreted:
    kinds = [cells.of(text) for text in texts.values]
    places: dict[Cell, list[int]] = {kind: [] for kind in Cell}
    for place, kind in enumerate(kinds):
        places[kind].append(place)
    present = {kind for kind in Cell if places[kind]} - {Cell.MISSING}
    if not present:
        return Interpreted(pa.nulls(len(texts.codes)))
    if present == {Cell.NUMBER}:
        return _numbers_or_codes(texts, cells, places[Cell.NUMBER], spelling)
    if present == {Cell.BOOLEAN}:
        if texts.name == spelling.target and not _are_of_json(texts, places[Cell.BOOLEAN]):
            return Interpreted(_bare(texts, places[Cell.BOOLEAN]))
        truths = [None if kind is Cell.MISSING else TRUTHS[text.strip().lower()] for text, kind in pairs(texts, kinds)]
        return Interpreted(texts.replaced(truths, pa.bool_()))
    if present == {Cell.DATE} and texts.name != spelling.target:
        return as_dates(texts, cells, kinds, spelling)
    if not _is_unit(texts, places[Cell.UNIT], places[Cell.NUMBER]):
        places[Cell.TEXT] += places.pop(Cell.UNIT)
        places[Cell.UNIT] = []
    if present != {Cell.DATE}:
        _refuse_mostly_others(texts, places, spelling)
    return as_written(texts, kinds) if texts.name == spelling.target else _trimmed(texts, kinds)


def _refuse_mostly_others(texts: Texts, places: dict[Cell, list[int]], spelling: Spelling) -> None:
    """A column that is mostly numbers or dates and would be a category."""
    groups = {"numbers": [*NUMBERS, Cell.UNIT], "dates": [*DATES]}
    total = texts.rows(place for kind, found in places.items() if kind is not Cell.MISSING for place in found)
    distinct = sum(len(found) for kind, found in places.items() if kind is not Cell.MISSING)
    if texts.name == spelling.target:
        del groups["dates"]  # which are answers as they are written
    for name, group in groups.items():
        alike = [place for kind in group for place in places[kind]]
        plain = places[group[0]]
        rows = texts.rows(alike)
        if 2 * rows <= total and (2 * len(alike) <= distinct or len(alike) < NUMBERS_AT_LEAST):
            continue
        rest = [place for kind in Cell if kind not in (Cell.MISSING, group[0]) for place in places[kind]]
        if not rest or (name == "dates" and are_seasons([texts.values[place] for place in alike])):
            continue
        rest.sort()
        told = texts.told(rest)
        kind_of = {place: kind for kind, found in places.items() for place in found}
        do = hint_in(texts, [(place, kind_of[place]) for place in rest], spelling.written(texts.name))
        holds = f"is mostly {name}, and holds {told}" if plain else f"holds {told}, which {_look_like(name, len(rest))}"
        out = "" if texts.name == spelling.target else ", or put it into exclude"
        raise Unclear(f'{holds}; {do}, or name it in kinds as "category" where its texts are categories{out}')


def _look_like(name: str, texts: int) -> str:
    return f"look like {name}" if texts > 1 else f"looks like a {name.removesuffix('s')}"


def _is_unit(texts: Texts, units: Sequence[int], numbers: Sequence[int]) -> bool:
    """Whether words behind numbers are units and not parts of names such as 2D and 3D."""
    words = {texts.values[place].strip().lstrip("+-0123456789.,' ").lower() for place in units}
    known = len(words & UNITS)
    few = len(words) == 1 or len(words) <= UNITS_AT_MOST or 2 * known > len(words)
    apart = len(words) == 1 or all(len(word) > 1 or word in SCALES or known > UNITS_AT_MOST for word in words)
    return bool(words) and few and apart and len(units) + len(numbers) >= NUMBERS_AT_LEAST


def _numbers_or_codes(texts: Texts, cells: Cells, places: Sequence[int], spelling: Spelling) -> Interpreted:
    """Numbers, unless they are spelled as codes are; of a target, codes are texts."""
    bare = [cells.written.plain(texts.values[place]) for place in places]
    target = texts.name == spelling.target
    at = first_code(bare)
    if at is not None:
        told = f"{shown(texts.values[places[at]])} ({texts.at(places[at])})"
        if target or len({len(text) for text in bare}) == 1:
            note = f'is taken as texts, since it holds {told}, as codes do; kinds "number" would make numbers of it'
            return Interpreted(_bare(texts, places), None, (note,))
        raise Unclear(
            f"holds {told}, as codes do, among numbers; name it in kinds as "
            '"category" to keep its texts as they are written, or as "number" to make numbers of it'
        )
    pointed = part_thousands(bare) if (cells.written.decimal, cells.written.thousands) == (".", None) else []
    if pointed:
        told = texts.told([places[place] for place in pointed])
        raise Unclear(
            f'holds {told} beside whole numbers; say "decimal": ",", "thousands": "." where the point parts thousands, '
            'or name it in kinds as "number" where it is the decimal mark'
        )
    values = values_of(bare, cells)
    if target and all(float(value).is_integer() for value in values):
        odd = [place for place, text in zip(places, bare, strict=True) if not NUMBER_OF_JSON.fullmatch(text)]
        if odd:
            note = f'is taken as texts, to be answered as {texts.told(odd[:1])} is written; kinds "number" would make '
            return Interpreted(_bare(texts, places), None, (f"{note}numbers of it",))
    if any(isinstance(value, int) and abs(value) > EXACT for value in values):
        return _large(texts, places, values, spelling)
    lost = first_lost(dict(zip(bare, map(float, values), strict=True)))
    if lost is not None:
        at = bare.index(lost)
        raise Unclear(
            f"holds {shown(texts.values[places[at]])} ({texts.at(places[at])}), which is one number with "
            'another of its texts to a computer; name it in kinds as "category" to keep its texts, or as "number" to '
            "round them"
        )
    return Interpreted(typed(texts, places, values))


def _large(texts: Texts, places: Sequence[int], values: Sequence[int | float], spelling: Spelling) -> Interpreted:
    """Whole numbers beyond 2^53: exact in a target, as texts where no integer can hold them."""
    if texts.name == spelling.target:
        if all(isinstance(value, int) and -INT64 <= value < INT64 for value in values):
            return Interpreted(typed(texts, places, values))
        note = "is taken as texts, since it holds whole numbers that no integer of 64 bits can hold"
        return Interpreted(_bare(texts, places), None, (note,))
    at = next(i for i, value in enumerate(values) if isinstance(value, int) and abs(value) > EXACT)
    raise Unclear(
        f"holds {shown(texts.values[places[at]])} ({texts.at(places[at])}), a whole number beyond 2^53, of "
        'which neighbours are one number to a model; name it in kinds as "category" to keep its texts, as "number" '
        "where it is a quantity, or put it into exclude"
    )


def _are_of_json(texts: Texts, places: Sequence[int]) -> bool:
    """Whether JSON would spell these booleans as they are written."""
    return all(texts.values[place].strip() in ("true", "false") for place in places)


def _bare(texts: Texts, places: Sequence[int]) -> pa.Array:
    """The column as it is written, without blanks around; what is at no place is missing."""
    kept = set(places)
    return texts.replaced(
        [value.strip() if place in kept else None for place, value in enumerate(texts.values)], pa.string()
    )


def _trimmed(texts: Texts, kinds: Sequence[Cell]) -> Interpreted:
    values = [None if kind is Cell.MISSING else text.strip() for text, kind in pairs(texts, kinds)]
    notes = words_of_missing(texts, kinds)
    marks = [place for place, text in enumerate(texts.values) if text.strip() in MARKS and kinds[place] is Cell.TEXT]
    if marks:
        listed = ", ".join(f'"{texts.values[place].strip()}"' for place in marks)
        notes += (f'has {texts.told(marks)} among its categories; say "missing": [{listed}] where that means missing',)
    padded = [
        place for place, (text, value) in enumerate(zip(texts.values, values, strict=True)) if value not in (None, text)
    ]
    if padded:
        notes += (f"is taken without the blanks around its texts, as in {texts.told(padded[:1])}",)
    return Interpreted(texts.replaced(values, pa.string()), None, notes)
