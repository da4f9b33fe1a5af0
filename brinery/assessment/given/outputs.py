"""Outputs: labels, numbers or both, by what the file says of itself."""

from dataclasses import dataclass
from typing import Any

from onnx import ModelProto, TensorProto

from brinery.tables.table import listed

LABELS = (TensorProto.INT64, TensorProto.STRING)
NUMBERS = (TensorProto.FLOAT, TensorProto.DOUBLE)


@dataclass(frozen=True)
class Outputs:
    """The names of what a file gives, None where it does not.

    Numbers may come out of an operator ZipMap, whose own output is `zipped`, with the labels of their columns.
    """

    labels: str | None = None
    labels_type: int = TensorProto.UNDEFINED
    numbers: str | None = None
    numbers_type: int = TensorProto.UNDEFINED
    zipped: str | None = None
    columns: tuple[Any, ...] = ()

    @property
    def ends(self) -> list[tuple[str, int, None]]:
        """Names and types, as `Rewrite.end_with` takes them."""
        both = ((self.labels, self.labels_type), (self.numbers, self.numbers_type))
        return [(name, kind, None) for name, kind in both if name is not None]


def outputs_of(model: ModelProto) -> tuple[Outputs, list[str]]:
    """What a file gives, and sentences about what it may not give."""
    zips = {node.output[0]: node for node in model.graph.node if node.op_type == "ZipMap"}
    labels, numbers, others = [], [], []
    found: dict[str, Any] = {}
    for each in model.graph.output:
        kind = each.type.tensor_type.elem_type
        if each.name in zips:
            node = zips[each.name]
            numbers.append(node.input[0])
            found |= {"zipped": each.name, "columns": _columns(node), "numbers_type": TensorProto.FLOAT}
        elif kind in LABELS:
            labels.append(each.name)
            found["labels_type"] = kind
        elif kind in NUMBERS:
            numbers.append(each.name)
            found["numbers_type"] = kind
        else:
            others.append(each.name)
    faults = []
    if others:
        faults.append(
            f"its outputs {listed(others)} are none of labels (int64 or string) and numbers (float or double); leave "
            "them out"
        )
    if len(labels) > 1 or len(numbers) > 1 or not labels + numbers + others:
        faults.append(
            f"it gives {listed([*labels, *numbers]) or 'nothing'}; it may give labels, probabilities, or both, one "
            "output each, or one number a row"
        )
    return Outputs(labels=next(iter(labels), None), numbers=next(iter(numbers), None), **found), faults


def _columns(node: Any) -> tuple[Any, ...]:
    """The labels that a ZipMap gives to columns."""
    for attribute in node.attribute:
        if attribute.name == "classlabels_int64s":
            return tuple(attribute.ints)
        if attribute.name == "classlabels_strings":
            return tuple(text.decode() for text in attribute.strings)
    return ()
