"""Support vectors in ONNX, as libsvm answers: votes of pairs, and probabilities that it finds by iteration."""

from itertools import combinations
from typing import Any

import numpy as np
from onnx import TensorProto

from brinery.assessment.conversion.graph import Graph, NotConverted, squared_distances

SMALLEST = 1e-7  # share of a pair
ROUNDS = 100


def support_vectors(graph: Graph) -> None:
    """Votes of every pair of classes, in libsvm's order, and probabilities, where the model was fitted with them."""
    model, count = graph.model, len(graph.model.classes_)
    if model.break_ties:
        raise NotConverted("break_ties")
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
        scaled = graph.node("Mul", decisions, graph.constant(-model.probA_))
        share = graph.node("Sigmoid", graph.minus(scaled, graph.constant(model.probB_)))
        scores = coupled(graph, share, count)
    graph.finish(graph.largest(votes), scores)


def support_vectors_of_numbers(graph: Graph) -> None:
    """The decision itself, in double precision."""
    model = graph.model
    weights = graph.constant(_written_out(model.dual_coef_).T)
    graph.finish_columns(
        graph.node("Add", graph.node("MatMul", _kernel(graph), weights), graph.constant(model.intercept_))
    )


def _written_out(matrix: Any) -> np.ndarray:
    """A matrix with its zeros, which a model that was fitted on sparse rows does without."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=np.float64)


def _kernel(graph: Graph) -> str:
    model = graph.model
    gamma = getattr(model, "_gamma", 1.0)
    return kernel(graph, model.kernel, _written_out(model.support_vectors_), gamma, model.coef0, model.degree)


def kernel(graph: Graph, kind: Any, vectors: np.ndarray, gamma: float, coef0: float, degree: float) -> str:
    """Of rows and vectors, shape (rows, vectors)."""
    if kind not in ("linear", "rbf", "poly", "polynomial", "sigmoid"):
        raise NotConverted(f"kernel {kind}")
    if kind == "rbf":
        square = squared_distances(graph, vectors)
        found: str = graph.node("Exp", graph.node("Mul", square, graph.constant(-gamma)))
        return found
    product: str = graph.node("MatMul", graph.input, graph.constant(vectors.T))
    if kind == "linear":
        return product
    scaled = graph.node("Mul", product, graph.constant(gamma))
    shifted: str = graph.node("Add", scaled, graph.constant(coef0))
    if kind == "sigmoid":
        return str(graph.node("Tanh", shifted))
    return str(graph.node("Pow", shifted, graph.constant(float(degree))))


def coupled(graph: Graph, shares: str, count: int) -> str:
    """Probabilities of classes from those of pairs, shape (rows, pairs), as libsvm iterates to them.

    Each round changes one class after the other; a row whose error is small enough stays as it is.
    """
    clipped = graph.node("Clip", shares, graph.constant(SMALLEST), graph.constant(1 - SMALLEST))
    to_matrix, back = np.zeros((count * (count - 1) // 2, count * count)), np.zeros(count * count)
    for p, (i, j) in enumerate(combinations(range(count), 2)):
        to_matrix[p, i * count + j], to_matrix[p, j * count + i], back[j * count + i] = 1, -1, 1
    flat = graph.node("Add", graph.node("MatMul", clipped, graph.constant(to_matrix)), graph.constant(back))
    first = graph.node("Reshape", flat, graph.constant([-1, count, count], np.int64))
    products = graph.node("Mul", first, graph.node("Transpose", first, perm=[0, 2, 1]))
    squares = graph.node("ReduceSumSquare", first, graph.constant([1], np.int64), keepdims=1)
    matrix = graph.minus(graph.node("Mul", squares, graph.constant(np.eye(count))), products)
    last = graph.constant([1], np.int64)
    start = graph.repeated(np.full((1, count), 1 / count), shares)
    columns = [graph.constant([t], np.int64) for t in range(count)]
    parts = [graph.node("Squeeze", graph.node("Gather", matrix, t, axis=1), last) for t in columns]
    corners = [graph.node("Gather", part, t, axis=1) for part, t in zip(parts, columns, strict=True)]
    units = [graph.constant(row[None]) for row in np.eye(count)]
    one, two = graph.constant(1.0), graph.constant(2.0)
    enough = graph.constant(0.005 / count)

    def again(found: str) -> tuple[str, str]:
        across = graph.node("Unsqueeze", found, graph.constant([2], np.int64))
        slopes = graph.node("Squeeze", graph.node("MatMul", matrix, across), graph.constant([2], np.int64))
        whole = graph.node("ReduceSum", graph.node("Mul", found, slopes), last, keepdims=1)
        error = graph.node("ReduceMax", graph.node("Abs", graph.minus(slopes, whole)), last, keepdims=1)
        unfinished = graph.node("Not", graph.node("Less", error, enough))
        changed = found
        for t, part, corner, unit in zip(columns, parts, corners, units, strict=True):
            slope = graph.node("Gather", slopes, t, axis=1)
            step = graph.node("Div", graph.minus(whole, slope), corner)
            scale = graph.node("Add", one, step)
            changed = graph.node("Div", graph.node("Add", changed, graph.node("Mul", step, unit)), scale)
            twice = graph.node("Add", graph.node("Mul", step, corner), graph.node("Mul", two, slope))
            whole = graph.node("Add", whole, graph.node("Mul", step, twice))
            whole = graph.node("Div", graph.node("Div", whole, scale), scale)
            slopes = graph.node("Div", graph.node("Add", slopes, graph.node("Mul", step, part)), scale)
        any_row = graph.node("ReduceMax", graph.node("Cast", unfinished, to=TensorProto.INT32), keepdims=0)
        return graph.node("Cast", any_row, to=TensorProto.BOOL), graph.node("Where", unfinished, changed, found)

    return graph.loop(max(ROUNDS, count), start, again)
