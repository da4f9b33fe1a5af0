"""The stated table: `python -m tests.faithful.table` asks every classifier anew, and writes classifiers.md.

It takes some ten minutes; the tests hold what is written there to what is found.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import sklearn
from joblib import Parallel, delayed

from tests.faithful.classifiers import COLUMNS, NAMES, NOT_TRIED, SCALES
from tests.faithful.outcome import Outcome, outcome

FILE = Path(__file__).with_name("classifiers.md")
ROWS = 100_000
HEAD = ("classifier", "columns", *SCALES, "largest difference", "why there is none")
WORDS = """\
# Which ONNX file each classifier gets

Written by `python -m tests.faithful.table`, with scikit-learn {version}. Each classifier is declared and trained as
`train` does it: on numeric columns with three classes, and on mixed ones (numbers, a category, a boolean, missing
values) with two. The numbers are of five scales: up to 4 times 0.001, 1, 1000 or 1000000, or within an hour in seconds
since 1970.

A file in single or double precision answers as the fitted model does; without one the version is served as a
pickle. The difference is the largest of a probability over {rows:,} probe rows at each scale; where there are no
probabilities it is `labels`. No label differed on any of them, but where the model ties with itself.

"""


def main() -> None:
    asked = [(n, c, s) for n in NAMES for c in COLUMNS for s in SCALES if (n, s) not in NOT_TRIED]
    found = Parallel(n_jobs=2, verbose=1)(delayed(_quietly)(*each) for each in asked)
    FILE.write_text(text(dict(zip(asked, found, strict=True))))


def text(found: Mapping[tuple[str, str, str], Outcome]) -> str:
    """The file, from outcomes by name, columns and scale."""
    lines = [HEAD, ["---"] * len(HEAD)]
    lines += [_line(name, columns, found) for name in NAMES for columns in COLUMNS]
    return WORDS.format(version=sklearn.__version__, rows=ROWS) + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def stated() -> dict[tuple[str, str, str], str]:
    """The formats that the file states, by name, columns and scale."""
    lines = [line.strip("| \n").split(" | ") for line in FILE.read_text().splitlines() if line.startswith("| ")]
    return {
        (name, columns, scale): format
        for name, columns, *cells in lines[2:]
        for scale, format in zip(SCALES, cells[: len(SCALES)], strict=True)
        if (name, scale) not in NOT_TRIED
    }


def _line(name: str, columns: str, found: Mapping[tuple[str, str, str], Outcome]) -> Sequence[str]:
    here = {scale: found[name, columns, scale] for scale in SCALES if (name, scale) not in NOT_TRIED}
    wrong = [f"{name} {columns} {scale}" for scale, each in here.items() if each.others]
    assert not wrong, f"labels differ: {wrong}"
    differences = [each.difference for each in here.values() if each.difference is not None]
    any_file = any(not each.why for each in here.values())
    largest = f"{max(differences):.1g}" if differences else "labels" if any_file else "–"
    why = dict.fromkeys(each.why for each in here.values() if each.why)
    return [
        *(name, columns),
        *(here[scale].format if scale in here else "not tried" for scale in SCALES),
        *(largest, next(iter(why), "–")),
    ]


def _quietly(name: str, columns: str, scale: str) -> Outcome:
    """Without what the runtime says of files that it refuses."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        return outcome(name, columns, scale, ROWS)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


if __name__ == "__main__":
    main()
