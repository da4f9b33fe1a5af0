"""Transformers in ONNX that skl2onnx does not know, or converts to what the runtime refuses in double precision."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import TensorProto
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, PolynomialFeatures, PowerTransformer

from brinery.assessment.conversion.functions import applied
from brinery.assessment.conversion.graph import Graph, converter, precision


def _function(graph: Graph) -> None:
    graph.finish_columns(applied(graph, graph.model.func, graph.model.kw_args, graph.rows()))


def _polynomials(graph: Graph) -> None:
    """Each column out is a product of columns in, and of ones."""
    powers = graph.model.powers_  # columns out, columns in
    columns = graph.node("Concat", graph.repeated(1.0, graph.input), graph.rows(), axis=1)
    factors = [[0] * 0 for _ in range(max(1, int(powers.sum(axis=1).max())))]
    for row in powers:
        picked = np.repeat(np.arange(1, len(row) + 1), row).tolist()
        for place, factor in enumerate(factors):
            factor.append(picked[place] if place < len(picked) else 0)
    found, *others = (graph.node("Gather", columns, graph.constant(each, np.int64), axis=1) for each in factors)
    for other in others:
        found = graph.node("Mul", found, other)
    graph.finish_columns(found)


def _powers(graph: Graph) -> None:
    model, rows, one, zero = graph.model, graph.rows(), graph.constant(1.0), graph.constant(0.0)
    powers = np.asarray(model.lambdas_)[None]
    if model.method == "box-cox":
        found = _power(graph, rows, powers)
    else:
        above = _power(graph, graph.node("Add", _most(graph, rows, "Greater"), one), powers)
        below = _power(graph, graph.minus(one, _most(graph, rows, "Less")), 2.0 - powers)
        found = graph.node("Where", graph.node("Less", rows, zero), graph.node("Neg", below), above)
    if model.standardize:
        scaler = model._scaler
        found = graph.node("Div", graph.minus(found, graph.constant(scaler.mean_)), graph.constant(scaler.scale_))
    graph.finish_columns(found)


def _most(graph: Graph, rows: str, than: str) -> str:
    """Numbers on one side of 0, and 0 for those on the other; a missing one stays."""
    zero = graph.constant(0.0)
    other = graph.node("Less" if than == "Greater" else "Greater", rows, zero)
    found: str = graph.node("Where", other, zero, rows)
    return found


def _power(graph: Graph, base: str, powers: np.ndarray) -> str:
    """(base ** power - 1) / power, which is the logarithm where the power is 0."""
    none = np.abs(powers) < np.spacing(1.0)
    kept = np.where(none, 1.0, powers)
    raised = graph.minus(graph.node("Pow", base, graph.constant(kept)), graph.constant(1.0))
    found: str = graph.node("Div", raised, graph.constant(kept))
    return str(graph.node("Where", graph.constant(none, np.bool_), graph.node("Log", base), found))


def _bins(graph: Graph) -> None:
    """The bin of each column, or a column for each bin; a bin begins with its lower edge."""
    model, rows = graph.model, graph.rows()
    columns = []
    for j, edges in enumerate(model.bin_edges_):
        column = graph.node("Gather", rows, graph.constant([j], np.int64), axis=1)
        reached = graph.node("GreaterOrEqual", column, graph.constant(edges[1:-1][None]))
        if model.encode == "ordinal":
            ones = graph.node("Cast", reached, to=TensorProto.DOUBLE)
            columns.append(graph.node("ReduceSum", ones, graph.constant([1], np.int64), keepdims=1))
            continue
        counted = graph.node(
            "Concat", graph.repeated(1.0, graph.input), graph.node("Cast", reached, to=TensorProto.DOUBLE), axis=1
        )
        steps = np.eye(len(edges) - 1) - np.eye(len(edges) - 1, k=-1)  # those reached, less the next one
        columns.append(graph.node("MatMul", counted, graph.constant(steps)))
    graph.finish_columns(graph.node("Concat", *columns, axis=1) if len(columns) > 1 else columns[0])


def _width(model: Any, given: int) -> int:
    if isinstance(model, PolynomialFeatures):
        return int(model.n_output_features_)
    if isinstance(model, KBinsDiscretizer) and model.encode != "ordinal":
        return int(model.n_bins_.sum())
    return given


def _shape(operator: Any) -> None:
    given = sum(each.type.shape[1] for each in operator.inputs if each.type.shape[1] is not None)
    operator.outputs[0].type = precision(operator)([None, _width(operator.raw_operator, given)])


_OWN: Mapping[type, Callable[[Graph], None]] = {
    FunctionTransformer: _function,
    PolynomialFeatures: _polynomials,
    PowerTransformer: _powers,
    KBinsDiscretizer: _bins,
}
CONVERTERS: Mapping[type, Any] = {kind: converter(build) for kind, build in _OWN.items()}
SHAPES: Mapping[type, Any] = dict.fromkeys(_OWN, _shape)
