"""All measurements one after the other, and then the chart."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.performance import (
    batch,
    chart,
    http_peers,
    lambda_cold_start,
    lambda_warm,
    large_model,
    large_requests,
    training_cost,
)

LONG, SHARE = (large_model, training_cost), 5
EXAMPLES = """\
examples:
  python -m tests.performance /tmp/results            everything; about an hour, longer the first time
  python -m tests.performance /tmp/try --pairs 2      a first look
  python -m tests.performance.batch --help            one of them: batch, http_peers, lambda_cold_start,
                                                      lambda_warm, large_model, large_requests,
                                                      training_cost, chart; growth stands by itself
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.performance",
        description="Measure everything, write the results to FOLDER, then draw tests/performance/results.svg.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the results go, as JSON")
    help_of_pairs = f"interleaved rounds, of what takes minutes each {SHARE} times fewer; default: 15"
    parser.add_argument("--pairs", type=int, default=15, metavar="N", help=help_of_pairs)
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for program in (lambda_cold_start, lambda_warm, batch, large_model, large_requests, http_peers, training_cost):
        print(f"\n{program.PROGRAM}", flush=True)
        options = ["--peers"] if program is http_peers else []
        pairs = max(1, arguments.pairs // (SHARE if program in LONG else 1))
        file = arguments.folder / f"{program.PROGRAM}.json"
        program.main([*options, "--pairs", str(pairs), "--json", str(file)])
    return chart.main([str(arguments.folder)])


if __name__ == "__main__":
    sys.exit(main())
