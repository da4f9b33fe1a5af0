"""Pages for people: one file each that needs no other, light or dark, wide or narrow, in one look."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

STYLE = (Path(__file__).parent / "style.css").read_text()  # of every page


def page(
    title: str, description: str, sections: Iterable[str], style: str = "", facts: Mapping[str, Any] | None = None
) -> str:
    """A whole page; the sections are HTML, title and description are text, `style` is CSS beside that of all pages.

    Args:
        facts: what the page says, for machines, which it carries as JSON.
    """
    told = "" if facts is None else f"\n{inert(facts, FACTS)}"
    described = f"<p>{escape(description)}</p>\n" if description else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{described}" + "\n".join(sections) + f"{told}\n</body></html>\n"
    )


FACTS = "facts"  # the id of what a page says for machines


def inert(data: Any, id: str) -> str:
    """JSON within a page, which no browser runs, whatever it holds."""
    text = json.dumps(data, separators=(",", ":"))  # all but ASCII is escaped
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" id="{id}">{text}</script>'


def section(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A heading and a table of texts, whose rows begin with their own heading."""
    header = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<h2>{escape(title)}</h2>\n<div class="scroll" tabindex="0"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )
