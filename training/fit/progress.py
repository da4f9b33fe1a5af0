"""Progress of many fits: joblib tells of finished tasks by a method of its own, which is replaced meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import joblib

Report = Callable[[int, int], None]


@contextmanager
def fits_reported(report: Report, total: int) -> Iterator[None]:
    """Call `report` with the fits done and those to do as they end; a test holds joblib to it."""
    original = joblib.Parallel.print_progress
    before, current = 0, 0

    def print_progress(parallel: joblib.Parallel) -> None:
        nonlocal before, current
        if parallel.n_jobs == -1:  # not one within a fit
            if parallel.n_completed_tasks < current:  # the next round of a halving search
                before += current
            current = parallel.n_completed_tasks
            report(min(before + current, total), total)

    report(0, total)
    joblib.Parallel.print_progress = print_progress
    try:
        yield
    finally:
        joblib.Parallel.print_progress = original
