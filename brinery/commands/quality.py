"""`registry quality`: how good answers were whose labels came later, beside the held-out rows; or what is expected."""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brinery.commands.looks import asked, begin_of, lines_of, readable, write_page
from brinery.errors import DataInvalid, SettingInvalid
from brinery.monitoring.captures import KIND, Captures, read_captures
from brinery.monitoring.metrics import embedded
from brinery.output.progress import waiting
from brinery.output.table import figure_text, table
from brinery.versions.read import Published
from brinery.versions.reference import check_name
from brinery.versions.store import Store

if TYPE_CHECKING:
    from brinery.assessment.quality.look import Expected, Look

WORSE = 3  # the exit code
DAYS = 31  # that are shown


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """Join captures with labels, and measure each version; or without labels, estimate what is expected."""
    name, now = check_name(arguments.model), datetime.now(UTC)
    since = begin_of(arguments, now)
    with waiting("reading the log"):
        found = read_captures(lines_of(arguments, since, KIND), name, since)
    versions, notes = _chosen(store, found, name, arguments.against)
    notes = [*found.notes, *notes]
    try:
        from brinery.assessment.quality.look import expected, look
    except ImportError as exc:
        raise SettingInvalid(f"quality needs the extra brinery[publish]: {exc.name} is not installed") from exc
    if arguments.labels is None:
        if arguments.page or arguments.metrics:
            raise SettingInvalid("--page and --metrics are of what was measured, and need --labels")
        return _expected(expected(versions, list(found.requests.values())), found, notes)
    with waiting("measuring"):
        seen = look(versions, list(found.requests.values()), arguments.labels, Path.cwd())
    result = _result(seen, found)
    if arguments.page:
        from brinery.assessment.quality.page import quality_page

        write_page(arguments.page, name, quality_page(name, seen, notes, result), now)
    if arguments.metrics:
        sys.stderr.write(json.dumps(_metrics(arguments.metrics, seen)) + "\n")
    return result, _text(seen, notes)


def exit_code(result: Any) -> int:
    return WORSE if result.get("worse") or result.get("gate_broken") else 0


def _chosen(store: Store, found: Captures, name: str, against: str | None) -> tuple[list[Published], list[str]]:
    """The versions of the window, the newest first, or that of `--against`; and why others are none of these.

    Raises:
        DataInvalid: the log has no capture of the model.
        BrineryError: no version that a line names can be read.
    """
    there = sorted({each.reference for each in found.requests.values()}, key=lambda each: (-each.version, str(each)))
    if not there:
        unread = f"; {found.unreadable:,} lines of captures could not be read" if found.unreadable else ""
        raise DataInvalid(f"the log has no captured request of {name} in this window{unread}")
    left_out: list[str] = []
    return list(readable(store, asked(there, name, against, "captured request", "some"), left_out)), left_out


def _metrics(service: str, seen: "Look") -> dict[str, Any]:
    """What an alarm watches."""
    judged = [each for version in seen.versions for each in version.judged]
    counts = {verdict: sum(each.verdict == verdict for each in judged) for verdict in ("worse", "cannot tell")}
    broken = sum(each.broken for each in judged)
    return embedded(
        service, {"WorseMetrics": counts["worse"], "UnsureMetrics": counts["cannot tell"], "BrokenGates": broken}
    )


def _result(seen: "Look", found: Captures) -> dict[str, Any]:
    judged = [each for version in seen.versions for each in version.judged]
    return {
        "worse": any(each.verdict == "worse" for each in judged),
        "gate_broken": any(each.broken for each in judged),
        "labels": seen.labels,
        "lines": found.lines,
        "versions": [
            {
                "reference": str(version.reference),
                "rows": version.rows,
                "rows_without_label": version.without_label,
                "unusable_answers": version.unusable,
                "from": version.first.isoformat() if version.first else None,
                "to": version.last.isoformat() if version.last else None,
                "metrics": [
                    {
                        "metric": each.metric.name,
                        "value": each.value,
                        "interval": each.interval,
                        "held_out": each.held_out,
                        "held_out_interval": each.held_out_interval,
                        "verdict": each.verdict,
                        "would_have_seen": each.drop,
                        "why": each.why or None,
                        "gate_limit": each.limit,
                        "gate_broken": each.broken,
                    }
                    for each in version.judged
                ],
                "days": [
                    {
                        "day": day.day.isoformat(),
                        "rows": day.rows,
                        "metrics": dict(day.values),
                        "intervals": dict(day.intervals),
                    }
                    for day in version.days
                ],
            }
            for version in seen.versions
        ],
    }


def _text(seen: "Look", notes: Sequence[str]) -> str:
    parts = ["\n".join([*notes, *seen.notes])] if notes or seen.notes else []
    for version in seen.versions:
        name = f"{version.reference.name}:{version.reference.version}"
        head = f"{name}: {version.rows:,} rows with labels, and {version.without_label:,} captured without"
        parts.append("\n".join([head, *version.notes]))
        if not version.judged:
            continue
        heads = ["METRIC", "ANSWERED", "95 %", "HELD OUT", "95 %", "GATE", "VERDICT", "WOULD HAVE SEEN"]
        parts.append(table(heads, [each.cells for each in version.judged]))
        main = version.judged[0].metric.name
        days = [
            [f"{day.day}", f"{day.rows:,}", _cell(day.values.get(main)), _span(day.intervals.get(main))]
            for day in version.days
        ]
        more = [f"… and {len(days) - DAYS} days before, which --json has"] if len(days) > DAYS else []
        parts.append("\n".join([table(["DAY", "ROWS", main.upper(), "95 %"], days[-DAYS:]), *more]))
    return "\n\n".join([*parts, seen.verdict])


def _expected(found: "Sequence[Expected]", captures: Captures, notes: Sequence[str]) -> tuple[Any, str]:
    result = {
        "estimate": True,
        "lines": captures.lines,
        "versions": [
            {
                "reference": str(each.reference),
                "rows": each.rows,
                "unusable_answers": each.unusable,
                "estimated_accuracy": each.accuracy,
                "interval": each.interval,
                "held_out_accuracy": each.held_out,
                "held_out_interval": each.held_out_interval,
            }
            for each in found
        ],
    }
    rows = [
        [
            f"{each.reference.name}:{each.reference.version}",
            f"{each.rows:,}",
            _cell(each.accuracy),
            _span(each.interval),
            _cell(each.held_out),
            _span(each.held_out_interval),
        ]
        for each in found
    ]
    heads = ["VERSION", "ROWS", "ESTIMATED ACCURACY", "95 %", "HELD OUT", "95 %"]
    said = (
        "an estimate without labels, by how often answers of such probabilities were right on held-out rows: "
        "it does not see rows of which the model is wrongly sure; --labels measures"
    )
    notes = [*notes, *(note for each in found for note in each.notes)]
    return result, "\n".join([*notes, *([""] if notes else []), table(heads, rows), "", said])


def _cell(value: float | None) -> str:
    return "-" if value is None else figure_text(value)


def _span(interval: Sequence[float] | None) -> str:
    return "-" if interval is None else f"{figure_text(interval[0])} to {figure_text(interval[1])}"
