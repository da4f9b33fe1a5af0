"""`registry verify`: every file hashed again, and the golden rows replayed."""

from argparse import Namespace
from typing import Any

from brinery.loading.verify import verify
from brinery.output.table import size_text
from brinery.versions.catalog import find_version
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """What was found whole; whatever is not is an error."""
    asked = Reference.parse(arguments.reference)
    published = find_version(store, asked)
    found = verify(store, published, not (asked.pinned or arguments.trust_bucket))
    reference, files = published.reference, published.manifest.files
    result = {
        "reference": str(reference),
        "pinned": asked.pinned,
        "files": {name: file.model_dump() for name, file in files.items()},
        "golden_rows_replayed": found.replayed,
        "not_run": found.not_run,
    }
    lines = [
        f"{reference} is what was published"
        if asked.pinned
        else f"{reference} is whole (no digest was given to hold it to)"
    ]
    lines += [f"  {name}: {size_text(file.size)}, sha256 as in the manifest" for name, file in files.items()]
    lines += [f"  golden rows reproduced by {format}" for format in found.replayed]
    lines += [f"  {format} not run: {why}" for format, why in found.not_run.items()]
    return result, "\n".join(lines)
