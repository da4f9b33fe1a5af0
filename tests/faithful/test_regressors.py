"""Regressors nearly all have an ONNX file, which gives their numbers on rows that its proof did not draw."""

import pytest

from tests.faithful.outcome import outcome
from tests.faithful.regressors import REGRESSORS
from tests.faithful.stated import FEW

WITHOUT = {
    "GaussianProcessRegressor",  # which does not fit the numeric columns
    "GradientBoostingRegressor from a linear regression",
    "KernelRidge, Laplacian",
    "MLPRegressor, Poisson",
    "Pipeline of splines and a ridge",
    "RadiusNeighborsRegressor",
    "TransformedTargetRegressor, quantiles of a ridge",
}
QUICK = (
    *("RandomForestRegressor", "HistGradientBoostingRegressor", "GammaRegressor", "LinearRegression"),
    *("Pipeline of components and a forest", "Pipeline of logarithms and a ridge"),
    *("StackingRegressor of forests by a tree", "TransformedTargetRegressor, log1p of histogram boosting"),
    *("VotingRegressor of a forest and a Poisson, weighted",),
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of estimators that scikit-learn will drop
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # of probe rows that are far away
    pytest.mark.filterwarnings("ignore::UserWarning"),  # … and of powers that have no inverse there
]


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_regressor_has_a_file_on_mixed_columns(name: str) -> None:
    hold(name, "mixed", "1", FEW)


@pytest.mark.campaign
@pytest.mark.parametrize(("name", "columns", "scale"), REGRESSORS.asked[::8])  # all of them: the table's program
def test_regressor_has_a_file_that_gives_its_numbers(name: str, columns: str, scale: str) -> None:
    hold(name, columns, scale, REGRESSORS.rows)


def hold(name: str, columns: str, scale: str, rows: int) -> None:
    found = outcome(REGRESSORS, name, columns, scale, rows)
    assert found.others == 0 and (found.difference or 0.0) <= 1e-5, found
    if name not in WITHOUT:
        assert found.format in ("single", "double"), found
