"""All metrics, by task and by name; a task's first is its main one.

A new task is a table beside those of the others and a row here.
"""

from brinery.assessment.metrics.classification import CLASSIFICATION
from brinery.assessment.metrics.metric import Metric
from brinery.assessment.metrics.regression import REGRESSION

BY_TASK: dict[str, tuple[Metric, ...]] = {"classification": CLASSIFICATION, "regression": REGRESSION}
METRICS: dict[str, Metric] = {metric.name: metric for metrics in BY_TASK.values() for metric in metrics}
NAMES = tuple(METRICS)
