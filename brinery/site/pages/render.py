"""Rendering: the templates in the folder beside, and the style and script that a page carries and its policy names."""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from brinery.output.page import STYLE, inert
from brinery.output.table import figure_text, size_text
from brinery.site.facts import MOST
from brinery.site.pages.table import cut

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
LONGEST = 300
SHAPES = (HERE.parent.parent / "output/svg.css").read_text()
CSS = STYLE + SHAPES + (TEMPLATES / "site.css").read_text()
SCRIPT = (TEMPLATES / "site.js").read_text()


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


# A page runs its script and nothing else, asks nobody, and shows within it only pages beside it.
POLICY = (
    f"default-src 'none'; style-src {_hashed(CSS)}; script-src {_hashed(SCRIPT)}; img-src data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


def shown(text: object, most: int = LONGEST) -> Markup:
    """A text of the registry's: every character of it can be seen, it keeps its direction, and ends somewhere."""
    told = cut(str(text), most)
    return escape(told) if told.isascii() else Markup(f"<bdi>{escape(told)}</bdi>")  # noqa: S704


def broken(name: str | Markup) -> Markup:
    """A name that breaks behind its separators."""
    return Markup(escape(name).replace("_", Markup("_<wbr>")))  # noqa: S704 (it is escaped)


def as_json(value: Any) -> str:
    """A value of a manifest as people read it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


templates = Environment(
    loader=PackageLoader("brinery.site.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters.update(
    shown=shown,
    figure=figure_text,
    size=lambda size: size_text(min(size, MOST)),
    as_json=as_json,
    broken=broken,
    thousands="{:,}".format,
    day=lambda moment: moment.replace("T", " ")[:16],
    inert=lambda data, id: Markup(inert(data, id)),  # noqa: S704 (what is in it is escaped)
)
templates.globals.update(style=Markup(CSS), script=Markup(SCRIPT), policy=Markup(POLICY))  # noqa: S704 (they are our own)


def render(template: str, **given: Any) -> bytes:
    """A page as it is written."""
    return templates.get_template(template).render(given).encode()


@cache
def builder() -> str:
    """A digest of all that makes pages: where it changes, each page is written anew."""
    digest = sha256()
    for path in sorted([*TEMPLATES.iterdir(), *HERE.glob("*.py"), *HERE.parent.glob("*.py")]):
        digest.update(path.name.encode() + b"\n" + path.read_bytes())
    return sha256(digest.digest() + CSS.encode()).hexdigest()
