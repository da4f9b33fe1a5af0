"""What counting costs: answers that are counted beside answers that are not, in processor time."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from brinery.loading.load import load
from brinery.versions.store import open_store
from serving.answer import answer, as_json
from serving.counts import Counts
from tests.examples import publish_example
from tests.performance.figures import figure, interleaved, parser, report
from tests.performance.models import ROW

PROGRAM = "counting_cost"
MOST = 8.0  # microseconds a row by itself
SHARE = 1.05  # of the time of a large request
SIZES = {1: 2000, 10_000: 10}  # rows, and calls of a round


def main(argv: Sequence[str] | None = None) -> int:
    about = (
        "Processor time of answers from ONNX, 13 features, counted into bins and printed as serving does, against the "
        f"same without: a row by itself, which may cost {MOST:g} microseconds more, and 10,000 rows."
    )
    arguments = parser(PROGRAM, about, "", "--pairs 5").parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store((Path(folder) / "registry").as_uri(), create=True)
        model = load(store, publish_example(store, "wine"), profile=True)
        counts, printed = Counts(model, out=lambda line: printed.append(len(line))), list[int]()

        def asking(rows: int, counted: bool) -> Callable[[], float]:
            body = json.dumps({"data": [ROW] * rows if rows > 1 else ROW}).encode()

            def ask() -> float:
                begun = time.process_time()
                for _ in range(SIZES[rows]):
                    status, content = answer(model, body, rows, watching=counts if counted else None)
                    if counted:
                        counts.request(status, 0.001)
                    as_json(content)
                return (time.process_time() - begun) / SIZES[rows] * 1e6

            return ask

        found = {
            rows: interleaved(arguments.pairs, {"counted": asking(rows, True), "bare": asking(rows, False)})
            for rows in SIZES
        }
    one, many = found[1], found[10_000]
    more = [ours - theirs for ours, theirs in zip(one["counted"], one["bare"], strict=True)]
    figures = [
        figure(f"counting a row : {MOST:g} µs", more, [MOST] * len(more), "µs", 1.0),
        figure("a row, counted : not", one["counted"], one["bare"], "µs"),
        figure("10,000 rows, counted : not", many["counted"], many["bare"], "µs", SHARE),
    ]
    report(PROGRAM, figures, arguments.json, [f"{len(printed)} lines, the longest of {max(printed):,} bytes"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
