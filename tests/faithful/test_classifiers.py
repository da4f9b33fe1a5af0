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
QUICK = (("numeric", "seconds"), ("mixed", "1"))
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


@pytest.mark.parametrize(
    ("tried", "rows"),
    [(QUICK, FEW), pytest.param(tuple(product(COLUMNS, SCALES)), ROWS, marks=pytest.mark.campaign)],
    ids=["one scale each", "every scale"],
)
@pytest.mark.parametrize("name", NAMES)
def test_classifier_gets_the_file_that_is_stated(name: str, tried: tuple[tuple[str, str], ...], rows: int) -> None:
    formats = stated()
    for columns, scale in tried:
        if (name, scale) in NOT_TRIED:
            continue
        found = outcome(name, columns, scale, rows)
        assert found.format == formats[name, columns, scale], f"{columns}, {scale}: {found}"
        assert found.others == 0 and (found.difference or 0.0) <= 1e-5, f"{columns}, {scale}: {found}"
