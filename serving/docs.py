"""The page at /docs: the calls, the features and an example."""

import json
from html import escape
from typing import Any

from brinery.loading.model import VerifiedModel
from brinery.output.page import page, section
from serving.openapi import JSON, describe


def render_docs(model: VerifiedModel | None) -> str:
    """The page for one model, or, without a model, for the calls alone."""
    document = describe(model)
    calls = [
        (f"{method.upper()} {path}", call["summary"])
        for path, item in document["paths"].items()
        for method, call in item.items()
    ]
    sections = [section("Calls", ("call", "answer"), calls)]
    if model:
        sections += [_features(model), _example(document["paths"])]
    sections.append('<p>For machines: <a href="openapi.json">openapi.json</a></p>')
    return page(document["info"]["title"], document["info"]["description"], sections)


def _features(model: VerifiedModel) -> str:
    """The features with what training saw of them."""
    head = ("name", "kind", "training range", "missing values")
    rows = ((f.name, f.kind, f.range_text, "accepted" if f.nullable else "refused") for f in model.manifest.features)
    return section("Features", head, rows)


def _example(paths: dict[str, Any]) -> str:
    path = "/classify" if "/classify" in paths else "/predict"
    body = json.dumps(paths[path]["post"]["requestBody"]["content"][JSON]["example"], indent=1)
    line = f"curl -s localhost:8080{path} -H 'content-type: {JSON}' -d '{body}'"
    return f"<h2>Example</h2>\n<pre>{escape(line)}</pre>"
