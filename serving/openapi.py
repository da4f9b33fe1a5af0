"""The OpenAPI document, with the real features of the model that is served."""

from collections.abc import Mapping
from math import floor
from typing import Any
from urllib.parse import quote

from brinery.loading.model import VerifiedModel
from brinery.rows.dates import text_of_days
from brinery.rows.feature import Feature

JSON = "application/json"
PARTIAL = {
    "name": "partial",
    "in": "query",
    "description": "Whether rows of a list that have no answer get a problem in their place",
    "schema": {"type": "boolean", "default": False},
}
CHALLENGER = {
    "name": "challenger",
    "in": "query",
    "description": "Whether a version that challenges this one may answer, where there is one",
    "schema": {"type": "boolean", "default": True},
}
KEY = {
    "name": "X-Request-Key",
    "in": "header",
    "description": "What requests have in common that the same version is to answer, such as a customer's number",
    "schema": {"type": "string"},
}
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
STATUS = {
    400: "The body is not JSON, or a name stands twice in one of its objects",
    413: "The body or the number of rows is too large",
    415: "The body is not JSON by its content-type",
    422: "The input does not fit the model's features",
    503: "There is no verified model, or too many large requests at once; the detail says which",
}


def describe(model: VerifiedModel | None, base: str = "", jobs: bool = False) -> dict[str, Any]:
    """The document as OpenAPI 3.1; without a model, rows are left open.

    Args:
        base: what stands before all paths outside.
        jobs: whether there are routes for these.
    """
    reference = f"{model.manifest.name}:{model.manifest.version}" if model else "no model yet"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Brinery: {reference}",
            "description": model.manifest.description if model else "",
            "version": str(model.manifest.version) if model else "0",
        },
        **({"servers": [{"url": quote(base)}]} if base else {}),
        "paths": {
            **_asking(model),
            **(_jobs(model) if jobs else {}),
            "/model/version": {"get": _get("What is served, from its verified manifest", JSON, {"type": "object"})},
            "/model/card": {"get": _get("The model card, as stored and verified", "text/html", {"type": "string"})},
            "/healthz": {"get": _get("The process is up", JSON, {"type": "object"}, ())},
            "/readyz": {
                "get": _get("The pinned model is verified and reproduces its golden rows", JSON, {"type": "object"})
            },
        },
        "components": {
            "schemas": {"Row": _row(model), "Answer": _answer(model), "Problem": _problem(), "Refused": _refused()}
        },
    }


def _asking(model: VerifiedModel | None) -> dict[str, Any]:
    """The calls that ask the model: one for any task, and one that says what it is."""
    calls = {"/predict": {"post": _predict(model, "predict", "Answer one row, or a list of rows")}}
    if model is None or model.task.kind == "classification":
        calls["/classify"] = {"post": _predict(model, "classify", "Classify one row, or a list of rows")}
    return calls


def _predict(model: VerifiedModel | None, operation: str, summary: str) -> dict[str, Any]:
    one, many = _answers()
    return {
        "summary": summary,
        "operationId": operation,
        "parameters": [PARTIAL, CHALLENGER, KEY],
        "requestBody": _rows(model),
        "responses": {
            "200": {"description": "The prediction", "content": {JSON: {"schema": {"anyOf": [one, many]}}}},
            **_problems(STATUS),
        },
    }


def _jobs(model: VerifiedModel | None) -> dict[str, Any]:
    """Submitting a job, and asking what became of it."""
    text = {"type": "string"}
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255}}
    state = {
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "state": {"enum": ["queued", "done", "failed"]},
            **{name: {"type": "string", "format": "date-time"} for name in ("accepted_at", "ended_at")},
            "answer": {"anyOf": [*_answers()]},
            "problem": {"$ref": "#/components/schemas/Refused"},
        },
    }
    shown = {JSON: {"schema": state}}
    location = {"location": {"description": "Where to ask for the answer", "schema": text}}
    gone = {
        404: "There is no such job",
        410: "The job is kept no longer",
        413: "The answer is larger than Lambda returns at once; the detail says how to ask for parts",
        416: "It has no such part",
        503: "Jobs cannot be reached",
    }
    part = {"name": "Range", "in": "header", "schema": text, "description": "Bytes of it, such as bytes=0-3999999"}
    return {
        "/jobs": {
            "post": {
                "summary": "Have rows answered later, by the version that is live now",
                "operationId": "submitJob",
                "parameters": [{**key, "description": "The same key and body are the same job"}],
                "requestBody": _rows(model),
                "responses": {
                    "202": {
                        "description": "The job is stored, and will be answered",
                        "headers": location,
                        "content": shown,
                    },
                    **_problems(STATUS),
                },
            }
        },
        "/jobs/{id}": {
            "get": {
                "summary": "What became of a job",
                "operationId": "getJob",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    part,
                ],
                "responses": {
                    "200": {
                        "description": "Its state, with the answer or the problem once it has ended",
                        "content": shown,
                    },
                    "206": {"description": "The part of that which was asked for", "content": {JSON: {}}},
                    **_problems(gone),
                },
            }
        },
    }


def _rows(model: VerifiedModel | None) -> dict[str, Any]:
    """The body of a request: a row or several."""
    row = {"$ref": "#/components/schemas/Row"}
    request: dict[str, Any] = {
        "type": "object",
        "required": ["data"],
        "additionalProperties": False,
        "properties": {"data": {"anyOf": [row, {"type": "array", "minItems": 1, "items": row}]}},
    }
    content: dict[str, Any] = {"schema": request}
    if model:
        content["example"] = {"data": {feature.name: example_of(feature) for feature in model.manifest.features}}
    return {"required": True, "content": {JSON: content}}


def _answers() -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer to one row, and to several."""
    answer = {"$ref": "#/components/schemas/Answer"}
    about = {
        "model": {"type": "object"},
        "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Problem/properties/errors/items"}},
    }
    one = {"allOf": [answer, {"type": "object", "required": ["model"], "properties": about}]}
    refused = {"$ref": "#/components/schemas/Refused"}
    many = {
        "type": "object",
        "required": ["predictions", "model"],
        "properties": {"predictions": {"type": "array", "items": {"anyOf": [answer, refused]}}, **about},
    }
    return one, many


def _get(summary: str, media: str, schema: dict[str, Any], errors: tuple[int, ...] = (503,)) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {media: {"schema": schema}}},
            **_problems({code: STATUS[code] for code in errors}),
        },
    }


def _problems(told: Mapping[int, str]) -> dict[str, Any]:
    """The responses that are problems, each by what its status tells."""
    return {str(code): {"description": text, "content": PROBLEM} for code, text in told.items()}


def _row(model: VerifiedModel | None) -> dict[str, Any]:
    return model.parser.json_schema() if model else {}


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


def _answer(model: VerifiedModel | None) -> dict[str, Any]:
    return model.task.answer_schema() if model else {"type": "object", "required": ["prediction"]}


def _refused() -> dict[str, Any]:
    """The problem of one row, which has no request of its own."""
    problem = _problem()
    del problem["properties"]["request_id"]
    return {**problem, "required": [name for name in problem["required"] if name != "request_id"]}


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    item = {"type": "object", "required": ["path", "message"], "properties": {"path": text, "message": text}}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "request_id"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "request_id": text,
            "errors": {"type": "array", "maxItems": 10, "items": item},
        },
    }
