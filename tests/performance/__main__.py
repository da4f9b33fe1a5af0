"""All measurements one after the other, and then the chart."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.performance import batch, chart, http_peers, lambda_cold_start, lambda_warm, large_model, large_requests

EXAMPLES = """\
examples:
  python -m tests.performance /tmp/results            everything; about 15 minutes, longer the first time
  python -m tests.performance /tmp/try --pairs 2      a first look
  python -m tests.performance.batch --help            one of them: batch, http_peers, lambda_cold_start,
                                                      lambda_warm, large_model, large_requests, chart
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.performance",
        description="Measure everything, write the results to FOLDER, then draw tests/performance/results.svg.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the results go, as JSON")
    parser.add_argument("--pairs", default="15", metavar="N", help="interleaved rounds; default: 15")
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for program in (lambda_cold_start, lambda_warm, batch, large_model, large_requests, http_peers):
        print(f"\n{program.PROGRAM}", flush=True)
        options = ["--peers"] if program is http_peers else []
        file = arguments.folder / f"{program.PROGRAM}.json"
        program.main([*options, "--pairs", arguments.pairs, "--json", str(file)])
    return chart.main([str(arguments.folder)])


if __name__ == "__main__":
    sys.exit(main())
