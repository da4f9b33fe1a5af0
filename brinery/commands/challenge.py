"""`registry challenge`: how a challenger's answers compare with those of what is served."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from brinery.commands.looks import begin_of, lines_of
from brinery.errors import DataInvalid
from brinery.monitoring.challenge import Answered, Compared
from brinery.monitoring.lines import KIND, Window, Windows, sum_lines
from brinery.monitoring.shares import Frequency, Share, differing, frequencies, mean_apart, steps_of, verdict_of
from brinery.monitoring.sketch import Bins, Profile, Values
from brinery.output.table import table
from brinery.versions.manifest import PROFILE
from brinery.versions.read import read_file, read_manifest
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store

MOST_PAIRS = 10  # and labels, that a sentence names
LONGEST = 40  # letters of a label that people are shown; --json has all
WHICH = "which are right, `registry quality` tells"
Part = tuple[dict[str, Any], list[str], bool]  # of the result, lines of text, and whether it is enough to decide


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """Sum the lines of counts of a window, and compare a champion with the challenger that the newest line names."""
    name, now, within = check_name(arguments.model), datetime.now(UTC), arguments.within
    since = begin_of(arguments, now)
    windows = sum_lines(lines_of(arguments, since, KIND), name, since)
    champion, challenger = _newest(windows, name)
    window, window_of_challenger = windows.versions[champion], windows.versions.get(challenger, Window())
    shadowed, split = window.shadowed.get(challenger), window.split.get(challenger)
    parts: list[Part] = []
    if shadowed:
        parts.append(_beside(f"{_short(challenger)} beside {_short(champion)}", shadowed, within))
    if split:
        theirs = window_of_challenger.in_place_of.get(champion, Answered())
        parts.append(_in_place(store, (champion, challenger), split, theirs, within))
    found = [each for each in (shadowed, split) if each]
    others = [pair for pair in _pairs(windows) if pair != (champion, challenger)]
    said = [f"also in this window: {_short(other)} challenged {_short(one)}" for one, other in others]
    said += [windows.unread] if windows.unread else []
    result = {
        "champion": str(champion),
        "challenger": str(challenger),
        "shares": sorted(set().union(*(each.shares for each in found))),
        "within": within,
        "refused": sum(each.refused for each in found),
        "failed": sum(each.failed for each in found),
        "lines": {"unreadable": windows.unreadable, "doubled": windows.doubled},
        "others": [{"champion": str(one), "challenger": str(other)} for one, other in others],
    }
    for told, lines, _ in parts:
        result |= told
        said += ["", *lines] if said else lines
    return {**result, "enough": any(enough for _, _, enough in parts)}, "\n".join(said)


def _pairs(windows: Windows) -> dict[tuple[Reference, Reference], datetime]:
    """Champions and their challengers, and when each pair was last told of."""
    found: dict[tuple[Reference, Reference], datetime] = {}
    for champion, window in windows.versions.items():
        for challenger, compared in [*window.shadowed.items(), *window.split.items()]:
            assert compared.last is not None  # noqa: S101  (a line told of it)
            pair = champion, challenger
            found[pair] = max(found.get(pair, compared.last), compared.last)
    return found


def _newest(windows: Windows, name: str) -> tuple[Reference, Reference]:
    """The pair of which the newest line tells.

    Raises:
        DataInvalid: no line tells of a challenger.
    """
    pairs = _pairs(windows)
    if not pairs:
        rows = sum(each.rows for each in windows.versions.values())
        unread = f"; {windows.unread}" if windows.unread else ""
        raise DataInvalid(f"no line of counts of {name} in this window tells of a challenger; {rows:,} rows{unread}")
    return max(pairs, key=lambda pair: (pairs[pair], pair[1].version))


def _beside(title: str, compared: Compared, within: float) -> Part:
    """Of rows that both answered."""
    (share, labels), steps = differing(compared, within), steps_of(compared.differences)
    told = {
        "rows": compared.rows,
        "all": _figures(share),
        "labels": {label: _figures(each) for label, each in labels.items()},
        "pairs": [[*pair, rows] for pair, rows in compared.pairs.most_common()],
        "differences": [{"by_more_than": step, "lower": low, "higher": high} for step, low, high in steps],
    }
    rows = [
        [_cut(label), f"{each.rows:,}", _percent(each.value), _interval(each.interval), each.verdict]
        for label, each in [("all", share), *labels.items()]
    ]
    said = [f"{title}: {compared.rows:,} rows answered by both{_lost(compared)}", ""]
    said += [table(["ANSWER", "ROWS", "DIFFER", "95 % INTERVAL", f"WITHIN {within:.4g}"], rows), ""]
    if steps:
        cells = [[f"{step:g}", f"{low:,}", f"{high:,}"] for step, low, high in steps]
        said += [table(["BY MORE DEVIATIONS THAN", "LOWER", "HIGHER"], cells), ""]
    elif compared.pairs:
        most = [
            [_cut(ours), _cut(theirs), f"{count:,}"] for (ours, theirs), count in compared.pairs.most_common(MOST_PAIRS)
        ]
        said += [table(["ANSWER", "CHALLENGER'S", "ROWS"], most), ""]
    differ = "differ by more than a tenth of a deviation" if steps else "differ"
    return told, [*said, _verdict(share, labels, differ)], share.verdict != "cannot tell"


def _verdict(share: Share, labels: Mapping[str, Share], differ: str) -> str:
    low, high = share.interval
    if share.verdict == "alike":
        said = f"enough to decide: at most {_percent(high)} of the answers {differ}"
    elif share.verdict == "differ":
        said = f"enough to decide: at least {_percent(low)} of the answers {differ}; {WHICH}"
    else:
        needed = "no number of rows" if share.needed is None else f"some {share.needed:,} rows"
        said = f"cannot tell: {needed} would if as many go on to differ, and {share.rows:,} are there"
    unsure = [label for label, each in labels.items() if each.verdict == "cannot tell"]
    return said + (f"; by itself it cannot be told of {_listed(unsure)}" if unsure else "")


def _in_place(
    store: Store, pair: tuple[Reference, Reference], compared: Compared, challenger: Answered, within: float
) -> Part:
    """Of requests that either answered in turns."""
    told: dict[str, Any] = {"requests": {"champion": compared.requests, "challenger": challenger.requests}}
    share = ", ".join(f"{100 * each:g} %" for each in sorted(compared.shares))
    title = f"{_short(pair[1])} in place of {_short(pair[0])} for {share} of the requests"
    said = [f"{title}: {challenger.requests:,} of {challenger.requests + compared.requests:,}{_lost(compared)}", ""]
    answers = [_answers(store, *each) for each in zip(pair, (compared.answers, challenger.answers), strict=True)]
    (ours_of, ours), (theirs_of, theirs) = answers
    if not ours or not theirs:
        return told, [*said, "cannot tell: no answers of both are there to compare"], False
    if isinstance(ours_of, Bins) and isinstance(theirs_of, Bins):
        means = [(np.array(counts[:-1]), np.array(of.centers)) for of, counts in ((ours_of, ours), (theirs_of, theirs))]
        low, high = mean_apart(means[0], means[1], ours_of.deviation or 1.0)
        verdict = verdict_of(low, high, within)
        told["mean"] = {"higher_by_deviations": [low, high], "verdict": verdict}
        said.append(f"its numbers are {low:+.4f} to {high:+.4f} deviations higher in the mean (95 %): {verdict}")
        return told, said, verdict != "cannot tell"
    found = frequencies(_labelled(ours_of, ours), _labelled(theirs_of, theirs), within)
    told["answers"] = {label: _both(each) for label, each in found.items()}
    cells = [
        [_cut(label), _percent(each.ours.value), _percent(each.theirs.value), _interval(each.difference), each.verdict]
        for label, each in found.items()
    ]
    heads = ["ANSWER", "CHAMPION", "CHALLENGER", "DIFFERENCE (95 %)", f"WITHIN {within:.4g}"]
    unsure = [label for label, each in found.items() if each.verdict == "cannot tell"]
    enough = f"enough to decide how often each answers what; {WHICH}"
    said += [table(heads, cells), ""]
    return told, [*said, f"cannot tell yet how often each answers {_listed(unsure)}" if unsure else enough], not unsure


def _answers(store: Store, reference: Reference, told: Mapping[int, list[int]]) -> tuple[Bins | Values, list[int]]:
    """What the answers of a version are counted in, by its profile, and the counts of lines that fit it."""
    published = read_manifest(store, reference)
    if published.manifest.profile is None:
        raise DataInvalid(f"{_short(reference)} has no profile; it was published before there were any")
    answers = Profile.read(read_file(store, published, PROFILE)).answers
    counts = told.get(len(answers.counts), [])
    beside = 2 if isinstance(answers, Values) else 1  # which count no answer: other labels, and missing ones
    return answers, counts if sum(counts[:-beside]) else []


def _labelled(answers: Bins | Values, counts: Sequence[int]) -> dict[str, int]:
    """Counts by label; what comes after the labels counts none of a classifier's answers."""
    return dict(zip(answers.values, counts, strict=False)) if isinstance(answers, Values) else {}


def _figures(share: Share) -> dict[str, Any]:
    return {
        "rows": share.rows,
        "differing": share.part,
        "interval": list(share.interval),
        "verdict": share.verdict,
        "rows_needed": share.needed,
    }


def _both(each: Frequency) -> dict[str, Any]:
    return {
        "champion": each.ours.value,
        "challenger": each.theirs.value,
        "difference": list(each.difference),
        "verdict": each.verdict,
    }


def _lost(compared: Compared) -> str:
    parts = [(compared.refused, "that it alone refuses"), (compared.failed, "that it fails to answer")]
    told = [f"{count:,} {what}" for count, what in parts if count]
    return f", and {' and '.join(told)}" if told else ""


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(map(_cut, labels[:MOST_PAIRS])) + (
        f" and {len(labels) - MOST_PAIRS} more" * (len(labels) > MOST_PAIRS)
    )


def _cut(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"


def _short(reference: Reference) -> str:
    return f"{reference.name}:{reference.version}"


def _percent(share: float) -> str:
    return "-" if share != share else f"{share:.2%}"


def _interval(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.2%} to {interval[1]:.2%}"
