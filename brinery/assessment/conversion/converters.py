"""Converters to ONNX, for skl2onnx, of estimators that its own convert to what answers otherwise.

Each computes as scikit-learn does, in double precision, and takes the label by scikit-learn's own rule.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType, StringTensorType
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, NuSVR

from brinery.assessment.conversion import neighbours, regressors, transformers, trees
from brinery.assessment.conversion.boosters import (
    catboost,
    catboost_of_numbers,
    histogram_boosting,
    histogram_boosting_of_numbers,
    lightgbm,
    lightgbm_of_numbers,
    xgboost,
    xgboost_of_numbers,
)
from brinery.assessment.conversion.graph import Graph, NotConverted, converter, precision
from brinery.assessment.conversion.support_vectors import support_vectors, support_vectors_of_numbers
from brinery.formats.onnx import MISSING


def _imputer(graph: Graph) -> None:
    values = graph.model.statistics_[None]
    if graph.of_texts:
        missing = graph.node("Equal", graph.input, graph.constant([MISSING], object))
        filled = graph.constant(values.astype(object), object)
    else:
        missing, filled = graph.node("IsNaN", graph.input), graph.constant(values)
    found = graph.node("Where", missing, filled, graph.input)
    if graph.model.add_indicator:
        if graph.of_texts:
            raise NotConverted("an indicator of missing texts")
        told = graph.node("Gather", missing, graph.constant(graph.model.indicator_.features_, np.int64), axis=1)
        found = graph.node("Concat", found, graph.node("Cast", told, to=TensorProto.DOUBLE), axis=1)
    graph.finish_columns(found)


def _linear(graph: Graph) -> None:
    """A label by the sign of the one decision or by the largest, and probabilities where the estimator has them."""
    model = graph.model
    coefficients, intercept = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    decisions = graph.node(
        "Add", graph.node("MatMul", graph.input, graph.constant(coefficients.T)), graph.constant(intercept)
    )
    two = len(model.classes_) == 2
    indices = graph.above_zero(decisions) if two else graph.largest(decisions)
    scores = decisions
    if isinstance(model, LinearDiscriminantAnalysis):
        scores = graph.both_ways(graph.node("Sigmoid", decisions)) if two else graph.node("Softmax", decisions, axis=1)
    elif hasattr(model, "predict_proba"):
        if model.loss != "log_loss":
            raise NotConverted(f"probabilities of {type(model).__name__} with loss {model.loss}")
        shares = _logistic(graph, decisions)
        whole = graph.node("ReduceSum", shares, graph.constant([1], np.int64), keepdims=1)
        scores = graph.both_ways(shares) if two else graph.node("Div", shares, whole)
    graph.finish(indices, scores)


def _logistic(graph: Graph, decisions: str) -> str:
    """As scipy has it down to the smallest numbers, which the runtime's own takes for 0."""
    one = graph.constant(1.0)
    small = graph.node("Exp", graph.node("Neg", graph.node("Abs", decisions)))
    whole = graph.node("Add", one, small)
    below = graph.node("Less", decisions, graph.constant(0.0))
    found: str = graph.node("Where", below, graph.node("Div", small, whole), graph.node("Div", one, whole))
    return found


def _normal(graph: Graph) -> None:
    """Joint log likelihoods of normal distributions, normalised as scikit-learn does it."""
    model = graph.model
    joint = []
    for prior, mean, variance in zip(model.class_prior_, model.theta_, model.var_, strict=True):
        squared = graph.node("Pow", graph.minus(graph.input, graph.constant(mean)), graph.constant(2.0))
        scaled = graph.node("Div", squared, graph.constant(variance))
        summed = graph.node("ReduceSum", scaled, graph.constant([1], np.int64), keepdims=1)
        constant = np.log(prior) - 0.5 * np.sum(np.log(2.0 * np.pi * variance))
        joint.append(graph.node("Add", graph.constant(constant), graph.node("Mul", summed, graph.constant(-0.5))))
    likelihoods = graph.node("Concat", *joint, axis=1)
    axis = graph.constant([1], np.int64)
    largest = graph.node("ReduceMax", likelihoods, axis, keepdims=1)
    shares = graph.node("ReduceSum", graph.node("Exp", graph.minus(likelihoods, largest)), axis, keepdims=1)
    whole = graph.node("Add", largest, graph.node("Log", shares))
    graph.finish(graph.largest(likelihoods), graph.node("Exp", graph.minus(likelihoods, whole)))


def _shape_of_classifier(operator: Any) -> None:
    """Scores in double precision."""
    _declare(operator, DoubleTensorType)


def _shape_of_boosted(operator: Any) -> None:
    """Scores in the precision of the rows."""
    _declare(operator, precision(operator))


def _declare(operator: Any, scores: Any) -> None:
    classes, rows = operator.raw_operator.classes_, operator.inputs[0].type.shape[0]
    operator.outputs[0].type = (StringTensorType if classes.dtype.kind in "USO" else Int64TensorType)([rows])
    operator.outputs[1].type = scores([rows, len(classes)])


def _shape_of_numbers(operator: Any) -> None:
    operator.outputs[0].type = precision(operator)([operator.inputs[0].type.shape[0], 1])


def _shape_of_imputer(operator: Any) -> None:
    kind = operator.inputs[0].type
    model = operator.raw_operator
    told = len(model.indicator_.features_) if model.add_indicator else 0
    operator.outputs[0].type = type(kind)([kind.shape[0], len(model.statistics_) + told])


_LINEAR: Sequence[type] = (
    *(LinearDiscriminantAnalysis, LinearSVC, RidgeClassifier, RidgeClassifierCV, SGDClassifier, Perceptron),
)
_OWN: Mapping[type, Callable[[Graph], None]] = {
    **dict.fromkeys(_LINEAR, _linear),
    SVC: support_vectors,
    NuSVC: support_vectors,
    KNeighborsClassifier: neighbours.votes,
    GaussianNB: _normal,
    HistGradientBoostingClassifier: histogram_boosting,
}
CONVERTERS: dict[type, Any] = {
    SimpleImputer: converter(_imputer),
    HistGradientBoostingRegressor: converter(histogram_boosting_of_numbers),
    KNeighborsRegressor: converter(neighbours.means),
    **dict.fromkeys((SVR, NuSVR), converter(support_vectors_of_numbers)),
    **{kind: converter(build) for kind, build in _OWN.items()},
    **trees.CONVERTERS,
    **transformers.CONVERTERS,
    **regressors.CONVERTERS,
}
SHAPES: dict[type, Any] = {
    SimpleImputer: _shape_of_imputer,
    **dict.fromkeys((HistGradientBoostingRegressor, KNeighborsRegressor, SVR, NuSVR), _shape_of_numbers),
    **dict.fromkeys(_OWN, _shape_of_classifier),
    HistGradientBoostingClassifier: _shape_of_boosted,
    **trees.SHAPES,
    **transformers.SHAPES,
    **regressors.SHAPES,
}

# By module and class; a module that was not imported made no model.
_BOOSTED: Mapping[tuple[str, str], tuple[Callable[[Graph], None], Callable[[Any], None]]] = {
    ("brinery.formats.labels", "XGBClassifier"): (xgboost, _shape_of_boosted),
    ("xgboost", "XGBClassifier"): (xgboost, _shape_of_boosted),
    ("xgboost", "XGBRegressor"): (xgboost_of_numbers, _shape_of_numbers),
    ("lightgbm", "LGBMClassifier"): (lightgbm, _shape_of_boosted),
    ("lightgbm", "LGBMRegressor"): (lightgbm_of_numbers, _shape_of_numbers),
    ("catboost", "CatBoostClassifier"): (catboost, _shape_of_boosted),
    ("catboost", "CatBoostRegressor"): (catboost_of_numbers, _shape_of_numbers),
}


def register_boosters() -> None:
    """Let skl2onnx know what is not of scikit-learn, wherever it stands in a model."""
    for (module, name), (build, shape) in _BOOSTED.items():
        if module in sys.modules:
            alias, more = f"{module}.{name}", {}
            if shape is _shape_of_boosted:
                more = {"parser": partial(_declared, alias), "options": {"zipmap": [False]}}
            update_registered_converter(getattr(sys.modules[module], name), alias, shape, converter(build), **more)


def _declared(alias: str, scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """The outputs of a classifier: labels and probabilities."""
    operator = scope.declare_local_operator(alias, model)
    operator.inputs = inputs
    for output, kind in (("label", Int64TensorType()), ("probabilities", DoubleTensorType())):
        operator.outputs.append(scope.declare_local_variable(output, kind))
    return operator.outputs
