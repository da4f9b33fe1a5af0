"""`registry drift`: whether what is served still looks like what training saw."""

import json
import sys
from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from brinery.commands.looks import asked, begin_of, lines_of, readable, write_page
from brinery.errors import DataInvalid
from brinery.monitoring.drift import FALSE_ALARMS, SHIFT, Found, look
from brinery.monitoring.lines import KIND, Window, Windows, sum_lines
from brinery.monitoring.metrics import embedded
from brinery.monitoring.sketch import Profile
from brinery.output.table import figure_text, table
from brinery.versions.manifest import PROFILE
from brinery.versions.read import Published, read_file
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store

DRIFTED = 3  # the exit code
SLICES = 24  # of the window, about


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """Sum the lines of counts of a window, and compare those of one version with its profile."""
    name, now = check_name(arguments.model), datetime.now(UTC)
    since = begin_of(arguments, now)
    seconds = max(60, round((arguments.since or 24 * 7) * 3600 / SLICES / 60) * 60)
    windows = sum_lines(lines_of(arguments, since, KIND), name, since, slice_seconds=seconds)
    published, others = _chosen(store, windows, name, arguments.against)
    reference, manifest = published.reference, published.manifest
    window = windows.versions[reference]
    if manifest.profile is None:
        version = f"{reference.name}:{reference.version}"
        raise DataInvalid(f"{version} has no profile; it was published before there were any")
    dates = [feature.name for feature in manifest.features if feature.kind == "date"]
    found = look(Profile.read(read_file(store, published, PROFILE)), window, dates)
    result = _result(reference, window, windows, found)
    if arguments.page:
        from brinery.monitoring.page import drift_page  # which few looks ask for

        write_page(arguments.page, name, drift_page(reference, window, found, dates, result), now)
    if arguments.metrics:
        sys.stderr.write(json.dumps(_metrics(arguments.metrics, found)) + "\n")
    return result, "\n".join([*others, _text(reference, window, windows, found)])


def exit_code(result: Any) -> int:
    return DRIFTED if result["drift"] else 0


def _chosen(store: Store, windows: Windows, name: str, against: str | None) -> tuple[Published, list[str]]:
    """The version of `--against`, else that of the newest line that is no challenger's; and why not of newer ones.

    Raises:
        DataInvalid: the log has no line of the model.
        BrineryError: no version that a line names can be read.
    """
    there = sorted(windows.versions, key=lambda each: (windows.versions[each].newest, each.version), reverse=True)
    if not there:
        unread = f"; {windows.unread}" if windows.unread else ""
        raise DataInvalid(f"the log has no line of counts of {name} in this window{unread}")
    left_out: list[str] = []
    return next(readable(store, asked(there, name, against, "line", "lines"), left_out)), left_out


def _result(reference: Reference, window: Window, windows: Windows, found: list[Found]) -> dict[str, Any]:
    return {
        "reference": str(reference),
        "drift": any(each.verdict == "drift" for each in found),
        "from": window.first.isoformat() if window.first else None,
        "to": window.last.isoformat() if window.last else None,
        "requests": window.requests,
        "rows": window.rows,
        "binned": window.binned,
        "lost": window.lost,
        "warnings": window.warnings,
        "refused": dict(window.refused),
        "unfit": dict(window.unfit),
        "lines": {"unreadable": windows.unreadable, "doubled": windows.doubled},
        "versions": {str(each): windows.versions[each].rows for each in windows.versions},
        "features": [
            {
                "name": each.name,
                "verdict": each.verdict,
                "rows": each.rows,
                "rows_needed": each.needed,
                "moved": each.moved,
                "tests": dict(each.tests),
                "stability_index": each.stability,
            }
            for each in found
        ],
    }


def _text(reference: Reference, window: Window, windows: Windows, found: list[Found]) -> str:
    heads = ["FEATURE", "VERDICT", "BY CHANCE", "STABILITY", "WHAT"]
    order = sorted(found, key=lambda each: each.verdict != "drift")
    rows = [
        [each.name, each.verdict, _chance(each), f"{each.stability:.3f}" if each.rows else "-", each.moved]
        for each in order
    ]
    said = [
        f"{reference.name}:{reference.version}: {_count(window.rows, 'row')}"
        + (f" in {_count(window.requests, 'request')}" if window.requests else "")
        + (f", and {window.lost:,} rows of which the log has no line" if window.lost else "")
    ]
    others = {each: counts.rows for each, counts in windows.versions.items() if each != reference}
    said += [f"also in this window: {each.name}:{each.version}, {rows:,} rows" for each, rows in others.items()]
    if not window.binned:
        said.append("how these rows are spread is told of 20 rows or more, and in no line yet")
    if window.unfit:
        counts = ", ".join(f"{name} {count:,}" for name, count in window.unfit.most_common(10))
        said.append(f"values that did not fit, in requests that were refused: {counts}")
    said += [windows.unread] if windows.unread else []
    return "\n".join([*said, "", table(heads, rows), "", _verdict(window, found)])


def _verdict(window: Window, found: list[Found]) -> str:
    moved = [each.name for each in found if each.verdict == "drift"]
    if moved:
        return f"drift: {', '.join(moved)}; by chance this is seen once in {round(1 / FALSE_ALARMS):,} looks"
    unsure = [each for each in found if each.verdict == "cannot tell"]
    if not unsure:
        return f"no drift: a shift of {SHIFT:g} deviations would have been seen in each"
    needed = [each.needed for each in unsure]
    if None in needed:
        return (
            f"cannot tell: training had too few rows to show a shift of {SHIFT:g} deviations, however many are answered"
        )
    most = max(each for each in needed if each is not None)
    return f"cannot tell: {most:,} rows would show a shift of {SHIFT:g} deviations, and {window.binned:,} are there"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s'[: number != 1]}"


def _chance(found: Found) -> str:
    return "-" if found.chance >= 1 else figure_text(found.chance)


def _metrics(service: str, found: list[Found]) -> dict[str, Any]:
    """What an alarm watches."""
    drifted, unsure = (sum(each.verdict == verdict for each in found) for verdict in ("drift", "cannot tell"))
    return embedded(service, {"DriftedFeatures": drifted, "UnsureFeatures": unsure})
