"""Cells: the check of one value of a row, made from the feature that it is of."""

from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic_core import core_schema as cs

from brinery.rows.dates import DATE_STRING, FIRST_DAY, LAST_DAY, ZONED_DATE_STRING, days_of_moment, days_of_text
from brinery.rows.feature import LONGEST_PROSE, Feature
from brinery.rows.written import TRUTHS, Written

NUMERIC_STRING = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
WHOLE_STRING = r"^[+-]?[0-9]+(\.0*)?$"
LONGEST_NUMBER = 64
LONGEST_TEXT = 1000  # of a category that training did not see
SHOWN_CATEGORIES = 10
PLAIN = Written()


class _Allowed(NamedTuple):
    """A check, what it allows in words, what the JSON schema says beside it, and what is taken that nothing else is."""

    check: cs.CoreSchema
    rule: str
    about: dict[str, Any]
    other: cs.CoreSchema | None = None


def cell_schema(feature: Feature) -> cs.CoreSchema:
    """The check of one value; it gives a float, a boolean or a text, and None where the value is missing.

    Numbers may come as numeric strings. Dates come as a number of days or as ISO 8601 text; "2007" is refused, since
    it could be either. Texts may be written as the CSV wrote them, where the feature came from one.
    """
    allowed, rule, about, other = BY_KIND[feature.kind](feature)
    if feature.nullable:
        allowed = cs.nullable_schema(allowed)
        if feature.kind == "text":
            allowed = cs.no_info_after_validator_function(_empty_where_none, allowed)
        elif feature.written is not None:
            words = _text(cs.literal_schema(sorted(feature.written.words_of_missing)))
            missing = cs.no_info_after_validator_function(_none, words)
            allowed = _undocumented(allowed, missing)
    if other is not None:
        allowed = cs.union_schema([allowed, other], mode="left_to_right")
    message = f"{feature.name} must be {rule}{' or null' if feature.nullable else ''}"
    return cs.custom_error_schema(
        allowed, "cell", custom_error_message=message, metadata={"pydantic_js_updates": about}
    )


def _number(feature: Feature) -> _Allowed:
    whole, written = feature.kind == "integer", feature.written
    number = cs.float_schema(
        strict=True,
        allow_inf_nan=False,
        multiple_of=1.0 if whole else None,
        metadata={"pydantic_js_updates": {"type": feature.kind}},
    )
    to_float = cs.float_schema(allow_inf_nan=False, multiple_of=1.0 if whole else None)
    rule = "a whole number" if whole else "a finite number"
    text: cs.CoreSchema
    if written is not None and (written.decimal != "." or written.thousands):
        spelled = cs.str_schema(
            strict=True, max_length=LONGEST_NUMBER, strip_whitespace=True, pattern=written.number_pattern
        )
        text = cs.chain_schema([cs.no_info_after_validator_function(written.plain, spelled), to_float])
        example = f"1{written.thousands or ''}234" + ("" if whole else f"{written.decimal}5")
        rule += f", or a text of one such as '{example}'"
    else:
        pattern = WHOLE_STRING if whole else NUMERIC_STRING
        text = cs.chain_schema(
            [
                cs.str_schema(
                    strict=True, max_length=LONGEST_NUMBER, pattern=pattern, strip_whitespace=written is not None
                ),
                to_float,
            ]
        )
    return _Allowed(cs.union_schema([number, text], mode="left_to_right"), rule, {"description": _seen(feature)})


def _boolean(feature: Feature) -> _Allowed:
    allowed: cs.CoreSchema = cs.bool_schema(strict=True)
    if feature.written is not None:
        words = _text(cs.literal_schema(list(TRUTHS)), to_lower=True)
        written = [words, cs.chain_schema([cs.int_schema(strict=True, ge=0, le=1), _as_text()])]
        truth = cs.union_schema([cs.no_info_after_validator_function(TRUTHS.__getitem__, each) for each in written])
        allowed = _undocumented(allowed, truth)
    return _Allowed(allowed, "true or false", {})


def _date(feature: Feature) -> _Allowed:
    written = feature.written or PLAIN
    days = cs.float_schema(strict=True, allow_inf_nan=False, ge=FIRST_DAY, lt=LAST_DAY)
    text = cs.str_schema(
        strict=True,
        pattern=ZONED_DATE_STRING if feature.zoned else DATE_STRING,
        strip_whitespace=feature.written is not None,
        metadata={"pydantic_js_functions": [_zoned_date_texts if feature.zoned else _date_texts]},
    )
    allowed: cs.CoreSchema = cs.union_schema(
        [days, cs.no_info_after_validator_function(days_of_text, text)], mode="left_to_right"
    )
    rule = (
        "an ISO 8601 date-time with its offset such as '2007-11-11T06:00:00Z'"
        if feature.zoned
        else "an ISO 8601 date or date-time such as '2007-11-11'"
    )
    if written.dates is not None:
        spelled = cs.str_schema(strict=True, max_length=LONGEST_NUMBER)
        allowed = _undocumented(allowed, cs.no_info_after_validator_function(_days_as_written(written), spelled))
        rule += f", or a date written as {written.dates}"
    offset = "with its offset" if feature.zoned else "in UTC where it has no offset"
    return _Allowed(
        allowed,
        f"{rule}, or days since 1970-01-01, of the years 1 to 9999",
        {"description": f"A date, {offset}, or days since 1970-01-01. {_seen(feature)}"},
    )


def _category(feature: Feature) -> _Allowed:
    categories = list(feature.categories or ())
    shown = ", ".join(repr(category) for category in categories[:SHOWN_CATEGORIES])
    rule = f"one of {shown}{', …' if len(categories) > SHOWN_CATEGORIES else ''}"
    known: cs.CoreSchema = cs.literal_schema(categories)
    trimmed = feature.written is not None and not feature.written.verbatim
    if trimmed:
        known = _undocumented(known, _text(cs.literal_schema(categories)))
    if feature.written is not None and feature.written.zero_fraction:
        bare = cs.no_info_after_validator_function(_without_zero_fraction, cs.str_schema(strict=True))
        known = _undocumented(known, cs.chain_schema([bare, cs.literal_schema(categories)]))
    number_as_text = cs.chain_schema([cs.int_schema(strict=True), _as_text()])
    like_numbers = any(category.lstrip("-").isdigit() for category in categories)
    if like_numbers:
        known = _undocumented(known, cs.chain_schema([number_as_text, cs.literal_schema(categories)]))
    if feature.unknown_categories == "refuse":
        return _Allowed(known, rule, {})
    other: cs.CoreSchema = cs.str_schema(strict=True, max_length=LONGEST_TEXT, strip_whitespace=trimmed)
    if feature.written is not None:
        other = cs.no_info_after_validator_function(_no_word_of(feature.written), other)
    if like_numbers:
        other = _undocumented(other, number_as_text)
    about = {"description": f"Training saw {rule.removeprefix('one of ')}; other texts are answered with a warning."}
    return _Allowed(known, f"{rule}, or another text of at most {LONGEST_TEXT} letters", about, other)


def _prose(feature: Feature) -> _Allowed:
    rule = f"a text of at most {LONGEST_PROSE} letters"
    return _Allowed(cs.str_schema(strict=True, max_length=LONGEST_PROSE), rule, {})


BY_KIND: dict[str, Callable[[Feature], _Allowed]] = {
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
    "date": _date,
    "category": _category,
    "text": _prose,
}


def _seen(feature: Feature) -> str:
    return f"Training saw {feature.range_text}; values outside are answered with a warning."


def _text(check: cs.CoreSchema, to_lower: bool = False) -> cs.CoreSchema:
    """A check of a text without the blanks around it."""
    bare = cs.str_schema(strict=True, max_length=LONGEST_TEXT, strip_whitespace=True, to_lower=to_lower)
    return cs.chain_schema([bare, check])


def _undocumented(documented: cs.CoreSchema, other: cs.CoreSchema) -> cs.CoreSchema:
    """Either; the JSON schema tells the first alone, which is what generators and forms shall write."""

    def first_alone(schema: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return handler(documented)

    return cs.union_schema([documented, other], mode="left_to_right", metadata={"pydantic_js_functions": [first_alone]})


def _days_as_written(written: Written) -> Callable[[str], float]:
    def days(text: str) -> float:
        moment = written.moment(text)
        if moment is None:
            raise ValueError("no such date")
        return days_of_moment(moment)

    return days


def _as_text() -> cs.CoreSchema:
    return cs.no_info_plain_validator_function(str)


def _no_word_of(written: Written) -> Callable[[str], str]:
    """A text that does not mean missing: what the CSV left empty is no category."""

    def other(text: str) -> str:
        if text.strip() in written.words_of_missing:
            raise ValueError("means missing")
        return text

    return other


def _without_zero_fraction(text: str) -> str:
    return text.removesuffix(".0")


def _none(text: str) -> None:
    return None


def _empty_where_none(text: str | None) -> str:
    return text or ""


def _date_texts(schema: object, handler: object) -> dict[str, Any]:
    """The texts of dates by their formats, which generators know; the pattern would be one of both."""
    return {"anyOf": [{"type": "string", "format": name} for name in ("date", "date-time")]}


def _zoned_date_texts(schema: object, handler: object) -> dict[str, Any]:
    return {"type": "string", "format": "date-time"}
