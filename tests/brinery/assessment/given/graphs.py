"""Small ONNX models, as somebody else's tool may write them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT, DOUBLE, INT64, INT32, STRING = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.INT32,
    TensorProto.STRING,
)
Port = tuple[str, int, Sequence[int | str | None] | None]
ROWS = "rows"


def graph(
    nodes: Sequence[NodeProto],
    inputs: Sequence[Port],
    outputs: Sequence[Any],
    weights: dict[str, Any] | None = None,
    opset: int = 17,
    **more: Any,
) -> ModelProto:
    """A model of nodes; an output is a port, or whatever else a graph may give."""
    made = helper.make_graph(
        list(nodes),
        "given",
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each) if isinstance(each, tuple) else each for each in outputs],
        [numpy_helper.from_array(np.asarray(each), name) for name, each in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8, **more)


def linear(weights: Any, end: str | None = "Softmax", input: Port | None = None, bias: Any = None) -> ModelProto:
    """One input `x` of floats, a matrix product, and what comes after it as `y`."""
    weights = np.asarray(weights, dtype=np.float32)
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["scores" if end else "y"])]
    if end:
        nodes.append(helper.make_node(end, ["scores"], ["y"]))
    known = {"w": weights, "b": np.zeros(weights.shape[1], np.float32) if bias is None else np.float32(bias)}
    return graph(nodes, [input or ("x", FLOAT, [ROWS, len(weights)])], [("y", FLOAT, [ROWS, weights.shape[1]])], known)


def with_labels(labels: Sequence[str | int], positions: bool = False, zipped: bool = False) -> ModelProto:
    """A network of two features and three classes with the label beside the probabilities, as converters write it."""
    model = linear(WEIGHTS)
    model.graph.node.append(helper.make_node("ArgMax", ["y"], ["place"], axis=1, keepdims=0))
    kind = STRING if isinstance(labels[0], str) and not positions else INT64
    if positions:
        model.graph.node.append(helper.make_node("Identity", ["place"], ["label"]))
    else:
        names = np.array(labels, dtype=object if kind == STRING else np.int64)
        model.graph.initializer.append(numpy_helper.from_array(names, "names"))
        model.graph.node.append(helper.make_node("Gather", ["names", "place"], ["label"]))
    model.graph.output.insert(0, helper.make_tensor_value_info("label", kind, [ROWS]))
    if zipped:
        key = "classlabels_strings" if kind == STRING else "classlabels_int64s"
        model.graph.node.append(
            helper.make_node("ZipMap", ["y"], ["maps"], domain="ai.onnx.ml", **{key: list(labels)})  # type: ignore[arg-type]
        )
        value = helper.make_map_type_proto(kind, helper.make_tensor_type_proto(FLOAT, []))
        model.graph.output.pop()
        model.graph.output.append(helper.make_value_info("maps", helper.make_sequence_type_proto(value)))
    return model


def by_name(kinds: dict[str, int]) -> ModelProto:
    """A regressor that adds its columns, and 10 for the city Bern."""
    nodes, parts = [], [f"{name}!" for name in kinds]
    codes = {"keys_strings": ["Bern"], "values_floats": [10.0], "default_float": 0.0}
    for (name, kind), part in zip(kinds.items(), parts, strict=True):
        if kind == STRING:
            nodes.append(helper.make_node("LabelEncoder", [name], [part], domain="ai.onnx.ml", **codes))  # type: ignore[arg-type]
        else:
            nodes.append(helper.make_node("Cast", [name], [part], to=FLOAT))
    nodes.append(helper.make_node("Sum", parts, ["y"]))
    return graph(nodes, [(name, kind, [ROWS, 1]) for name, kind in kinds.items()], [("y", FLOAT, [ROWS, 1])])


# The first class where the first feature is large, the second where the second is, the third else.
WEIGHTS = np.array([[4, 0, -4], [0, 4, -4]], dtype=np.float32)
random = np.random.default_rng(0)
POINTS = random.normal(size=(90, 2)).round(3)
PLACES = (POINTS @ WEIGHTS).argmax(axis=1)
NAMES = np.array(["red", "blue", "green"])  # in the order of the outputs, which is not that of the sorted ones
TWO = np.array([[3.0], [-2.0]], np.float32)


def probabilities(points: np.ndarray = POINTS) -> np.ndarray:
    """What these networks give."""
    powers = np.exp(points @ WEIGHTS)
    found: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return found
