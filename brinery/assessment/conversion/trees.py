"""Trees of scikit-learn in ONNX, in double precision: each row's leaf is found as scikit-learn finds it, and looked up.

The runtime sums leaves up in single precision, and compares as the columns come; scikit-learn compares them in single
precision, and sums up in double. Files in single precision are left to skl2onnx, which are smaller and faster.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper
from skl2onnx.common._registration import get_converter, get_shape_calculator
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from brinery.assessment.conversion.graph import Graph, NotConverted

MAX_NODES = 2**24  # single precision has each whole number up to it
MAX_CELLS = 2_000  # a row, of what all trees give: 160 MB for 10,000 rows


def mean_of_trees(graph: Graph) -> None:
    """A tree's number, or the mean of a forest's."""
    trees = getattr(graph.model, "estimators_", [graph.model])
    graph.finish_columns(_mean(graph, _looked_up(graph, trees), len(trees)))


def shares_of_trees(graph: Graph) -> None:
    """The mean of what the trees' leaves hold of each class, and the class that has most."""
    trees = getattr(graph.model, "estimators_", [graph.model])
    shares = _mean(graph, _looked_up(graph, trees), len(trees))
    graph.finish(graph.largest(shares), shares)


def boosted_number(graph: Graph) -> None:
    """What a gradient boosting begins with, and its trees' numbers."""
    graph.finish_columns(_raw(graph))


def boosted_classes(graph: Graph) -> None:
    """Probabilities from the raw scores, and the class from the scores themselves."""
    raw = _raw(graph)
    if graph.model.n_trees_per_iteration_ > 1:
        graph.finish_of_many(raw)
        return
    flat = graph.node("Reshape", raw, graph.constant([-1], np.int64))
    second = graph.node("Cast", graph.node("GreaterOrEqual", flat, graph.constant(0.0)), to=TensorProto.INT64)
    steepness = 2.0 if graph.model.loss == "exponential" else 1.0
    graph.finish(second, graph.both_ways(graph.node("Sigmoid", graph.node("Mul", raw, graph.constant(steepness)))))


def _raw(graph: Graph) -> str:
    """Raw scores of gradient boosting, shape (rows, scores)."""
    model = graph.model
    if not (model.init_ == "zero" or type(model.init_).__name__.startswith("Dummy")):
        raise NotConverted(f"boosting that begins with {type(model.init_).__name__}")
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))
    summed = []
    for k in range(model.n_trees_per_iteration_):
        values = _looked_up(graph, model.estimators_[:, k].tolist())
        summed.append(graph.node("ReduceSum", values, graph.constant([1], np.int64), keepdims=0))
    whole = graph.node("Concat", *summed, axis=1) if len(summed) > 1 else summed[0]
    raw: str = graph.node("Add", graph.node("Mul", whole, graph.constant(model.learning_rate)), graph.constant(start))
    return raw


def _mean(graph: Graph, values: str, count: int) -> str:
    summed = graph.node("ReduceSum", values, graph.constant([1], np.int64), keepdims=0)
    found: str = graph.node("Div", summed, graph.constant(float(count)))
    return found


def _looked_up(graph: Graph, trees: Sequence[Any]) -> str:
    """What the leaves of all trees hold, shape (rows, trees, values a leaf)."""
    held = np.concatenate([tree.tree_.value[:, 0, :] for tree in trees])
    if len(held) >= MAX_NODES or len(trees) * held.shape[1] > MAX_CELLS:
        raise NotConverted(
            f"{len(trees)} trees of {len(held)} nodes with {held.shape[1]} values each in double precision"
        )
    found: str = graph.node("Gather", graph.constant(held), _leaves(graph, trees))
    return found


def _leaves(graph: Graph, trees: Sequence[Any]) -> str:
    """The leaf of each tree that a row comes to, counted through the nodes of all, shape (rows, trees)."""
    single = graph.node("Cast", graph.input, to=TensorProto.FLOAT)
    rows = graph.node("Cast", single, to=TensorProto.DOUBLE)
    fields: dict[str, Any] = {}
    thresholds, weights, first = [], [], 0
    for number, each in enumerate(trees):
        tree = each.tree_
        leaf = tree.children_left < 0
        ids = np.arange(tree.node_count)
        described = {
            "nodes_treeids": np.full(tree.node_count, number),
            "nodes_nodeids": ids,
            "nodes_featureids": np.where(leaf, 0, tree.feature),
            "nodes_truenodeids": np.where(leaf, 0, tree.children_left),
            "nodes_falsenodeids": np.where(leaf, 0, tree.children_right),
            "nodes_missing_value_tracks_true": np.where(leaf, 0, tree.missing_go_to_left),
            "target_treeids": np.full(int(leaf.sum()), number),
            "target_ids": np.full(int(leaf.sum()), number),
            "target_nodeids": ids[leaf],
        }
        for name, values in described.items():
            fields.setdefault(name, []).extend(values.tolist())
        fields.setdefault("nodes_modes", []).extend(np.where(leaf, "LEAF", "BRANCH_LEQ").tolist())
        thresholds.append(np.where(leaf, 0.0, tree.threshold))
        weights.append((first + ids[leaf]).astype(np.float64))
        first += tree.node_count
    found = graph.node(
        "TreeEnsembleRegressor",
        rows,
        domain="ai.onnx.ml",
        n_targets=len(trees),
        post_transform="NONE",
        nodes_values_as_tensor=numpy_helper.from_array(np.concatenate(thresholds), "nodes_values_as_tensor"),
        target_weights_as_tensor=numpy_helper.from_array(np.concatenate(weights), "target_weights_as_tensor"),
        **fields,
    )
    indices: str = graph.node("Cast", found, to=TensorProto.INT64)
    return indices


def _is_double(operator: Any) -> bool:
    return isinstance(operator.inputs[0].type, DoubleTensorType)


def _converter(kind: type, build: Callable[[Graph], None]) -> Callable[[Any, Any, Any], None]:
    def convert(scope: Any, operator: Any, container: Any) -> None:
        if _is_double(operator):
            build(Graph(scope, operator, container))
        else:
            get_converter(f"Sklearn{kind.__name__}")(scope, operator, container)

    return convert


def _shape(kind: type) -> Callable[[Any], None]:
    def shape(operator: Any) -> None:
        get_shape_calculator(f"Sklearn{kind.__name__}")(operator)
        if _is_double(operator):
            scores = operator.outputs[-1]
            scores.type = DoubleTensorType(scores.type.shape)

    return shape


_OF_TREES: Mapping[type, Callable[[Graph], None]] = {
    **dict.fromkeys(
        (DecisionTreeRegressor, ExtraTreeRegressor, RandomForestRegressor, ExtraTreesRegressor), mean_of_trees
    ),
    **dict.fromkeys(
        (DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier), shares_of_trees
    ),
    GradientBoostingRegressor: boosted_number,
    GradientBoostingClassifier: boosted_classes,
}
CONVERTERS: Mapping[type, Any] = {kind: _converter(kind, build) for kind, build in _OF_TREES.items()}
SHAPES: Mapping[type, Any] = {kind: _shape(kind) for kind in _OF_TREES}
