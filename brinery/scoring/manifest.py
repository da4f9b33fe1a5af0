"""The manifest of a run: what was scored by what, and where it lies; written last, so that a run is done or is not."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from brinery.formats.choice import FORMATS
from brinery.loading.model import VerifiedModel
from brinery.scoring.engine import Engine
from brinery.scoring.plan import SCHEMA_VERSION, Plan


def make_manifest(
    plan: Plan,
    begun: Mapping[str, Any],
    model: VerifiedModel,
    engine: Engine,
    pieces: Sequence[Mapping[str, Any]],
    counts: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """A run's manifest.

    Args:
        begun: what is written of the run's beginning.
        pieces: what is written of each piece, in their order.
        counts: those of all pieces, or None where the version has no profile.
    """
    refused = [piece["refused"] for piece in pieces if piece["refused"]]
    return {
        "schema_version": SCHEMA_VERSION,
        "run": plan.digest,
        "started_at": begun["started_at"],
        "reference": plan.reference,
        "vouched": model.pinned,
        "engine": {"format": engine.format, "why": engine.why},
        "batch_rows": plan.batch,
        "libraries": libraries_of(model),
        "input": begun["input"],
        "sources": plan.files,
        "format": plan.output.format,
        "columns": plan.output.columns,
        "rows": sum(piece["part"]["rows"] for piece in pieces),
        "refused": {"rows": sum(each["rows"] for each in refused), "files": refused},
        "parts": [{"source": piece["source"], **piece["part"]} for piece in pieces],
        "counts": None if counts is None else _line(plan, begun, model, counts),
    }


def libraries_of(model: VerifiedModel) -> dict[str, str]:
    """What answered and what wrote, by their versions here."""
    artifact = model.manifest.artifacts[model.format]
    loading = FORMATS[model.format].implementation().libraries(artifact.modules)
    here = {name: importlib.metadata.version(name) for name in ("numpy", "pyarrow")}
    return {"python": platform.python_version(), **here, **loading}


def _line(plan: Plan, begun: Mapping[str, Any], model: VerifiedModel, counts: Mapping[str, Any]) -> dict[str, Any]:
    """The line of counts that a server would have printed of these rows, for `registry drift`."""
    reference = model.reference
    return {
        "brinery": "counts",
        "model": f"{reference.name}:{reference.version}",
        "digest": f"sha256:{reference.digest}",
        "process": f"run {plan.digest[:16]}",
        "line": 0,
        "part": 0,
        "from": begun["started_at"],
        "to": begun["started_at"],
        "all_requests": 0,
        "all_rows": counts["rows"],
        "Rows": counts["rows"],
        "bins": counts,
    }
