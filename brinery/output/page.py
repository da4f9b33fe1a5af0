"""Pages for people: one file each that needs no other and runs no script, light or dark, wide or narrow."""

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
.facts td { overflow-wrap: anywhere; }
pre { background: #8882; padding: .75rem; overflow-x: auto; }
.passed { color: light-dark(#17692a, #7ddb93); } .failed { color: light-dark(#a61b1b, #ff9a9a); }
@media print { :root { color-scheme: light; } }
"""


class Html(str):
    """Text that is HTML already; any other text is escaped where it is shown."""


def html(content: str) -> Html:
    """Text as HTML, escaped unless it is HTML already."""
    return content if isinstance(content, Html) else Html(escape(content))


def name(content: str) -> Html:
    """A name that a user chose: it keeps its direction beside other text, and breaks behind its separators."""
    breakable = escape(content).replace("_", "_<wbr>").replace("/", "/<wbr>").replace(".", ".<wbr>")
    return Html(f"<bdi>{breakable}</bdi>")


def two(above: str, below: str) -> Html:
    """Two lines of a cell, the second one smaller; one line where there is no second."""
    return Html(f"{html(above)}<small>{html(below)}</small>") if below else html(above)


def page(title: str, description: str, sections: Iterable[str], style: str = "") -> str:
    """A whole page; the sections are HTML, title and description are text, `style` is CSS beside that of all pages."""
    described = f"<p>{escape(description)}</p>\n" if description else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{described}" + "\n".join(sections) + "\n</body></html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], css: str = "") -> Html:
    """A table whose rows begin with their own heading; without a head, the rows are facts: a name and what it is."""
    header = "".join(f'<th scope="col">{html(cell)}</th>' for cell in head)
    body = "\n".join(
        f'<tr><th scope="row">{html(first)}</th>{"".join(f"<td>{html(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    opening = f"<thead><tr>{header}</tr></thead>" if head else ""
    names = css or ("" if head else "facts")
    return Html(
        f'<div class="scroll"><table{f' class="{names}"' if names else ""}>{opening}'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def section(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A heading and a table."""
    return f"<h2>{escape(title)}</h2>\n{table(head, rows)}"
