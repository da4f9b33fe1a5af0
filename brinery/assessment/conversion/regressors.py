"""Regressors in ONNX that skl2onnx does not know, or converts to what the runtime refuses or answers otherwise.

Each computes in double precision what its parts give; those are converted as they would be by themselves.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import CCA, PLSCanonical, PLSRegression
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import StackingRegressor, VotingRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_ridge import KernelRidge

from brinery.assessment.conversion.graph import Graph, NotConverted, converter, precision
from brinery.assessment.conversion.inverses import taken_back
from brinery.assessment.conversion.support_vectors import kernel


def _voting(graph: Graph) -> None:
    model = graph.model
    weights = model._weights_not_none or [1.0] * len(model.estimators_)
    votes = graph.node("Concat", *(graph.part(each) for each in model.estimators_), axis=1)
    weighed = graph.node("MatMul", votes, graph.constant(np.reshape(weights, (-1, 1))))
    graph.finish_columns(graph.node("Div", weighed, graph.constant(float(np.sum(weights)))))


def _stacking(graph: Graph) -> None:
    model = graph.model
    given = [graph.part(each) for each in model.estimators_]
    if model.passthrough:
        given.append(graph.rows())
    columns = graph.node("Concat", *given, axis=1) if len(given) > 1 else given[0]
    graph.finish_columns(graph.part(model.final_estimator_, columns, model.final_estimator_.n_features_in_))


def _transformed_target(graph: Graph) -> None:
    graph.finish_columns(taken_back(graph, graph.model.transformer_, graph.part(graph.model.regressor_)))


def _constant(graph: Graph) -> None:
    graph.finish_columns(graph.repeated(graph.model.constant_, graph.input))


def _latent(graph: Graph) -> None:
    """Partial least squares and the like, whose coefficients are of rows less their mean."""
    model = graph.model
    centred = graph.minus(graph.input, graph.constant(model._x_mean))
    product = graph.node("MatMul", centred, graph.constant(model.coef_.T))
    graph.finish_columns(graph.node("Add", product, graph.constant(model.intercept_)))


def _kernel_ridge(graph: Graph) -> None:
    model = graph.model
    gamma = 1 / model.n_features_in_ if model.gamma is None else model.gamma
    near = kernel(graph, model.kernel, np.asarray(model.X_fit_), gamma, model.coef0, model.degree)
    graph.finish_columns(graph.node("MatMul", near, graph.constant(np.reshape(model.dual_coef_, (-1, 1)))))


def _isotonic(graph: Graph) -> None:
    """Straight lines between the thresholds; beyond them the last of these, or no answer."""
    model = graph.model
    x, y = model.X_thresholds_, model.y_thresholds_
    if model.out_of_bounds == "raise" or len(y) < 2:
        raise NotConverted(f"{len(y)} thresholds, and beyond them {model.out_of_bounds}")
    rows, first, last = graph.input, graph.constant(x[0]), graph.constant(x[-1])
    inside = graph.node("Min", graph.node("Max", rows, first), last)  # NaN stays
    above = graph.node("Greater", inside, graph.constant(x[1:-1][None]))
    ones, zeros = graph.constant(1, np.int64), graph.constant(0, np.int64)
    axis = graph.constant([1], np.int64)
    if len(x) > 2:
        place = graph.node("ReduceSum", graph.node("Where", above, ones, zeros), axis, keepdims=1)
    else:
        place = graph.node("Where", graph.node("Less", rows, first), zeros, zeros)
    low_x, low_y, rise = (
        graph.node("Gather", graph.constant(values), place) for values in (x[:-1], y[:-1], np.diff(y) / np.diff(x))
    )
    found = graph.node("Add", low_y, graph.node("Mul", graph.minus(inside, low_x), rise))
    if model.out_of_bounds == "nan":
        within = graph.node("Equal", inside, rows)
        found = graph.node("Where", within, found, graph.constant(np.nan))
    graph.finish_columns(found)


def _shape(operator: Any) -> None:
    operator.outputs[0].type = precision(operator)([None, 1])


_OWN: Mapping[type, Callable[[Graph], None]] = {
    VotingRegressor: _voting,
    StackingRegressor: _stacking,
    TransformedTargetRegressor: _transformed_target,
    DummyRegressor: _constant,
    KernelRidge: _kernel_ridge,
    IsotonicRegression: _isotonic,
    **dict.fromkeys((PLSRegression, PLSCanonical, CCA), _latent),
}
CONVERTERS: Mapping[type, Any] = {kind: converter(build) for kind, build in _OWN.items()}
SHAPES: Mapping[type, Any] = dict.fromkeys(_OWN, _shape)
