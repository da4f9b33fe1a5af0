import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from brinery.assessment.card.pictures import plots
from brinery.assessment.card.pictures.curves import POINTS, Curve, calibration, confused_pairs, roc_curves
from brinery.assessment.columns.histogram import Histogram
from brinery.assessment.inspection.importance import Importance
from brinery.output.svg import WIDTH, fit, text_width
from brinery.rows.feature import Feature
from tests.brinery.assessment.card.cards import CHINESE, HEBREW, LONG_NAME, NAMES, card
from tests.examples import predicted

Box = tuple[float, float, float, float]
LONG = ["W" * 200, LONG_NAME, HEBREW * 20, CHINESE * 40, "a b " * 50]
ASCENT, DESCENT = 9.5, 2.5


def pictures(page: str) -> list[ElementTree.Element]:
    found = [ElementTree.fromstring(picture) for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]  # noqa: S314
    assert found
    return found


def boxes(picture: ElementTree.Element) -> Iterator[tuple[str, Box]]:
    """About where each text of a picture stands: left, top, right, bottom."""
    for element in picture.iter("text"):
        content = element.text or ""
        x, y, width = float(element.attrib["x"]), float(element.attrib["y"]), text_width(content)
        css = element.attrib.get("class", "")
        before = width if "end" in css else width / 2 if "mid" in css else 0
        if "transform" in element.attrib:
            yield content, (x - ASCENT, y - width + before, x + DESCENT, y + before)
        else:
            yield content, (x - before, y - ASCENT, x - before + width, y + DESCENT)


def check(picture: ElementTree.Element) -> None:
    """A name and a finding in words, and texts that neither meet nor leave the picture."""
    assert picture.attrib["role"] == "img"
    assert all((picture.findtext(part) or "").strip() for part in ("title", "desc"))
    width, height = map(float, picture.attrib["viewBox"].split()[2:])
    assert width <= WIDTH
    placed = list(boxes(picture))
    for content, (left, top, right, bottom) in placed:
        assert left >= -1 and top >= -1 and right <= width + 1 and bottom <= height + 1, content
    for (one, a), (other, b) in combinations(placed, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{one} meets {other} in {picture.findtext('title')}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_pictures_have_words_and_no_labels_that_meet(name: str) -> None:
    for picture in pictures(card(name).render()):
        check(picture)


@pytest.mark.parametrize("count", [13, 30, 99, 100])
@pytest.mark.parametrize("label", ["{}", "segment {}", LONG_NAME + "{}"])
def test_heat_map_thins_its_labels(count: int, label: str) -> None:
    confusion = np.random.default_rng(0).integers(0, 50, (count, count)).tolist()
    picture = plots.heat_map([label.format(k) for k in range(count)], confusion, "what there is")
    assert len(picture) < 90_000
    check(pictures(picture)[0])


@pytest.mark.parametrize("name", LONG)
def test_plots_shorten_long_names(name: str) -> None:
    line = np.array([0.0, 1.0])
    check(pictures(plots.roc_plot([Curve(name, line, line, 0.5)] * 6))[0])
    check(pictures(plots.importance_plot([Importance(name, -0.25, 0.1, 9), Importance(name, 0, 0, 9)]))[0])
    feature = Feature(name=name[:200], kind="category", categories=(name, "b"))
    check(pictures(plots.histogram_plot(Histogram(feature.name, (name, "b"), (3, 0), 0), feature))[0])


@pytest.mark.parametrize("counts", [[1, 9, 99, 999, 1000, 9949, 9950, 99999, 999499, 12345678], [0] * 9 + [1]])
def test_calibration_plot_has_room_for_any_count(counts: Sequence[int]) -> None:
    found = calibration(card("wine").predictions)
    assert found is not None
    check(pictures(plots.calibration_plot(type(found)(**{**vars(found), "counts": tuple(counts)})))[0])


@pytest.mark.parametrize("name", ["two", "wine", "mixed", "digits", "hundred", "more", "single"])
def test_roc_curves_have_the_area_that_the_metric_has(name: str) -> None:
    curves = roc_curves(card(name).predictions)
    metric = card(name).content.metrics["roc_auc"]
    many = len(card(name).predictions.classes) > 6
    assert (
        curves[0].area == pytest.approx(metric) if many else np.mean([c.area for c in curves]) == pytest.approx(metric)
    )
    assert all(len(curve.x) <= POINTS and curve.x[-1] == curve.y[-1] == 1 for curve in curves)


def test_roc_curve_is_thinned_and_stays_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 20_000)
    score = np.round(random.normal(truth, 1.0), 3)
    score = (score - score.min()) / np.ptp(score)
    (curve,) = roc_curves(predicted(truth, truth, np.stack([1 - score, score], axis=1), np.array([0, 1])))
    x, y, _ = roc_curve(truth, score)
    assert len(curve.x) <= POINTS
    assert np.abs(np.interp(curve.x, x, y) - curve.y).max() < 0.01


def test_roc_curves_leave_out_a_class_without_rows() -> None:
    truth, classes = np.array([0, 0, 1]), np.array([0, 1, 2])
    curves = roc_curves(predicted(truth, truth, np.full((3, 3), 1 / 3), classes))
    assert [curve.name for curve in curves] == ["0", "1"]
    assert roc_curves(predicted(truth[:2], truth[:2], np.full((2, 2), 0.5), classes[:2])) == ()


def test_calibration_is_of_the_second_of_two_classes_and_of_the_answer_of_more() -> None:
    truth = np.array([0, 1, 1, 1])
    two = calibration(predicted(truth, truth, np.array([[0.75, 0.25]] * 2 + [[0.0, 1.0]] * 2), np.array([0, 1])))
    assert two is not None and two.of == "1"
    assert two.predicted.tolist() == [0.25, 1.0] and two.observed.tolist() == [0.5, 1.0]
    assert two.counts == (0, 0, 2, 0, 0, 0, 0, 0, 0, 2) and two.error == pytest.approx(0.125)
    assert ((two.low <= two.observed) & (two.observed <= two.high + 1e-12)).all()
    three = calibration(predicted(truth, truth, np.array([[0.5, 0.3, 0.2]] * 4), np.array([0, 1, 2])))
    assert three is not None and three.of is None and three.observed.tolist() == [0.25]


def test_confused_pairs_are_ranked() -> None:
    truth, labels = np.array(["a", "a", "b", "c", "c"]), np.array(["b", "b", "a", "c", "a"])
    pairs = confused_pairs(predicted(truth, labels, None, np.array(["a", "b", "c"])))
    assert pairs == [("a", "b", 2), ("b", "a", 1), ("c", "a", 1)]


@pytest.mark.parametrize("pixels", [40, 70, 200])
@pytest.mark.parametrize("name", [*LONG, "ab", "x_1"])
def test_fit_keeps_both_ends_within_the_room(name: str, pixels: float) -> None:
    short = fit(name, pixels)
    assert text_width(short) <= pixels or len(short) <= 5
    assert short[1] == name[0] and short[-2] == name.strip()[-1]
