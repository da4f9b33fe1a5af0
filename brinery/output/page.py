"""Pages for people: one file each that needs no other, light or dark, wide or narrow, in one look."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

STYLE = (Path(__file__).parent / "style.css").read_text()  # of every page


def page(title: str, description: str, sections: Iterable[str], style: str = "") -> str:
    """A whole page; the sections are HTML, title and description are text, `style` is CSS beside that of all pages."""
    described = f"<p>{escape(description)}</p>\n" if description else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{described}" + "\n".join(sections) + "\n</body></html>\n"
    )


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
