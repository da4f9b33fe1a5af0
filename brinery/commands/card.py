"""`registry card`: a version's model card, before it is promoted."""

import tempfile
import webbrowser
from argparse import Namespace
from pathlib import Path
from typing import Any

from brinery.errors import DataInvalid, FormatMissing, SettingInvalid
from brinery.output.stored import contained
from brinery.versions.catalog import find_version
from brinery.versions.manifest import CARD
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """The card as it is stored and verified, with a policy by which it runs nothing; `--open` shows it in a browser."""
    published = find_version(store, Reference.parse(arguments.reference))
    name = f"{published.reference.name}:{published.reference.version}"
    if CARD not in published.manifest.files:
        raise FormatMissing(f"{name} has no model card")
    card = bytes(read_file(store, published, CARD)).decode(errors="replace")
    shown = contained(card)
    if shown is None:
        raise DataInvalid(f"the card of {name} is none that Brinery made; it could run what it likes, and is not shown")
    if not arguments.open:
        return {"reference": str(published.reference), "card": shown}, shown.rstrip("\n")
    path = Path(tempfile.mkdtemp(prefix="brinery-")) / f"{name.replace(':', '-')}.html"
    path.write_text(shown)
    if not webbrowser.open(path.as_uri()):
        raise SettingInvalid(f"no browser could be started; the card of {name} is {path}")
    return {"reference": str(published.reference), "file": str(path)}, f"the card of {published.reference} is {path}"
