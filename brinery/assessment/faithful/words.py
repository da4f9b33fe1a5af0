"""What ONNX Runtime says of a file that it does not run."""

import re

from brinery.errors import words_of

SOURCE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (/\S+:\d+ .*?\) (?=[A-Z]))?")


def words_of_runtime(error: Exception) -> str:
    """What it says, without its number and the place in its source."""
    return words_of(SOURCE.sub("", " ".join(str(error).split())))
