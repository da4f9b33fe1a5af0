"""What a file takes and gives, beside rows: brought to what serving knows, or refused by a sentence."""

from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import ModelProto, helper, numpy_helper

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.given.file import OnnxFile
from brinery.assessment.given.model import GivenModel
from brinery.errors import DataInvalid
from tests.brinery.assessment.given.graphs import (
    DOUBLE,
    FLOAT,
    INT32,
    INT64,
    NAMES,
    PLACES,
    POINTS,
    ROWS,
    STRING,
    TWO,
    WEIGHTS,
    by_name,
    graph,
    linear,
    probabilities,
    with_labels,
)
from tests.brinery.assessment.given.models import TRUTH, made

SORTED = ["blue", "green", "red"]


def columns_of(model: GivenModel) -> np.ndarray:
    found: np.ndarray = model.predict_proba(POINTS)
    return found


def test_probabilities_alone_get_names_and_the_order_of_the_sorted_classes() -> None:
    model = made(linear(WEIGHTS), classes=["red", "blue", "green"])
    assert model.classes_.tolist() == SORTED
    assert np.abs(columns_of(model) - probabilities()[:, [1, 2, 0]]).max() < 1e-6
    assert model.predict(POINTS).tolist() == TRUTH.tolist()
    assert model.said == ("its columns are put into the order of the sorted classes",)
    onnx.checker.check_model(ModelProto.FromString(model.data), full_check=True)


def test_positions_that_the_target_holds_need_no_names() -> None:
    given = linear(WEIGHTS)
    model = made(given, PLACES)
    assert model.classes_.tolist() == [0, 1, 2] and np.abs(columns_of(model) - probabilities()).max() < 1e-6
    assert model.data == given.SerializeToString() and model.said == ("nothing in it is changed",)


@pytest.mark.parametrize(
    ("given", "target", "classes", "change"),
    [
        (with_labels(NAMES.tolist()), TRUTH, list(NAMES), "its columns are put into the order"),
        (with_labels(NAMES.tolist(), zipped=True), TRUTH, None, "the ZipMap at its end is taken off"),
        (with_labels(NAMES.tolist(), positions=True), TRUTH, list(NAMES), "its labels 0 to 2 are given their names"),
        (
            with_labels([1, 2, 3], positions=True),
            PLACES + 1,
            ["1", "2", "3"],
            "its labels 0 to 2 are given their names",
        ),
        (with_labels([7, 8, 9]), PLACES + 7, None, "its classes are taken to be the labels of the target: 7, 8, 9"),
        (with_labels([7, 8, 9], zipped=True), PLACES + 7, None, "the ZipMap at its end is taken off"),
    ],
    ids=["texts", "texts zipped", "positions", "positions of numbers", "numbers", "numbers zipped"],
)
def test_labels_beside_probabilities_are_the_classes(
    given: ModelProto, target: Any, classes: list[str] | None, change: str
) -> None:
    model = made(given, target, classes=classes)
    assert model.predict(POINTS).tolist() == list(target)
    order = [1, 2, 0] if target is TRUTH else [0, 1, 2]
    assert model.classes_.tolist() == sorted(set(target)) and change in "; ".join(model.said)
    assert np.abs(columns_of(model) - probabilities()[:, order]).max() < 1e-6
    onnx.checker.check_model(ModelProto.FromString(model.data), full_check=True)


def test_labels_alone_are_the_classes_of_the_target() -> None:
    given = with_labels(NAMES.tolist())
    del given.graph.output[1]
    model = made(given)
    assert model.predict(POINTS).tolist() == TRUTH.tolist() and not hasattr(model, "predict_proba")
    upright = with_labels(NAMES.tolist())
    upright.graph.output.pop()
    upright.graph.node[2].attribute[1].i = 1  # keeps the second dimension
    upright.graph.output[0].type.tensor_type.shape.dim.add(dim_value=1)
    assert made(upright).predict(POINTS).tolist() == TRUTH.tolist()


def test_positions_of_truths_are_named_in_the_order_that_is_given() -> None:
    nodes = [helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)]
    given = graph(nodes, [("x", FLOAT, [ROWS, 2])], [("y", INT64, [ROWS])])
    west = POINTS[:, 0] >= POINTS[:, 1]
    assert made(given, west, classes=["true", "false"]).predict(POINTS).tolist() == west.tolist()
    assert made(given, ~west).predict(POINTS).tolist() == (~west).tolist()


@pytest.mark.parametrize(
    ("target", "classes", "known"),
    [
        (np.where(POINTS[:, 0] > 0, "yes", "no"), ["no", "yes"], ["no", "yes"]),
        (np.where(POINTS[:, 0] > 0, "a", "b"), ["b", "a"], ["a", "b"]),
        (POINTS[:, 0] > 0, ["false", "true"], [False, True]),
        ((POINTS[:, 0] > 0).astype(int), [0, 1], [0, 1]),
    ],
    ids=["texts", "in another order", "truths", "numbers"],
)
@pytest.mark.parametrize("flat", [False, True])
def test_one_number_is_the_probability_of_the_second_of_two_named_classes(
    target: Any, classes: list[Any], known: list[Any], flat: bool
) -> None:
    given = linear(TWO, end="Sigmoid")
    if flat:
        given.graph.initializer.append(numpy_helper.from_array(np.array([-1]), "flat"))
        given.graph.node.append(helper.make_node("Reshape", ["y", "flat"], ["z"]))
        given.graph.output.pop()
        given.graph.output.append(helper.make_tensor_value_info("z", FLOAT, [ROWS]))
    model = made(given, target, classes=classes)
    second = 1 / (1 + np.exp(-POINTS @ TWO)).ravel()
    assert model.classes_.tolist() == known
    place = known.index({"true": True, "false": False}.get(str(classes[1]), classes[1]))
    assert np.abs(columns_of(model)[:, place] - second).max() < 1e-6
    assert np.abs(columns_of(model).sum(axis=1) - 1).max() < 1e-6


def test_graph_without_the_common_operators_gets_them() -> None:
    node = helper.make_node("Normalizer", ["x"], ["y"], domain="ai.onnx.ml", norm="L1")
    given = graph([node], [("x", FLOAT, [ROWS, 2])], [("y", FLOAT, [ROWS, 2])])
    del given.opset_import[0]
    frame = pd.DataFrame(np.abs(POINTS) + 0.1, columns=["east", "north"])
    model = made(given, np.where(frame.east > frame.north, "b", "a"), frame, classes=["b", "a"])
    onnx.checker.check_model(ModelProto.FromString(model.data))
    assert model.predict(frame.to_numpy()).tolist() == np.where(frame.east > frame.north, "b", "a").tolist()


def test_one_number_a_row_is_what_a_regressor_answers() -> None:
    given = linear(TWO, end=None)
    model = made(given, (POINTS @ TWO).ravel())
    assert not hasattr(model, "classes_") and model.data == given.SerializeToString()
    assert np.abs(model.predict(POINTS) - (POINTS @ TWO).ravel()).max() < 1e-5


PEOPLE = pd.DataFrame({"age": [20, 30, 40], "city": ["Bern", "Zug", None], "income": [1.5, 2.5, 3.5]})


def test_columns_are_found_by_their_names() -> None:
    file = OnnxFile.of(by_name({"income": FLOAT, "city": STRING, "age": INT64}))
    known = file.columns(list(PEOPLE.columns))
    assert known == ["income", "city", "age"]
    frame = PEOPLE[known]
    model = made(file.model, [0.0, 1.0, 2.0], frame)
    features = infer_features(frame)
    assert model.predict(to_array(frame, features)).tolist() == [31.5, 32.5, 43.5]
    assert model.said == (
        'its input "age" is made of numbers in double precision',
        "a missing cell of city comes to it as the text U+FDD0",
    )
    onnx.checker.check_model(ModelProto.FromString(model.data), full_check=True)
    again = OnnxFile.of(ModelProto.FromString(model.data))  # what was published is published again
    assert len({each.name for each in again.inputs}) == 3
    with pytest.raises(DataInvalid, match="takes the inputs income, city, which are no columns of the rows; those are"):
        file.columns(["age", "place"])


@pytest.mark.parametrize("name", ["x", "rows"])
def test_one_input_of_one_column_goes_by_its_name_or_by_its_place(name: str) -> None:
    given = graph([helper.make_node("Neg", [name], ["y"])], [(name, FLOAT, [ROWS, 1])], [("y", FLOAT, [ROWS, 1])])
    assert OnnxFile.of(given).columns(["x", "z"]) == (["x"] if name == "x" else None)


@pytest.mark.parametrize("kind", [INT64, INT32, DOUBLE, FLOAT])
def test_matrix_of_whole_numbers_comes_as_it_is_served(kind: int) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=FLOAT),
        helper.make_node("ReduceSum", ["f", "axis"], ["y"]),
    ]
    given = graph(nodes, [("x", kind, [ROWS, 2])], [("y", FLOAT, [ROWS, 1])], {"axis": np.array([1])})
    frame = pd.DataFrame({"a": [1, 2], "b": [30, 40]})
    assert made(given, [1.0, 2.0], frame).predict(to_array(frame, infer_features(frame))).tolist() == [31, 42]
