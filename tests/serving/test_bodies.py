"""Bodies made to hurt: each is answered in time, and errors in 8 KiB, through the real handler."""

import base64
import gzip
import json
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest

from brinery.loading.model import VerifiedModel
from tests.serving.conftest import Context, event_v2, handling, problem_of, strict_json

Models = Callable[..., VerifiedModel]
SECONDS, TIMES = 1.0, 4  # on a slow machine so many times what parsing takes
# What the default MAX_BODY_BYTES lets through; Lambda's own limit of 6 MB is above it.
FULL = 5_242_880
ROW = [14.23, 1.71, 2.43, 15.6, 127.0, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065.0]
NAMES = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
    "proline",
)
NAMED = json.dumps(dict(zip(NAMES, ROW, strict=True)))
MIXED = '[4500, 2008, true, "Dream", "male"]'


def filled(item: str, before: str = '{"data": [', after: str = "]}") -> str:
    """As many items as a full body holds."""
    return before + ",".join([item] * ((FULL - len(before) - len(after)) // (len(item) + 1))) + after


def numbered(item: str, before: str, after: str) -> str:
    """The same with a number in each item."""
    count = (FULL - len(before) - len(after)) // (len(item.format(1_000_000).encode()) + 1)
    return before + ",".join(item.format(number) for number in range(1_000_000, 1_000_000 + count)) + after


def rows(row: str, count: int = 10_000) -> str:
    return '{"data": [' + ",".join([row] * count) + "]}"


BAD: dict[str, tuple[str, Callable[[], str | bytes], int]] = {
    "numbers": ("wine", lambda: filled("1"), 422),
    "strings": ("wine", lambda: filled('"x"'), 422),
    "nulls": ("alcohol", lambda: filled("null"), 413),
    "empty lists": ("wine", lambda: filled("[]"), 413),
    "empty objects": ("wine", lambda: filled("{}"), 413),
    "ten thousand empty objects": ("wine", lambda: rows("{}"), 422),
    "ten thousand long strings": ("wine", lambda: rows('"' + "x" * 500 + '"'), 422),
    "ten thousand bad values": ("alcohol", lambda: rows('"' + "x" * 500 + '"'), 422),
    "last of ten thousand": ("wine", lambda: rows(NAMED, 9_999)[:-2] + ", {}]}", 422),
    "lists of lists": ("wine", lambda: rows("[" + ",".join(["[1]"] * 100) + "]"), 422),
    "deep lists": ("wine", lambda: '{"data": ' + "[" * 2_500_000 + "]" * 2_500_000 + "}", 400),
    "deep lists, unclosed": ("wine", lambda: '{"data": ' + "[" * 5_000_000, 400),
    "deep objects": ("wine", lambda: '{"a":' * 800_000 + "1" + "}" * 800_000, 400),
    "lists as deep as parsed": ("wine", lambda: filled("[" * 150 + "]" * 150), 413),
    "integer of 100,000 digits": ("alcohol", lambda: '{"data": ' + "9" * 100_000 + "}", 400),
    "integer of 5 million digits": ("alcohol", lambda: '{"data": ' + "9" * 5_000_000 + "}", 400),
    "integers of 4,000 digits": ("alcohol", lambda: filled("9" * 4_000), 422),
    "row with an integer of 4,000 digits": ("mixed", lambda: '{"data": [1, ' + "9" * 4_000 + ', true, "x", "y"]}', 422),
    "string of 5 million digits": ("alcohol", lambda: '{"data": "' + "9" * 5_000_000 + '"}', 422),
    "fraction of 5 million digits": ("alcohol", lambda: '{"data": "0.' + "9" * 5_000_000 + '"}', 422),
    "NaN": ("wine", lambda: filled("NaN"), 422),
    "NaN in rows": ("wine", lambda: rows("[" + ",".join(["NaN"] * 13) + "]"), 422),
    "Infinity": ("alcohol", lambda: rows("-Infinity"), 422),
    "huge floats": ("alcohol", lambda: rows("1e308"), 422),
    "lone surrogates": ("alcohol", lambda: filled('"\\ud800"'), 400),
    "escapes": ("alcohol", lambda: '{"data": "' + "\\u00e9" * 870_000 + '"}', 422),
    "unknown names": ("wine", lambda: numbered('"{}":1', '{"data": {', "}}"), 422),
    "unknown names in a row of a list": ("wine", lambda: numbered('"{}":1', '{"data": [{', "}]}"), 422),
    "unknown names in many rows": ("alcohol", lambda: rows("{" + ",".join(f'"{i}":1' for i in range(50)) + "}"), 422),
    "unknown names beside data": ("wine", lambda: numbered('"{}":1', '{"data": 1,', "}"), 422),
    "unknown long names": ("alcohol", lambda: numbered('"' + "😀" * 1000 + '{}":1', '{"data": {', "}}"), 422),
    "one name a million times": ("wine", lambda: filled('"alcohol":1', '{"data": {', "}}"), 400),
    "data a million times": ("wine", lambda: filled('"data":1', "{", "}"), 400),
    "unknown category": ("mixed", lambda: '{"data": [1, 2008, true, "' + "x" * 5_000_000 + '", "male"]}', 422),
    "list as category": ("mixed", lambda: filled("1", '{"data": [1, 2008, true, [', '], "male"]}'), 422),
    "not JSON": ("wine", lambda: "x" * FULL, 400),
    "spaces": ("wine", lambda: " " * FULL, 400),
    "open string": ("wine", lambda: '{"data": "' + "x" * 5_000_000, 400),
    "zeros": ("wine", lambda: b"\x00" * FULL, 400),
    "bytes that are no UTF-8": ("wine", lambda: b'{"data": "' + b"\xff" * 5_000_000 + b'"}', 400),
    "UTF-16": ("wine", lambda: rows(MIXED).encode("utf-16"), 400),
    "UTF-8 with a mark": ("alcohol", lambda: b'\xef\xbb\xbf{"data": 13}', 400),
    "gzip": ("wine", lambda: gzip.compress(b'{"data": 1}'), 400),
    "larger than allowed": ("wine", lambda: "[" * (FULL + 1), 413),
    "almost what Lambda takes": ("wine", lambda: filled("[]") + " " * 700_000, 413),
}  # fmt: skip

GOOD: dict[str, tuple[str, Callable[[], str]]] = {
    "rows in order": ("wine", lambda: rows(json.dumps(ROW))),
    "rows by name": ("wine", lambda: rows(NAMED)),
    "rows of both forms": ("wine", lambda: rows(f"{NAMED},{json.dumps(ROW)}", 5_000)),
    "rows of strings": ("wine", lambda: rows(json.dumps([str(value) for value in ROW]))),
    "full of long strings": ("wine", lambda: rows(json.dumps(["13." + "0" * 34] * 13), 9_400)),
    "full of spaces": ("wine", lambda: rows(json.dumps(ROW)).ljust(FULL)),
    "outside the range": ("wine", lambda: rows("[" + ",".join(["1e6"] * 13) + "]")),
    "bare numbers": ("alcohol", lambda: rows("13.2")),
    "bare strings": ("alcohol", lambda: rows('"13.2"')),
    "bare and not": ("alcohol", lambda: rows('13.2,[13.2],{"alcohol":13.2}', 3_333)),
    "mixed columns": ("mixed", lambda: rows(MIXED)),
    "mixed columns by name": (
        "mixed",
        lambda: rows('{"mass": null, "year": "2008", "tagged": false, "island": "Dream", "sex": null}'),
    ),
}


def timed(handler: Callable[[Any, Any], Any], event: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """The answer and its seconds of processor time."""
    started = process_time()
    answer = handler(event, Context())
    return answer, process_time() - started


def parsing() -> float:
    """The seconds that parsing takes on this machine just now, of a body of which it makes the most of all."""
    body = BAD["unknown names"][1]()
    started = process_time()
    json.loads(body)
    return process_time() - started


@pytest.mark.slow
@pytest.mark.parametrize("kind", BAD)
def test_bad_body_is_answered_in_time(models: Models, kind: str) -> None:
    name, make, status = BAD[kind]
    body = make()
    sent = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    event = event_v2(base64.b64encode(sent).decode(), isBase64Encoded=True)
    answer, seconds = timed(handling(models(name)), event)
    problem_of(answer["body"], status)
    assert answer["statusCode"] == status
    assert seconds < SECONDS or seconds < TIMES * parsing()


@pytest.mark.slow
@pytest.mark.parametrize("format", ["pickle", "onnx"])
@pytest.mark.parametrize("kind", GOOD)
def test_full_body_of_valid_rows_is_answered_in_time(models: Models, kind: str, format: str) -> None:
    name, make = GOOD[kind]
    body = make()
    assert len(body) <= FULL
    answer, seconds = timed(handling(models(name, format)), event_v2(body))
    assert answer["statusCode"] == 200, answer["body"][:500]
    assert len(strict_json(answer["body"])["predictions"]) >= 9_400
    assert seconds < SECONDS or seconds < TIMES * parsing()


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, '{"data": 13}', 415),
        ({"content-type": "multipart/form-data; boundary=x"}, '{"data": 13}', 415),
        ({"content-type": "application/json; charset=utf-16"}, '{"data": 13}', 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, '{"data": 13}', 415),
        ({"content-type": "application/json", "content-encoding": "br, gzip"}, '{"data": 13}', 415),
        ({"content-type": "x" * 100_000}, '{"data": 13}', 415),
        ({"content-type": ""}, '{"data": 13}', 415),
        ({}, '{"data": 13}', 200),
        (None, '{"data": 13}', 200),
        ({"content-type": "application/json", "content-length": "-5"}, '{"data": 13}', 200),
        ({"content-type": "application/json", "transfer-encoding": "chunked"}, '{"data": 13}', 200),
        ({"content-type": "application/json", "expect": "100-continue"}, '{"data": 13}', 200),
        ({f"x-{number}": "y" * 100 for number in range(10_000)}, '{"data": 13}', 200),
    ],
    ids=range(13),
)
def test_body_with_odd_headers_is_answered(models: Models, headers: Any, body: str, status: int) -> None:
    answer, seconds = timed(handling(models("alcohol")), event_v2(body, headers=headers))
    assert answer["statusCode"] == status
    assert seconds < SECONDS or seconds < TIMES * parsing()


@pytest.mark.parametrize(
    "body", ["not base64!", "YQ", "A" * 5_999_999, "é" * 1_000_000, "\ud800" * 1_000_000], ids=range(5)
)
def test_bad_base64_is_answered(models: Models, body: str) -> None:
    answer, seconds = timed(handling(models("alcohol")), event_v2(body, isBase64Encoded=True))
    problem_of(answer["body"], 400)
    assert seconds < SECONDS or seconds < TIMES * parsing()
