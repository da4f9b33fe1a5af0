"""Ends: labels and numbers of a file brought to what serving knows, by what it answers to rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from brinery.assessment.given.classes import counted, of_zip
from brinery.assessment.given.outputs import Outputs
from brinery.assessment.given.rewrite import Rewrite
from brinery.errors import DataInvalid
from brinery.tables.table import listed

AGREEMENT = 0.5  # of the rows that get a label: by a wrong order, the largest probability is another's


@dataclass(frozen=True)
class Raw:
    """What a file gives, in place of a task: `labels` and `numbers` as they come, shape (rows, …), or None."""

    labels: np.ndarray | None = None
    numbers: np.ndarray | None = None

    def answers(self, predicted: Any, numbers: Any, tie: float = 0.0) -> "Raw":
        return Raw(predicted, numbers)

    def joined(self, parts: list["Raw"]) -> "Raw":
        first = parts[0]
        return Raw(
            None if first.labels is None else np.concatenate([each.labels for each in parts]),
            None if first.numbers is None else np.concatenate([each.numbers for each in parts]),
        )

    @property
    def single(self) -> bool:
        """Whether the numbers are one a row."""
        return self.numbers is not None and self.numbers.size == len(self.numbers)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the numbers, what follows the rows."""
        return () if self.numbers is None else self.numbers.shape[1:]

    def check(self, rows: int) -> None:
        """Raise DataInvalid where these are no answers to so many rows."""
        for what, found in (("labels", self.labels), ("numbers", self.numbers)):
            if found is None:
                continue
            one = what == "labels"
            wide = found.shape[1:] not in ((), (1,)) if one else found.ndim > 2
            if len(found) != rows or wide or found.size == 0:
                known = "[rows]" if one else "[rows], [rows, 1] or [rows, classes]"
                raise DataInvalid(f"it gives {what} of shape {list(found.shape)} to {rows} rows; it must be {known}")


def names_of(outputs: Outputs, raw: Raw, target: np.ndarray, shown: object, rewrite: Rewrite) -> np.ndarray:
    """The classes in the order of the outputs, where nobody said them.

    Raises:
        DataInvalid: the file does not tell, and the target's labels do not either.
    """
    known = np.unique(target)
    width = None if raw.numbers is None else 2 if raw.single else raw.numbers.shape[1]
    for found in (of_zip(outputs.columns, target), counted(target, len(known) if width is None else width)):
        if found is not None:
            return found
    if raw.labels is not None and width in (None, len(known)) and _is_each_answered(raw.labels, known):
        rewrite.said.append(f"its classes are taken to be the labels of the target: {listed(known.tolist())}")
        return known
    labels = listed([repr(each) for each in known.tolist()])
    raise DataInvalid(
        f"it does not say what its {'labels' if width is None else f'{width} classes'} stand for, and the target "
        f'"{shown}" holds {labels}; name the classes in the order of the outputs: --classes NAME,NAME,… or classes=[…]'
    )


def check_names(outputs: Outputs, names: np.ndarray, target: np.ndarray) -> None:
    """Raise DataInvalid where a file itself gives its columns the same names in another order."""
    own = of_zip(outputs.columns, target)
    if own is not None and sorted(own.tolist()) == sorted(names.tolist()) and own.tolist() != names.tolist():
        raise DataInvalid(
            f"its ZipMap calls its columns {listed(own.tolist())}, and classes calls them {listed(names.tolist())}; "
            "leave classes out"
        )


def bring_classes(
    outputs: Outputs, raw: Raw, names: np.ndarray, truth: np.ndarray, rewrite: Rewrite
) -> list[tuple[str, int, tuple[int, ...]]]:
    """Have labels be the classes, and probabilities be in the order of the sorted ones.

    Args:
        names: the classes in the order of the outputs, shape (classes,).
        truth: labels of the rows that were asked, shape (rows,).

    Returns:
        The graph's new outputs, as `Rewrite.end_with` takes them.

    Raises:
        DataInvalid: they do not fit what the file gives.
    """
    ends: list[tuple[str, int, tuple[int, ...]]] = []
    labels = None
    if outputs.labels is not None and raw.labels is not None:
        name, labels = _bring_labels(outputs.labels, raw.labels, names, truth, rewrite)
        ends.append((name, TensorProto.STRING if names.dtype.kind == "U" else TensorProto.INT64, ()))
    if outputs.numbers is not None and raw.numbers is not None:
        found = _bring_probabilities(outputs.numbers, raw.numbers, names, rewrite)
        ends.append((found, outputs.numbers_type, (len(names),)))
        if labels is not None:
            _check_agreement(labels, raw.numbers, names)
    return ends


def _bring_labels(
    output: str, given: np.ndarray, names: np.ndarray, truth: np.ndarray, rewrite: Rewrite
) -> tuple[str, np.ndarray]:
    """The name of the output with the labels, and these as they then are, shape (rows,).

    Whole numbers may be the names themselves or positions among them; where they can be either, the truth tells.
    """
    labels, texts = given.reshape(-1), names.dtype.kind == "U"
    if given.ndim > 1:
        output = rewrite.node("Reshape", output, rewrite.constant(np.array([-1])))
        rewrite.said.append("its labels are put into one dimension")
    themselves = labels.astype(np.str_) if texts else labels
    named = _of_one_type(labels, names) and np.isin(themselves, names.astype(themselves.dtype)).all()
    in_order = names.dtype.kind != "b" or names.tolist() == [False, True]
    if named and in_order and not _are_rather_positions(labels, names, truth):
        return output, themselves
    if labels.dtype.kind not in "iu" or ((labels < 0) | (labels >= len(names))).any():
        unknown = next(each for each in labels.tolist() if each not in names.tolist())
        raise DataInvalid(
            f"it answers {unknown!r}, which is none of the classes {listed(names.tolist())}; "
            "name them by --classes NAME,NAME,… or classes=[…]"
        )
    rewrite.said.append(f"its labels 0 to {len(names) - 1} are given their names")
    values = names.astype(object) if texts else names.astype(np.int64)
    return rewrite.node("Gather", rewrite.constant(values), output), names[labels]


def _are_rather_positions(labels: np.ndarray, names: np.ndarray, truth: np.ndarray) -> bool:
    if labels.dtype.kind not in "iu" or ((labels < 0) | (labels >= len(names))).any():
        return False
    by_place = names[labels]
    if np.array_equal(by_place, labels):
        return False
    named, placed = (float((each == truth).mean()) for each in (labels, by_place))
    if named == placed:
        raise DataInvalid(
            f"its labels can be the classes {listed(names.tolist())} as well as their positions from 0 on, and are "
            f"right in {named:.0%} of the rows either way; give it labels that are texts"
        )
    return placed > named


def _bring_probabilities(found: str, numbers: np.ndarray, names: np.ndarray, rewrite: Rewrite) -> str:
    """The name of the output with a column for each of the sorted classes."""
    single = numbers.size == len(numbers)
    width = 2 if single else numbers.shape[1]
    if len(names) != width:
        what = "one number a row, as of two classes" if single else f"{width} numbers a row"
        raise DataInvalid(f"it gives {what}, and there are {len(names)} classes, {listed(names.tolist())}")
    if single:
        column = rewrite.node("Reshape", found, rewrite.constant(np.array([-1, 1])))
        first = rewrite.node("Sub", rewrite.constant(np.array([[1]], dtype=numbers.dtype)), column)
        found = rewrite.node("Concat", first, column, axis=1)
        rewrite.said.append(f"its one number is taken as the probability of {names[1]!s}")
    order = np.argsort(names, kind="stable")
    if (order != np.arange(width)).any():
        found = rewrite.node("Gather", found, rewrite.constant(order.astype(np.int64)), axis=1)
        rewrite.said.append("its columns are put into the order of the sorted classes")
    return found


def _check_agreement(labels: np.ndarray, numbers: np.ndarray, names: np.ndarray) -> None:
    columns = numbers.reshape(len(labels), -1)
    largest = names[columns.argmax(axis=1) if columns.shape[1] > 1 else (columns[:, 0] >= 0.5).astype(np.intp)]
    same = labels.astype(largest.dtype) == largest
    for label in np.unique(labels):
        share = float(same[labels == label].mean())
        if share < AGREEMENT:
            raise DataInvalid(
                f"of the rows that it labels {label!s}, that class has the largest probability in {share:.0%} alone, "
                f"with the classes {listed(names.tolist())} in the order of the outputs; name them in theirs: "
                "--classes or classes=[…]"
            )


def _is_each_answered(labels: np.ndarray, known: np.ndarray) -> bool:
    """Whether each of the target's labels is answered, and nothing else."""
    if not _of_one_type(labels, known):
        return False
    return bool(np.array_equal(np.unique(labels.reshape(-1).astype(known.dtype)), known))


def _of_one_type(labels: np.ndarray, names: np.ndarray) -> bool:
    """Whether labels of a file can be those of the target: texts, or whole numbers and truths."""
    return (labels.dtype.kind in "OU") == (names.dtype.kind == "U")
