"""Templates: the card's HTML and CSS, the files beside this one, and the filters that they use."""

from collections.abc import Iterable
from datetime import UTC, datetime

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from brinery.output.table import figure_text
from brinery.versions.manifest import utc_text

NAMED = 8
LONGEST = 500  # letters of what somebody else has written
LONGEST_NAME = 200


def name(text: str) -> Markup:
    """A name that a user chose: it keeps its direction beside other text, and breaks behind its separators."""
    shown = escape(shortened(text, LONGEST_NAME))
    for separator in "_/.":
        shown = shown.replace(separator, separator + Markup("<wbr>"))
    return Markup("<bdi>{}</bdi>").format(shown)


def shortened(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def names(texts: Iterable[str], most: int = NAMED) -> Markup:
    """A list of names in a sentence, the rest of a long one as a number."""
    every = list(texts)
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return Markup(", ").join(map(name, every[:most])) + rest


def thousands(count: int) -> str:
    return f"{count:,}"


def per_cent(share: float) -> str:
    """A share in whole per cent, that calls nothing all or none that is not."""
    bound, shown = ("<", 0.01) if 0 < share < 0.01 else (">", 0.99) if 0.99 < share < 1 else ("", share)
    return f"{bound}{shown * 100:.0f}"


def short(value: float) -> str:
    """A number in four digits, or the whole part of what has more."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:,.4g}"


def utc(moment: datetime) -> str:
    return utc_text(moment.astimezone(UTC))


templates = Environment(
    loader=ChoiceLoader([PackageLoader("brinery.assessment.card", ""), PackageLoader("brinery.output", "")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters.update(
    name=name,
    names=names,
    thousands=thousands,
    per_cent=per_cent,
    utc=utc,
    figure=figure_text,
    short=short,
    shortened=shortened,
)
