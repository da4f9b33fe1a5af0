"""`registry answered`: which version answered a captured request, to what and with what, and whether it would again."""

import json
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from brinery.commands.looks import begin_of, lines_of
from brinery.errors import DataInvalid
from brinery.formats.choice import AUTO, choose_format
from brinery.formats.runtimes import missing_here
from brinery.loading.model_process import ModelProcess
from brinery.monitoring.captures import KIND, Captures, Request, read_captures
from brinery.monitoring.replay import Replayed, replay
from brinery.output.progress import waiting
from brinery.tasks.task import AnyAnswers
from brinery.versions.manifest import Manifest, utc_text
from brinery.versions.read import read_manifest
from brinery.versions.store import Store

DIFFERS = 3  # the exit code
SHOWN, LONGEST = 10, 400  # rows, and characters of a row or an answer

Again = tuple[Replayed, str, str]  # what came of it, the format that answered, and why it is another


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """All captured requests of that id, ours or the caller's, in the order of time."""
    since = begin_of(arguments, datetime.now(UTC))
    found = read_captures(lines_of(arguments, since, KIND), since=since, request=arguments.request)
    if not found.requests:
        raise DataInvalid(_not_found(found, arguments.request))
    requests = sorted(found.requests.values(), key=lambda each: (each.at, each.id))
    again: Sequence[Again | None] = [None] * len(requests)
    if arguments.replay:
        with waiting("loading the version that answered"), ModelProcess() as process:
            again = [_again(store, process, each) for each in requests]
    told = list(zip(requests, again, strict=True))
    result = {"requests": [_result(*each) for each in told], "lines": found.lines}
    notes = [f"{len(requests)} requests have that id"] if len(requests) > 1 else []
    return result, "\n\n".join(["\n".join(filter(None, notes + found.notes)), *(_text(*each) for each in told)]).strip()


def exit_code(result: Any) -> int:
    differs = any((each["replay"] or {}).get("verdict") == "differs" for each in result["requests"])
    return DIFFERS if differs else 0


def _not_found(found: Captures, request: str) -> str:
    if request in found.contradicted:
        return f"lines of the log tell different things of the request {ascii(request)}"
    unread = f"; {found.unreadable:,} lines of captures could not be read" if found.unreadable else ""
    if not found.seen:
        return f"the log has no captured request in this window{unread}"
    shares = " and ".join(f"{share:.6g}" for share in sorted(found.shares)[:5])
    return (
        f"the log has no captured request {ascii(request)} in this window; it has {found.seen:,} others, "
        f"of a share of {shares} of all{unread}"
    )


def _again(store: Store, process: ModelProcess, request: Request) -> Again:
    published = read_manifest(store, request.reference)
    format, why = _format_here(published.manifest, request.format)

    def predict(rows: np.ndarray) -> AnyAnswers:
        return process.answers(store, published, format, rows)

    return replay(request, published.manifest, predict), format, why


def _format_here(manifest: Manifest, answered: str) -> tuple[str, str]:
    """The format that answered, or where it cannot be run here, another one and why."""
    if answered not in manifest.artifacts:
        return choose_format(manifest, AUTO).name, f"the version has no {answered}"
    missing = missing_here(manifest.artifacts[answered].modules)
    if not missing:
        return choose_format(manifest, answered).name, ""
    return choose_format(manifest, AUTO).name, f"its {answered} needs {', '.join(missing)}, not installed here"


def _result(request: Request, again: Again | None) -> dict[str, Any]:
    replayed = None
    if again is not None:
        found, format, why = again
        replayed = {
            "verdict": found.verdict,
            "format": format,
            "other_format": why or None,
            "rows": found.rows,
            "numbers_that_differ": found.numbers,
            "largest_difference": found.largest,
            "refused": list(found.refused),
            "text": found.text,
        }
    return {
        "request": request.id,
        "client": request.client,
        "at": request.at.isoformat(),
        "reference": str(request.reference),
        "format": request.format,
        "single": request.single,
        "of": request.of,
        "rows": [
            {"row": place, "input": request.rows[place], "answer": request.answers[place]}
            for place in sorted(request.answers)
        ],
        "replay": replayed,
    }


def _text(request: Request, again: Again | None) -> str:
    there = "" if request.whole else f", of which {len(request.answers):,} are in the log"
    facts = [
        ("request", request.id),
        ("of the caller", request.client or "-"),
        ("at", utc_text(request.at.astimezone(UTC))),
        ("version", str(request.reference)),
        ("format", request.format),
        ("rows", "one by itself" if request.single else f"{request.of:,}{there}"),
    ]
    width = max(len(name) for name, _ in facts)
    lines = [f"{name.ljust(width)}  {value}" for name, value in facts]
    places = sorted(request.answers)
    for place in places[:SHOWN]:
        head = "" if request.single else f"/{place} "
        lines += [f"  {head}{_short(request.rows[place])}", f"  {' ' * len(head)}-> {_short(request.answers[place])}"]
    if len(places) > SHOWN:
        lines.append(f"  … and {len(places) - SHOWN:,} rows more, which --json has")
    if again is not None:
        found, format, why = again
        lines.append(f"replayed by {format}{f', since {why}' if why else ''}: {found.text}")
        if not request.whole:
            lines.append("not all of its rows are in the log, and the size of a batch may move last bits")
    return "\n".join(lines)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
