"""Registries for the site: many versions in little time, and texts that nobody should write."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from brinery.output.stored import BEGIN
from brinery.promotion.records import write
from brinery.site.build import Built, Site
from brinery.site.model import Outside
from brinery.site.place import Place, open_place
from brinery.versions.manifest import Evaluation, ManifestContent
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.promotion.conftest import record
from tests.examples import tiny

CARD = f"{BEGIN}<title>a card</title></head><body>a card</body></html>\n"
RECORDED = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVIL = '</script><!--<script>document.title="owned"</script> "\'&\\u003c javascript:alert(1) \u202egpj.exe\u2066'


@cache
def small() -> tuple[ManifestContent, Mapping[str, bytes]]:
    return tiny()


def put(
    store: Store, name: str = "wine", card: str | None = CARD, files: Mapping[str, bytes] | None = None, **changes: Any
) -> Reference:
    """A version, whose files nobody loads; some of them may be given."""
    described, usual = small()
    files = {**usual, **({} if card is None else {"card.html": card.encode()}), **(files or {})}
    content = described.model_copy(update={"name": name, **changes})
    return publish(store, content, files, lambda *_: None).reference


def measured(accuracy: float, baseline: float = 0.5) -> dict[str, Any]:
    """Metrics with intervals and a baseline."""
    evaluation: Evaluation = small()[0].evaluation
    spans = {"accuracy": (accuracy - 0.02, accuracy + 0.02)}
    return {
        "metrics": {"accuracy": accuracy, "log_loss": round(1 - accuracy, 4)},
        "evaluation": evaluation.model_copy(update={"intervals": spans, "baseline": {"accuracy": baseline}}),
    }


def promoted(store: Store, to: Reference, **fields: Any) -> str:
    """A record in the bucket; its name."""
    return write(store, record(store, to, **{"at": RECORDED, **fields}))


def site_in(store: Store, out: Path | Place, outside: Outside | None = None, **fields: Any) -> Site:
    place = open_place(str(out), store.url) if isinstance(out, Path) else out
    return Site(store, place, lambda names: outside or Outside(), **fields)


def build(store: Store, out: Path | Place, outside: Outside | None = None, **fields: Any) -> Built:
    return site_in(store, out, outside, **fields).build()


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
