"""Runs of `score` for tests: inputs of the example models' rows, in every form, and what came of them."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from brinery.loading.load import load
from brinery.scoring.outputs import Output
from brinery.scoring.score import Result, Wanted, score
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from serving.answer import answer as answer_of
from tests.examples import frame

KEY = "id"


def rows_of(name: str) -> pd.DataFrame:
    """The rows of an example, with a key."""
    rows, _ = frame(name)
    return rows.assign(**{KEY: [f"k{place:04}" for place in range(len(rows))]})


def write_rows(rows: pd.DataFrame, path: Path) -> Path:
    """Write rows in the form that a file's name ends with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if ".parquet" in path.suffixes:
        rows.to_parquet(path, index=False)
        return path
    lines = ".jsonl" in path.suffixes
    text = rows.to_json(orient="records", lines=True) if lines else rows.to_csv(index=False)
    data = text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def run(registry: Store, reference: Reference, given: Path | str, out: Path | str, **options: Any) -> Result:
    """Complete a run; a path is that of a folder that is made."""
    url = out if isinstance(out, str) else out.resolve().as_uri()
    wanted = {name: options.pop(name) for name in list(options) if name in Wanted.__dataclass_fields__}
    return score(
        registry, reference, Wanted(str(given), **wanted), open_store(url, create=True), Path("/nowhere"), **options
    )


def stored(out: Path | str) -> dict[str, bytes]:
    """All that lies in a place, by name; what is being written is not there yet."""
    store = open_store(out if isinstance(out, str) else out.resolve().as_uri())
    return {name: bytes(store.read(name, size)) for name, size in store.files("").items()}


def parts(out: Path | str) -> dict[str, bytes]:
    """The files of answers and of refused rows."""
    return {name: data for name, data in stored(out).items() if name.startswith(("part-", "refused-"))}


def table(out: Path | str, manifest: Mapping[str, Any]) -> pa.Table:
    """All answers of a run, in order."""
    kinds = {"int64": pa.int64(), "double": pa.float64(), "string": pa.string(), "bool": pa.bool_()}
    schema = pa.schema([(each["name"], kinds[each["type"]]) for each in manifest["columns"]])
    output, found = Output(schema, 0, manifest["format"]), stored(out)
    return pa.concat_tables(output.decoded(found[part["file"]]) for part in manifest["parts"])


def refused(out: Path) -> list[dict[str, Any]]:
    """What is told of refused rows, in order."""
    names = sorted(name for name in stored(out) if name.startswith("refused-"))
    return [json.loads(line) for name in names for line in stored(out)[name].splitlines()]


def classified(registry: Store, reference: Reference, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """What a server answers to rows by POST /predict."""
    data = json.loads(rows.drop(columns=KEY, errors="ignore").to_json(orient="records", double_precision=15))
    status, content = answer_of(load(registry, reference), json.dumps({"data": data}).encode(), len(data))
    assert status == 200, content
    answers: list[dict[str, Any]] = content["predictions"]
    return answers


def assert_same(found: pa.Table, answers: list[dict[str, Any]]) -> None:
    """Labels equal, and numbers within what two forms of one model may differ by."""
    predicted, theirs = found.column("prediction").to_pylist(), [each["prediction"] for each in answers]
    if isinstance(theirs[0], float):
        assert np.allclose(predicted, theirs, rtol=1e-9)
    else:
        assert predicted == theirs
    for label in answers[0].get("probabilities", {}):
        shares = [each["probabilities"][label] for each in answers]
        assert np.allclose(found.column(f"p_{label}").to_numpy(), shares, atol=1e-5)
