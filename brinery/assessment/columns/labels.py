"""Labels: classes that a person might take for one, and what was made of their spelling."""

from collections import defaultdict

import pandas as pd
from pandas.api import types


def notes_on_labels(target: pd.Series) -> list[str]:
    """Sentences about labels that differ by blanks or case alone, and about whole numbers that a file spells as 1.0."""
    if types.is_float_dtype(target.dtype):
        return [
            f'the labels of "{target.name}" are taken as whole numbers, without the fraction of zero that they have'
        ]
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for label in target.dropna().unique():
        if isinstance(label, str):
            alike[" ".join(label.split()).casefold()].append(label)
    return [
        f'the labels {", ".join(f"{label!r}" for label in labels)} of "{target.name}" differ by blanks or case alone, '
        "and are classes of their own; mend them where they mean the same"
        for labels in map(sorted, alike.values())
        if len(labels) > 1
    ]
