"""Converters of boosted trees: scikit-learn's histogram boosting, XGBoost, LightGBM and CatBoost.

One node of the runtime holds all trees, and compares as the library does, in double or in single precision; what
follows is the library's own formula.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto, helper, load_model, numpy_helper

from brinery.assessment.conversion.graph import Graph, NotConverted

NODE_FIELDS = (
    *("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids"),
    "missing_value_tracks_true",
)
LEAF_FIELDS = ("treeids", "nodeids", "ids", "weights")
OF_ZERO = 1.0000000180025095e-35  # what LightGBM takes for 0
BELOW, AT_MOST = "BRANCH_LT", "BRANCH_LEQ"


@dataclass
class Trees:
    """The nodes of all trees; each tree adds to one of the sums."""

    mode: str
    sums: int
    nodes: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in NODE_FIELDS})
    leaves: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in LEAF_FIELDS})

    def branch(self, tree: int, node: int, column: int, split: float, left: int, right: int, missing: bool) -> None:
        """A node whose left child takes what is below the split (or at it); `missing` says that it takes NaN too."""
        self._add(self.nodes, tree, node, column, self.mode, split, left, right, int(missing))

    def leaf(self, tree: int, node: int, which: int, value: float) -> None:
        self._add(self.nodes, tree, node, 0, "LEAF", 0.0, 0, 0, 0)
        self._add(self.leaves, tree, node, which, value)

    def summed(self, graph: Graph, rows: str, base: Sequence[float], exactly: bool) -> str:
        """The sums of rows and of the base, shape (rows, sums).

        Args:
            base: one number a sum, shape (sums,).
            exactly: in double precision, but for the leaves' own sum, which the runtime rounds; else in single
                precision, as a library does that starts with the base and adds one tree after the other.
        """
        dtype = np.float64 if exactly else np.float32
        trees = self if exactly else self._after(base)

        def tensor(name: str, values: Any) -> Any:
            return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)

        attributes: dict[str, Any] = {f"nodes_{name}": each for name, each in trees.nodes.items() if name != "values"}
        attributes |= {f"target_{name}": each for name, each in trees.leaves.items() if name != "weights"}
        attributes["nodes_values_as_tensor"] = tensor("nodes_values_as_tensor", trees.nodes["values"])
        attributes["target_weights_as_tensor"] = tensor("target_weights_as_tensor", trees.leaves["weights"])
        found: str = graph.node(
            "TreeEnsembleRegressor",
            rows,
            domain="ai.onnx.ml",
            n_targets=self.sums,
            post_transform="NONE",
            **attributes,
        )
        graph.dtype = dtype
        if not exactly:
            return found
        whole: str = graph.node("Add", graph.node("Cast", found, to=TensorProto.DOUBLE), graph.constant([base]))
        return whole

    def _after(self, base: Sequence[float]) -> "Trees":
        """The same behind trees that are a leaf each, with the base."""
        found = Trees(self.mode, self.sums)
        for which, value in enumerate(base):
            found.leaf(which, 0, which, value)
        for lists, ours in ((found.nodes, self.nodes), (found.leaves, self.leaves)):
            for name, values in ours.items():
                lists[name] += [tree + self.sums for tree in values] if name == "treeids" else values
        return found

    @staticmethod
    def _add(lists: dict[str, list[Any]], *values: Any) -> None:
        for each, value in zip(lists.values(), values, strict=True):
            each.append(value)


def histogram_boosting(graph: Graph) -> None:
    raw = _histogram_boosted(graph)
    if graph.model.n_trees_per_iteration_ == 1:
        graph.finish_of_two(raw)
    else:
        graph.finish_of_many(raw)


def histogram_boosting_of_numbers(graph: Graph) -> None:
    raw = _histogram_boosted(graph)
    graph.finish_columns(graph.node("Exp", raw) if graph.model.loss in ("poisson", "gamma") else raw)


def _histogram_boosted(graph: Graph) -> str:
    model = graph.model
    trees = Trees(AT_MOST, model.n_trees_per_iteration_)
    for tree, (k, predictor) in enumerate((k, p) for stage in model._predictors for k, p in enumerate(stage)):
        if predictor.nodes["is_categorical"].any():
            raise NotConverted("splits by category")
        for number, node in enumerate(predictor.nodes):
            if node["is_leaf"]:
                trees.leaf(tree, number, k, float(node["value"]))
            else:
                left, right = int(node["left"]), int(node["right"])
                split, missing = float(node["num_threshold"]), bool(node["missing_go_to_left"])
                trees.branch(tree, number, int(node["feature_idx"]), split, left, right, missing)
    return trees.summed(graph, graph.input, np.ravel(model._baseline_prediction).tolist(), exactly=True)


# What XGBoost makes of the sum of the leaves, by objective.
_LOGISTIC, _SOFTMAX = ("binary:logistic", "reg:logistic"), ("multi:softprob", "multi:softmax")
_EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie")
_AS_IT_IS = (
    *("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror", "reg:quantileerror"),
)


def xgboost(graph: Graph) -> None:
    raw, objective = _xgboosted(graph)
    if objective in _SOFTMAX:
        graph.finish_of_many(raw)
    elif objective == "binary:logistic":
        graph.finish_of_two(raw)
    else:
        raise NotConverted(f"objective {objective}")


def xgboost_of_numbers(graph: Graph) -> None:
    raw, objective = _xgboosted(graph)
    if objective in _EXPONENTIAL:
        raw = graph.node("Exp", raw)
    elif objective in _LOGISTIC:
        raw = graph.node("Sigmoid", raw)
    elif objective not in _AS_IT_IS:
        raise NotConverted(f"objective {objective}")
    graph.finish_columns(raw)


def _xgboosted(graph: Graph) -> tuple[str, str]:
    """The sums of the leaves, up to the best iteration where fitting stopped early, and the objective.

    XGBoost takes rows in single precision, and compares and sums in it.
    """
    model = graph.model
    if not np.isnan(model.missing):
        raise NotConverted(f"missing values written as {model.missing}")
    learner = _learner(model)
    booster = learner["gradient_booster"]
    if booster["name"] != "gbtree":
        raise NotConverted(f"booster {booster['name']}")
    forest, told = booster["model"], learner["learner_model_param"]
    objective, sums = learner["objective"]["name"], max(1, int(told["num_class"]))
    count = len(forest["trees"])
    best = model.get_booster().attr("best_iteration")  # where fitting stopped early
    if best is not None:
        count = forest["iteration_indptr"][int(best) + 1]
    trees = Trees(BELOW, sums)
    for tree in range(count):
        _add_xgboost_tree(trees, tree, forest["trees"][tree], forest["tree_info"][tree])
    base = np.ravel(json.loads(told["base_score"])).astype(np.float64)
    if objective in _LOGISTIC:
        base = -np.log(1 / base - 1)
    elif objective in _EXPONENTIAL:
        base = np.log(base)
    single = graph.node("Cast", graph.input, to=TensorProto.FLOAT)
    return trees.summed(graph, single, np.broadcast_to(base, (sums,)).tolist(), exactly=False), objective


def _learner(model: Any) -> Any:
    """What XGBoost stores of a fitted model: trees, objective and base."""
    return json.loads(bytes(model.get_booster().save_raw("json")))["learner"]


def _add_xgboost_tree(trees: Trees, tree: int, found: dict[str, Any], which: int) -> None:
    if any(found["split_type"]) or int(found["tree_param"]["size_leaf_vector"]) > 1:
        raise NotConverted("splits by category, or several numbers a leaf")
    fields = ("left_children", "right_children", "split_indices", "split_conditions", "default_left")
    nodes = list(zip(*(found[each] for each in fields), strict=True))
    pending = [0]  # from the root on: what was pruned is still in the list
    while pending:
        number = pending.pop()
        left, right, column, split, missing = nodes[number]
        if left < 0:
            trees.leaf(tree, number, which, split)
        else:
            trees.branch(tree, number, column, split, left, right, bool(missing))
            pending += [left, right]


# What LightGBM makes of the sum of the leaves, by objective; `sqrt` is a word beside it.
_LINKS = {"poisson": "Exp", "gamma": "Exp", "tweedie": "Exp"} | dict.fromkeys(
    ("regression", "regression_l1", "huber", "fair", "quantile", "mape"), "Identity"
)


def lightgbm(graph: Graph) -> None:
    raw, (objective, *words) = _lightgbm_boosted(graph)
    if objective == "binary" and "sigmoid:1" in words:
        graph.finish_of_two(raw)
    elif objective == "multiclass":
        graph.finish_of_many(raw)
    else:
        raise NotConverted(f"objective {' '.join([objective, *words])}")


def lightgbm_of_numbers(graph: Graph) -> None:
    raw, (objective, *words) = _lightgbm_boosted(graph)
    if objective not in _LINKS or "sqrt" in words:
        raise NotConverted(f"objective {' '.join([objective, *words])}")
    graph.finish_columns(graph.node(_LINKS[objective], raw))


def _lightgbm_boosted(graph: Graph) -> tuple[str, list[str]]:
    """The sums of the leaves, up to the best iteration where fitting stopped early, and the words of the objective.

    LightGBM compares in double precision, and takes the smallest numbers for 0.
    """
    told = graph.model.booster_.dump_model()
    if told.get("average_output"):
        raise NotConverted("boosting rf")
    trees = Trees(AT_MOST, told["num_tree_per_iteration"])
    base = [0.0] * trees.sums
    for tree, found in enumerate(told["tree_info"]):
        first = len(trees.leaves["weights"])
        _add_lightgbm_tree(trees, tree, found["tree_structure"], tree % trees.sums)
        if tree < trees.sums:  # holds what all answers have in common
            weights = trees.leaves["weights"]
            base[tree] = float(np.mean(weights[first:]))
            weights[first:] = [weight - base[tree] for weight in weights[first:]]
    small = graph.node("LessOrEqual", graph.node("Abs", graph.input), graph.constant(OF_ZERO))
    rows = graph.node("Where", small, graph.constant(0.0), graph.input)
    return trees.summed(graph, rows, base, exactly=True), told["objective"].split()


def _add_lightgbm_tree(trees: Trees, tree: int, root: dict[str, Any], which: int) -> None:
    pending, number = [(0, root)], 1
    while pending:
        node, found = pending.pop()
        if "leaf_const" in found:
            raise NotConverted("linear leaves")
        if "split_feature" not in found:
            trees.leaf(tree, node, which, found["leaf_value"])
            continue
        split, kind = found["threshold"], found["missing_type"]
        if found["decision_type"] != "<=" or kind == "Zero":
            raise NotConverted(f"decisions by {found['decision_type']}, missing values as {kind}")
        missing = found["default_left"] if kind == "NaN" else split >= 0  # NaN is 0 where training had none
        trees.branch(tree, node, found["split_feature"], split, number, number + 1, missing)
        pending += [(number, found["left_child"]), (number + 1, found["right_child"])]
        number += 2


def catboost(graph: Graph) -> None:
    outputs = _catboosted(graph, outputs=2)
    graph.finish(graph.largest(outputs[1]), outputs[1])


def catboost_of_numbers(graph: Graph) -> None:
    graph.finish_columns(_catboosted(graph, outputs=1))


def _catboosted(graph: Graph, outputs: int) -> Any:
    """What comes out of the trees of CatBoost's own file, which takes rows in single precision."""
    with tempfile.TemporaryDirectory() as folder:
        graph.model.save_model(f"{folder}/model.onnx", format="onnx")
        trees = load_model(f"{folder}/model.onnx").graph.node[0]
    attributes = {each.name: helper.get_attribute_value(each) for each in trees.attribute}
    single = graph.node("Cast", graph.input, to=TensorProto.FLOAT)
    found = graph.node(trees.op_type, single, outputs=outputs, domain="ai.onnx.ml", **attributes)
    graph.dtype = np.float32
    return found


def splits_of_booster(model: Any) -> np.ndarray:
    """Column and threshold of the splits of a fitted model of XGBoost or LightGBM, shape (splits, 2)."""
    if hasattr(model, "booster_"):
        booster = model.booster_
        table = booster.trees_to_dataframe().dropna(subset="threshold")
        columns = table.split_feature.map({name: j for j, name in enumerate(booster.feature_name())})
        return np.column_stack([columns, table.threshold]).astype(np.float64)
    learner = _learner(model)
    found = [np.empty((0, 2))]
    for tree in learner["gradient_booster"].get("model", {}).get("trees", ()):
        pairs = np.column_stack([tree["split_indices"], tree["split_conditions"]]).astype(np.float64)
        found.append(pairs[np.array(tree["left_children"]) >= 0])
    return np.concatenate(found)
