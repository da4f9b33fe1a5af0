"""The OpenAPI document, with the real features of the model that is served."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from brinery.loading.model import VerifiedModel
from serving.schemas import TEXT, example_of, named, schemas

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

UNREADABLE = {400: "The request cannot be read"}
UNREADY = {**UNREADABLE, 503: "There is no verified model; the detail says why"}
CARD = {404: "The version has no card", **UNREADY}
READY = "The pinned model is verified and reproduces its golden rows"


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
            "license": {"name": "of the server alone: MIT", "identifier": "MIT"},
        },
        "servers": [{"url": quote(base) or "/"}],
        "security": [],  # (whoever runs the server decides who may call)
        "paths": {
            **_asking(model),
            **(_jobs(model) if jobs else {}),
            "/model/version": {
                "get": _get("getModelVersion", "What is served, from its verified manifest", JSON, named("Version"))
            },
            "/model/card": {
                "get": _get("getModelCard", "The model card, as stored and verified", "text/html", TEXT, CARD)
            },
            "/healthz": {"get": _get("getHealth", "The process is up", JSON, named("Status"), UNREADABLE)},
            "/readyz": {"get": _get("getReadiness", READY, JSON, named("Status"))},
        },
        "components": {"schemas": schemas(model, jobs)},
    }


def _asking(model: VerifiedModel | None) -> dict[str, Any]:
    """The calls that ask the model: one for any task, and one that says what it is."""
    calls = {"/predict": {"post": _predict(model, "predict", "Answer one row, or a list of rows")}}
    if model is None or model.task.kind == "classification":
        calls["/classify"] = {"post": _predict(model, "classify", "Classify one row, or a list of rows")}
    return calls


def _predict(model: VerifiedModel | None, operation: str, summary: str) -> dict[str, Any]:
    answer = {"anyOf": [named("Prediction"), named("Predictions")]}
    return {
        "summary": summary,
        "operationId": operation,
        "parameters": [PARTIAL, CHALLENGER, KEY],
        "requestBody": _body(model),
        "responses": {
            "200": {"description": "The prediction", "content": {JSON: {"schema": answer}}},
            **_problems(STATUS),
        },
    }


def _jobs(model: VerifiedModel | None) -> dict[str, Any]:
    """Submitting a job, and asking what became of it."""
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255}}
    shown = {JSON: {"schema": named("Job")}}
    location = {"location": {"description": "Where to ask for the answer", "schema": TEXT}}
    gone = {
        404: "There is no such job",
        410: "The job is kept no longer",
        413: "The answer is larger than Lambda returns at once; the detail says how to ask for parts",
        416: "It has no such part",
        503: "Jobs cannot be reached",
    }
    part = {"name": "Range", "in": "header", "schema": TEXT, "description": "Bytes of it, such as bytes=0-3999999"}
    return {
        "/jobs": {
            "post": {
                "summary": "Have rows answered later, by the version that is live now",
                "operationId": "submitJob",
                "parameters": [{**key, "description": "The same key and body are the same job"}],
                "requestBody": _body(model),
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


def _body(model: VerifiedModel | None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": named("Request")}
    if model:
        content["example"] = {"data": {feature.name: example_of(feature) for feature in model.manifest.features}}
    return {"required": True, "content": {JSON: content}}


def _get(operation: str, summary: str, media: str, schema: Any, errors: Mapping[int, str] = UNREADY) -> dict[str, Any]:
    return {
        "summary": summary,
        "operationId": operation,
        "responses": {
            "200": {"description": summary, "content": {media: {"schema": schema}}},
            **_problems(errors),
        },
    }


def _problems(told: Mapping[int, str]) -> dict[str, Any]:
    """The responses that are problems, each by what its status tells."""
    return {str(code): {"description": text, "content": PROBLEM} for code, text in told.items()}
