"""Graphs: the nodes of ONNX that a converter makes for one estimator."""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, helper
from skl2onnx._parse import _parse_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

OPSET = 21
TREES = 3  # of the domain ai.onnx.ml: the first that knows thresholds in double precision


class NotConverted(NotImplementedError):
    """There is no converter for what its text names."""


def converter(build: Callable[["Graph"], None]) -> Callable[[Any, Any, Any], None]:
    """A converter as skl2onnx calls it, of what adds the nodes of one estimator."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        build(Graph(scope, operator, container))

    return convert


def precision(operator: Any) -> Any:
    """The type of numbers that an estimator gives out: double precision where it gets any number in it."""
    double = any(isinstance(each.type, DoubleTensorType) for each in operator.inputs)
    return DoubleTensorType if double else FloatTensorType


class Graph:
    """Nodes for one estimator: each call adds one and gives the name of what comes out."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self._scope, self._container = scope, container
        self.model = operator.raw_operator
        self._outputs = [output.full_name for output in operator.outputs]
        self._kinds = [output.type for output in operator.outputs]
        self.dtype: Any = np.float64
        self.input: str = operator.inputs[0].full_name
        self._body: list[Any] | None = None
        self._inputs = list(operator.inputs)
        self.of_texts = all(isinstance(each.type, StringTensorType) for each in self._inputs)
        if not isinstance(self._inputs[0].type, DoubleTensorType | StringTensorType):
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
        if self._body is None:
            self._container.add_node(
                kind, list(inputs), names, name=name, op_domain=domain, op_version=version, **attributes
            )
        else:
            self._body.append(helper.make_node(kind, list(inputs), names, name=name, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def loop(self, rounds: int, state: str, again: Callable[[str], tuple[str, str]]) -> str:
        """What becomes of a matrix of doubles that is changed at most so many times.

        Args:
            again: adds the nodes of one round, from the name of the matrix to those of a condition, true while it shall
                go on, and of the changed matrix.
        """
        names = [self._scope.get_unique_variable_name(name) for name in ("round", "on", "state")]
        self._body = []
        condition, changed = again(names[2])
        body = helper.make_graph(
            self._body,
            self._scope.get_unique_operator_name("body"),
            [
                helper.make_tensor_value_info(names[0], TensorProto.INT64, []),
                helper.make_tensor_value_info(names[1], TensorProto.BOOL, []),
                helper.make_tensor_value_info(names[2], TensorProto.DOUBLE, None),
            ],
            [
                helper.make_tensor_value_info(condition, TensorProto.BOOL, []),
                helper.make_tensor_value_info(changed, TensorProto.DOUBLE, None),
            ],
        )
        self._body = None
        most, on = self.constant(rounds, np.int64), self.constant(True, np.bool_)
        found: str = self.node("Loop", most, on, state, body=body)
        return found

    def part(self, model: Any, given: str | None = None, width: int = 0) -> str:
        """What a fitted regressor within gives, shape (rows, 1), in double precision.

        Args:
            given: columns in double precision, shape (rows, `width`), that it gets; without them what this one gets.
        """
        inputs = self._inputs
        if given is not None:
            inputs = [self._scope.declare_local_variable("given", DoubleTensorType([None, width]))]
            self._name(given, inputs[0].full_name)
        (output,) = _parse_sklearn(self._scope, model, inputs)
        number = self.node("Cast", output.full_name, to=TensorProto.DOUBLE)
        found: str = self.node("Reshape", number, self.constant([-1, 1], np.int64))
        return found

    def rows(self) -> str:
        """The columns that the estimator gets as one matrix, in double precision."""
        if any(isinstance(each.type, StringTensorType) for each in self._inputs):
            raise NotConverted("columns of texts as numbers")
        columns = [self.node("Cast", each.full_name, to=TensorProto.DOUBLE) for each in self._inputs]
        found: str = self.node("Concat", *columns, axis=1) if len(columns) > 1 else columns[0]
        return found

    def _name(self, source: str, target: str) -> None:
        """Let what is known by one name have another, that the converter gave."""
        name = self._scope.get_unique_operator_name("Identity")
        self._container.add_node("Identity", [source], [target], name=name, op_version=OPSET)

    def repeated(self, value: Any, like: str) -> str:
        """The same columns, shape (columns,), for each row of what is `like` that many rows."""
        sizes = self.node("Concat", self.node("Shape", like, start=0, end=1), self.constant([1], np.int64), axis=0)
        found: str = self.node("Expand", self.constant(value), sizes)
        return found

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
        self._name(self.node("Gather", labels, indices), self._outputs[0])
        self._name(self._as_declared(scores, 1), self._outputs[1])

    def finish_of_two(self, raw: str) -> None:
        """Of two classes from the raw score of the second, shape (rows, 1), by the logistic function."""
        self.finish(self.above_zero(raw), self.both_ways(self.node("Sigmoid", raw)))

    def finish_of_many(self, raw: str) -> None:
        """Of several classes from their raw scores, shape (rows, classes), by softmax."""
        self.finish(self.largest(raw), self.node("Softmax", raw, axis=1))

    def finish_columns(self, result: str) -> None:
        """Columns as the estimator's output."""
        self._name(self._as_declared(result, 0), self._outputs[0])

    def _as_declared(self, numbers: str, place: int) -> str:
        """Numbers in the precision that an output was declared with."""
        for kind, dtype, to in (
            (FloatTensorType, np.float64, TensorProto.FLOAT),
            (DoubleTensorType, np.float32, TensorProto.DOUBLE),
        ):
            if isinstance(self._kinds[place], kind) and self.dtype is dtype:
                return str(self.node("Cast", numbers, to=to))
        return numbers

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


def squared_distances(graph: Graph, others: np.ndarray) -> str:
    """Of rows and other rows, shape (rows, others), both taken from the others' mean, so that little cancels."""
    mean = others.mean(axis=0)
    centred = others - mean
    rows = graph.minus(graph.input, graph.constant(mean))
    squares = graph.node("ReduceSumSquare", rows, graph.constant([1], np.int64), keepdims=1)
    product = graph.node("MatMul", rows, graph.constant(-2.0 * centred.T))
    whole = graph.node("Add", graph.node("Add", product, squares), graph.constant((centred**2).sum(axis=1)[None]))
    found: str = graph.node("Max", whole, graph.constant(0.0))
    return found
