"""Generated requests against the handler and the HTTP API: `python -m tests.serving.fuzz --count 100000 --seed 7`.

Nine of ten are Lambda events of all shapes through the real handler (Hypothesis), the others are requests made
from our own OpenAPI document (Schemathesis), which is slower by far at it. Every answer is checked; the figures
are printed.
"""

import argparse
import asyncio
import base64
import json
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from time import perf_counter
from typing import Any, cast

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from obstore.store import MemoryStore
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.rows.feature import Feature
from brinery.versions.store import Store
from serving.app import create_app
from serving.invocation import Answer, make_handler
from serving.settings import Settings
from tests.examples import publish_example
from tests.serving.conftest import EVENTS, Context, loader_of, problem_of, strict_json

CHUNK = 1_000
NAMES = ("wine", "alcohol", "mixed")
LIMITS = Settings("fuzz:", max_rows=50, max_body_bytes=20_000)


@dataclass
class Report:
    """What was sent and what came back, by kind of request and status."""

    seed: int
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return self.answers.total()

    def share_answered(self) -> float:
        return sum(n for (_, status), n in self.answers.items() if status == 200) / self.count

    def lines(self) -> list[str]:
        found = [f"{self.count} requests, seed {self.seed}, {self.share_answered():.0%} answered with 200"]
        for kind in dict.fromkeys(kind for kind, _ in sorted(self.answers)):
            statuses = sorted((status, n) for (of, status), n in self.answers.items() if of == kind)
            found.append(f"  {kind}: " + ", ".join(f"{status} × {n}" for status, n in statuses))
        return found


# Strategies

odd_text = st.text(st.characters(codec=None), max_size=20)
odd_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**400)
    | st.floats()
    | odd_text
    | st.sampled_from(["NaN", "1e999", ".10", "\ud800", "0x1", "١"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(odd_text, inner, max_size=5),
    max_leaves=20,
)


def cell(feature: Feature) -> st.SearchStrategy[Any]:
    """A value that the model must accept."""
    found: st.SearchStrategy[Any]
    if feature.categories is not None:
        found = st.sampled_from(feature.categories)
    elif feature.kind == "boolean":
        found = st.booleans()
    else:
        number = (
            st.integers(-(10**9), 10**9)
            if feature.kind == "integer"
            else st.floats(-1e9, 1e9, allow_nan=False, allow_infinity=False)
        )
        found = number | number.map(str)
    return found | st.none() if feature.nullable else found


def row(features: Sequence[Feature]) -> st.SearchStrategy[Any]:
    """A row in any of its forms."""
    cells = [cell(feature) for feature in features]
    in_order = st.tuples(*cells).map(list)
    by_name = st.fixed_dictionaries({feature.name: value for feature, value in zip(features, cells, strict=True)})
    return in_order | by_name | (cells[0] if len(cells) == 1 else st.nothing())


def valid_data(features: Sequence[Feature]) -> st.SearchStrategy[Any]:
    rows = st.lists(row(features), min_size=1, max_size=4)
    if len(features) > 1:
        rows = rows | rows.filter(lambda made: isinstance(made[0], list | dict))
    return row(features) | rows


@st.composite
def damaged_data(draw: st.DrawFn, features: Sequence[Feature]) -> Any:
    """Valid data with one odd value in place of a part of it."""
    data = draw(valid_data(features))
    odd = draw(odd_json)
    if isinstance(data, dict):
        key = draw(st.sampled_from([*data, draw(odd_text)]))
        return {**data, key: odd}
    if isinstance(data, list):
        place = draw(st.integers(0, len(data)))
        return [*data[:place], odd, *data[place + draw(st.integers(0, 1)) :]]
    return odd


def event_of(shape: str, body: str | None, **changes: Any) -> dict[str, Any]:
    return EVENTS[shape](body, **changes)


@st.composite
def enveloped(draw: st.DrawFn, data: st.SearchStrategy[Any]) -> Any:
    """`data` in a well-formed event of one of the five shapes."""
    content = {"data": draw(data)}
    shape = draw(st.sampled_from([*EVENTS, "direct", "direct body"]))
    if shape == "direct":
        return content
    if shape == "direct body":
        return {"body": content}
    body = json.dumps(content)
    if draw(st.booleans()):
        return event_of(shape, base64.b64encode(body.encode()).decode(), isBase64Encoded=True)
    return event_of(shape, body)


@st.composite
def odd_event(draw: st.DrawFn) -> Any:
    """An event with some of its parts replaced by anything at all."""
    make = EVENTS[draw(st.sampled_from(sorted(EVENTS)))]
    paths = ["/classify", "/invocations", "/healthz", "/readyz", "/ping", "/model/version", "/model/card", "/x", ""]
    event = make(
        draw(odd_text | odd_json.map(lambda value: json.dumps({"data": value}))),
        draw(st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", ""]) | odd_text),
        draw(st.sampled_from(paths) | odd_text),
    )
    odd_headers = st.dictionaries(
        st.sampled_from(["content-type", "Content-Encoding", "host", "x-forwarded-port", "content-length"]) | odd_text,
        st.sampled_from(["application/json", "text/plain", "gzip", "a:b:c", "-1", "eighty"]) | odd_text | st.none(),
        max_size=4,
    )
    for key in draw(st.lists(st.sampled_from(sorted(event)), max_size=3)):
        event[key] = draw(odd_headers if key == "headers" else odd_json)
    for key in draw(st.lists(st.sampled_from(sorted(event)), max_size=2)):
        event.pop(key, None)
    if isinstance(event.get("requestContext"), dict) and draw(st.booleans()):
        event["requestContext"] = {**event["requestContext"], "http": draw(odd_json)}
    return event


def events(features: Sequence[Feature]) -> st.SearchStrategy[tuple[str, Any]]:
    """(kind, event): half valid, a quarter with damaged data, a quarter odd through and through."""
    valid = enveloped(valid_data(features)).map(lambda event: ("valid event", event))
    damaged = enveloped(damaged_data(features)).map(lambda event: ("event with damaged data", event))
    odd = (odd_event() | odd_json).map(lambda event: ("odd event", event))
    return st.integers(0, 3).flatmap(lambda which: (valid, valid, damaged, odd)[which])


# Checks


def check_answer(status: int, content_type: str, body: str) -> None:
    """What holds for every answer."""
    assert 200 <= status < 500, (status, body)
    if status >= 400:
        assert content_type == "application/problem+json"
        problem_of(body, status)
    elif content_type == "application/json":
        strict_json(body)
    else:
        assert content_type.startswith("text/html"), content_type


def check_event_answer(answer: Answer) -> None:
    json.dumps(answer, ensure_ascii=False).encode()
    assert answer["isBase64Encoded"] is False
    check_answer(answer["statusCode"], answer["headers"]["content-type"], answer["body"])


# Runs


def quiet(count: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def run_events(model: VerifiedModel, count: int, seed: int, report: Report) -> None:
    """`count` events through the handler of `model`."""
    handler = make_handler(create_app(loader_of(model), LIMITS))

    @seeded(seed)
    @quiet(count)
    @given(events(model.manifest.features))
    def answered(sent: tuple[str, Any]) -> None:
        kind, event = sent
        answer = handler(event, Context())
        check_event_answer(answer)
        assert kind != "valid event" or answer["statusCode"] == 200, (event, answer)
        report.answers[kind, answer["statusCode"]] += 1

    answered()


def run_http(model: VerifiedModel, mode: schemathesis.GenerationMode, count: int, seed: int, report: Report) -> None:
    """`count` requests made from the OpenAPI document of `model`, valid or not by that document."""
    app = create_app(loader_of(model), LIMITS)
    document = schemathesis.openapi.from_asgi("/openapi.json", app)
    checks: list[Any] = [status_code_conformance, content_type_conformance, response_schema_conformance]
    with asgi.get_client(cast(Any, app)) as client:

        @seeded(seed)
        @quiet(count)
        @given(document.as_strategy(generation_mode=mode))
        def answered(case: schemathesis.Case[Any]) -> None:
            response = case.call(session=client)
            content_type = response.headers["content-type"][0]
            check_answer(response.status_code, content_type, response.content.decode())
            case.validate_response(response, checks=checks)
            report.answers[f"HTTP, {mode.value} by OpenAPI", response.status_code] += 1

        answered()


def fuzz(count: int, seed: int, progress: Callable[[str], None] = lambda line: None) -> Report:
    """Send `count` requests in chunks, each to another model; raises at the first answer that is not as it must be."""
    store = Store(MemoryStore(), "memory:")
    references = [publish_example(store, name) for name in NAMES]
    models = [load(store, reference, format=fmt) for reference in references for fmt in ("pickle", "onnx")]
    report = Report(seed)
    chunk = 0
    while report.count < count:
        model = models[chunk % len(models)]
        left = min(CHUNK, ceil(count / len(models)), count - report.count)
        chunk_seed = seed * 1_000_003 + chunk
        before = report.count
        run_events(model, max(1, left * 9 // 10), chunk_seed, report)
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            run_http(model, mode, max(1, left // 20), chunk_seed, report)
        chunk += 1
        progress(f"chunk {chunk}: {report.count - before} requests, {model.manifest.name} as {model.format}")
    return report


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.serving.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="requests to send; default: 100000")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; default: another each time")
    arguments = parser.parse_args(argv)
    asyncio.set_event_loop(asyncio.new_event_loop())
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    print(f"seed {seed}", file=sys.stderr)
    started = perf_counter()
    report = fuzz(arguments.count, seed, lambda line: print(line, file=sys.stderr, flush=True))
    print(*report.lines(), f"  {perf_counter() - started:.0f} s", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
