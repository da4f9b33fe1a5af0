"""Inputs: one matrix of all features, or one column each, by its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from onnx import ModelProto, TensorProto

from brinery.assessment.given.rewrite import Rewrite
from brinery.rows.feature import Feature
from brinery.tables.table import listed

FRACTIONS = (TensorProto.FLOAT, TensorProto.DOUBLE)
WHOLE = (TensorProto.INT64, TensorProto.INT32)
TAKEN = (*FRACTIONS, *WHOLE, TensorProto.STRING)
WHOLE_KINDS = ("integer", "boolean")


@dataclass(frozen=True)
class Input:
    """What a file takes: `type` is a number of TensorProto.DataType, and a dimension is None where any size goes."""

    name: str
    type: int
    shape: tuple[int | None, ...]

    @property
    def columns(self) -> int | None:
        """How many columns it takes, None where any."""
        return self.shape[1] if len(self.shape) == 2 else None

    @property
    def shape_text(self) -> str:
        return f"[{', '.join('?' if each is None else str(each) for each in self.shape)}]"


def inputs_of(model: ModelProto) -> tuple[Input, ...]:
    """The inputs that have no value of their own."""
    known = {each.name for each in model.graph.initializer}
    found = []
    for each in model.graph.input:
        if each.name not in known:
            kind = each.type.tensor_type
            sizes = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim)
            found.append(Input(each.name, kind.elem_type, sizes))
    return tuple(found)


def faults_of_inputs(inputs: Sequence[Input]) -> list[str]:
    """What the file alone shows: sentences about types and shapes that no rows fit."""
    faults = [] if inputs else ["it takes no input"]
    for each in inputs:
        if each.type not in TAKEN:
            known = ", ".join(_type(kind) for kind in TAKEN)
            faults.append(f'its input "{each.name}" takes {_type(each.type)}; it must be one of {known}')
        if len(each.shape) != 2:
            faults.append(
                f'its input "{each.name}" has the shape {each.shape_text}, and rows come as [rows, features]; '
                "put a Reshape or a Flatten into the network"
            )
        elif len(inputs) > 1 and each.columns not in (1, None):
            faults.append(
                f'its input "{each.name}" takes {each.columns} columns; where there are several inputs, each takes one '
                "column, by its name; join them within the network"
            )
        if each.shape and each.shape[0] is not None:
            faults.append(
                f'its input "{each.name}" takes {each.shape[0]} row{"s" if each.shape[0] > 1 else ""} at a time; '
                "export it with a dynamic first dimension, which torch.onnx.export makes by "
                f'dynamic_axes={{"{each.name}": {{0: "rows"}}}} or dynamic_shapes'
            )
    return faults


def faults_beside(inputs: Sequence[Input], features: Sequence[Feature]) -> list[str]:
    """Sentences about inputs that do not fit the rows."""
    if len(inputs) > 1:
        pairs = [(each, [feature]) for each, feature in zip(inputs, features, strict=True)]
    else:
        pairs = [(inputs[0], list(features))]
        if inputs[0].columns not in (len(features), None):
            names = listed([feature.name for feature in features])
            takes = f'its input "{inputs[0].name}" takes {inputs[0].columns} features'
            return [f"{takes}; the rows have {len(features)}, {names}"]
    return [fault for each, taken in pairs for fault in _faults_of_types(each, taken)]


def _faults_of_types(given: Input, features: Sequence[Feature]) -> list[str]:
    texts = [feature.name for feature in features if feature.of_texts]
    numbers = [feature.name for feature in features if not feature.of_texts]
    if given.type == TensorProto.STRING:
        return [f'its input "{given.name}" takes texts, and the columns {listed(numbers)} hold none'] if numbers else []
    if texts:
        return [f'its input "{given.name}" takes numbers, and the columns {listed(texts)} hold texts']
    if given.type in WHOLE:
        wrong = [each.name for each in features if each.kind not in WHOLE_KINDS or each.nullable]
        if wrong:
            takes = f'its input "{given.name}" takes {_type(given.type)}'
            return [f"{takes}, and the columns {listed(wrong)} hold fractions or missing cells"]
    return []


def take_doubles(inputs: Sequence[Input], rewrite: Rewrite) -> None:
    """Have whole numbers come as doubles, as serving sends them."""
    for each in inputs:
        if each.type in WHOLE:
            rewrite.cast_input(each.name, each.type)


def _type(kind: int) -> str:
    return "no tensor" if kind == TensorProto.UNDEFINED else str(TensorProto.DataType.Name(kind)).lower()
