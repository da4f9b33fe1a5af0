"""How long the registry's site takes as the registry grows: built anew, with nothing changed, with one version new."""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from brinery.output.progress import progress
from brinery.output.stored import BEGIN
from brinery.output.table import table
from brinery.versions.manifest import SCHEMA_VERSION, File, Manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.conftest import BUCKET, ROOT, s3_service
from tests.examples import example

AIM = 20.0  # seconds, anew
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
CARD = f"{BEGIN}<title>a card</title></head><body>{'a card ' * 8500}</body></html>\n".encode()  # as large as they are
EXAMPLES = """\
examples:
  python -m tests.performance.site_growth                                  10,000 versions of 200 models in a folder
  python -m tests.performance.site_growth --models 2 --versions 5000       … of two
  python -m tests.performance.site_growth --s3 --models 50                 registry and site in the local S3 service
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.performance.site_growth",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--versions", type=int, default=50, metavar="N", help="of each model; default: 50")
    parser.add_argument("--s3", action="store_true", help="by the local S3 service in place of folders")
    arguments = parser.parse_args(argv)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        registry, out = (folder / "registry").as_uri(), str(folder / "site")
        if arguments.s3:
            keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
            os.environ |= {"AWS_ENDPOINT_URL_S3": stack.enter_context(s3_service(folder)), **keys}
            subprocess.run(  # the site's own bucket
                [sys.executable, "-c", MAKE, os.environ["AWS_ENDPOINT_URL_S3"]], check=True, cwd=ROOT
            )
            registry, out = f"s3://{BUCKET}/registry", "s3://pages/site"
        store = open_store(registry, create=True)
        fill(store, arguments.models, arguments.versions)
        rows = [measured("anew", registry, out), measured("nothing changed", registry, out)]
        put(store, "model-000", arguments.versions + 1)
        rows.append(measured("one version new", registry, out))
    print(table(["BUILD", "SECONDS", "PROCESSOR", "PAGES WRITTEN", "PAGES LEFT"], rows))
    print(f"the aim is {AIM:g} s for 10,000 versions of 200 models in a folder, anew")
    return 0


MAKE = "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1] + '/pages', method='PUT'))"


def measured(what: str, registry: str, out: str) -> list[str]:
    """One build by the command, in a process of its own."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "brinery.commands.registry", "site", "--json", "--registry", registry]
    done = subprocess.run([*command, "--out", out], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    built: Mapping[str, Any] = json.loads(done.stdout)
    return [what, f"{seconds:.1f}", f"{processor:.1f}", f"{built['written']:,}", f"{built['left']:,}"]


def fill(store: Store, models: int, versions: int) -> None:
    """So many models with so many versions each, as publishing would have left them.

    Models themselves are empty files, as no page looks into them.
    """
    numbers = [(f"model-{model:03d}", version + 1) for model in range(models) for version in range(versions)]
    with ThreadPoolExecutor(32 if store.url.startswith("s3") else 2) as pool:
        for future in progress([pool.submit(put, store, *each) for each in numbers], "making versions"):
            future.result()


def put(store: Store, name: str, version: int) -> None:
    described, files = example("wine")
    kept = {name: data if name in ("golden.json", "profile.json") else b"" for name, data in files.items()}
    kept["card.html"] = CARD
    accuracy = 0.8 + 0.15 * (version % 17) / 17
    evaluation = described.evaluation.model_copy(
        update={"intervals": {"accuracy": (accuracy - 0.03, accuracy + 0.03)}, "baseline": {"accuracy": 0.4}}
    )
    manifest = Manifest(
        **{
            **dict(described),
            "name": name,
            "description": "Which cultivar a wine is of, by its chemistry.",
            "trained_at": STARTED + timedelta(hours=version),
            "metrics": {"accuracy": accuracy, "macro_f1": accuracy - 0.01, "log_loss": 1 - accuracy},
            "evaluation": evaluation,
        },
        schema_version=SCHEMA_VERSION,
        version=version,
        files={file: File.of(data) for file, data in kept.items()},
    )
    folder = Reference(name, version).folder
    stored = manifest.model_dump_json(indent=2).encode()
    for file, data in {"claim.json": b"{}", **kept, "manifest.json": stored}.items():
        store.create(f"{folder}/{file}", data)


if __name__ == "__main__":
    sys.exit(main())
