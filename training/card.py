"""The model card: one self-contained page, made at training and stored with the version."""

from collections.abc import Iterable
from html import escape

from registry import Feature, ManifestContent

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td { overflow-wrap: anywhere; }
.passed { color: light-dark(#17692a, #7ddb93); } .failed { color: light-dark(#a61b1b, #ff9a9a); }
"""


def render_card(content: ManifestContent) -> str:
    """The page of one version; its number is that of the folder it is stored in."""
    data = content.data
    verdict = "passed" if content.gate.passed else "failed"
    limits = {(check.metric): f"{check.rule} {check.limit:g}" for check in content.gate.checks}
    sections = [
        _table(
            "Metrics on held-out rows",
            ("metric", "value", "gate"),
            ((name, f"{value:.4f}", limits.get(name, "")) for name, value in content.metrics.items()),
        ),
        _table(
            "Features",
            ("name", "kind", "training range", "missing values"),
            ((f.name, f.kind, _range(f), "accepted" if f.nullable else "refused") for f in content.features),
        ),
        _table(
            "Data",
            ("", ""),
            (
                ("source", data.source),
                ("rows", f"{data.rows}: {data.train_rows} to fit, {data.test_rows} held out"),
                ("classes", ", ".join(map(str, content.classes))),
                ("sha256", data.sha256),
            ),
        ),
        _table(
            "Lineage",
            ("", ""),
            (
                ("trained at", content.trained_at.isoformat()),
                ("git commit", _commit(content)),
                ("estimator", str(content.spec.get("estimator", ""))),
                (
                    "parameters",
                    ", ".join(f"{k}={v!r}" for k, v in dict(content.spec.get("params", {})).items()) or "defaults",
                ),
                *content.libraries.items(),
            ),
        ),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(content.name)}: model card</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{escape(content.name)}</h1>\n<p>{escape(content.description)}</p>\n"
        f'<p>Gate: <strong class="{verdict}">{verdict}</strong></p>\n' + "\n".join(sections) + "\n</body></html>\n"
    )


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    header = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    thead = f"<thead><tr>{header}</tr></thead>" if any(head) else ""
    return f'<h2>{escape(title)}</h2>\n<div class="scroll"><table>{thead}<tbody>\n{body}\n</tbody></table></div>'


def _range(feature: Feature) -> str:
    if feature.categories is not None:
        return ", ".join(feature.categories)
    return f"{feature.minimum:g} to {feature.maximum:g}" if feature.minimum is not None else "true or false"


def _commit(content: ManifestContent) -> str:
    if content.git.commit is None:
        return "unknown"
    return content.git.commit + (" with uncommitted changes" if content.git.dirty else "")
