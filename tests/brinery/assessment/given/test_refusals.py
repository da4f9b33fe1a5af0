"""A file that does not fit the rows, or answers them as no model should, is refused by a sentence."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper, numpy_helper

from brinery.errors import DataInvalid
from tests.brinery.assessment.given.graphs import (
    FLOAT,
    INT64,
    NAMES,
    PLACES,
    POINTS,
    STRING,
    TWO,
    WEIGHTS,
    by_name,
    linear,
    with_labels,
)
from tests.brinery.assessment.given.models import FRAME, TRUTH, made

MOSTLY_RED = FRAME.assign(east=np.where(np.arange(90) % 9 < 7, 2.0, FRAME.east))
RED_PLACES = (MOSTLY_RED.to_numpy() @ WEIGHTS).argmax(axis=1)
Wrong = tuple[Callable[[], ModelProto], dict[str, Any], str]
WRONG: dict[str, Wrong] = {
    "too few columns": (
        lambda: linear(np.zeros((3, 2))),
        {},
        'input "x" takes 3 features; the rows have 2, east, north',
    ),
    "texts to numbers": (
        lambda: linear(WEIGHTS),
        {"frame": FRAME.assign(north="a")},
        'its input "x" takes numbers, and the columns north hold texts',
    ),
    "numbers to texts": (
        lambda: by_name({"east": STRING, "north": FLOAT}),
        {},
        'its input "east" takes texts, and the columns east hold none',
    ),
    "fractions to whole numbers": (
        lambda: by_name({"east": INT64, "north": FLOAT}),
        {},
        'its input "east" takes int64, and the columns east hold fractions or missing cells',
    ),
    "no names": (
        lambda: linear(WEIGHTS),
        {},
        "does not say what its 3 classes stand for, and the target \"colour\" holds 'blue', 'green', 'red'; name the",
    ),
    "labels of another type": (
        lambda: with_labels(NAMES.tolist(), positions=True),
        {},
        "does not say what its 3 classes stand for",
    ),
    "a class that no row has": (
        lambda: with_labels(["blue", "green", "red"]),
        {"target": np.where(PLACES == 2, "red", "blue")},
        "does not say what its 3 classes stand for",
    ),
    "too few names": (lambda: linear(WEIGHTS), {"classes": ["red", "blue"]}, "gives 3 numbers a row, and there are 2"),
    "names of one number": (
        lambda: linear(TWO, end="Sigmoid"),
        {"classes": list(NAMES)},
        "gives one number a row, as of two classes, and there are 3 classes",
    ),
    "a name twice": (lambda: linear(WEIGHTS), {"classes": ["a", "b", "a"]}, "classes has a twice"),
    "one name": (lambda: linear(WEIGHTS), {"classes": ["a"]}, "it must be a list of two names or more"),
    "a text for names": (lambda: linear(WEIGHTS), {"classes": "abc"}, "classes is 'abc'; it must be a list"),
    "names of another type": (
        lambda: linear(WEIGHTS),
        {"classes": ["a", "b", "c"], "target": PLACES},
        "classes has 'a'; the labels of the target are whole numbers",
    ),
    "numbers for texts": (
        lambda: linear(WEIGHTS),
        {"classes": [0, 1, 2]},
        "classes has 0; the labels of the target are te",
    ),
    "texts for one number": (
        lambda: linear(TWO, end=None),
        {},
        "gives one number a row, and the target .* is no number;",
    ),
    "labels that are none": (
        lambda: with_labels(["red", "blue", "violet"]),
        {},
        "does not say what its 3 classes stand for",
    ),
    "positions that there are not": (
        lambda: with_labels([1, 2, 3]),
        {"classes": list(NAMES)},
        "it answers [123], which is none of the classes red, blue, green",
    ),
    "columns in another order": (
        lambda: with_labels(NAMES.tolist()),
        {},
        "of the rows that it labels blue, that class has the largest probability in 0% alone, with the classes blue",
    ),
    "columns of two rare classes in another order": (
        lambda: with_labels(["red", "green", "blue"]),
        {"frame": MOSTLY_RED, "target": np.array(["red", "green", "blue"])[RED_PLACES]},
        "of the rows that it labels blue, that class has the largest probability in 0% alone",
    ),
    "labels that can be positions": (
        lambda: without_numbers(with_labels([1, 2, 0], positions=True)),
        {"classes": [1, 2, 0], "target": np.resize([0, 1, 2], 90), "frame": FRAME * 0},
        "its labels can be the classes 1, 2, 0 as well as their positions",
    ),
    "names that its ZipMap contradicts": (
        lambda: with_labels(["alpha", "beta", "gamma"], zipped=True),
        {"classes": ["beta", "alpha", "gamma"], "target": np.array(["alpha", "beta", "gamma"])[PLACES]},
        "its ZipMap calls its columns alpha, beta, gamma, and classes calls them beta, alpha, gamma",
    ),
    "a probability of 1 or a number": (
        lambda: linear(TWO, end="Sigmoid"),
        {"target": (POINTS[:, 0] > 0).astype(int)},
        "it gives one number from 0 to 1 a row, .* name both: --classes 0,1",
    ),
    "by the place in a batch": (
        lambda: with_places(),
        {"target": POINTS[:, 0]},
        "it answers rows by themselves otherwise than among others",
    ),
    "scores": (
        lambda: linear(WEIGHTS, end=None),
        {"classes": list(NAMES)},
        "no probabilities: they are .* end the network with",
    ),
    "score of two": (
        lambda: linear(TWO, end=None),
        {"classes": ["a", "b"], "target": np.where(POINTS[:, 0] > 0, "a", "b")},
        "its numbers are no probabilities: .* with a Sigmoid where it gives one number",
    ),
    "logarithms": (
        lambda: linear(WEIGHTS, end="LogSoftmax"),
        {"classes": list(NAMES)},
        "its numbers are no probabilities",
    ),
    "not finite": (
        lambda: linear(WEIGHTS),
        {"classes": list(NAMES), "frame": FRAME.mask(np.arange(90)[:, None] == [4, 4])},
        "it answers 1 of 90 held-out rows with what is not finite, row 5 first",
    ),
    "newer than the runtime": (
        lambda: newer(linear(WEIGHTS)),
        {"classes": list(NAMES)},
        "ONNX Runtime [0-9.]* does not take it: ONNX Runtime .* [Oo]pset",
    ),
    "fails on rows": (
        lambda: reshaped([1, 3]),
        {"classes": list(NAMES)},
        "it does not answer the held-out rows: ",
    ),
    "one answer for all": (
        lambda: reduced(),
        {"target": POINTS[:, 0]},
        r"it gives numbers of shape \[1, 3\] to 90 rows; it must be \[rows\]",
    ),
    "over the rows": (
        lambda: softmax_of_the_rows(),
        {"target": POINTS[:, 0]},
        "it answers rows by themselves otherwise than among others: .* export it for inference",
    ),
    "slow": (
        lambda: linear(WEIGHTS),
        {"classes": list(NAMES), "row_seconds": 0.0},
        "one row takes .* s; it may take 0 s",
    ),
}


def without_numbers(model: ModelProto) -> ModelProto:
    """Its labels alone."""
    del model.graph.output[1:]
    return model


def with_places() -> ModelProto:
    """A number, and beyond the thousandth row of a batch another."""
    model = linear(TWO, end=None)
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"], start=0, end=1),
        helper.make_node("Squeeze", ["sizes"], ["size"]),
        helper.make_node("Range", ["zero", "size", "one"], ["places"]),
        helper.make_node("Cast", ["places"], ["floats"], to=FLOAT),
        helper.make_node("Sub", ["floats", "thousand"], ["beyond"]),
        helper.make_node("Relu", ["beyond"], ["more"]),
        helper.make_node("Unsqueeze", ["more", "last"], ["column"]),
        helper.make_node("Add", ["y", "column"], ["z"]),
    ]
    model.graph.node.extend(nodes)
    known = {"zero": np.int64(0), "one": np.int64(1), "thousand": np.float32(1000), "last": np.array([1])}
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(each), name) for name, each in known.items())
    model.graph.output[0].name = "z"
    return model


def newer(model: ModelProto) -> ModelProto:
    model.opset_import[0].version = 99
    return model


def reshaped(shape: list[int]) -> ModelProto:
    model = linear(WEIGHTS)
    model.graph.initializer.append(numpy_helper.from_array(np.array(shape), "shape"))
    model.graph.node.append(helper.make_node("Reshape", ["y", "shape"], ["z"]))
    model.graph.output[0].name = "z"
    return model


def reduced() -> ModelProto:
    model = linear(WEIGHTS)
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "axis"))
    model.graph.node.append(helper.make_node("ReduceSum", ["y", "axis"], ["z"]))
    model.graph.output[0].name = "z"
    return model


def softmax_of_the_rows() -> ModelProto:
    model = linear(TWO)
    model.graph.node[1].attribute.append(helper.make_attribute("axis", 0))
    return model


@pytest.mark.parametrize("name", WRONG)
def test_file_that_does_not_fit_the_rows_is_a_sentence(name: str) -> None:
    make, more, message = WRONG[name]
    with pytest.raises(DataInvalid, match=f"^the ONNX model cannot be published: .*{message}"):
        made(make(), **{"target": TRUTH, **more})


def test_faults_beside_the_rows_are_told_at_once() -> None:
    with pytest.raises(DataInvalid) as caught:
        made(linear(np.zeros((3, 2))), classes=["a"])
    assert len(str(caught.value).split("\n  ")) == 3
