"""Rewriting: what is changed at the ends of a graph, so that it takes and gives what serving knows."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET = 13  # of graphs that have ai.onnx.ml alone


class Rewrite:
    """A copy of a model, `changed` or not; `said` are sentences about changes, and about what is taken for granted."""

    def __init__(self, model: ModelProto) -> None:
        self._model = ModelProto()
        self._model.CopyFrom(model)
        self._graph = self._model.graph
        self._names = {name for node in self._graph.node for name in node.output}
        self._names.update(each.name for each in [*self._graph.input, *self._graph.initializer])
        self.changed = False
        self.said: list[str] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator at the end, and give the name of what comes out."""
        self.changed = True
        name = self._unused(kind)
        self._graph.node.append(self._operator(kind, inputs, name, **attributes))
        return name

    def constant(self, values: np.ndarray) -> str:
        return self.node("Constant", value=numpy_helper.from_array(values))

    def cast_input(self, name: str, to: int) -> None:
        """Have an input come in double precision; what it was is made of it."""
        self.changed = True
        given = next(each for each in self._graph.input if each.name == name)
        given.name = self._unused(name)
        given.type.tensor_type.elem_type = TensorProto.DOUBLE
        self._graph.node.insert(0, self._operator("Cast", [given.name], name, to=to))
        self.said.append(f'its input "{name}" is made of numbers in double precision')

    def drop(self, output: str) -> None:
        """Take off the operator that gives this."""
        self.changed = True
        place = next(k for k, node in enumerate(self._graph.node) if output in node.output)
        self.said.append(f"the {self._graph.node[place].op_type} at its end is taken off")
        del self._graph.node[place]

    def end_with(self, outputs: Sequence[tuple[str, int, tuple[int, ...] | None]]) -> None:
        """Give these, by name, type and what follows the rows in their shape, None where that is not known."""
        del self._graph.output[:]
        for name, kind, more in outputs:
            shape: list[str | int | None] | None = None if more is None else ["rows", *more]
            self._graph.output.append(helper.make_tensor_value_info(name, kind, shape))

    @property
    def data(self) -> bytes:
        return bytes(self._model.SerializeToString())

    def _operator(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> NodeProto:
        if all(each.domain not in ("", "ai.onnx") for each in self._model.opset_import):
            self._model.opset_import.append(helper.make_opsetid("", OPSET))
        return helper.make_node(kind, list(inputs), [output], name=output, **attributes)

    def _unused(self, stem: str) -> str:
        """A name that nothing in the graph has."""
        name = next(name for k in count() if (name := f"{stem}_{k}") not in self._names)
        self._names.add(name)
        return name
