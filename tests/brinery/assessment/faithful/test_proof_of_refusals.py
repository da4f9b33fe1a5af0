"""The proof where the fitted model has no answer, or is not decided."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from brinery.assessment.faithful.probes import Probe
from brinery.assessment.faithful.proof import expect, prove
from brinery.assessment.regression import RegressionAssessor
from brinery.tasks.regression import Estimates, Regression

REGRESSION, TASK = RegressionAssessor(), Regression(mean=0, deviation=1)
ROWS = np.linspace(-2, 10, 700)[:, None]
MODEL = make_pipeline(FunctionTransformer(np.log1p), Ridge()).fit(ROWS[ROWS[:, 0] > 0], ROWS[ROWS[:, 0] > 0, 0])


class Converted:
    """The model as a file: where it raises, the number given."""

    def __init__(self, instead: float) -> None:
        self.instead = instead

    def predict(self, array: np.ndarray) -> Estimates:
        logarithms = np.log1p(np.maximum(array, -1 + 1e-9))
        return Estimates(np.where(array[:, 0] <= -1, self.instead, MODEL[-1].predict(logarithms)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_rows_without_an_answer_must_have_none_in_the_file() -> None:
    (found,) = expect(REGRESSION, MODEL, [Probe("rows", ROWS)])
    assert len(found.refused) == (ROWS <= -1).sum() > 50 and len(found.answers) == len(ROWS) - len(found.refused)
    assert (found.refused <= -1).all() and "Input X contains" in found.why
    assert prove(TASK, Converted(np.nan), [found]).fault == ""
    fault = prove(TASK, Converted(0.0), [found]).fault
    assert fault.startswith(f"of the rows, {len(found.refused)} get an answer, and the fitted model has none: Input X")


def test_model_that_ties_with_itself_on_nearly_all_rows_is_not_proven() -> None:
    twice: Any = np.repeat(np.arange(20.0)[:, None], 2, axis=0)
    model = KNeighborsRegressor(1).fit(twice, np.arange(40.0))
    found = expect(REGRESSION, model, [Probe("rows", twice, between=True)])

    class Same:
        def predict(self, array: np.ndarray) -> Estimates:
            return REGRESSION.answers(model, array)

    assert prove(TASK, Same(), found).fault == "the model ties with itself on 40 of 40 rows"
