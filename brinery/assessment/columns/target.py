"""The target as an array: the labels of a classifier, the numbers of a regressor."""

import numpy as np
import pandas as pd
from pandas.api import types

from brinery.assessment.columns.kinds import as_texts
from brinery.errors import DataInvalid
from brinery.rows.feature import EXACT

MAX_CLASSES = 1000
LARGEST = 2**63 - 1
LARGEST_NUMBER, SMALLEST_SPREAD = 1e150, 1e-150  # whose squares are numbers, too


def encode_target(target: pd.Series, source: str) -> np.ndarray:
    """The target as an array of whole numbers, booleans or strings, whichever it holds, shape (rows,).

    Args:
        source: where it came from, for messages.

    Raises:
        DataInvalid: a label is missing; there is one class, or too many; a class has one row; or it holds fractions.
    """
    where = f'the target "{target.name}" of {source}'
    labels = as_labels(target, source)
    counts = _plain(target).value_counts()
    if len(counts) < 2:
        raise DataInvalid(f"{where} has one class only; at least two are needed")
    if len(counts) > MAX_CLASSES or len(counts) == len(target):
        raise DataInvalid(
            f"{where} has {len(counts)} classes in {len(target)} rows, as a number to predict or an identifier has; "
            f"at most {MAX_CLASSES} classes of 2 or more rows can be learnt{_or_numbers(target)}"
        )
    if counts.iloc[-1] < 2:
        raise DataInvalid(
            f'{where} has one row only of the class "{counts.index[-1]}"; each class needs 2 or more, '
            f"so that one is held out{_or_numbers(target)}"
        )
    return labels


def _or_numbers(target: pd.Series) -> str:
    """What to do where labels may have been meant as numbers."""
    return "; a number is predicted by a regressor" if types.is_numeric_dtype(target.dtype) else ""


def as_labels(target: pd.Series, source: str) -> np.ndarray:
    """Labels as an array; as `encode_target`, whether or not they can be learnt.

    Raises:
        DataInvalid: a label is missing, or is a fraction.
    """
    missing = int(target.isna().sum())
    if missing:
        raise DataInvalid(f'the target "{target.name}" is missing in {missing} rows of {source}')
    target = _plain(target)
    if types.is_float_dtype(target) and not (target.abs().le(EXACT) & target.eq(target.round())).all():
        raise DataInvalid(
            f'the target "{target.name}" of {source} holds fractions; a class is a whole number, a text or a '
            "boolean, and a number is predicted by a regressor"
        )
    if types.is_unsigned_integer_dtype(target) and target.max() > LARGEST:
        raise DataInvalid(
            f'the target "{target.name}" of {source} holds {target.max()}, which no integer of 64 bits can hold; '
            'its values are texts where kinds calls it "category"'
        )
    if types.is_bool_dtype(target):
        return np.asarray(target.to_numpy(dtype=np.bool_))
    if types.is_numeric_dtype(target):
        return np.asarray(target.to_numpy(dtype=np.int64))
    if types.is_datetime64_any_dtype(target) or types.infer_dtype(target) == "date":
        return as_texts(target).astype(np.str_)
    return np.asarray(target.to_numpy(dtype=object).astype(np.str_))


def encode_numbers(target: pd.Series, source: str) -> np.ndarray:
    """The target as an array of doubles, shape (rows,).

    Args:
        source: where it came from, for messages.

    Raises:
        DataInvalid: a value is missing or is no number, all are the same, or one is too large to be squared.
    """
    numbers = as_numbers(target, source)
    where = f'the target "{target.name}" of {source}'
    if len(np.unique(numbers)) < 2:
        raise DataInvalid(f"{where} has one value only, so that there is nothing to predict")
    spread = numbers.max() - numbers.min()
    if spread < SMALLEST_SPREAD:
        raise DataInvalid(
            f"{where} differs by {spread:g} at most; numbers that differ by {SMALLEST_SPREAD:g} can be learnt"
        )
    largest = np.abs(numbers).max()
    if largest > LARGEST_NUMBER:
        raise DataInvalid(f"{where} holds {largest:g}; numbers up to {LARGEST_NUMBER:g} can be learnt")
    return numbers


def as_numbers(target: pd.Series, source: str) -> np.ndarray:
    """Numbers as an array; as `encode_numbers`, whether or not they can be learnt.

    Raises:
        DataInvalid: a value is missing, or is no number.
    """
    where = f'the target "{target.name}" of {source}'
    missing = int(target.isna().sum())
    if missing:
        raise DataInvalid(f'the target "{target.name}" is missing in {missing} rows of {source}')
    target = _plain(target)
    if types.is_bool_dtype(target) or not types.is_numeric_dtype(target):
        shown = ascii(str(target.iloc[0]))[:80] if len(target) else "nothing"
        raise DataInvalid(
            f"{where} holds {shown}, which is no number; a regressor predicts numbers, a classifier classes"
        )
    numbers = np.asarray(target.to_numpy(dtype=np.float64))
    if not np.isfinite(numbers).all():
        raise DataInvalid(f"{where} holds a number that is infinite")
    return numbers


def _plain(target: pd.Series) -> pd.Series:
    """The target by what it holds: a categorical as its categories' type, objects as theirs."""
    if isinstance(target.dtype, pd.CategoricalDtype):
        return target.astype(target.cat.categories.dtype)
    return target.infer_objects() if types.is_object_dtype(target) else target
