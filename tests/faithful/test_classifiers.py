"""What the table states is what happens: no classifier loses its ONNX file, or gains one, without a word."""

import pytest

from tests.faithful.classifiers import CLASSIFIERS
from tests.faithful.family import COLUMNS, SCALES
from tests.faithful.stated import FEW, hold_to_what_is_stated, hold_whole
from tests.faithful.table import stated

MUST_HAVE = (
    *("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier", "BaggingClassifier"),
    *("AdaBoostClassifier", "GradientBoostingClassifier", "HistGradientBoostingClassifier"),
    *("LogisticRegression", "LinearSVC", "LinearDiscriminantAnalysis", "SVC", "NuSVC"),
    *("KNeighborsClassifier", "MLPClassifier", "BernoulliNB", "GaussianNB"),
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of estimators that scikit-learn will drop
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # of probe rows that are far away
]


def test_table_has_every_classifier_that_can_be_declared() -> None:
    assert set(stated(CLASSIFIERS)) == set(CLASSIFIERS.asked)


@pytest.mark.parametrize("name", MUST_HAVE)
def test_what_must_have_a_file_has_one(name: str) -> None:
    formats = stated(CLASSIFIERS)
    assert {formats[name, columns, scale] for columns in COLUMNS for scale in SCALES} <= {"single", "double"}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUST_HAVE)
def test_what_must_have_a_file_gets_it_on_mixed_columns(name: str) -> None:
    hold_to_what_is_stated(CLASSIFIERS, name, "mixed", "1", FEW)


@pytest.mark.campaign
@pytest.mark.parametrize("name", CLASSIFIERS.names[::8])  # all of them: the table's program
def test_classifier_gets_the_file_that_is_stated(name: str) -> None:
    hold_whole(CLASSIFIERS, name)
