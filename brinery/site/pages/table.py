"""Tables that sort and filter in the browser: the first rows as HTML, those beyond as data that the script shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from unicodedata import category

from markupsafe import Markup, escape

from brinery.output.write import visible

ROWS = 200  # that are HTML, and that the script shows at once
MARKS = 3  # that combine with a letter; more of them would be drawn over the lines around


class Column(NamedTuple):
    """A column's heading, and whether its cells are figures, or texts that may break anywhere."""

    name: str
    number: bool = False
    wide: bool = False

    @property
    def css(self) -> str:
        """The class of its heading and its cells."""
        return "n" if self.number else "wide" if self.wide else ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: a text, what stands small below it, and what it is sorted by, its text where that is None.

    `link` is one of our own pages, `badge` a word in colour, `moment` a time that the text tells.
    """

    text: str = ""
    small: str = ""
    by: float | str | None = None
    link: str = ""
    badge: str = ""
    moment: str = ""

    def html(self, tag: str, css: str) -> str:
        """The cell of a row that is HTML."""
        text = escape(self.text)
        if self.moment:
            text = Markup(f'<time class="age" datetime="{escape(self.moment)}">{text}</time>')  # noqa: S704
        link = f'<a href="{escape(self.link)}">{text}</a>' if self.link else text
        badge = (
            f' <span class="badge b-{self.badge.replace(" ", "-")}">{escape(self.badge)}</span>' if self.badge else ""
        )
        small = f"<small>{escape(self.small)}</small>" if self.small else ""
        by = "" if self.by is None else f' data-by="{escape(self.by)}"'
        return f"<{tag}{css}{by}>{link}{badge}{small}</{tag[:2]}>"

    @property
    def as_data(self) -> dict[str, Any]:
        """For the script, without what it has not."""
        return {key: getattr(self, key) for key in self.__slots__ if getattr(self, key) not in ("", None)}


@dataclass(frozen=True)
class Table:
    """A whole table; a first cell is its row's heading."""

    id: str
    of: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    @property
    def shown(self) -> Markup:
        """The rows that are HTML."""
        tags = [(f' class="{column.css}"' if column.css else "") for column in self.columns]
        rows = (
            "".join(
                cell.html("td" if place else 'th scope="row"', css)
                for place, (cell, css) in enumerate(zip(row, tags, strict=True))
            )
            for row in self.rows[:ROWS]
        )
        return Markup("".join(f"<tr>{row}</tr>\n" for row in rows))  # noqa: S704 (each cell is escaped)

    @property
    def beyond(self) -> list[list[dict[str, Any]]]:
        return [[cell.as_data for cell in row] for row in self.rows[ROWS:]]


def cut(text: str, most: int) -> str:
    """A text of which every character can be seen, up to so many letters."""
    shown = visible(" ".join(text[: most + 1].split()) if len(text) > most or not text.isprintable() else text)
    told = shown if len(text) <= most and len(shown) <= most else f"{shown[:most]}…"
    return told if told.isascii() else _unpiled(told)


def _unpiled(text: str) -> str:
    """A text without the marks that are more than may combine with one letter."""
    kept, row = [], 0
    for letter in text:
        row = row + 1 if category(letter) in ("Mn", "Me") else 0
        if row <= MARKS:
            kept.append(letter)
    return "".join(kept)
