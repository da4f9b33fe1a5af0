"""Loads one model in a process of its own, and prints what that took, in seconds and bytes, as JSON.

`load_once.py s3 REFERENCE` loads from $MODEL_REGISTRY with all checks; `load_once.py get REFERENCE` gets the pickle
from there by one request, hashes it and calls joblib.load; `load_once.py file PATH` is joblib.load.
Libraries are imported before the clock starts.
"""

import hashlib
import io
import json
import os
import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, ".")

import joblib
import obstore
import sklearn.ensemble  # noqa: F401
import sklearn.linear_model  # noqa: F401

import brinery.formats.pickle  # noqa: F401
from brinery.loading.load import load
from brinery.versions.reference import Reference
from brinery.versions.store import open_store


def main() -> None:
    kind, what = sys.argv[1:]
    timings: dict[str, float] = {}
    before = _peak()
    started = perf_counter()
    if kind == "s3":
        loaded = load(open_store(os.environ["MODEL_REGISTRY"]), Reference.parse(what), format="pickle")
        timings = dict(loaded.timings)
    elif kind == "get":
        path = f"{Reference.parse(what).folder}/model.joblib"
        data = obstore.get(open_store(os.environ["MODEL_REGISTRY"]).backend, path).bytes()
        hashlib.sha256(data).hexdigest()
        joblib.load(io.BytesIO(data))
    else:
        joblib.load(what)
    seconds = perf_counter() - started
    peak = _peak()
    print(json.dumps({"seconds": seconds, "peak": peak, "growth": peak - before, "timings": timings}))


def _peak() -> int:
    """Bytes of this process at its largest so far (VmHWM)."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
