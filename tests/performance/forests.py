"""Forests of a given size, fitted on random numbers and kept between runs."""

import sys
from collections.abc import Mapping
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from brinery.formats.packed import pack
from brinery.loading.golden import make_golden
from brinery.rows.feature import Feature
from brinery.versions.manifest import FileName
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.examples import answering, artifact, content, publish_files
from tests.performance.environments import kept

FEATURES = 10
ROWS, BYTES_A_TREE = 50_000, 2_072_000
SMALL_ROWS, SMALL_BYTES_A_TREE = 3_000, 125_500


def forest_file(size: int) -> Path:
    """A joblib file of about `size` bytes; below 100 kB it is a logistic regression, for no forest is so small."""
    path = kept(f"forest-{size}", sklearn.__version__).with_suffix(".joblib")
    if not path.exists():
        print(f"fitting the model of {size:,} bytes", file=sys.stderr)
        rows, a_tree = (ROWS, BYTES_A_TREE) if size >= 50_000_000 else (SMALL_ROWS, SMALL_BYTES_A_TREE)
        random = np.random.default_rng(0)
        columns, labels = random.random((rows, FEATURES)), random.integers(0, 2, rows)
        model = (
            LogisticRegression()
            if size < 100_000
            else RandomForestClassifier(round(size / a_tree), max_features=1, random_state=0, n_jobs=2)
        ).fit(columns, labels)
        if hasattr(model, "n_jobs"):
            model.n_jobs = 1  # as Lambda wants it
        fresh = path.with_suffix(".part")
        joblib.dump(model, fresh)
        fresh.rename(path)
    return path


def publish_forest(store: Store, name: str, path: Path, *, packed: bool = True) -> Reference:
    """Publish the file as a version, with golden rows, packed as `train` does it, or as it is."""
    model, data = joblib.load(path), path.read_bytes()
    stored, encoding = pack(data) if packed else (data, "identity")
    entry = artifact("pickle").model_copy(update={"encoding": encoding, "unpacked_size": len(data)})
    rows = np.random.default_rng(1).random((20, FEATURES))
    features = tuple(Feature(name=f"x{j}", kind="number", minimum=0, maximum=1) for j in range(FEATURES))
    files: Mapping[FileName, bytes] = {
        "model.joblib": stored,
        "golden.json": make_golden(rows.tolist(), *answering(model, rows)),
    }
    return publish_files(store, content(name, features, (0, 1), artifacts={"pickle": entry}), files)
