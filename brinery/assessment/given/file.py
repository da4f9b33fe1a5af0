"""An ONNX file that was made elsewhere: read as data, and refused before anything in it is run."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from google.protobuf.message import DecodeError
from onnx import ModelProto

from brinery.assessment.given.faults import refuse
from brinery.assessment.given.inputs import Input, faults_of_inputs, inputs_of
from brinery.assessment.given.outputs import Outputs, outputs_of
from brinery.assessment.given.structure import faults_of_structure
from brinery.errors import DataInvalid, words_of
from brinery.tables.table import listed

MOST_BYTES = 500_000_000
FIRST_BYTE = b"\x08"  # an ONNX file begins with the number of its first field, and no pickle does


@dataclass(frozen=True)
class OnnxFile:
    """`data` are its bytes as given, `model` what they say; `name` is for messages."""

    name: str
    data: bytes
    model: ModelProto
    inputs: tuple[Input, ...]
    outputs: Outputs

    @classmethod
    def of(cls, source: Path | ModelProto, most: int = MOST_BYTES) -> Self:
        """Read a file, or take a model that was read.

        Nothing that it names outside itself is opened.

        Args:
            most: how many bytes it may have.

        Raises:
            DataInvalid: it is no ONNX model, or none that can be served; all that is wrong with the file is told.
        """
        name = str(source) if isinstance(source, Path) else "the ONNX model"
        data = _read(source, most) if isinstance(source, Path) else _written(source, most)
        if len(data) > most:
            raise DataInvalid(f"{name} has more than {most:,} bytes, which is the most that a model may have")
        try:
            model = ModelProto.FromString(data)
        except DecodeError as exc:
            raise DataInvalid(f"{name} is no ONNX model: {words_of(exc, 200)}") from exc
        if not model.graph.node:
            raise DataInvalid(f"{name} is no ONNX model: it holds no operator")
        inputs = inputs_of(model)
        outputs, faults = outputs_of(model)
        refuse(name, [*faults_of_structure(model), *faults_of_inputs(inputs), *faults])
        return cls(name, data, model, inputs, outputs)

    def columns(self, names: Sequence[str]) -> list[str] | None:
        """The columns that it takes by their names, in its order; None where it takes them all as one matrix.

        Raises:
            DataInvalid: it takes some that there are not.
        """
        known = [each.name for each in self.inputs]
        if len(known) == 1 and (self.inputs[0].columns != 1 or known[0] not in names):
            return None
        missing = [each for each in known if each not in names]
        if missing:
            raise DataInvalid(
                f"{self.name} takes the inputs {listed(missing)}, which are no columns of the rows; "
                f"those are {listed(names)}"
            )
        return known

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What it is, as it may be shown."""
        kinds = [node.op_type for node in self.model.graph.node]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        opset = next((each.version for each in self.model.opset_import if each.domain in ("", "ai.onnx")), None)
        made = " ".join(filter(None, [self.model.producer_name, self.model.producer_version])) or "an unnamed producer"
        known = "" if opset is None else f", opset {opset}"
        return {"estimator": "ONNX", "fitted": f"ONNX of {made}{known}: {counts}"[:2000]}


def is_onnx(path: Path) -> bool:
    """Whether a file is ONNX by its name or its first byte."""
    if path.suffix.lower() == ".onnx":
        return True
    try:
        with path.open("rb") as file:
            return file.read(1) == FIRST_BYTE
    except OSError:
        return False


def _written(model: ModelProto, most: int) -> bytes:
    """Its bytes, or as many zeros as it has too many, which need not be written to be refused."""
    return bytes(model.SerializeToString()) if model.ByteSize() <= most else bytes(most + 1)


def _read(path: Path, most: int) -> bytes:
    """Its bytes; of one that is too large, the first."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as exc:
        raise DataInvalid(f"{path} cannot be read: {exc.strerror}; it must be an ONNX file") from exc
    if not data:
        raise DataInvalid(f"{path} is no ONNX model: it is empty")
    return data
