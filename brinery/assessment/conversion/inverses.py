"""Inverses of what a target was transformed by, in ONNX, in double precision."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from brinery.assessment.conversion.functions import applied
from brinery.assessment.conversion.graph import Graph, NotConverted


def taken_back(graph: Graph, transformer: Any, numbers: str) -> str:
    """What a fitted transformer's `inverse_transform` makes of numbers, shape (rows, 1)."""
    if isinstance(transformer, Pipeline):
        for _, step in reversed(transformer.steps):
            numbers = taken_back(graph, step, numbers)
        return numbers
    if type(transformer) not in _INVERSES:
        raise NotConverted(f"a target transformed by {type(transformer).__name__}")
    return _INVERSES[type(transformer)](graph, transformer, numbers)


def _function(graph: Graph, transformer: Any, numbers: str) -> str:
    return applied(graph, transformer.inverse_func, transformer.inv_kw_args, numbers)


def _scaled(graph: Graph, transformer: Any, numbers: str) -> str:
    centre = getattr(transformer, "center_", None)
    if getattr(transformer, "with_mean", False):  # without it the mean is known, and not used
        centre = transformer.mean_
    for kind, value in (("Mul", transformer.scale_), ("Add", centre)):
        if value is not None:
            numbers = graph.node(kind, numbers, graph.constant(value))
    return numbers


def _ranged(graph: Graph, transformer: Any, numbers: str) -> str:
    shifted = graph.minus(numbers, graph.constant(transformer.min_))
    return str(graph.node("Div", shifted, graph.constant(transformer.scale_)))


def _powers(graph: Graph, transformer: Any, numbers: str) -> str:
    if transformer.standardize:
        numbers = _scaled(graph, transformer._scaler, numbers)
    (power,) = transformer.lambdas_
    if transformer.method == "box-cox":
        return _root(graph, numbers, power)
    above = graph.minus(_root(graph, numbers, power), graph.constant(1.0))
    below = graph.minus(graph.constant(1.0), _root(graph, graph.node("Neg", numbers), 2.0 - power))
    negative = graph.node("Less", numbers, graph.constant(0.0))
    found: str = graph.node("Where", negative, below, above)
    return found


def _root(graph: Graph, numbers: str, power: float) -> str:
    """The inverse of (x ** power - 1) / power, which is the logarithm where the power is 0."""
    if abs(power) < np.spacing(1.0):
        return str(graph.node("Exp", numbers))
    base = graph.node("Add", graph.node("Mul", numbers, graph.constant(power)), graph.constant(1.0))
    return str(graph.node("Pow", base, graph.constant(1.0 / power)))


_INVERSES: Mapping[type, Callable[[Graph, Any, str], str]] = {
    FunctionTransformer: _function,
    StandardScaler: _scaled,
    RobustScaler: _scaled,
    MaxAbsScaler: _scaled,
    MinMaxScaler: _ranged,
    PowerTransformer: _powers,
}
