"""Probes: rows on which a converted model would show that it answers otherwise than the fitted one.

Held-out rows prove little: where they are easy, a wrong conversion passes. Probes look where conversions go wrong: at
thresholds, at ties, where the label turns, at the ends of the ranges and beyond, in columns that are shuffled against
each other, and in missing cells.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brinery.assessment.conversion.boosters import splits_of_booster
from brinery.formats.frames import unwrapped
from brinery.rows.feature import Feature

ROWS = 4_000  # of each kind, at most
PAIRS = 400
HALVINGS = 60  # of the way between two rows, down to neighbouring numbers
MISSING_TEXTS = ("", "None", "nan", "NaN", "null")


@dataclass(frozen=True)
class Probe:
    """Rows of one kind, shape (rows, features), as serving would build them.

    `between`: they were made up for being where a rounding decides, so that the answer may be another one there.
    """

    kind: str
    rows: np.ndarray
    between: bool = False


def probes(
    fitted: Any,
    features: Sequence[Feature],
    train_x: np.ndarray,
    test_x: np.ndarray,
    predict: Callable[[np.ndarray], np.ndarray],
    seed: int,
) -> list[Probe]:
    """Rows of every kind that the features allow; the same for the same model, rows and seed.

    Args:
        fitted: the estimator or pipeline, whose thresholds are looked for.
        train_x, test_x: the rows that it was fitted on and those held out, shape (rows, features).
        predict: its labels or numbers for rows, shape (rows,).
        seed: of the random choices.
    """
    random = np.random.default_rng(seed)
    numeric = [j for j, feature in enumerate(features) if feature.kind in ("number", "integer", "date")]
    sample = train_x[_some(random, len(train_x), ROWS)]
    base = sample[random.integers(0, len(sample), ROWS)]
    found = [
        Probe("held-out rows", test_x[_some(random, len(test_x), 4 * ROWS)]),
        Probe("training rows", sample),
        Probe("columns shuffled against each other", _recombined(random, train_x)),
        Probe("ends of the ranges and beyond", _ends(random, features, numeric, base)),
        Probe("thresholds", _at(random, _thresholds(random, fitted, features, numeric), base), between=True),
        Probe("half-way between rows", _halfway(random, train_x, numeric), between=True),
        Probe("where the answer turns", _turns(random, train_x, numeric, predict), between=True),
        Probe("missing cells and texts like them", _missing(random, features, base)),
        Probe("categories that no row has", _unknown(random, features, base)),
    ]
    return [probe for probe in found if len(probe.rows)]


def _some(random: np.random.Generator, count: int, most: int) -> np.ndarray:
    return np.sort(random.permutation(count)[:most])


def _recombined(random: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    picked = np.empty((ROWS, rows.shape[1]), dtype=rows.dtype)
    for j in range(rows.shape[1]):
        picked[:, j] = rows[random.integers(0, len(rows), ROWS), j]
    places = {tuple("" if cell != cell else cell for cell in row): i for i, row in enumerate(picked.tolist())}
    return picked[sorted(places.values())]  # each once: of few values there are few


def _ends(
    random: np.random.Generator, features: Sequence[Feature], numeric: Sequence[int], base: np.ndarray
) -> np.ndarray:
    """Rows with one column at an end of its range, beyond it by its spread and by a thousand times that, or at 0."""
    values: dict[int, list[float]] = {}
    for j in numeric:
        low, high = float(features[j].minimum or 0.0), float(features[j].maximum or 0.0)
        spread = (high - low) or abs(high) or 1.0
        values[j] = [low, high, low - spread, high + spread, low - 1000 * spread, high + 1000 * spread, 0.0, -0.0]
        if features[j].kind == "integer":
            values[j] = [float(np.round(value)) for value in values[j]]
    return _at(random, values, base)


def _at(random: np.random.Generator, values: dict[int, list[float]], base: np.ndarray) -> np.ndarray:
    """Rows that each have one of the values in its column."""
    pairs = [(j, value) for j, found in values.items() for value in found if np.isfinite(value)]
    if len(pairs) > ROWS:
        pairs = [pairs[i] for i in _some(random, len(pairs), ROWS)]
    repeated = pairs * max(1, min(8, ROWS // max(1, len(pairs))))
    rows = base[random.integers(0, len(base), len(repeated))].copy()
    for i, (j, value) in enumerate(repeated):
        rows[i, j] = value
    return rows


def _thresholds(
    random: np.random.Generator, fitted: Any, features: Sequence[Feature], numeric: Sequence[int]
) -> dict[int, list[float]]:
    """Values at, just below and just above thresholds of the trees within, in double and in single precision.

    A threshold of a column that was transformed before is taken back where that is by a scale and a shift; where the
    columns' way cannot be followed, each is tried in every column.
    """
    found: dict[int, set[float]] = {j: set() for j in numeric}
    points = _split_points(fitted)
    scaler = next((part for part in steps_within(fitted) if hasattr(part, "scale_") and hasattr(part, "mean_")), None)
    for j, threshold in points[_some(random, len(points), ROWS)].tolist():
        for k in [int(j)] if j < len(numeric) else range(len(numeric)):
            for value in _taken_back(scaler, k, threshold):
                single = float(np.float32(value))
                around = (value, single, float(np.nextafter(np.float32(value), np.float32(np.inf))))
                for each in (*around, float(np.nextafter(np.float32(value), np.float32(-np.inf)))):
                    found[numeric[k]] |= {each, float(np.nextafter(each, np.inf)), float(np.nextafter(each, -np.inf))}
    return {
        j: sorted({float(np.round(value)) for value in values} if features[j].kind == "integer" else values)
        for j, values in found.items()
    }


def _split_points(estimator: Any) -> np.ndarray:
    """Column and threshold of the splits of the trees within an estimator, by their own input, shape (splits, 2)."""
    points = np.unique(np.concatenate([np.empty((0, 2)), *_trees(estimator, 0)]), axis=0)
    return points[np.isfinite(points[:, 1])]  # an infinite one parts missing cells from all others


def _trees(estimator: Any, depth: int) -> Iterator[np.ndarray]:
    if depth > 6:
        return
    estimator = unwrapped(estimator)
    if hasattr(estimator, "tree_"):
        tree = estimator.tree_
        inner = tree.feature >= 0
        yield np.column_stack([tree.feature[inner], tree.threshold[inner]])
    for stage in getattr(estimator, "_predictors", ()):
        for predictor in stage:
            nodes = predictor.nodes[predictor.nodes["is_leaf"] == 0]
            yield np.column_stack([nodes["feature_idx"], nodes["num_threshold"]])
    if hasattr(estimator, "booster_") or (hasattr(estimator, "get_booster") and estimator.__sklearn_is_fitted__()):
        yield splits_of_booster(estimator)
    for part in _parts(estimator):
        yield from _trees(part, depth + 1)


def _parts(estimator: Any) -> Iterator[Any]:
    """The fitted estimators within one: of a pipeline, an ensemble, a search or a calibration."""
    for name in ("steps", "estimators_", "calibrated_classifiers_"):
        for part in flat(getattr(estimator, name, ())):
            yield part[1] if isinstance(part, tuple) else part
    for name in ("estimator_", "best_estimator_", "final_estimator_", "regressor_", "init_", "estimator"):
        part = getattr(estimator, name, None)
        if part is not None and hasattr(part, "fit"):
            yield part


def flat(parts: Any) -> list[Any]:
    """The estimators of a list, or of an array of one a class."""
    return parts.ravel().tolist() if isinstance(parts, np.ndarray) else list(parts)


def _taken_back(scaler: Any, k: int, threshold: float) -> tuple[float, ...]:
    """The values of the numeric column in place `k` that are at a threshold behind its scaler, if any."""
    if scaler is None or scaler.scale_ is None or k >= len(scaler.scale_):
        return (threshold,)
    value = threshold * scaler.scale_[k] + scaler.mean_[k]
    return (value, float(np.nextafter(value, np.inf)), float(np.nextafter(value, -np.inf)))


def steps_within(estimator: Any) -> Iterator[Any]:
    """A fitted estimator, and all that is fitted within it: steps, transformers, members, in their order."""
    yield estimator
    for part in getattr(estimator, "transformers_", ()):
        yield from steps_within(part[1])
    for part in _parts(estimator):
        yield from steps_within(part)


def _halfway(random: np.random.Generator, rows: np.ndarray, numeric: Sequence[int]) -> np.ndarray:
    """Rows at the same distance of two, where nearest neighbours tie; none where no column has a middle."""
    if not numeric:
        return rows[:0]
    one, other = (rows[random.integers(0, len(rows), ROWS)] for _ in range(2))
    return _middle(one, other, numeric)


def _middle(one: np.ndarray, other: np.ndarray, numeric: Sequence[int]) -> np.ndarray:
    """Rows half-way from some to others in the numeric columns, shape (rows, features)."""
    middle = one.copy()
    for j in numeric:
        middle[:, j] = (one[:, j].astype(np.float64) + other[:, j].astype(np.float64)) / 2
    return middle


def _turns(
    random: np.random.Generator,
    rows: np.ndarray,
    numeric: Sequence[int],
    predict: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Rows on both sides of where the answer turns, on the way from one row to another of another answer."""
    if not numeric:
        return rows[:0]
    one, other = (rows[random.integers(0, len(rows), 4 * PAIRS)] for _ in range(2))
    other = other.copy()
    for j in range(rows.shape[1]):
        if j not in numeric:
            other[:, j] = one[:, j]
    answers, others = predict(one), predict(other)
    differ = np.flatnonzero(answers != others)[:PAIRS]
    low, high, answers = one[differ].copy(), other[differ].copy(), answers[differ]
    steps = []
    for _ in range(HALVINGS if len(differ) else 0):
        middle = _middle(low, high, numeric)
        same = predict(middle) == answers
        for j in numeric:
            low[same, j], high[~same, j] = middle[same, j], middle[~same, j]
        steps.append(middle)
    if not steps:
        return rows[:0]
    return np.concatenate([low, high, *steps[8::12]])


def _unknown(random: np.random.Generator, features: Sequence[Feature], base: np.ndarray) -> np.ndarray:
    """Rows with a category that the data do not have, in a column that takes such, and in all of these."""
    accepting = [j for j, feature in enumerate(features) if feature.unknown_categories == "accept"]
    rows = []
    for columns in [*([j] for j in accepting), accepting] if accepting else []:
        some = base[random.integers(0, len(base), 200)].copy()
        for j in columns:
            known = features[j].categories or ()
            longest = max(known, key=len)
            texts = [
                text for text in (*MISSING_TEXTS, f"{longest}x", longest.swapcase(), "\U0001f33b") if text not in known
            ]
            some[:, j] = [texts[i % len(texts)] for i in range(len(some))]
        rows.append(some)
    return np.concatenate(rows) if rows else base[:0]


def _missing(random: np.random.Generator, features: Sequence[Feature], base: np.ndarray) -> np.ndarray:
    """Rows with a cell missing where the feature may be, with all of them, and categories that read like missing."""
    rows = []
    nullable = [j for j, feature in enumerate(features) if feature.nullable]
    for j in nullable:
        some = base[:100].copy()
        some[:, j] = None if features[j].kind == "category" else np.nan
        rows.append(some)
    if nullable:
        every = base[:100].copy()
        for j in nullable:
            every[:, j] = None if features[j].kind == "category" else np.nan
        rows.append(every)
    for j, feature in enumerate(features):
        for text in MISSING_TEXTS:
            if text in (feature.categories or ()):
                some = base[:50].copy()
                some[:, j] = text
                rows.append(some)
    return np.concatenate(rows) if rows else base[:0]
