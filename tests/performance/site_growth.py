"""How long the registry's site takes as the registry grows: built anew, again with nothing changed, with a version new."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from brinery.output.progress import progress
from brinery.versions.manifest import SCHEMA_VERSION, File, Manifest
from brinery.versions.reference import Reference
from tests.examples import example

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
CARD = '<!doctype html>\n<html lang="en"><head><title>a card</title></head><body>' + "a card " * 8000 + "</body></html>"


def fill(root: Path, models: int, versions: int) -> None:
    """Write a folder registry of so many models with so many versions each, as publishing would have left it.

    The models' files are the size that they would have, and hold nothing, as no page looks into them.
    """
    described, files = example("wine")
    kept = {"golden.json": files["golden.json"], "card.html": CARD.encode()}
    names = {name: File.of(kept.get(name, b"")) for name in files}
    for model in progress(range(models), "making models"):
        for version in range(1, versions + 1):
            write_version(root, f"model-{model:03d}", version, described, names, kept)


def write_version(root, name, version, described, names, kept) -> None:  # type: ignore[no-untyped-def]
    folder = root / Reference(name, version).folder
    folder.mkdir(parents=True)
    accuracy = 0.8 + 0.15 * (version % 17) / 17
    manifest = Manifest(
        **{
            **dict(described),
            "name": name,
            "description": "Which cultivar a wine is of, by its chemistry.",
            "trained_at": STARTED + timedelta(hours=version),
            "metrics": {"accuracy": accuracy, "macro_f1": accuracy - 0.01, "log_loss": 1 - accuracy},
        },
        schema_version=SCHEMA_VERSION,
        version=version,
        files=names,
    )
    (folder / "claim.json").write_text("{}")
    for file, data in kept.items():
        (folder / file).write_bytes(data)
    (folder / "manifest.json").write_text(manifest.model_dump_json(indent=2))
