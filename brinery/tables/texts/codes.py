"""Codes: texts that could be read as numbers, and of which different ones would become one number."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

EXACT = 2**53  # beyond it, floats skip whole numbers
EXACT_DIGITS = 16  # from so many on, decimals may be one float
ZEROS = re.compile(r"[+-]?0\d+")
HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F]+")
EXPONENT = re.compile(r"\d+[eE]\d+")  # programs write exponents with a sign or a decimal mark
MEASURED = re.compile(r"\d*\.\d*([eE].*)?|\d+[eE][+-]\d+")


def may_hold_codes(column: pa.Array) -> bool:
    """Whether a closer look at a column of texts is worth its time."""
    starts = [pc.starts_with(column, mark) for mark in ("0", " ", "+", "-")]
    edge = column.filter(pc.or_(pc.or_(starts[0], starts[1]), pc.or_(starts[2], starts[3])))
    if pc.any(pc.match_substring_regex(edge, r"^\s*[+-]?0[0-9xX]")).as_py():
        return True
    if any(pc.any(pc.match_substring_regex(_with(column, e), r"[0-9][eE][0-9]")).as_py() for e in "eE"):
        return True
    return bool((pc.max(pc.binary_length(column)).as_py() or 0) >= EXACT_DIGITS)


def first_code(texts: Sequence[str]) -> int | None:
    """The place of the first of the numbers that is spelled as codes are, or None."""
    measured = any(MEASURED.fullmatch(text) for text in texts)
    for place, text in enumerate(texts):
        if ZEROS.fullmatch(text) or HEXADECIMAL.fullmatch(text) or (not measured and EXPONENT.fullmatch(text)):
            return place
    return None


def first_lost(numbers: Mapping[str, float]) -> str | None:
    """The first number, as spelled, that has the float of another one; None where all stay apart."""
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
