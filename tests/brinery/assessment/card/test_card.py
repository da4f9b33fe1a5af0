import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.card.card import MOST_BYTES
from brinery.assessment.columns.histogram import Histogram, histograms
from brinery.assessment.evaluate import evaluate
from brinery.assessment.inspection.importance import Importance
from brinery.assessment.note import Note
from brinery.output.svg import ISOLATE
from brinery.rows.feature import Feature
from brinery.tasks.classification import Classification, label_text
from brinery.versions.manifest import (
    Evaluation,
    Faithful,
    Gate,
    GateCheck,
    Git,
    PromotedMetrics,
    Search,
    TrainingData,
    Trial,
)
from tests.brinery.assessment.card.cards import HEBREW, LONG_NAME, NAMES, Card, card
from tests.examples import classes_of, content, predicted

EVIL = "<script>alert(1)</script>"
OVERRIDE = "\u202e"  # what follows is written from right to left


class Page(HTMLParser):
    """What a browser would show and fetch: text by section, tags left open, attributes that name other files."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.external: list[str] = []
        self.parts: dict[str, str] = {}
        self.part = "top"
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.external += [name for name, _ in attrs if name in {"src", "href", "xlink:href", "srcset"}]
        if tag not in {"meta", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.external += [name for name, _ in attrs if name in {"src", "href", "xlink:href", "srcset"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.part = " ".join(data.split())
        elif "style" not in self.open:
            self.parts[self.part] = re.sub(r"[ \n]+", " ", self.parts.get(self.part, "") + data)


def part(made: Card, title: str) -> str:
    """The text of the section whose heading begins so."""
    parts = Page(made.render()).parts
    return next((text for heading, text in parts.items() if heading.startswith(title)), "")


def hostile() -> Card:
    """A card all of whose texts are hostile."""
    features = (
        Feature(name=EVIL, kind="category", categories=(EVIL, "&")),
        Feature(name=OVERRIDE + HEBREW, kind="number", minimum=0, maximum=1),
    )
    array = np.array([[EVIL, 0.0], ["&", 1.0], [EVIL, 0.5]], dtype=object)
    classes = np.array([EVIL, "b\"'>"])
    predictions = predicted(
        classes[[0, 1, 0]], classes[[0, 0, 1]], np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), classes
    )
    promoted = PromotedMetrics(vouched=True, reference=EVIL, metrics={})
    check = GateCheck(metric=EVIL, rule="min", side="least", limit=0.1, value=0.5, passed=True)
    described = content(
        EVIL,
        features,
        tuple(classes.tolist()),
        description=EVIL,
        metrics={"accuracy": 0.5, "log_loss": 0.5},
        evaluation=evaluate(ASSESSORS["classification"], predictions, classes, 0, promoted=promoted),
        gate=Gate(passed=True, checks=(check,)),
        data=TrainingData(source=EVIL, sha256="0" * 64, rows=9, columns=3, train_rows=6, test_rows=3),
        spec={
            "target": EVIL,
            "estimator": EVIL,
            "params": {EVIL: EVIL},
            "class_weight": EVIL,
            "search": {EVIL: []},
            "scoring": EVIL,
        },
        git=Git(commit=EVIL, dirty=True),
        libraries={EVIL: EVIL},
        duration_seconds=1.0,
        omitted={EVIL: EVIL},
    )
    return Card(described, predictions, array, histograms(array, features), (Importance(EVIL, 0.1, 0.0, 3),))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_card_is_one_file_that_needs_no_other(name: str) -> None:
    page = card(name).render()
    found = Page(page)
    assert not found.open and not found.external
    assert not re.search(r"https?://|<script|<link|<img|@import|url\(", page)
    assert len(page.encode()) < 150_000


def test_card_escapes_what_it_shows() -> None:
    made = hostile()
    page = made.render()
    assert "<script" not in page and 'b"' not in page.split("</style>")[1]
    drawn = {"Confusion matrix"}  # its names are shortened, and whole in attributes
    assert all(EVIL in text for title, text in Page(page).parts.items() if title not in drawn)
    assert EVIL in part(made.but(evaluation=uncompared(made, EVIL)), "Gate")


def test_card_shows_notes_before_all_else_and_of_many_the_first() -> None:
    made = card("wine")
    assert "Notes" not in Page(made.render()).parts
    noted = replace(made, notes=(EVIL, f"{OVERRIDE}x", "y" * 700, *map(str, range(40))))
    titles = list(Page(noted.render()).parts)
    assert titles[:3] == ["top", "Notes", "Metrics on 45 held-out rows"] and "<script" not in noted.render()
    assert part(noted, "Notes").split() == [
        *EVIL.split(), "\\u202ex", f"{'y' * 500}…", *map(str, range(17)), "and", "23", "more"
    ]  # fmt: skip


@pytest.mark.slow
def test_card_shows_a_note_beside_the_figure_that_it_explains() -> None:
    given = (
        Note("of copies", "metrics"),
        Note("of cells", feature="alcohol"),
        Note("of a column that is no feature", feature="target"),
        Note("of rows", "data"),
        Note("of the file", "formats"),
    )
    made = replace(card("wine"), notes=given)
    expected = {"Metrics": 0, "Features": 1, "Notes": 2, "Data": 3, "Formats": 4}
    for title, which in expected.items():
        assert [note for note in given if note in part(made, title)] == [given[which]], title
    first = made.render().partition("<h2>Features</h2>")[2].partition("</tr>")[2].partition("</tr>")[0]
    assert "alcohol" in first and "of cells" in first


def test_card_names_its_version_and_ends_with_limits_and_lineage() -> None:
    made = card("wine")
    page, titles = made.render(), list(Page(made.render()).parts)
    assert page.startswith('<!doctype html>\n<html lang="en"><head>')
    assert (
        "<title>wine:8: model card</title>" in page and "<h1><bdi>wine:8</bdi> <small>model card</small></h1>" in page
    )
    assert titles[1].startswith("Metrics on") and titles[-2:] == ["Limits", "Lineage"]


@pytest.mark.slow
def test_card_of_the_longest_texts_stays_within_its_bound() -> None:
    random, long = np.random.default_rng(0), "<" * 5000
    names = [f"{'<' * 195}{j}" for j in range(300)]
    features = tuple(Feature(name=name, kind="category", categories=(long, f"{long}b")) for name in names)
    rows = np.full((30, len(names)), long, dtype=object)
    classes = np.array([f"{k:03d}{long}" for k in range(200)])
    predictions = predicted(classes[:30], classes[1:31], random.dirichlet(np.ones(200), 30), classes)
    described = content(
        "long",
        features,
        tuple(classes.tolist()),
        metrics={"accuracy": 0.0},
        evaluation=evaluate(ASSESSORS["classification"], predictions, classes[:30], 0, not_compared=long),
        spec={"params": {"x": long}, "fitted": long[:2000]},
        omitted={"onnx": long},
    )
    notes = [Note(long, figure) for figure in ("metrics", "data", "formats") for _ in range(30)]
    notes += [Note(long, feature=name) for name in names for _ in range(9)]
    found = tuple(Histogram(name, (long, f"{long}b"), (20, 10), 0) for name in names)
    page = Card(described, predictions, rows, found, (), (), tuple(notes)).render()
    assert len(page.encode()) < MOST_BYTES and "and 100 more, which the manifest names" in page


TRIALS = tuple(
    Trial(params={"C": 10.0**-k, "gamma": "scale"}, mean=0.9 - k / 100, deviation=0.01, rows=None, chosen=k == 0)
    for k in range(3)
)


def test_card_shows_what_a_search_tried() -> None:
    made = card("wine").but(search=Search(metric="accuracy", folds=5, tried=30, trials=TRIALS))
    told = part(made, "Search")
    assert "30 sets of parameters were tried" in told and "and 27 more" in told and "rows tried" not in told
    assert re.search(r"C = 1.0, gamma = scale\s*chosen\s*0.9000\s*0.0100", told) and told.count("chosen") == 3
    rounds = tuple(trial.model_copy(update={"rows": 100}) for trial in TRIALS)
    made = card("wine").but(search=Search(metric="log_loss", folds=5, tried=3, trials=rounds))
    assert "less is better" in part(made, "Search") and "more, which stood" not in part(made, "Search")
    assert re.search(r"0.0100\s*100", part(made, "Search")) and "Search" not in Page(card("wine").render()).parts


def test_card_says_how_faithful_each_format_is() -> None:
    made = card("wine")
    proof = Faithful(largest_difference=7e-7, rows={"held-out rows": 45, "within the ranges": 2000}, ties=3, tested="")
    onnx = made.content.artifacts["onnx"].model_copy(update={"faithful": proof})
    told = part(made.but(artifacts={**made.content.artifacts, "onnx": onnx}), "Formats")
    assert re.search(r"served by\s*sklearn, full", told) and re.search(r"served by\s*onnx", told)
    assert (
        "the same labels, probabilities within 7e-07" in told and "3 of these rows may be answered either way" in told
    )
    assert re.search(r"45 held-out rows\s*2,000 within the ranges", told)
    assert "None: a probability differs by 0.02 on the held-out rows." in part(card("mixed"), "Formats")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"baseline": 0.5}, ("beaten", "passed", "better")),
        ({"baseline": 0.89}, ("cannot be told", "passed", "better")),
        ({"baseline": 0.9}, ("not beaten", "passed", "better")),
        ({"baseline": 0.97}, ("not beaten", "passed", "better")),
        ({"promoted": 0.9}, ("beaten", "passed", "as good")),
        ({"promoted": 0.91}, ("beaten", "passed", "cannot be told")),
        ({"promoted": 0.96}, ("beaten", "passed", "worse")),
        ({"promoted": None}, ("beaten", "passed", "not compared")),
        ({"limit": 0.95}, ("beaten", "failed", "better")),
        ({"limit": None}, ("beaten", "not set", "better")),
    ],
)
def test_verdict_comes_first(changes: dict[str, float | None], expected: tuple[str, ...]) -> None:
    asked = {"baseline": 0.5, "promoted": 0.8, "limit": 0.6} | changes
    made, limit, other = card("wine"), asked["limit"], asked["promoted"]
    check = GateCheck(metric="accuracy", rule="min", side="least", limit=limit, value=0.9, passed=(limit or 0) <= 0.9)
    evaluation = made.content.evaluation.model_copy(
        update={
            "baseline": {"accuracy": asked["baseline"]},
            "intervals": {"accuracy": (0.85, 0.95)},
            "not_compared": "nothing was promoted yet" if other is None else None,
            "promoted": other and PromotedMetrics(vouched=True, reference="wine:6", metrics={"accuracy": other}),
        }
    )
    gate = Gate(passed=check.passed, checks=() if limit is None else (check,))
    made = made.but(metrics={"accuracy": 0.9}, evaluation=evaluation, gate=gate)
    words = re.findall(r"<strong>(.*?)</strong>", made.render().partition("</header>")[0])
    assert tuple(words) == expected
    top = part(made, "top")
    assert "accuracy 0.9000 (0.850 to 0.950)" in top and ("holds the baseline" in top) == (words[0] == "cannot be told")
    assert ("nothing was promoted yet" in top) == (other is None)


def uncompared(made: Card, reason: str) -> Evaluation:
    evaluation = made.content.evaluation
    return evaluation.model_copy(update={"promoted": None, "not_compared": reason})


def test_card_keeps_names_of_another_direction_in_their_place() -> None:
    made = card("two")
    classes = np.array([OVERRIDE + "a", OVERRIDE + "b"])
    truth, labels = (
        classes[np.searchsorted(made.predictions.classes, answers)]
        for answers in (made.predictions.truth, made.predictions.labels)
    )
    predictions = predicted(truth, labels, made.predictions.probabilities, classes)
    page = replace(made.but(task=Classification(classes=tuple(classes.tolist()))), predictions=predictions).render()
    drawn = re.sub(r"<desc>.*?</desc>", "", page)
    assert drawn.count(OVERRIDE) > 10
    assert not re.search(rf"(?<!<bdi>)(?<!{ISOLATE})(?<!title=\"){OVERRIDE}", drawn)


def test_card_draws_no_metric_that_has_no_upper_end() -> None:
    made = card("wine")
    page = made.render()
    drawn = page.partition("<title>Metrics and their 95 % intervals</title>")[2].partition("</svg>")[0]
    assert "Less log_loss is better; it has no upper end" in part(made, "Metrics")
    assert "accuracy" in drawn and "log_loss" not in drawn


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_card_shows_every_value(name: str) -> None:
    made = card(name)
    described = made.content
    metrics, classes = part(made, "Metrics"), part(made, "Classes")
    for metric, value in described.metrics.items():
        assert metric in metrics and f"{value:.4f}" in metrics
        assert f"{described.evaluation.baseline[metric]:.4f}" in metrics
    for metric, (low, high) in described.evaluation.intervals.items():
        assert f"{low:.3f} to {high:.3f}" in metrics, metric
    for label, each in zip(classes_of(described.task), described.evaluation.details.classes, strict=True):
        assert label_text(label) in classes and f"{each.recall:.4f}" in classes and f"{each.precision:.4f}" in classes
    features = part(made, "Features")
    assert all(feature.name in features for feature in described.features)
    lineage = part(made, "Lineage")
    for fact in (
        "2026-01-02T03:04:05Z",
        "1b48523c4d1c3a4bb3d2f1c0ffee000011112222",
        "max_iter=1000",
        "4.2 s",
        "312 MB",
    ):
        assert fact in lineage
    assert made.content.data.sha256 in part(made, "Data") and made.content.data.source in part(made, "Data")
    assert all(check.text in part(made, "Gate") for check in described.gate.checks)


def test_card_names_the_promoted_version_it_was_compared_with() -> None:
    made = card("wine")
    assert "Compared with wine:6" in part(made, "Gate")
    assert "+0.0213" in part(made, "Metrics") and "\u22120.0500" in part(made, "Metrics")
    assert "was not compared with a promoted version" in part(card("single"), "Gate")


def test_card_gate_says_what_failed_and_why_nothing_was_compared() -> None:
    reason = "nothing was promoted yet"
    checks = (
        GateCheck(metric="accuracy", rule="min", side="least", limit=0.99, value=0.9, passed=False),
        GateCheck(
            metric="roc_auc",
            rule="no_worse_than_promoted",
            side="least",
            limit=None,
            value=0.9,
            passed=True,
            reason=reason,
        ),
    )
    made = card("wine").but(gate=Gate(passed=False, checks=checks))
    assert "failed: accuracy is 0.9000" in part(made, "Gate") and reason in part(made, "Gate")
    assert "gate ≥\u00a00.99" in part(made, "Metrics")
    unasked = part(card("wine").but(gate=Gate(passed=True, checks=())), "Gate")
    assert "no limits" in unasked and "passed" not in unasked


@pytest.mark.parametrize("name", ["two", "digits"])
def test_card_confusion_of_few_classes_has_every_count(name: str) -> None:
    made = card(name)
    assert made.content.evaluation.details.confusion
    cells = re.findall(r'<td class="(?:hit|miss|none)"[^>]*>(\d+)', made.render())
    assert cells == [str(count) for row in made.content.evaluation.details.confusion for count in row]


@pytest.mark.parametrize("name", ["hundred", "more"])
def test_card_confusion_of_many_classes_names_the_worst_pairs(name: str) -> None:
    made = card(name)
    truth, labels = made.predictions.truth, made.predictions.labels
    wrong = truth != labels
    pairs, counts = np.unique(np.stack([truth[wrong], labels[wrong]]), axis=1, return_counts=True)
    first, second = pairs[:, counts.argmax()]
    assert re.search(rf"{first}\s*{second}\s*{counts.max()}", part(made, "Confusion").replace("\n", ""))
    assert ("<title>Confusion matrix</title>" in made.render()) == (
        made.content.evaluation.details.confusion is not None
    )


def test_card_without_probabilities_says_so() -> None:
    assert "gives no probabilities" in part(card("unsure"), "Probabilities")
    assert "gives no probabilities" in part(card("unsure"), "Limits")
    assert "gives no probabilities" not in part(card("wine"), "Limits")


def test_card_of_cross_validation_says_what_was_measured() -> None:
    assert card("wine").content.evaluation
    folded = uncompared(card("wine"), "why").model_copy(update={"folds": 5})
    made = card("wine").but(evaluation=folded)
    assert "those of 5 models" in part(made, "Limits")
    assert "answers of all 5 folds were measured once, together" in part(made, "Metrics on")
    assert "5 folds" in part(made, "Data") and "not compared with a promoted version: why." in part(made, "Gate")
    assert "rows that the model was fitted on" in part(made, "Permutation importance")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("wine", "Only 45 rows were held out"),
        ("wine", "rule of three"),
        ("wine", "Classes of fewer than 20 held-out rows, with rough precision and recall: 0, 1, 2."),
        ("wine", "a row that lacks a value is refused"),
        ("hundred", "Classes never answered on the held-out rows: segment-"),
        ("mixed", "Categories that training did not see are refused"),
        ("mixed", "Missing values are refused in"),
        ("two", "uncommitted changes"),
    ],
)
def test_card_limits_follow_from_its_facts(name: str, sentence: str) -> None:
    assert sentence in part(card(name), "Limits")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hundred", "rows were held out"),
        ("digits", "rule of three"),
        ("wine", "never answered"),
        ("wine", "Categories"),
        ("mixed", "The training rows had no missing values"),
        ("wine", "uncommitted"),
        ("wine", "not known"),
        ("wine", "baseline"),
        ("single", "same information"),
    ],
)
def test_card_limits_say_nothing_that_is_not_so(name: str, sentence: str) -> None:
    assert sentence not in part(card(name), "Limits")


def test_card_limits_tell_an_uneven_or_undecided_model() -> None:
    made = card("two")
    low, high = made.content.evaluation.intervals["accuracy"]
    evaluation = made.content.evaluation.model_copy(update={"baseline": {"accuracy": (low + high) / 2}})
    assert "cannot be told from the baseline" in part(made.but(evaluation=evaluation), "Limits")
    one, other = made.content.evaluation.details.classes
    uneven = (one.model_copy(update={"support": 95}), other.model_copy(update={"support": 5}))
    details = made.content.evaluation.details.model_copy(update={"classes": uneven})
    evaluation = made.content.evaluation.model_copy(update={"details": details})
    assert "95.0% of the held-out rows are of class benign" in part(made.but(evaluation=evaluation), "Limits")
    assert "git commit is not known" in part(made.but(git=Git(commit=None, dirty=None)), "Limits")


def test_card_tells_a_search_and_class_weights() -> None:
    spec = {"search": {"C": [0.1, 1], "solver": ["lbfgs"]}, "scoring": "macro_f1", "class_weight": "balanced"}
    lineage = part(card("wine").but(spec=spec), "Lineage")
    assert "C, solver, by macro_f1" in lineage and "balanced" in lineage


def test_card_of_held_out_rows_of_one_class_has_no_roc_curve() -> None:
    labels = np.array([0, 0])
    predictions = predicted(labels, labels, np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
    assert "No ROC curve" in part(replace(hostile(), predictions=predictions), "Probabilities")


def test_card_of_dates_says_what_their_numbers_are() -> None:
    assert "Dates are numbers of days since 1970-01-01" in part(card("mixed"), "Features")
    assert "Dates" not in part(card("wine"), "Features")


def test_card_shortens_long_lists_and_keeps_long_names() -> None:
    features = part(card("mixed"), "Features")
    assert "and 52 more" in features and LONG_NAME in features and HEBREW in features
    assert "and 70 more" in part(card("hundred"), "Data")
