"""The stated tables: `python -m tests.faithful.table classifiers` asks every classifier anew, and writes
classifiers.md; `regressors` does so of regressors.

It takes some ten minutes; the tests hold what is written of classifiers to what is found.
"""

import os
import sys
from collections.abc import Mapping

import sklearn
from joblib import Parallel, delayed

from tests.faithful.classifiers import CLASSIFIERS
from tests.faithful.family import COLUMNS, SCALES, Family
from tests.faithful.outcome import Outcome, outcome
from tests.faithful.regressors import REGRESSORS

FAMILIES = {"classifiers": CLASSIFIERS, "regressors": REGRESSORS}
HEAD = ("columns", *SCALES, "largest difference", "why there is none")


def main(*names: str) -> None:
    for name in names or FAMILIES:
        family = FAMILIES[name]
        found = Parallel(n_jobs=2, verbose=1)(delayed(_quietly)(name, *each) for each in family.asked)
        family.file.write_text(text(family, dict(zip(family.asked, found, strict=True))))


def text(family: Family, found: Mapping[tuple[str, str, str], Outcome]) -> str:
    """The file, from outcomes by name, columns and scale."""
    head = [family.assessor.estimators, *HEAD]
    lines = [head, ["---"] * len(head)]
    lines += [_line(family, name, columns, found) for name in family.names for columns in COLUMNS]
    words = family.words.format(version=sklearn.__version__, rows=family.rows)
    return words + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def stated(family: Family) -> dict[tuple[str, str, str], str]:
    """The formats that the file states, by name, columns and scale."""
    lines = [line.strip("| \n").split(" | ") for line in family.file.read_text().splitlines() if line.startswith("| ")]
    return {
        (name, columns, scale): format
        for name, columns, *cells in lines[2:]
        for scale, format in zip(SCALES, cells[: len(SCALES)], strict=True)
        if (name, scale) not in family.not_tried
    }


def _line(family: Family, name: str, columns: str, found: Mapping[tuple[str, str, str], Outcome]) -> list[str]:
    here = {scale: found[name, columns, scale] for scale in SCALES if (name, columns, scale) in found}
    wrong = [f"{name} {columns} {scale}" for scale, each in here.items() if each.others]
    assert not wrong, f"answers differ: {wrong}"
    differences = [each.difference for each in here.values() if each.difference is not None]
    any_file = any(not each.why for each in here.values())
    largest = f"{max(differences):.1g}" if differences else family.without_numbers if any_file else "–"
    why = dict.fromkeys(each.why for each in here.values() if each.why)
    return [
        *(name, columns),
        *(here[scale].format if scale in here else "not tried" for scale in SCALES),
        *(largest, next(iter(why), "–")),
    ]


def _quietly(family: str, name: str, columns: str, scale: str) -> Outcome:
    """Without what the runtime says of files that it refuses."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        return outcome(FAMILIES[family], name, columns, scale, FAMILIES[family].rows)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


if __name__ == "__main__":
    main(*sys.argv[1:])
