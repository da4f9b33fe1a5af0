import os
import subprocess
import sys

import pytest

from serving.startup import BLAS_THREADS

PROGRAM = """
from serving.startup import begin, use_all_cores
begin()
import numpy, scipy.linalg
from threadpoolctl import threadpool_info
def threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}
print(threads())
use_all_cores()
print(threads())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "at_first", "for_many_rows"),
    [
        ({}, 1, os.process_cpu_count()),
        ({"OPENBLAS_NUM_THREADS": "2"}, 2, 2),
        ({"OMP_NUM_THREADS": "2"}, 2, 2),
    ],
)
def test_linear_algebra_takes_one_thread_until_many_rows_come(
    said: dict[str, str], at_first: int, for_many_rows: int
) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in BLAS_THREADS}
    told = subprocess.run([sys.executable, "-c", PROGRAM], env={**kept, **said}, capture_output=True, text=True)
    assert told.stdout.splitlines() == [f"{{{at_first}}}", f"{{{for_many_rows}}}"], told.stderr
