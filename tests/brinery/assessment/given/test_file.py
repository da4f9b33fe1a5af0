"""What is wrong with an ONNX file by itself is told before there are rows, and nothing in it is run or followed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from brinery.assessment.given.file import OnnxFile, is_onnx
from brinery.errors import DataInvalid
from tests.brinery.assessment.given.graphs import DOUBLE, FLOAT, INT64, ROWS, WEIGHTS, graph, linear

BOOL = TensorProto.BOOL


def outside(model: ModelProto, place: TensorProto | None = None) -> ModelProto:
    tensor = place or model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    return model


def in_a_branch(change: Callable[[ModelProto], object]) -> ModelProto:
    """A model whose graph has another one inside, in an attribute of an operator."""
    inner = graph([helper.make_node("Identity", ["v"], ["u"])], [], [("u", FLOAT, [2])], {"v": np.zeros(2, np.float32)})
    change(inner)
    model = linear(WEIGHTS)
    model.opset_import.extend(inner.opset_import[2:])
    on = helper.make_node("Constant", [], ["on"], value=onnx.numpy_helper.from_array(np.array(True)))
    model.graph.node.append(on)
    model.graph.node.append(helper.make_node("If", ["on"], ["z"], then_branch=inner.graph, else_branch=inner.graph))
    return model


def foreign(model: ModelProto) -> ModelProto:
    """A model whose first operator is somebody's own."""
    model.graph.node[0].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    return model


def with_function() -> ModelProto:
    model = linear(WEIGHTS)
    opsets = [helper.make_opsetid("", 17)]
    relu = helper.make_node("Relu", ["a"], ["b"])
    model.functions.append(helper.make_function("own", "Mine", ["a"], ["b"], [relu], opsets))
    return model


def constant_outside() -> ModelProto:
    model = linear(WEIGHTS)
    node = helper.make_node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(np.zeros(2), "deep"))
    model.graph.node.insert(0, node)
    return outside(model, model.graph.node[0].attribute[0].t)


def with_output(kind: int) -> ModelProto:
    model = linear(WEIGHTS)
    model.graph.node.append(helper.make_node("Cast", ["y"], ["also"], to=kind))
    model.graph.output.append(helper.make_tensor_value_info("also", kind, [ROWS, 3]))
    return model


def two_matrices() -> ModelProto:
    node = helper.make_node("Concat", ["a", "b"], ["y"], axis=1)
    return graph([node], [("a", FLOAT, [ROWS, 2]), ("b", FLOAT, [ROWS, 1])], [("y", FLOAT, [ROWS, 3])])


def endless() -> ModelProto:
    """Once around, for all that a look at it tells."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["on again"]), helper.make_node("Identity", ["state"], ["same"])],
        "body",
        [
            helper.make_tensor_value_info("n", INT64, []),
            helper.make_tensor_value_info("on", BOOL, []),
            helper.make_tensor_value_info("state", FLOAT, None),
        ],
        [helper.make_tensor_value_info("on again", BOOL, []), helper.make_tensor_value_info("same", FLOAT, None)],
    )
    model = linear(WEIGHTS, end=None)
    model.graph.node.append(helper.make_node("Loop", ["", "true", "y"], ["z"], body=body))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "true"))
    model.graph.output[0].name = "z"
    return model


def sized(by: str) -> ModelProto:
    """As many zeros as a value of the first row says, or as there are rows."""
    model = linear(WEIGHTS, end=None)
    first = {"value": ["y"], "shape": ["sizes"]}[by]
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Cast", first, ["whole"], to=INT64),
        helper.make_node("Reshape", ["whole", "flat"], ["list"]),
        helper.make_node("Slice", ["list", "zero", "one"], ["count"]),
        helper.make_node("ConstantOfShape", ["count"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["y", "nothing"], ["z"]),
    ]
    model.graph.node.extend(nodes)
    known = {"flat": [-1], "zero": [0], "one": [1]}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(each), name) for name, each in known.items())
    model.graph.output[0].name = "z"
    return model


FAULTS: dict[str, tuple[Callable[[], ModelProto], str]] = {
    "another domain": (lambda: foreign(linear(WEIGHTS)), "it has the operators com.example.Gemm, which are of domains"),
    "another domain inside": (
        lambda: in_a_branch(foreign),
        "it has the operators com.example.Identity, which",
    ),
    "at random": (lambda: linear(WEIGHTS, end="Bernoulli"), "it has the operators Bernoulli, which answer at random"),
    "a loop": (endless, "it has the operators Loop, which may never end for some row"),
    "as much as a value says": (lambda: sized("value"), "its operators ConstantOfShape give as much as a value of the"),
    "functions": (with_function, "it has functions of its own, own.Mine; inline them"),
    "external data": (lambda: outside(linear(WEIGHTS)), "the data of w lie in another file, which is not read"),
    "external data inside": (lambda: in_a_branch(outside), "the data of v lie in another file"),
    "external constant": (constant_outside, "the data of deep lie in another file"),
    "no such operator": (lambda: linear(WEIGHTS, end="Softmux"), "it is not valid ONNX: .*Softmux"),
    "one row at a time": (
        lambda: linear(WEIGHTS, input=("x", FLOAT, [1, 2])),
        'its input "x" takes 1 row at a time; export it with a dynamic first.*dynamic_axes={"x": {0: "rows"}}',
    ),
    "images": (
        lambda: linear(WEIGHTS, input=("x", FLOAT, [ROWS, 1, 8, 8])),
        r'its input "x" has the shape \[\?, 1, 8, 8\], and rows come as \[rows, features\]; put a Reshape',
    ),
    "half precision": (
        lambda: linear(WEIGHTS, input=("x", TensorProto.FLOAT16, [ROWS, 2])),
        'its input "x" takes float16; it must be one of float, double, int64, int32, string',
    ),
    "two matrices": (two_matrices, 'its input "a" takes 2 columns; where there are several inputs, each takes one'),
    "no input": (
        lambda: graph([helper.make_node("Constant", [], ["y"], value_float=1.0)], [], [("y", FLOAT, [])]),
        "it takes no input",
    ),
    "two heads": (lambda: with_output(DOUBLE), "it gives y, also; it may give labels, probabilities, or both"),
    "other types": (lambda: with_output(TensorProto.BOOL), "its outputs also are none of labels .int64 or string"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_of_a_file_is_a_sentence(name: str) -> None:
    make, message = FAULTS[name]
    with pytest.raises(DataInvalid, match=f"^the ONNX model cannot be published: {message}"):
        OnnxFile.of(make())


def test_sizes_that_follow_from_the_number_of_rows_are_taken() -> None:
    assert OnnxFile.of(sized("shape")).inputs


def test_all_faults_of_a_file_are_told_at_once() -> None:
    model = foreign(outside(linear(WEIGHTS, input=("x", FLOAT, [1, 2, 3]))))
    with pytest.raises(DataInvalid) as caught:
        OnnxFile.of(model)
    first, *faults = str(caught.value).split("\n  ")
    assert first == "the ONNX model cannot be published:"
    assert [fault[:20] for fault in faults] == [
        "it has the operators",
        "the data of w lie in",
        'its input "x" has th',
        'its input "x" takes ',
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no ONNX model: it is empty"),
        (b"\x08\x08", "is no ONNX model: it holds no operator"),
        (b"\x08no model at all", "is no ONNX model: "),
        (linear(WEIGHTS).SerializeToString()[:-40], "is no ONNX model: "),
    ],
    ids=["empty", "no graph", "no protobuf", "cut off"],
)
def test_bytes_that_are_no_model_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "given.onnx"
    path.write_bytes(data)
    with pytest.raises(DataInvalid, match=message):
        OnnxFile.of(path)


def test_file_or_model_over_the_limit_is_refused(tmp_path: Path) -> None:
    model = linear(WEIGHTS)
    path, size = tmp_path / "given.onnx", model.ByteSize()
    path.write_bytes(model.SerializeToString())
    for source in (path, model):
        assert OnnxFile.of(source, size).data == model.SerializeToString()
        with pytest.raises(DataInvalid, match=f"has more than {size - 1:,} bytes"):
            OnnxFile.of(source, size - 1)
    with pytest.raises(DataInvalid, match="cannot be read: No such file or directory; it must be an ONNX file"):
        OnnxFile.of(tmp_path / "nothing.onnx")


def test_file_is_known_by_its_name_or_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(linear(WEIGHTS).SerializeToString())
    (tmp_path / "model.joblib").write_bytes(b"\x80\x04")
    known = {name: is_onnx(tmp_path / name) for name in ("model.bin", "model.joblib", "nothing.joblib", "NO.ONNX")}
    assert known == {"model.bin": True, "model.joblib": False, "nothing.joblib": False, "NO.ONNX": True}


def test_input_with_a_value_of_its_own_is_none() -> None:
    model = linear(WEIGHTS)
    model.graph.input.append(helper.make_tensor_value_info("w", FLOAT, [2, 3]))  # as files of early versions have it
    assert [each.name for each in OnnxFile.of(model).inputs] == ["x"]


def test_file_is_described_by_its_producer_and_operators() -> None:
    model = linear(WEIGHTS)
    model.producer_name, model.producer_version = "pytorch", "2.14"
    assert OnnxFile.of(model).spec == {
        "estimator": "ONNX",
        "fitted": "ONNX of pytorch 2.14, opset 17: 1 Gemm, 1 Softmax",
    }
