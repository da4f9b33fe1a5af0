"""All metrics, by task and by name; a task's first is its main one.

A new task is a table beside that of classification and a row here.
"""

from brinery.assessment.metrics.classification import CLASSIFICATION
from brinery.assessment.metrics.metric import Metric

BY_TASK: dict[str, tuple[Metric, ...]] = {"classification": CLASSIFICATION}
METRICS: dict[str, Metric] = {metric.name: metric for metrics in BY_TASK.values() for metric in metrics}
NAMES = tuple(METRICS)
