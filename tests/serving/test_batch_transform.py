"""A transform job of SageMaker by its documented contract: what it asks of the container and makes of files."""

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.scoring.runs import run, table, write_rows
from tests.brinery.scoring.test_score import wine_rows
from tests.serving.served import served

ROWS = 60_000


def mini_batches(lines: list[bytes], most: int) -> Iterator[bytes]:
    """As many lines as fit, with SplitType Line and BatchStrategy MultiRecord."""
    batch, size = list[bytes](), 0
    for line in lines:
        if size + len(line) > most:
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    yield b"".join(batch)


@pytest.mark.slow
@pytest.mark.parametrize("media", ["text/csv", "application/jsonlines"])
def test_transform_job_answers_each_line_as_score_does(
    published: tuple[Store, dict[str, Reference]], tmp_path: Path, media: str
) -> None:
    store, references = published
    rows = wine_rows(ROWS)
    path = write_rows(rows, tmp_path / ("rows.csv" if media == "text/csv" else "rows.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)[1 if media == "text/csv" else 0 :]
    variables = {"MODEL_REGISTRY": store.url, "MODEL_NAME": "wine", "REQUIRE_PIN": "on", "SAGEMAKER_BATCH": "true"}
    with served(tmp_path, None, MODEL_VERSION=references["wine"].version_text, **variables) as server:
        assert server.client.get("/ping").status_code == 200
        asked = server.client.get("/execution-parameters").json()
        assert asked == {"MaxConcurrentTransforms": 2, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 5}

        def invoke(batch: bytes) -> bytes:
            headers = {"content-type": media, "accept": media}
            answer = httpx.post(f"{server.client.base_url}/invocations", content=batch, headers=headers, timeout=120)
            assert answer.status_code == 200, answer.text
            return answer.content

        batches = list(mini_batches(lines, asked["MaxPayloadInMB"] * 10**6))
        assert len(batches) > 1
        with ThreadPoolExecutor(asked["MaxConcurrentTransforms"]) as pool:
            out = b"".join(pool.map(invoke, batches)).decode()
    done = run(store, references["wine"], path, tmp_path / "out").manifest
    found = table(tmp_path / "out", done)
    if media == "text/csv":
        answers = [[float(cell) for cell in row] for row in csv.reader(io.StringIO(out))]
    else:
        told = map(json.loads, out.splitlines())
        answers = [[each["prediction"], *each["probabilities"].values()] for each in told]
    assert len(answers) == ROWS
    for place, name in enumerate(found.column_names):
        theirs = [row[place] for row in answers]
        assert found.column(name).to_pylist() == (pytest.approx(theirs, abs=1e-9) if place else theirs)
