"""What the table states is what happens: no classifier loses its ONNX file, or gains one, without a word."""

from itertools import product

import pytest

from tests.faithful.classifiers import COLUMNS, NAMES, NOT_TRIED, SCALES
from tests.faithful.outcome import outcome
from tests.faithful.table import ROWS, stated

MUST_HAVE = (
    *("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier", "BaggingClassifier"),
    *("AdaBoostClassifier", "GradientBoostingClassifier", "HistGradientBoostingClassifier"),
    *("LogisticRegression", "LinearSVC", "LinearDiscriminantAnalysis", "SVC", "NuSVC"),
    *("KNeighborsClassifier", "MLPClassifier", "BernoulliNB", "GaussianNB"),
)
FEW = 1_000  # probe rows
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of estimators that scikit-learn will drop
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # of probe rows that are far away
]


def test_table_has_every_classifier_that_can_be_declared() -> None:
    tried = {(n, c, s) for n in NAMES for c in COLUMNS for s in SCALES if (n, s) not in NOT_TRIED}
    assert set(stated()) == tried


@pytest.mark.parametrize("name", MUST_HAVE)
def test_what_must_have_a_file_has_one(name: str) -> None:
    formats = stated()
    assert {formats[name, columns, scale] for columns in COLUMNS for scale in SCALES} <= {"single", "double"}


@pytest.mark.parametrize("name", MUST_HAVE)
def test_what_must_have_a_file_gets_it_on_mixed_columns(name: str) -> None:
    hold_to_what_is_stated(name, "mixed", "1", FEW)


@pytest.mark.campaign
@pytest.mark.parametrize("name", NAMES)
def test_classifier_gets_the_file_that_is_stated(name: str) -> None:
    for columns, scale in product(COLUMNS, SCALES):
        if (name, scale) not in NOT_TRIED:
            hold_to_what_is_stated(name, columns, scale, ROWS)


def hold_to_what_is_stated(name: str, columns: str, scale: str, rows: int) -> None:
    found = outcome(name, columns, scale, rows)
    assert found.format == stated()[name, columns, scale], f"{columns}, {scale}: {found}"
    assert found.others == 0 and (found.difference or 0.0) <= 1e-5, f"{columns}, {scale}: {found}"
