"""The schemas of the OpenAPI document, each with a name that generators of clients can use."""

import re
from collections.abc import Sequence
from math import floor
from typing import Any

from brinery.loading.model import VerifiedModel
from brinery.rows.dates import text_of_days
from brinery.rows.feature import Feature

TEXT = {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}


def schemas(model: VerifiedModel | None, jobs: bool) -> dict[str, Any]:
    """All of them by name; without a model, rows and answers are left open."""
    return {**_rows(model), **_answers(model), **(_job() if jobs else {}), **_problems(), **_about()}


def named(schema: str) -> dict[str, Any]:
    """A reference to one of them."""
    return {"$ref": f"#/components/schemas/{schema}"}


def object_of(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _rows(model: VerifiedModel | None) -> dict[str, Any]:
    """What a request holds: a row or several, each by name or in order, of values that are named by their feature."""
    # Several first: generators take a list for what is named first, and one row in order is a list, too.
    several = {"type": "array", "minItems": 1, "items": named("Row")}
    request = {**object_of(["data"], data={"anyOf": [several, named("Row")]}), "additionalProperties": False}
    if model is None:
        return {"Request": request, "Row": {}}
    by_name, in_order, *bare = model.parser.json_schema()["anyOf"]
    features: dict[str, Any] = by_name["properties"]
    names = _schema_names(list(features))
    cells = {name: _values(schema) for name, schema in zip(names, features.values(), strict=True)}
    told = [
        named(name) if cells[name] is schema else {"anyOf": [named(name), {"type": "null"}]}
        for name, schema in zip(names, features.values(), strict=True)
    ]
    by_name = {**by_name, "properties": dict(zip(features, told, strict=True))}
    in_order = {**in_order, "prefixItems": told}
    row = {"anyOf": [named("RowByName"), named("RowInOrder"), *(told if bare else [])]}
    return {"Request": request, "Row": row, "RowByName": by_name, "RowInOrder": in_order, **cells}


def _values(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a feature; of categories that may be missing that of the categories, which so have a name."""
    values, *more = schema.get("anyOf", [schema])
    return values if "enum" in values and more == [{"type": "null"}] else schema


def _schema_names(features: Sequence[str]) -> list[str]:
    """A name for the schema of each feature, such as `FeatureBillLength`, each once."""
    found: dict[str, None] = {}
    for number, feature in enumerate(features):
        words = "".join(word[:1].upper() + word[1:] for word in re.findall("[A-Za-z0-9]+", feature))
        name = f"Feature{words}"
        found[f"Feature{number}" if name in found or not words else name] = None
    return list(found)


def _answers(model: VerifiedModel | None) -> dict[str, Any]:
    """What is answered: to a row by itself, to several, and to each of these."""
    answer = model.task.answer_schema() if model else object_of(["prediction"])
    about = {"model": named("Model"), "warnings": {"type": "array", "items": named("ValueMessage")}}
    one = {
        **answer,
        "required": [*answer["required"], "model"],
        "properties": {**answer.get("properties", {}), **about},
    }
    rows = {"type": "array", "items": {"anyOf": [named("Answer"), named("RefusedRow")]}}
    return {
        "Answer": answer,
        "Prediction": one,
        "Predictions": object_of(["predictions", "model"], predictions=rows, **about),
        "Model": object_of(["name", "version"], name=TEXT, version={"type": "integer"}),
    }


def _job() -> dict[str, Any]:
    return {
        "Job": object_of(
            ["id", "state"],
            id={"type": "string", "format": "uuid"},
            state={"enum": ["queued", "done", "failed"]},
            accepted_at=MOMENT,
            ended_at=MOMENT,
            answer={"anyOf": [named("Prediction"), named("Predictions")]},
            problem=named("RefusedRow"),
        ),
    }


def _problems() -> dict[str, Any]:
    """The problem of a request, that of a row of many, which has no request of its own, and what is said of a value."""
    told = {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "errors": {"type": "array", "maxItems": 10, "items": named("ValueMessage")},
    }
    required = ["type", "title", "status", "detail"]
    return {
        "Problem": object_of([*required, "request_id"], **told, request_id=TEXT),
        "RefusedRow": object_of(required, **told),
        "ValueMessage": object_of(["path", "message"], path=TEXT, message=TEXT),
    }


def _about() -> dict[str, Any]:
    texts = ("name", "digest", "format", "description", "trained_at")
    return {
        "Status": object_of(["status"], status=TEXT, model=named("Model")),
        "Version": object_of(
            [*texts, "version", "pinned", "metrics", "libraries"],
            **dict.fromkeys(texts, TEXT),
            version={"type": "integer"},
            pinned={"type": "boolean"},
            metrics={"type": "object", "additionalProperties": {"type": "number"}},
            libraries={"type": "object", "additionalProperties": TEXT},
        ),
    }


def example_of(feature: Feature) -> Any:
    """A value that is answered without a warning."""
    if feature.categories is not None:
        return next((each for each in feature.categories if each not in feature.unfitted), feature.categories[0])
    if feature.kind == "text":
        return "some words"
    if feature.minimum is None or feature.maximum is None:
        return True not in feature.unfitted
    if feature.kind == "integer":
        return int(feature.minimum)
    middle = (feature.minimum + feature.maximum) / 2
    if feature.kind == "date":
        return text_of_days(floor(middle), feature.zoned) if floor(middle) >= feature.minimum else middle
    rounded = float(f"{middle:.3g}")
    return rounded if feature.minimum <= rounded <= feature.maximum else middle
