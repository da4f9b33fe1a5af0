"""Limits: what a version's own facts say against relying on it, as sentences."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from brinery.assessment.card.curves import label_text
from brinery.assessment.evaluate import Importance, Predictions
from brinery.output.page import Html, name
from brinery.rows.feature import Feature
from brinery.versions.manifest import Evaluation, ManifestContent

FEW_ROWS = 1000
FEW_OF_CLASS = 20
NAMED = 8
UNEVEN = 0.8


def limits(content: ManifestContent, predictions: Predictions, importance: Sequence[Importance]) -> list[Html]:
    """Sentences that hold for this version; none is said of every model alike unless it is true of every model."""
    return [
        *_of_rows(content),
        *_of_evaluation(content),
        *_of_classes(content, predictions),
        *_of_probabilities(predictions),
        *_of_input(content.features),
        *_of_importance(importance),
        *_of_origin(content),
    ]


def names_of(names: Iterable[str], most: int = NAMED) -> Html:
    """A list of names in a sentence, the rest of a long one as a number."""
    every = list(names)
    shown = ", ".join(name(each) for each in every[:most])
    return Html(shown + (f" and {len(every) - most} more" if len(every) > most else ""))


def _of_rows(content: ManifestContent) -> Iterator[Html]:
    data = content.data
    evaluation = content.evaluation
    if evaluation and evaluation.folds:
        yield Html(
            f"The metrics are those of {evaluation.folds} models, each fitted on the rows of the other folds. The "
            "published model was fitted on all rows, so that none was left to measure it by."
        )
    if data.test_rows < FEW_ROWS:
        yield Html(
            f"Only {data.test_rows:,} rows were held out: one row more or less right moves accuracy by "
            f"{1 / data.test_rows:.4f}."
        )


def _of_evaluation(content: ManifestContent) -> Iterator[Html]:
    evaluation = content.evaluation
    if evaluation is None:
        return
    undecided = [
        metric
        for metric, (low, high) in evaluation.intervals.items()
        if metric in evaluation.baseline and low <= evaluation.baseline[metric] <= high
    ]
    if undecided:
        yield Html(f"By {names_of(undecided)} it cannot be told from the baseline, whose value lies in the interval.")
    yield Html(
        "The intervals show what another sample of held-out rows would change. They do not show what other training "
        "rows or another seed would change."
    )
    if content.metrics.get("accuracy") == 1:
        yield Html(
            "No held-out row was answered wrongly, so that resampling gives accuracy an interval of no width: up to "
            f"{min(1.0, 3 / content.data.test_rows):.1%} wrong answers would still fit (rule of three)."
        )
    elif any(each.recall_interval[0] == each.recall_interval[1] for each in evaluation.classes):
        yield Html("A class's interval without width comes of rows that were all answered alike; it is no certainty.")


def _of_classes(content: ManifestContent, predictions: Predictions) -> Iterator[Html]:
    if content.evaluation is not None:
        yield from _of_support(content, content.evaluation)
    silent = [label_text(label) for label in predictions.classes[~np.isin(predictions.classes, predictions.labels)]]
    if silent:
        yield Html(f"Classes never answered on the held-out rows: {names_of(silent)}.")


def _of_support(content: ManifestContent, evaluation: Evaluation) -> Iterator[Html]:
    support = [each.support for each in evaluation.classes]
    names = [label_text(label) for label in content.classes]
    few = [name for name, rows in zip(names, support, strict=True) if rows < FEW_OF_CLASS]
    if few:
        yield Html(
            f"Classes of fewer than {FEW_OF_CLASS} held-out rows, with rough precision and recall: {names_of(few)}."
        )
    share = max(support) / max(1, sum(support))
    if share >= UNEVEN:
        most = names[int(np.argmax(support))]
        yield Html(
            f"{share:.1%} of the held-out rows are of class {names_of([most])}: so high is the accuracy of "
            "a model that always answers it."
        )


def _of_probabilities(predictions: Predictions) -> Iterator[Html]:
    if predictions.probabilities is None:
        yield Html("The estimator gives no probabilities: an answer does not say how sure it is.")


def _of_input(features: Sequence[Feature]) -> Iterator[Html]:
    def named(chosen: Callable[[Feature], bool]) -> list[str]:
        return [feature.name for feature in features if chosen(feature)]

    strict = named(lambda feature: not feature.nullable)
    if len(strict) == len(features):
        yield Html("Training saw no missing values: a row that lacks a value is refused.")
    elif strict:
        yield Html(f"Missing values are refused in {names_of(strict)}; training saw none there.")
    categories = named(lambda feature: feature.kind == "category")
    if categories:
        yield Html(f"Categories that training did not see are refused, in {names_of(categories)}.")
    if any(feature.minimum is not None for feature in features):
        yield Html(
            "Numbers outside the training ranges are answered, with a warning; nothing here was measured on such rows."
        )


def _of_importance(importance: Sequence[Importance]) -> Iterator[Html]:
    if not importance:
        return
    if len(importance) > 1:
        yield Html(
            "Features that carry the same information share their importance, so that each of them looks less useful."
        )
    yield Html("Importance says what this model relies on, not what causes the target.")


def _of_origin(content: ManifestContent) -> Iterator[Html]:
    if content.git.dirty:
        yield Html(
            "It was trained from a working tree with uncommitted changes: the commit alone does not reproduce it."
        )
    if content.git.commit is None:
        yield Html("The git commit is not known, so that the code cannot be looked up.")
