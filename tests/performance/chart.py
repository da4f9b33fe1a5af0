"""The chart and the table of the README, from what the other programs wrote with --json."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from brinery.output.svg import text
from tests.performance.environments import ROOT

PROGRAMS = ("lambda_cold_start", "lambda_warm", "batch", "http_peers", "large_model", "large_requests", "training_cost")
EXAMPLES = """\
examples:
  python -m tests.performance.chart /tmp/results > table.md       from the folder that `-m tests.performance` wrote
  python -m tests.performance.chart --svg /tmp/x.svg cold.json    from some files, elsewhere
"""
WIDTH, MARGIN, TOP, ROW, BAR = 560, 16, 66, 68, 11
BARS_FROM, BARS_TO = 168, 468  # names stand left of the bars, values right of them: neither ever meets a bar
STYLE = """\
.page { fill: #ffffff; stroke: #d0d7de } .text { fill: #1f2328 } .quiet { fill: #59636e }
.ours { fill: #0969da } .theirs { fill: #8c959f } .yes { fill: #1a7f37 } .no { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; stroke: #3d444d } .text { fill: #f0f6fc } .quiet { fill: #9198a1 }
.ours { fill: #4493f8 } .theirs { fill: #656c76 } .yes { fill: #3fb950 } .no { fill: #db6d28 } }
text { font: 12px -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", Helvetica, Arial, sans-serif }
.head { font-size: 15px; font-weight: 600 } .name { font-weight: 600 } .end { text-anchor: end }"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.performance.chart",
        description="Write results.svg, and print the tables in Markdown.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", nargs="+", type=Path, help="a folder of results, or their files")
    default = Path(__file__).with_name("results.svg")
    parser.add_argument("--svg", type=Path, default=default, help=f"default: {default.relative_to(ROOT)}")
    arguments = parser.parse_args(argv)
    files = [file for path in arguments.results for file in (path.glob("*.json") if path.is_dir() else [path])]
    results = sorted(map(_read, files), key=lambda result: PROGRAMS.index(result["program"]))
    if not results:
        parser.error(f"no results in {', '.join(map(str, arguments.results))}")
    figures = [figure for result in results for figure in result["figures"]]
    shown = [figure for figure in figures if figure["limit"] is not None]
    arguments.svg.write_text(svg(shown))
    print(markdown(shown))
    loads = [figure for figure in figures if "S3 -> loaded" in figure["name"]]
    if loads:
        print("\nLoading from S3, with all checks, against loading from the image:\n")
        print(markdown(loads))
    return 0


def svg(figures: Sequence[dict[str, Any]]) -> str:
    """Two bars a figure, the longer one as wide as there is room."""
    height = TOP + ROW * len(figures) + 8
    summary = "; ".join(f"{_title(each)} {_ratio(each)} of {_baseline(each)}, {_verdict(each)}" for each in figures)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'role="img" aria-labelledby="title desc">',
        '<title id="title">Brinery\'s speed and memory against its baselines</title>',
        f'<desc id="desc">Shorter bars are better. {escape(summary)}.</desc>',
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        text(MARGIN, 28, "Brinery against its baselines", "text head"),
        text(MARGIN, 47, "shorter is better; medians of interleaved runs on one machine", "quiet"),
    ]
    for i, figure in enumerate(figures):
        parts += _row(figure, TOP + ROW * i)
    return "\n".join([*parts, "</svg>", ""])


def _row(figure: dict[str, Any], y: int) -> list[str]:
    right = WIDTH - MARGIN
    colour = "yes" if _reached(figure) else "no"
    verdict = f"{_ratio(figure)} (must be ≤ {figure['limit']:g})"
    parts = [
        text(MARGIN, y + 14, _title(figure), "text name"),
        text(right, y + 14, verdict, f"{colour} name end"),
    ]
    longest = max(figure["ours"], figure["theirs"])
    for place, (name, key) in enumerate((("Brinery", "ours"), (_baseline(figure), "theirs"))):
        top = y + 24 + place * 18
        width = max(1.5, (BARS_TO - BARS_FROM) * figure[key] / longest)
        parts += [
            text(MARGIN, top + BAR - 1, name, "quiet"),
            f'<rect class="{key}" x="{BARS_FROM}" y="{top}" width="{width:.1f}" height="{BAR}" rx="2"/>',
            text(right, top + BAR - 1, _amount(figure[key], figure["unit"]), "text end"),
        ]
    return parts


def markdown(figures: Sequence[dict[str, Any]]) -> str:
    lines = ["| figure | Brinery | baseline | ratio | middle half | must be | |", "|---|--:|--:|--:|--:|--:|---|"]
    for each in figures:
        cells = (
            _title(each),
            _amount(each["ours"], each["unit"]),
            f"{_baseline(each)} {_amount(each['theirs'], each['unit'])}",
            f"{each['ratio']:.2g}" if each["ratio"] < 0.1 else f"{each['ratio']:.2f}",
            f"{each['low']:.2g} to {each['high']:.2g}",
            "" if each["limit"] is None else f"≤ {each['limit']:g}",
            "" if each["limit"] is None else _verdict(each),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _read(file: Path) -> Any:
    return json.loads(file.read_text())


def _title(figure: dict[str, Any]) -> str:
    name = str(figure["name"]).partition(" : ")[0].replace("->", "to").replace("logistic regression", "log. regression")
    alone = ", handler alone" if str(figure["name"]).endswith(" (handler)") else ""
    return f"{name[0].upper()}{name[1:]}{alone}"


def _baseline(figure: dict[str, Any]) -> str:
    return str(figure["name"]).partition(" : ")[2].partition(" (")[0]


def _reached(figure: dict[str, Any]) -> bool:
    return bool(figure["ratio"] <= figure["limit"])


def _verdict(figure: dict[str, Any]) -> str:
    return "reached" if _reached(figure) else "not reached"


def _ratio(figure: dict[str, Any]) -> str:
    return f"{figure['ratio']:.2f}×" if figure["ratio"] >= 0.1 else f"{figure['ratio']:.3f}×"


def _amount(value: float, unit: str) -> str:
    if unit == "ms" and value >= 1000:
        value, unit = value / 1000, "s"
    if value >= 100:
        return f"{value:,.0f} {unit}"
    return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}"


if __name__ == "__main__":
    sys.exit(main())
