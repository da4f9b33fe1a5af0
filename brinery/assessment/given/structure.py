"""What a file consists of: operators that every runtime has, and nothing that lies outside it."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from onnx import ModelProto, NodeProto, TensorProto, checker

from brinery.errors import words_of
from brinery.tables.table import listed

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
AT_RANDOM = ("RandomUniform", "RandomUniformLike", "RandomNormal", "RandomNormalLike", "Bernoulli", "Multinomial")
ENDLESS = ("Loop", "Scan")
# Operators whose inputs in these places say how much they give.
SIZES = {
    **dict.fromkeys(("ConstantOfShape",), (0,)),
    **dict.fromkeys(("Expand", "Tile", "OneHot", "Pad"), (1,)),
    **dict.fromkeys(("Range",), (0, 1, 2)),
    **dict.fromkeys(("Resize", "Upsample"), (1, 2, 3)),
    **dict.fromkeys(("EyeLike", "BlackmanWindow", "HannWindow", "HammingWindow"), (0,)),
}


def faults_of_structure(model: ModelProto) -> list[str]:
    """Sentences about operators, functions and data that a file may not have, or about how it is invalid."""
    faults = []
    foreign = sorted({f"{node.domain}.{node.op_type}" for node in _all(model, NodeProto) if node.domain not in DOMAINS})
    if foreign:
        faults.append(
            f"it has the operators {listed(foreign)}, which are of domains other than ONNX's own, ai.onnx and "
            "ai.onnx.ml; export it without them"
        )
    kinds = {node.op_type for node in _all(model, NodeProto)}
    if random := sorted(kinds.intersection(AT_RANDOM)):
        faults.append(f"it has the operators {listed(random)}, which answer at random; export it for inference")
    if endless := sorted(kinds.intersection(ENDLESS)):
        faults.append(
            f"it has the operators {listed(endless)}, which may never end for some row; export it without, unrolled"
        )
    if sized := _sized_by_values(model):
        faults.append(
            f"its operators {listed(sized)} give as much as a value of the input says, which may be more memory than "
            "there is; export it with sizes that follow from those of the input"
        )
    if model.functions:
        names = [f"{each.domain}.{each.name}" for each in model.functions]
        faults.append(f"it has functions of its own, {listed(names)}; inline them (onnx.inliner)")
    outside = list(dict.fromkeys(each.name for each in _all(model, TensorProto) if _is_outside(each)))
    if outside:
        faults.append(
            f"the data of {listed(outside)} lie in another file, which is not read; save it as one file with all data, "
            "as torch.onnx.export does by external_data=False"
        )
    else:  # the checker would look for the other file
        try:
            checker.check_model(model)
        except Exception as exc:  # the checker raises more than its own error
            faults.append(f"it is not valid ONNX: {words_of(exc)}")
    return faults


def _sized_by_values(model: ModelProto) -> list[str]:
    """Kinds of operators whose size hangs on a value of the input; only its shape may decide sizes."""
    known = {each.name for each in model.graph.initializer}
    by_value = {each.name for each in model.graph.input} - known
    found = []
    for node in _all(model, NodeProto):  # in the order in which they are run
        tainted = [name in by_value for name in node.input]
        if any(place < len(tainted) and tainted[place] for place in SIZES.get(node.op_type, ())):
            found.append(node.op_type)
        within = any(field.name == "attribute" for field, _ in node.ListFields()) and any(
            attribute.HasField("g") for attribute in node.attribute
        )
        if node.op_type not in ("Shape", "Size") and (any(tainted) or within):
            by_value.update(node.output)
    return sorted(set(found))


def _is_outside(tensor: Any) -> bool:
    return bool(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data)


def _all(message: Message, kind: type[Any]) -> Iterator[Any]:
    """All messages of a kind within another, however deep: graphs lie in attributes of nodes, tensors in both."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in [value] if isinstance(value, Message) else value:
                if isinstance(each, kind):
                    yield each
                yield from _all(each, kind)
