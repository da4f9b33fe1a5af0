"""Converters to ONNX, for skl2onnx, of estimators that its own convert to what answers otherwise.

Each computes as scikit-learn does, in double precision, and takes the label by scikit-learn's own rule.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC

OPSET = 21
TREES = 3  # of the domain ai.onnx.ml: the first that knows thresholds in double precision


class Graph:
    """Nodes for one estimator: each call adds one and gives the name of what comes out."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self._scope, self._container = scope, container
        self.model = operator.raw_operator
        self._outputs = [output.full_name for output in operator.outputs]
        self.dtype: Any = np.float64
        self.input: str = operator.inputs[0].full_name
        self._single = not isinstance(operator.inputs[0].type, DoubleTensorType)
        if self._single:
            self.input = self.node("Cast", self.input, to=TensorProto.DOUBLE)

    def constant(self, value: Any, dtype: Any = None) -> str:
        """A tensor in double precision, or of `dtype`."""
        array = np.asarray(value, dtype=dtype or self.dtype)
        name: str = self._scope.get_unique_variable_name("constant")
        kind = helper.np_dtype_to_tensor_dtype(array.dtype) if array.dtype.kind != "O" else TensorProto.STRING
        values = array.ravel().tolist()
        if kind == TensorProto.STRING:
            values = [text.encode() for text in values]
        self._container.add_initializer(name, kind, list(array.shape), values)
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        names = [self._scope.get_unique_variable_name(kind.lower()) for _ in range(outputs)]
        name = self._scope.get_unique_operator_name(kind)
        version = TREES if domain else OPSET
        self._container.add_node(
            kind, list(inputs), names, name=name, op_domain=domain, op_version=version, **attributes
        )
        return names[0] if outputs == 1 else names

    def minus(self, one: str, other: str) -> str:
        found: str = self.node("Sub", one, other)
        return found

    def finish(self, indices: str, scores: str) -> None:
        """The label of class positions, shape (rows,), and the scores, as the estimator's outputs."""
        classes = self.model.classes_
        if classes.dtype.kind in "USO":
            labels = self.constant(classes.astype(object), object)
        else:
            labels = self.constant(classes, np.int64)
        for source, target in ((self.node("Gather", labels, indices), self._outputs[0]), (scores, self._outputs[1])):
            name = self._scope.get_unique_operator_name("Identity")
            self._container.add_node("Identity", [source], [target], name=name, op_version=OPSET)

    def finish_columns(self, result: str) -> None:
        """Columns in the precision of the input, as the estimator's output."""
        if self._single:
            result = self.node("Cast", result, to=TensorProto.FLOAT)
        name = self._scope.get_unique_operator_name("Identity")
        self._container.add_node("Identity", [result], [self._outputs[0]], name=name, op_version=OPSET)

    def largest(self, scores: str) -> str:
        """Positions of the largest score, the first of equal ones, shape (rows,)."""
        found: str = self.node("ArgMax", scores, axis=1, keepdims=0)
        return found

    def above_zero(self, decisions: str) -> str:
        """1 where the one decision, shape (rows, 1), is above 0, else 0, shape (rows,)."""
        flat = self.node("Reshape", decisions, self.constant([-1], np.int64))
        found: str = self.node("Cast", self.node("Greater", flat, self.constant(0.0)), to=TensorProto.INT64)
        return found

    def both_ways(self, share: str) -> str:
        """Probabilities of two classes from that of the second, shape (rows, 1)."""
        found: str = self.node("Concat", self.minus(self.constant(1.0), share), share, axis=1)
        return found


def _imputer(graph: Graph) -> None:
    missing = graph.node("IsNaN", graph.input)
    graph.finish_columns(graph.node("Where", missing, graph.constant(graph.model.statistics_[None]), graph.input))


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
            raise NotImplementedError(f"probabilities of {type(model).__name__} with loss {model.loss}")
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


def _support_vectors(graph: Graph) -> None:
    """Votes of every pair of classes, in libsvm's order; of two classes also their probabilities."""
    model, count = graph.model, len(graph.model.classes_)
    if model.break_ties:
        raise NotImplementedError("break_ties")
    starts = np.concatenate([[0], np.cumsum(model.n_support_)])
    pairs = list(combinations(range(count), 2))
    raw = _written_out(model._dual_coef_)  # by libsvm's signs
    weights = np.zeros((starts[-1], len(pairs)))
    for p, (i, j) in enumerate(pairs):
        weights[starts[i] : starts[i + 1], p] = raw[j - 1, starts[i] : starts[i + 1]]
        weights[starts[j] : starts[j + 1], p] = raw[i, starts[j] : starts[j + 1]]
    decisions = graph.node(
        "Add", graph.node("MatMul", _kernel(graph), graph.constant(weights)), graph.constant(model._intercept_)
    )
    first = graph.node("Greater", decisions, graph.constant(0.0))
    ones, zeros = graph.constant(1.0), graph.constant(0.0)
    forth, back = graph.node("Where", first, ones, zeros), graph.node("Where", first, zeros, ones)
    votes_i, votes_j = np.zeros((len(pairs), count)), np.zeros((len(pairs), count))
    for p, (i, j) in enumerate(pairs):
        votes_i[p, i] = votes_j[p, j] = 1
    votes = graph.node(
        "Add",
        graph.node("MatMul", forth, graph.constant(votes_i)),
        graph.node("MatMul", back, graph.constant(votes_j)),
    )
    scores = votes
    if hasattr(model, "predict_proba"):
        if count > 2:
            raise NotImplementedError("probabilities of more than two classes, which libsvm finds by iteration")
        scaled = graph.node("Mul", decisions, graph.constant(-model.probA_))
        share = graph.node("Sigmoid", graph.minus(scaled, graph.constant(model.probB_)))
        scores = graph.node("Concat", share, graph.minus(graph.constant(1.0), share), axis=1)
    graph.finish(graph.largest(votes), scores)


def _written_out(matrix: Any) -> np.ndarray:
    """A matrix with its zeros, which a model that was fitted on sparse rows does without."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=np.float64)


def _kernel(graph: Graph) -> str:
    """Of rows and support vectors, shape (rows, vectors)."""
    model, vectors = graph.model, _written_out(graph.model.support_vectors_)
    if not isinstance(model.kernel, str) or model.kernel == "precomputed":
        raise NotImplementedError(f"kernel {model.kernel}")
    if model.kernel == "rbf":
        square = _squared_distances(graph, vectors)
        found: str = graph.node("Exp", graph.node("Mul", square, graph.constant(-model._gamma)))
        return found
    product: str = graph.node("MatMul", graph.input, graph.constant(vectors.T))
    if model.kernel == "linear":
        return product
    scaled = graph.node("Mul", product, graph.constant(model._gamma))
    shifted: str = graph.node("Add", scaled, graph.constant(model.coef0))
    if model.kernel == "poly":
        return str(graph.node("Pow", shifted, graph.constant(float(model.degree))))
    return str(graph.node("Tanh", shifted))


def _squared_distances(graph: Graph, others: np.ndarray) -> str:
    """Of rows and other rows, shape (rows, others), both taken from the others' mean, so that little cancels."""
    mean = others.mean(axis=0)
    centred = others - mean
    rows = graph.minus(graph.input, graph.constant(mean))
    squares = graph.node("ReduceSumSquare", rows, graph.constant([1], np.int64), keepdims=1)
    product = graph.node("MatMul", rows, graph.constant(-2.0 * centred.T))
    whole = graph.node("Add", graph.node("Add", product, squares), graph.constant((centred**2).sum(axis=1)[None]))
    found: str = graph.node("Max", whole, graph.constant(0.0))
    return found


def _neighbours(graph: Graph) -> None:
    """The nearest by distance, the first of equal ones; their votes, weighted as the estimator does."""
    model = graph.model
    euclidean = model.effective_metric_ == "euclidean"
    if not euclidean or model.weights not in ("uniform", "distance") or getattr(model, "outputs_2d_", False):
        raise NotImplementedError(f"metric {model.effective_metric_}, weights {model.weights}")
    others, labels = np.asarray(model._fit_X, dtype=np.float64), np.asarray(model._y)
    k = graph.constant([min(model.n_neighbors, len(others))], np.int64)
    _, nearest = graph.node("TopK", _squared_distances(graph, others), k, axis=1, largest=0, sorted=1, outputs=2)
    votes = graph.node("Gather", graph.constant(np.eye(len(model.classes_))[labels]), nearest)  # rows, k, classes
    if model.weights == "distance":
        there = graph.node("Gather", graph.constant(others), nearest)  # rows, k, features
        here = graph.node("Unsqueeze", graph.input, graph.constant([1], np.int64))
        last = graph.constant([2], np.int64)
        distance = graph.node("Sqrt", graph.node("ReduceSumSquare", graph.minus(here, there), last, keepdims=1))
        at = graph.node("Equal", distance, graph.constant(0.0))
        ones, zeros = graph.constant(1.0), graph.constant(0.0)
        equal = graph.node("Where", at, ones, zeros)
        any_equal = graph.node("ReduceMax", equal, graph.constant([1], np.int64), keepdims=1)
        inverse = graph.node("Div", ones, graph.node("Where", at, ones, distance))
        votes = graph.node("Mul", votes, graph.node("Where", graph.node("Greater", any_equal, zeros), equal, inverse))
    counted = graph.node("ReduceSum", votes, graph.constant([1], np.int64), keepdims=0)
    whole = graph.node("ReduceSum", counted, graph.constant([1], np.int64), keepdims=1)
    scores = graph.node("Div", counted, whole)
    graph.finish(graph.largest(scores), scores)


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


def _histogram_boosting(graph: Graph) -> None:
    """Trees whose thresholds are compared in double precision; the runtime sums them up in single precision."""
    model = graph.model
    count = model.n_trees_per_iteration_
    nodes: dict[str, list[Any]] = {name: [] for name in NODE_FIELDS}
    leaves: dict[str, list[Any]] = {name: [] for name in LEAF_FIELDS}
    for tree, (k, predictor) in enumerate((k, p) for stage in model._predictors for k, p in enumerate(stage)):
        _add_tree(tree, k, predictor.nodes, nodes, leaves)
    values, weights = nodes.pop("values"), leaves.pop("weights")
    attributes: dict[str, Any] = {f"nodes_{name}": found for name, found in nodes.items()}
    attributes |= {f"target_{name}": found for name, found in leaves.items()}
    raw = graph.node(
        "TreeEnsembleRegressor",
        graph.input,
        domain="ai.onnx.ml",
        n_targets=count,
        post_transform="NONE",
        base_values_as_tensor=_doubles("base_values_as_tensor", np.ravel(model._baseline_prediction)),
        nodes_values_as_tensor=_doubles("nodes_values_as_tensor", values),
        target_weights_as_tensor=_doubles("target_weights_as_tensor", weights),
        **attributes,
    )
    graph.dtype = np.float32
    if count == 1:
        scores = graph.both_ways(graph.node("Sigmoid", raw))
        graph.finish(graph.above_zero(raw), scores)
    else:
        graph.finish(graph.largest(raw), graph.node("Softmax", raw, axis=1))


NODE_FIELDS = (
    *("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids"),
    "missing_value_tracks_true",
)
LEAF_FIELDS = ("treeids", "nodeids", "ids", "weights")


def _add_tree(tree: int, k: int, found: Any, nodes: dict[str, list[Any]], leaves: dict[str, list[Any]]) -> None:
    if found["is_categorical"].any():
        raise NotImplementedError("splits by category")
    for number, node in enumerate(found):
        leaf = bool(node["is_leaf"])
        described = (
            *(tree, number, 0 if leaf else int(node["feature_idx"]), "LEAF" if leaf else "BRANCH_LEQ"),
            *(0.0 if leaf else float(node["num_threshold"]), 0 if leaf else int(node["left"])),
            *(0 if leaf else int(node["right"]), 0 if leaf else int(node["missing_go_to_left"])),
        )
        for name, value in zip(NODE_FIELDS, described, strict=True):
            nodes[name].append(value)
        if leaf:
            for name, value in zip(LEAF_FIELDS, (tree, number, k, float(node["value"])), strict=True):
                leaves[name].append(value)


def _doubles(name: str, values: Any) -> Any:
    return numpy_helper.from_array(np.asarray(values, dtype=np.float64), name)


def _shape_of_classifier(single: bool) -> Callable[[Any], None]:
    def shape(operator: Any) -> None:
        classes = operator.raw_operator.classes_
        kind = operator.inputs[0].type
        rows, count = kind.shape[0], len(classes)
        operator.outputs[0].type = (StringTensorType if classes.dtype.kind in "USO" else Int64TensorType)([rows])
        scores = FloatTensorType if single else DoubleTensorType
        operator.outputs[1].type = scores([rows, count])

    return shape


def _shape_of_imputer(operator: Any) -> None:
    kind = operator.inputs[0].type
    operator.outputs[0].type = type(kind)([kind.shape[0], len(operator.raw_operator.statistics_)])


def _converter(build: Callable[[Graph], None]) -> Callable[[Any, Any, Any], None]:
    def convert(scope: Any, operator: Any, container: Any) -> None:
        build(Graph(scope, operator, container))

    return convert


_LINEAR: Sequence[type] = (
    *(LinearDiscriminantAnalysis, LinearSVC, RidgeClassifier, RidgeClassifierCV, SGDClassifier, Perceptron),
)
_OWN: Mapping[type, Callable[[Graph], None]] = {
    **dict.fromkeys(_LINEAR, _linear),
    SVC: _support_vectors,
    NuSVC: _support_vectors,
    KNeighborsClassifier: _neighbours,
    GaussianNB: _normal,
    HistGradientBoostingClassifier: _histogram_boosting,
}
CONVERTERS: dict[type, Any] = {
    SimpleImputer: _converter(_imputer),
    **{kind: _converter(build) for kind, build in _OWN.items()},
}
SHAPES: dict[type, Any] = {
    SimpleImputer: _shape_of_imputer,
    **{kind: _shape_of_classifier(kind is HistGradientBoostingClassifier) for kind in _OWN},
}
