"""Functions of numpy that ONNX has too, by what scikit-learn's transformers name."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from brinery.assessment.conversion.graph import Graph, NotConverted

Build = Callable[[Graph, str], str]


def applied(graph: Graph, function: Any, arguments: Any, numbers: str) -> str:
    """What a function gives for columns, shape (rows, columns); None gives them back."""
    if function is None:
        return numbers
    if arguments or function not in _FUNCTIONS:
        known = ", ".join(each.__name__ for each in _FUNCTIONS)
        name = getattr(function, "__name__", repr(function))
        raise NotConverted(f"the function {name}; an ONNX file can have numpy's {known}")
    return _FUNCTIONS[function](graph, numbers)


def _one(kind: str) -> Build:
    return lambda graph, numbers: str(graph.node(kind, numbers))


def _log1p(graph: Graph, numbers: str) -> str:
    return str(graph.node("Log", graph.node("Add", numbers, graph.constant(1.0))))


def _expm1(graph: Graph, numbers: str) -> str:
    return graph.minus(graph.node("Exp", numbers), graph.constant(1.0))


def _log_of(base: float) -> Build:
    return lambda graph, numbers: str(graph.node("Mul", graph.node("Log", numbers), graph.constant(1.0 / np.log(base))))


_FUNCTIONS: Mapping[Any, Build] = {
    np.log: _one("Log"),
    np.log1p: _log1p,
    np.log2: _log_of(2.0),
    np.log10: _log_of(10.0),
    np.exp: _one("Exp"),
    np.expm1: _expm1,
    np.exp2: lambda graph, numbers: str(graph.node("Pow", graph.constant(2.0), numbers)),
    np.sqrt: _one("Sqrt"),
    np.square: lambda graph, numbers: str(graph.node("Mul", numbers, numbers)),
    np.abs: _one("Abs"),
    np.negative: _one("Neg"),
    np.reciprocal: _one("Reciprocal"),
    np.sin: _one("Sin"),
    np.cos: _one("Cos"),
}
