"""The server's own page: what is served, a form made of its features that asks it, and the calls."""

from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from brinery.loading.model import VerifiedModel
from brinery.output.page import STYLE, page, section
from brinery.rows.feature import RANGED, Feature
from serving.headers import page_headers
from serving.openapi import describe
from serving.schemas import example_of

MOST_FIELDS = 500  # features that have a field; a wider model is asked by code
MOST_OPTIONS = 1000


def render_docs(model: VerifiedModel | None, why: str = "", base: str = "", jobs: bool = False) -> str:
    """The page for one model, or, without a model, `why` there is none and the calls alone.

    Args:
        base: what stands before all paths outside.
        jobs: whether there are routes for these.
    """
    document = describe(model, base, jobs)
    info = document["info"]
    if model is None:
        parts = [f'<p class="problem"><strong>No model is served:</strong> {escape(why)}</p>', _calls(document)]
        return page(info["title"], "", parts, _form("css"))
    parts = [_about(model, base), *_asking(model, base), _calls(document)]
    return page(f"{model.manifest.name}:{model.manifest.version}", info["description"], parts, _form("css"))


@cache
def docs_headers() -> dict[str, str]:
    """What a browser is told: the page runs and is styled by what is in it, and asks this server alone."""
    return page_headers(STYLE + _form("css"), _form("js"))


@cache
def _form(kind: str) -> str:
    return Path(__file__).with_name(f"form.{kind}").read_text()


def _about(model: VerifiedModel, base: str) -> str:
    manifest = model.manifest
    told = [model.task.text, f"answered from its {model.format}", "pinned" if model.pinned else "not pinned"]
    links = (("Model card", "/model/card"), ("What is served", "/model/version"), ("OpenAPI", "/openapi.json"))
    listed = "".join(f'<a href="{escape(base + path)}">{text}</a>' for text, path in links)
    trained = manifest.trained_at.isoformat().replace("+00:00", "Z")[:16]
    return f'<header><p class="note">{escape("; ".join(told))}; trained at {trained}</p><nav>{listed}</nav></header>'


def _asking(model: VerifiedModel, base: str) -> Iterable[str]:
    features = model.manifest.features
    path = "/classify" if model.task.kind == "classification" else "/predict"
    if len(features) > MOST_FIELDS:
        yield f"<p>The model has {len(features)} features, which are too many for a form; the calls below tell how.</p>"
        return
    fields = "\n".join(_field(number, feature) for number, feature in enumerate(features))
    yield (
        '<div class="both"><section><h2>Ask it</h2>'
        '<details><summary>Paste a row of CSV</summary><textarea id="csv" rows="3" aria-label="a row of CSV, or a '
        'header and a row" spellcheck="false"></textarea><p id="pasted" class="problem" role="status"></p></details>'
        f'<form id="row" data-path="{escape(base + path)}" novalidate autocomplete="off">'
        f'<div class="fields">{fields}</div>'
        '<div class="actions"><button type="submit">Ask</button><button type="reset">Example</button></div></form>'
        "</section>"
    )
    code = "".join(
        f'<details name="code"{" open" if name == "curl" else ""}><summary>{name}</summary>'
        f'<pre id="{name.lower()}" tabindex="0"></pre></details>'
        for name in ("curl", "Python", "JavaScript")
    )
    yield (
        '<section class="shown"><h2>Answer</h2><div id="answer" aria-live="polite"><p class="note">Ask, and the answer '
        'is here.</p></div><div id="problems" role="alert"></div>'
        '<details><summary>As JSON</summary><pre id="raw" tabindex="0"></pre></details>'
        f"<h2>The same by code</h2>{code}</section></div>"
    )
    yield f"<script>{_form('js')}</script>"


def _field(number: int, feature: Feature) -> str:
    """One feature: its value, as the example has it, what training saw, and whether it may be missing."""
    numeric = " data-numeric" if feature.kind in ("number", "integer") else ""
    none = '<label class="none"><input type="checkbox" class="missing"> missing</label>' if feature.nullable else ""
    shown = feature.range_text if feature.kind in RANGED or feature.kind == "text" else ""
    return (
        f'<fieldset class="field" data-name="{escape(feature.name)}" data-kind="{feature.kind}"{numeric}>'
        f'<label for="f{number}">{escape(feature.name)}</label>{_control(f"f{number}", feature)}'
        f'<span class="range">{escape(shown)}</span>{none}<div class="said" aria-live="polite"></div></fieldset>'
    )


def _control(id: str, feature: Feature) -> str:
    value: Any = example_of(feature)
    if feature.kind == "boolean":
        return f'<br><input type="checkbox" role="switch" class="value" id="{id}"{" checked" if value else ""}>'
    if feature.categories is not None and feature.unknown_categories == "refuse":
        options = "".join(
            f"<option{' selected' if each == value else ''}>{escape(each)}</option>"
            for each in feature.categories[:MOST_OPTIONS]
        )
        return f'<select class="value" id="{id}">{options}</select>'
    shown = escape(str(value))
    if feature.categories is not None:
        options = "".join(f'<option value="{escape(each)}">' for each in feature.categories[:MOST_OPTIONS])
        return f'<input class="value" id="{id}" value="{shown}" list="l{id}"><datalist id="l{id}">{options}</datalist>'
    if feature.kind == "text":
        return f'<textarea class="value" id="{id}" rows="3">{shown}</textarea>'
    if feature.kind == "date":
        return f'<input class="value" id="{id}" value="{shown}" spellcheck="false">'
    step = "1" if feature.kind == "integer" else "any"
    slider = (
        f'<input type="range" class="slider" min="{feature.minimum!r}" max="{feature.maximum!r}" step="{step}" '
        f'value="{shown}" tabindex="-1" aria-hidden="true">'
    )
    return f'<input class="value" id="{id}" value="{shown}" inputmode="decimal" spellcheck="false">{slider}'


def _calls(document: dict[str, Any]) -> str:
    calls = [
        (f"{method.upper()} {path}", call["summary"])
        for path, item in document["paths"].items()
        for method, call in item.items()
    ]
    return section("Calls", ("call", "answer"), calls)
