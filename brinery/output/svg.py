"""SVG: the few shapes that figures are drawn with, in pixels of a column as wide as a telephone's page."""

from collections.abc import Iterable
from html import escape
from itertools import accumulate, takewhile
from unicodedata import combining, east_asian_width

from markupsafe import Markup

WIDTH = 360
LINE = 18
LONGEST = 1000  # letters of what a picture says in words, since names may be of any length
NARROW, WIDE = "iIjl.,:;'|!()[] -", "mwMW%@—…"
ISOLATE, POP = "\u2068", "\u2069"  # so that a name written from right to left stays in its place


def svg(width: int, height: float, title: str, finding: str, parts: Iterable[str]) -> Markup:
    """A picture; `title` names it and `finding` says in words what there is to see."""
    return Markup(  # noqa: S704 (what is shown is escaped)
        f'<svg role="img" viewBox="0 0 {width} {_number(height)}" width="{width}" height="{_number(height)}">'
        f"<title>{escape(title[:LONGEST])}</title><desc>{escape(finding[:LONGEST])}</desc>{''.join(parts)}</svg>"
    )


def text(x: float, y: float, content: str, css: str = "", turned: bool = False) -> str:
    """Text from (x, y) on; class `end` lets it end there, `turned` writes it upwards."""
    turn = f' transform="rotate(-90 {_number(x)} {_number(y)})"' if turned else ""
    return f'<text x="{_number(x)}" y="{_number(y)}"{_css(css)}{turn}>{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return path([(x1, y1), (x2, y2)], css)


def path(points: Iterable[tuple[float, float]], css: str) -> str:
    """A line through the points."""
    return f'<path{_css(css)} d="M{"L".join(f"{_number(x)} {_number(y)}" for x, y in points)}"/>'


def bars(boxes: Iterable[tuple[float, float, float, float]], css: str) -> str:
    """Boxes of x, y, width and height as one shape."""
    drawn = (f"M{_number(x)} {_number(y)}h{_number(w)}v{_number(h)}h{_number(-w)}z" for x, y, w, h in boxes)
    return f'<path{_css(css)} d="{"".join(drawn)}"/>'


def dot(x: float, y: float, radius: float, css: str) -> str:
    return f'<circle{_css(css)} cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}"/>'


def diamond(x: float, y: float, radius: float, css: str) -> str:
    corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y), (x, y - radius)]
    return path(corners, css)


def fit(name: str, pixels: float) -> str:
    """A name, shortened in its middle where it is wider than so many pixels; it keeps its own direction."""
    kept = " ".join(name.split())
    if text_width(kept) > pixels:
        room = pixels - text_width("…")
        head = kept[: _within(kept, room * 2 / 3)]
        tail = kept[len(kept) - _within(reversed(kept), room - text_width(head)) :]
        kept = f"{head}…{tail}"
    return f"{ISOLATE}{kept}{POP}"


def _within(characters: Iterable[str], pixels: float) -> int:
    """How many of the characters there is room for."""
    ends = accumulate(map(text_width, characters))
    return sum(1 for _ in takewhile(lambda end: end <= pixels, ends))


def text_width(content: str, size: float = 12) -> float:
    """About how wide a text is, in pixels; rather too wide than too narrow."""
    return size * sum(map(_em, content))


def _em(character: str) -> float:
    if combining(character) or character in (ISOLATE, POP):
        return 0
    if east_asian_width(character) in "WF":
        return 1.05
    if character.isdigit():
        return 0.636
    if character in NARROW:
        return 0.4
    return 1.0 if character in WIDE else 0.75 if character.isupper() else 0.65


def _css(names: str) -> str:
    return f' class="{names}"' if names else ""


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
