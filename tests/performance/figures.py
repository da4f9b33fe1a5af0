"""Figures: interleaved runs, their ratios, a table on stdout and JSON for the chart."""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from brinery.output.table import table


@dataclass(frozen=True)
class Figure:
    """One row of the table: the median of the pairs' ratios with the middle half's ends; must be at most `limit`."""

    name: str
    ratio: float
    low: float
    high: float
    limit: float | None
    ours: float
    theirs: float
    unit: str
    pairs: int

    @property
    def verdict(self) -> str:
        return "-" if self.limit is None else "reached" if self.ratio <= self.limit else "NOT REACHED"


def figure(name: str, ours: Sequence[float], theirs: Sequence[float], unit: str, limit: float | None = None) -> Figure:
    """The ratio of runs that belong together, pair by pair."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Figure(
        name=name,
        ratio=statistics.median(ratios),
        low=low,
        high=high,
        limit=limit,
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        unit=unit,
        pairs=len(ratios),
    )


def interleaved[T](rounds: int, runs: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Each round runs everything once, and each begins with another one; results by name, in round order."""
    names = list(runs)
    results: dict[str, list[T]] = {name: [] for name in names}
    with tqdm(total=rounds * len(names), unit="run", disable=None, leave=False) as bar:
        for each in range(rounds):
            first = each % len(names)
            for name in names[first:] + names[:first]:
                bar.set_description(name, refresh=False)
                results[name].append(runs[name]())
                bar.update()
    return results


def parser(program: str, description: str, *examples: str) -> argparse.ArgumentParser:
    lines = [f"  python -m tests.performance.{program} {example}".rstrip() for example in examples]
    made = argparse.ArgumentParser(
        prog=f"python -m tests.performance.{program}",
        description=description,
        epilog="\n".join(["examples:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--pairs", type=_count, default=15, metavar="N", help="interleaved rounds; default: 15")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    return made


def report(program: str, figures: Sequence[Figure], json_file: Path | None, notes: Sequence[str] = ()) -> None:
    """Print the table and the notes below it, and write them to `json_file`."""
    head = ["FIGURE", "RATIO", "MIDDLE HALF", "MUST BE", "", "OURS", "THEIRS"]
    print(table(head, [_row(each) for each in figures]))
    load = os.getloadavg()[0]
    notes = [*notes, f"medians of {figures[0].pairs} interleaved rounds; {os.cpu_count()} cores, load {load:.1f}"]
    print(*notes, sep="\n")
    if json_file is not None:
        result = {
            "program": program,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "machine": {"cores": os.cpu_count(), "load": round(load, 2), "kind": platform.machine()},
            "python": platform.python_version(),
            "figures": [{**asdict(each), "verdict": each.verdict} for each in figures],
            "notes": notes,
        }
        json_file.write_text(json.dumps(result, indent=2) + "\n")


def _row(each: Figure) -> list[str]:
    return [
        each.name,
        f"{each.ratio:.3f}",
        f"{each.low:.3f} to {each.high:.3f}",
        "-" if each.limit is None else f"<= {each.limit:g}",
        each.verdict,
        f"{each.ours:.3g} {each.unit}",
        f"{each.theirs:.3g} {each.unit}",
    ]


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return count
