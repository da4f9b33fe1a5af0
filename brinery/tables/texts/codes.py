"""Codes: texts that could be read as numbers, and of which different ones would become one number."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

EXACT_DIGITS = 16  # from so many on, decimals may be one float
ZEROS = re.compile(r"[+-]?0\d+")
HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F]+")
EXPONENT = re.compile(r"\d+[eE]\d+")  # programs write exponents with a sign or a decimal mark
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
WHOLE_BELOW = re.compile(r"[+-]?\d{1,3}")
MEASURED = re.compile(r"\d*\.\d*([eE].*)?|\d+[eE][+-]\d+")


def may_hold_codes(column: pa.Array) -> bool:
    """Whether a column of numbers as they are written may hold codes, and is worth a closer look."""
    starts = [pc.starts_with(column, mark) for mark in ("0", " ", "+", "-")]
    edge = column.filter(pc.or_(pc.or_(starts[0], starts[1]), pc.or_(starts[2], starts[3])))
    if pc.any(pc.match_substring_regex(edge, r"^\s*[+-]?0[0-9xX]")).as_py():
        return True
    if any(pc.any(pc.match_substring_regex(_with(column, e), r"[0-9][eE][0-9]")).as_py() for e in "eE"):
        return True
    return bool(pc.any(pc.match_substring_regex(_long(column), rf"^\s*[+-]?[0-9]{{{EXACT_DIGITS},}}\s*$")).as_py())


def may_be_rounded(column: pa.Array, decimal: str) -> bool:
    """Whether numbers as they are written may have more digits than floats of them keep."""
    long = pc.replace_substring(_long(column), decimal, ".")
    if not len(long):
        return False
    floats = pc.utf8_trim_whitespace(long).cast(pa.float64())
    shortest = floats.cast(pa.string())
    other = pc.not_equal(long, shortest)
    return bool(pc.any(pc.not_equal(_digits(long.filter(other)), _digits(shortest.filter(other)))).as_py())


def all_stay_apart(texts: pa.ChunkedArray, numbers: pa.ChunkedArray) -> bool:
    """Whether there are as many numbers as there are texts."""
    return bool(pc.count_distinct(texts).as_py() == pc.count_distinct(numbers).as_py())


def first_code(texts: Sequence[str]) -> int | None:
    """The place of the first of the numbers that is spelled as codes are, or None."""
    measured = any(MEASURED.fullmatch(text) for text in texts)
    for place, text in enumerate(texts):
        if ZEROS.fullmatch(text) or HEXADECIMAL.fullmatch(text) or (not measured and EXPONENT.fullmatch(text)):
            return place
    return None


def may_part_thousands(floats: pa.ChunkedArray) -> bool:
    """Whether all are below 1,000 with three decimals or none, as where 1.250 is written for 1,250."""
    thousandths = pc.multiply(pc.abs(floats), 1000)
    whole = pc.equal(floats, pc.round(floats))
    below = pc.and_(pc.less(thousandths, 1e6), pc.less(pc.abs(pc.subtract(thousandths, pc.round(thousandths))), 1e-9))
    return bool(pc.all(below).as_py() and pc.any(whole).as_py() and not pc.all(whole).as_py())


def part_thousands(texts: Sequence[str]) -> list[int]:
    """The places of numbers whose point may part thousands, where no other shows that it is the decimal mark."""
    pointed = [place for place, text in enumerate(texts) if "." in text]
    if len(pointed) == len(texts) or not all(THOUSANDS.fullmatch(texts[place]) for place in pointed):
        return []
    return pointed if all("." in text or WHOLE_BELOW.fullmatch(text) for text in texts) else []


def first_lost(numbers: Mapping[str, float]) -> str | None:
    """The first number, as spelled, that has the float of another one; None where all stay apart."""
    if max(map(len, numbers), default=0) < EXACT_DIGITS:
        return None
    long = {number for text, number in numbers.items() if sum(map(str.isdigit, text)) >= EXACT_DIGITS}
    seen: dict[float, Decimal] = {}
    for text, number in numbers.items():
        if number in long:
            exact = Decimal(text)
            if seen.setdefault(number, exact) != exact:
                return text
    return None


def _with(column: pa.Array, letter: str) -> pa.Array:
    return column.filter(pc.match_substring(column, letter))


def _long(column: pa.Array) -> pa.Array:
    return column.filter(pc.greater_equal(pc.binary_length(column), EXACT_DIGITS))


def _digits(column: pa.Array) -> pa.Array:
    """The digits that count, without those of an exponent."""
    return pc.replace_substring_regex(column, r"^[\s+-]*[0.]*|[.]|0*([eE].*)?\s*$", "")
