"""Loading a large forest holds about one copy of it: neither the file nor the arrays beside it."""

import re
from functools import cache

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from brinery.formats.packed import pack
from brinery.versions.store import Store
from tests.conftest import python
from tests.examples import artifact, publish_files, tiny

PEAK = r"""
import re, sys
from brinery.loading.load import load
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
import brinery.formats.pickle
import sklearn.ensemble
store = open_store(sys.argv[1])
peak = lambda: int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1])
before = peak()
load(store, Reference("tiny", 1))
print("peak", peak() - before)
"""


@cache
def forest() -> RandomForestClassifier:
    random = np.random.default_rng(0)
    return RandomForestClassifier(14, random_state=0).fit(random.random((30_000, 1)) * 3, random.integers(0, 2, 30_000))


@pytest.mark.slow
@pytest.mark.parametrize("packing", [False, True], ids=["as it is", "packed"])
def test_pickle_of_a_large_forest_is_loaded_in_place(folder_store: Store, packing: bool) -> None:
    described, files = tiny(estimator=forest())
    size = len(files["model.joblib"])
    assert size > 10_000_000
    if packing:
        stored, encoding = pack(files["model.joblib"])
        entry = artifact("pickle").model_copy(update={"encoding": encoding, "unpacked_size": size})
        described, files = (
            described.model_copy(update={"artifacts": {"pickle": entry}}),
            {**files, "model.joblib": stored},
        )
    publish_files(folder_store, described, files)
    result = python("-c", PEAK, folder_store.url)
    match = re.fullmatch(r"peak (\d+)\n", result.stdout)
    assert match, result.stderr
    assert int(match[1]) * 1024 < 1.5 * size  # 3 times the size with joblib's own load of a copy
