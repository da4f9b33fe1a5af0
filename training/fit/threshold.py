"""The threshold of two classes: from which probability on the second one is answered."""

from dataclasses import replace

import numpy as np

from brinery.assessment.assessor import Assessor
from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.metrics.table import METRICS
from brinery.assessment.predictions import Predictions
from brinery.tasks.classification import Answers
from training.errors import SpecInvalid
from training.fit.fit import Fitting
from training.spec import FOLDS, ModelSpec

TRIED = 200  # thresholds, at most
EVEN = 0.5


def with_threshold(spec: ModelSpec, fitting: Fitting, x: np.ndarray, y: np.ndarray) -> Assessor:
    """The assessor that answers by the threshold of a spec, where there is one.

    Where the spec names a metric, that threshold is taken which is best by it in cross-validation of the rows to fit
    on, shape (rows, features), with their truth, shape (rows,); of equally good ones the nearest to 0.5.

    Raises:
        SpecInvalid: there are not two classes, or the estimator gives no probabilities.
    """
    assessor = fitting.assessor
    if spec.threshold is None:
        return assessor
    if not isinstance(assessor, ClassificationAssessor):
        raise SpecInvalid(f"threshold is given, and {spec.estimator} is a {assessor.estimators}; it has no classes")
    classes = np.unique(y)
    if len(classes) != 2:
        raise SpecInvalid(f'threshold is given, and the target "{spec.target}" has {len(classes)} classes, not two')
    if not hasattr(fitting.pipeline, "predict_proba"):
        raise SpecInvalid(f"threshold needs probabilities, which {spec.estimator} does not give")
    if isinstance(spec.threshold, float):
        return replace(assessor, threshold=spec.threshold)
    return replace(assessor, threshold=best(fitting.cross_validate(x, y, FOLDS), spec.threshold))


def best(predictions: Predictions, name: str) -> float:
    """The threshold at which predictions of two classes are best by a metric of labels."""
    metric, likely = METRICS[name], predictions.answers.probabilities[:, 1]
    values = np.unique(likely)
    middles = (values[1:] + values[:-1]) / 2
    if len(middles) > TRIED:
        middles = np.unique(np.quantile(middles, np.linspace(0, 1, TRIED)))
    tried = [each for each in (EVEN, *middles.tolist()) if 0 < each < 1]

    def rank(threshold: float) -> tuple[float, float]:
        answers = Answers(
            predictions.classes,
            predictions.probabilities,
            given_indices=(likely >= threshold).astype(np.intp),
        )
        return float(metric.compute(Predictions(predictions.truth, answers)) or 0.0), -abs(threshold - EVEN)

    found: float = max(tried, key=rank)
    return found
