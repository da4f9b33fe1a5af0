"""Classes: what the outputs of a file stand for, in their order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brinery.errors import DataInvalid
from brinery.tables.table import listed
from brinery.tasks.classification import label_text

WHOLE, TRUTHS = "iu", "b"
WORDS = {"true": True, "false": False}


def named(classes: Sequence[Any], target: np.ndarray) -> np.ndarray:
    """Classes that a person gave, as labels of the target's type, in their order.

    Args:
        classes: texts, as a command has them, or labels.
        target: labels as `as_labels` makes them, shape (rows,).

    Raises:
        DataInvalid: they are fewer than two, one stands twice, or is no label of that type.
    """
    if isinstance(classes, str) or not isinstance(classes, Sequence | np.ndarray) or len(classes) < 2:
        raise DataInvalid(
            f"classes is {classes!r}; it must be a list of two names or more, in the order of the outputs"
        )
    found = np.array([_label(each, target.dtype.kind) for each in classes])
    twice = [str(each) for each in np.unique(found) if (found == each).sum() > 1]
    if twice:
        raise DataInvalid(f"classes has {listed(twice)} twice")
    return found


def of_zip(columns: Sequence[Any], target: np.ndarray) -> np.ndarray | None:
    """The labels that a file itself gives to its columns, in the target's type; None where they are of another."""
    found = np.array(columns)
    return found if found.dtype.kind == target.dtype.kind else None


def counted(target: np.ndarray, count: int) -> np.ndarray | None:
    """The target's labels where they are the positions 0, 1, …, or false and true; else None."""
    known = np.unique(target)
    is_counted = known.dtype.kind in WHOLE + TRUTHS and known.tolist() == list(range(count))
    return known if is_counted else None


def _label(given: Any, kind: str) -> Any:
    if isinstance(given, np.generic):
        given = given.item()
    text = label_text(given)
    if kind == TRUTHS and text.lower() in WORDS:
        return WORDS[text.lower()]
    if kind in WHOLE and not isinstance(given, bool):
        try:
            return int(text)
        except ValueError:
            pass
    if kind not in WHOLE + TRUTHS and isinstance(given, str) and given:
        return given
    what = "whole numbers" if kind in WHOLE else "true and false" if kind == TRUTHS else "texts"
    raise DataInvalid(f"classes has {given!r}; the labels of the target are {what}")
