"""Nearest neighbours in ONNX: those that scikit-learn takes, of equally far ones too in nearly all cases.

A search tree computes a distance column by column, and of equally far rows nearly always keeps the one that it has
first. So do the files: few candidates are found by a product of matrices, whose rounding is another one, and their
distances are computed as the tree does.
"""

import numpy as np
from onnx import TensorProto

from brinery.assessment.conversion.graph import Graph, NotConverted, squared_distances

MORE = 32  # candidates beyond twice the neighbours
MAX_COLUMNS = 200  # that distances of other metrics are summed up over, a few nodes each


def votes(graph: Graph) -> None:
    """Votes of the nearest, weighted as the estimator does."""
    told = _weighted(graph, np.eye(len(graph.model.classes_))[np.asarray(graph.model._y)])  # rows, k, classes
    counted = graph.node("ReduceSum", told, graph.constant([1], np.int64), keepdims=0)
    whole = graph.node("ReduceSum", counted, graph.constant([1], np.int64), keepdims=1)
    scores = graph.node("Div", counted, whole)
    graph.finish(graph.largest(scores), scores)


def means(graph: Graph) -> None:
    """The mean of the nearest, weighted as the estimator does."""
    numbers = np.asarray(graph.model._y, dtype=np.float64).reshape(-1, 1)
    both = _weighted(graph, np.hstack([numbers, np.ones_like(numbers)]))  # rows, k, number and one
    summed = graph.node("ReduceSum", both, graph.constant([1], np.int64), keepdims=0)
    number, whole = (graph.node("Gather", summed, graph.constant([j], np.int64), axis=1) for j in (0, 1))
    graph.finish_columns(graph.node("Div", number, whole))


def _weighted(graph: Graph, told: np.ndarray) -> str:
    """What the nearest tell, each times its weight: shape (rows, k, columns).

    Args:
        told: what each fitted row tells, shape (fitted rows, columns).
    """
    model = graph.model
    metric = model.effective_metric_
    if metric not in ("euclidean", "manhattan", "chebyshev") or model.weights not in ("uniform", "distance"):
        raise NotConverted(f"metric {metric}, weights {model.weights}")
    if getattr(model, "outputs_2d_", False):
        raise NotConverted("neighbours of several targets")
    others = np.asarray(model._fit_X, dtype=np.float64)
    tree = getattr(model, "_tree", None)
    if tree is not None:
        order = np.asarray(tree.get_arrays()[1])
        others, told = others[order], told[order]
    if metric != "euclidean":
        distances, nearest = _nearest(graph, _of_metric(graph, others, metric), len(others))
    elif tree is not None:
        squares, nearest = _as_the_tree(graph, others)
        distances = graph.node("Sqrt", squares)
    else:
        _, nearest = _nearest(graph, squared_distances(graph, others), len(others))
        distances = _written_out(graph, others, nearest)
    found: str = graph.node("Gather", graph.constant(told), nearest)
    return _by_distance(graph, found, distances) if model.weights == "distance" else found


def _nearest(graph: Graph, distances: str, count: int) -> tuple[str, str]:
    """The least of so many distances and their places, the first of equal ones, both of shape (rows, k)."""
    k = graph.constant([min(graph.model.n_neighbors, count)], np.int64)
    least, places = graph.node("TopK", distances, k, axis=1, largest=0, sorted=1, outputs=2)
    return least, places


def _as_the_tree(graph: Graph, others: np.ndarray) -> tuple[str, str]:
    """Squared distances of the nearest and their places, both of shape (rows, k)."""
    count = min(len(others), 2 * graph.model.n_neighbors + MORE)
    many = graph.constant([count], np.int64)
    _, near = graph.node("TopK", squared_distances(graph, others), many, axis=1, largest=0, sorted=0, outputs=2)
    candidates, _ = graph.node("TopK", near, many, axis=1, largest=0, sorted=1, outputs=2)  # in their order
    summed = ""
    for j in range(others.shape[1]):
        there = graph.node("Gather", graph.constant(others[:, j]), candidates)
        apart = graph.minus(_column(graph, j), there)
        square = graph.node("Mul", apart, apart)
        summed = graph.node("Add", summed, square) if summed else square
    least, places = _nearest(graph, summed, count)
    return least, graph.node("GatherElements", candidates, places, axis=1)


def _of_metric(graph: Graph, others: np.ndarray, metric: str) -> str:
    """Distances of all fitted rows, one column after the other, shape (rows, fitted rows)."""
    if others.shape[1] > MAX_COLUMNS:
        raise NotConverted(f"metric {metric} over {others.shape[1]} columns")
    joined, found = "Add" if metric == "manhattan" else "Max", ""
    for j in range(others.shape[1]):
        apart = graph.node("Abs", graph.minus(_column(graph, j), graph.constant(others[:, j][None])))
        found = graph.node(joined, found, apart) if found else apart
    return found


def _column(graph: Graph, j: int) -> str:
    found: str = graph.node("Gather", graph.input, graph.constant([j], np.int64), axis=1)
    return found


def _written_out(graph: Graph, others: np.ndarray, nearest: str) -> str:
    """Distances of the nearest, shape (rows, k)."""
    there = graph.node("Gather", graph.constant(others), nearest)  # rows, k, features
    here = graph.node("Unsqueeze", graph.input, graph.constant([1], np.int64))
    last = graph.constant([2], np.int64)
    found: str = graph.node("Sqrt", graph.node("ReduceSumSquare", graph.minus(here, there), last, keepdims=0))
    return found


def _by_distance(graph: Graph, told: str, distances: str) -> str:
    """What is told times 1 over the distance; where any distance is 0, only those at 0 count."""
    last = graph.constant([2], np.int64)
    distance = graph.node("Unsqueeze", distances, last)
    at = graph.node("Equal", distance, graph.constant(0.0))
    ones, zeros = graph.constant(1.0), graph.constant(0.0)
    equal = graph.node("Cast", at, to=TensorProto.DOUBLE)
    any_equal = graph.node("ReduceMax", equal, graph.constant([1], np.int64), keepdims=1)
    inverse = graph.node("Div", ones, graph.node("Where", at, ones, distance))
    weights = graph.node("Where", graph.node("Greater", any_equal, zeros), equal, inverse)
    found: str = graph.node("Mul", told, weights)
    return found
