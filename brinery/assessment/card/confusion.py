"""The card's confusion matrix: shaded cells for a few classes, a heat map for many, the worst pairs for more."""

from collections.abc import Sequence

from brinery.assessment.card.curves import confused_pairs
from brinery.assessment.card.plots import heat_map
from brinery.assessment.card.svg import fit
from brinery.assessment.evaluate import Predictions
from brinery.output.page import Html, html, name, table

CELLS = 12
LONG = 44
STYLE = """
.confusion { font-variant-numeric: tabular-nums; border-collapse: separate; border-spacing: 2px; }
.confusion th, .confusion td { border: 0; padding: .2rem .15rem; text-align: center; vertical-align: middle; }
.confusion th { font-weight: normal; font-size: 14px; white-space: nowrap; } .confusion tbody th { text-align: right; }
.confusion td { min-width: 1.7rem; line-height: 1.15; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.confusion small { color: inherit; font-size: 11px; }
.confusion .hit { background: color-mix(in srgb, var(--c0) calc(var(--p) * 1%), transparent); font-weight: 600; }
.confusion .miss { background: color-mix(in srgb, var(--c1) calc(var(--p) * 1%), transparent); }
.confusion .none { color: var(--quiet); }
.confusion .tall { display: inline-block; writing-mode: vertical-rl; padding: .4rem .1rem; }
@media (max-width: 32rem) {
  .confusion { border-spacing: 1px; } .confusion td { min-width: 1.5rem; padding: .2rem .1rem; }
}
"""


def confusion_part(names: Sequence[str], confusion: Sequence[Sequence[int]] | None, predictions: Predictions) -> Html:
    """Counts of true classes and answers, as many classes allow."""
    if confusion is not None and len(names) <= CELLS:
        note = "Rows are the true classes, columns the answers; the small numbers are per cent of a row."
        return Html(f"<p>{note}</p>{_cells(names, confusion)}")
    pairs = confused_pairs(predictions)
    if not pairs:
        return Html("<p>No held-out row was answered with another class than its own.</p>")
    wrong = int((predictions.truth != predictions.labels).sum())
    rows = [(name(truth), name(answer), f"{count}") for truth, answer, count in pairs]
    worst = f"<h3>Most often confused</h3><p>{wrong:,} answers were wrong; the {len(pairs)} most frequent mistakes:</p>"
    listed = Html(worst + table(("true class", "answer", "rows"), rows, "last"))
    if confusion is None:
        return listed
    said = "; ".join(f"{truth} was taken for {answer} in {count} rows" for truth, answer, count in pairs[:3])
    note = (
        "Rows are the true classes, columns the answers. The stronger a cell's colour, the larger its share of the "
        "row: up to 1 %, 5 %, 20 %, 50 %, and above. An empty cell is a pair that never occurred."
    )
    picture = heat_map(names, confusion, f"{wrong} rows lie off the diagonal. Most often confused: {said}.")
    return Html(f"<figure>{picture}<figcaption>{note}</figcaption></figure>{listed}")


def _cells(names: Sequence[str], confusion: Sequence[Sequence[int]]) -> Html:
    shown = [fit(name, 110) for name in names]
    tall = ' class="tall"' if sum(map(len, shown)) > LONG else ""
    head = "".join(
        f'<th scope="col" title="{html(long)}"><span{tall}>{html(short)}</span></th>'
        for long, short in zip(names, shown, strict=True)
    )
    body = "\n".join(
        f'<tr><th scope="row" title="{html(names[i])}">{html(shown[i])}</th>'
        + "".join(_cell(count, sum(row), i == j) for j, count in enumerate(row))
        + "</tr>"
        for i, row in enumerate(confusion)
    )
    return Html(
        f'<div class="scroll"><table class="confusion"><thead><tr><td></td>{head}</tr></thead><tbody>\n{body}\n'
        "</tbody></table></div>"
    )


def _cell(count: int, total: int, right: bool) -> str:
    if not count:
        return '<td class="none">0</td>'
    share = count / total
    css = "hit" if right else "miss"
    return f'<td class="{css}" style="--p:{8 + 40 * share:.0f}">{count}<small>{_per_cent(share)}</small></td>'


def _per_cent(share: float) -> Html:
    """A share in whole per cent, that calls nothing all or none that is not."""
    bound, shown = ("<", 0.01) if 0 < share < 0.01 else (">", 0.99) if 0.99 < share < 1 else ("", share)
    return html(f"{bound}{shown * 100:.0f}")
