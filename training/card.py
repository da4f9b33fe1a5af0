"""The model card: one self-contained page, made at training and stored with the version."""

from registry import ManifestContent
from registry.page import features_section, page, section


def render_card(content: ManifestContent) -> str:
    """The page of one version; its number is that of the folder it is stored in."""
    data = content.data
    verdict = "passed" if content.gate.passed else "failed"
    limits = {(check.metric): f"{check.rule} {check.limit:g}" for check in content.gate.checks}
    sections = [
        section(
            "Metrics on held-out rows",
            ("metric", "value", "gate"),
            ((name, f"{value:.4f}", limits.get(name, "")) for name, value in content.metrics.items()),
        ),
        features_section(content.features),
        section(
            "Data",
            (),
            (
                ("source", data.source),
                ("rows", f"{data.rows}: {data.train_rows} to fit, {data.test_rows} held out"),
                ("classes", ", ".join(map(str, content.classes))),
                ("sha256", data.sha256),
            ),
        ),
        section(
            "Lineage",
            (),
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
    gate = f'<p>Gate: <strong class="{verdict}">{verdict}</strong></p>'
    return page(f"{content.name}: model card", content.description, [gate, *sections])


def _commit(content: ManifestContent) -> str:
    if content.git.commit is None:
        return "unknown"
    return content.git.commit + (" with uncommitted changes" if content.git.dirty else "")
