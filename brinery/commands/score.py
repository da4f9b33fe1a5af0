"""The `score` command: batches of any size, each exactly once. What takes long is imported once it is needed."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brinery.errors import BrineryError, PinRequired, SettingInvalid
from brinery.output.progress import Meter
from brinery.output.write import say, write

if TYPE_CHECKING:
    from brinery.scoring.score import Result
    from brinery.versions.store import Store

EXAMPLES = """\
examples:
  score wine:7@sha256:… rows/ scored/                      every file of data in a folder
  score wine:7@sha256:… s3://in/2026-*.parquet s3://out/run-12 --columns id day
                                                           objects on S3, whose columns id and day stay beside answers
  score wine:7@sha256:… rows.csv.gz scored/ --format csv --max-refused 100
                                                           … as CSV, though up to 100 rows fit no features
  score wine:7@sha256:… s3://in/ s3://out/run-12 --dask tcp://scheduler:8786
                                                           … by the workers of a Dask cluster

A run that was killed or stopped is gone on with by the same command; one that is done says so and does nothing.
The registry is $MODEL_REGISTRY, else the folder .registry here; --registry URL names another.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Score, and return the exit code: 0 done, 1 an error, 2 wrong usage or no digest, 128 and a signal's number.

    Raises:
        SystemExit: help was asked for, with code 0, or the arguments are wrong, with code 2.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as exc:
        raise SystemExit(write("score", "") or exc.code) from None
    with _signals() as received:
        try:
            return _run(arguments, received)
        except BrineryError as exc:
            say(f"score: {exc}")
            return 2 if isinstance(exc, PinRequired) else 1
        except ModuleNotFoundError as exc:
            if exc.name != "pyarrow":
                raise
            say("score: pyarrow is not installed here; install brinery[score], and [onnx] or [sklearn]")
            return 2


def _run(arguments: argparse.Namespace, received: list[int]) -> int:
    # Arrow's other pools keep for each thread what it gave back. It reads this when it is imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    from brinery.scoring.run import Stopped
    from brinery.scoring.score import Wanted, score
    from brinery.scoring.workers import MakeWorkers, threads
    from brinery.versions.profiles import open_registry
    from brinery.versions.reference import Reference

    begin, meter = time.monotonic(), Meter(f"score {arguments.reference.partition('@')[0]}")
    wanted = Wanted(
        arguments.input,
        tuple(dict.fromkeys(arguments.columns)),
        arguments.format,
        arguments.trust_bucket,
        arguments.max_refused,
    )
    make_workers: MakeWorkers = threads
    if arguments.dask is not None:
        from brinery.scoring.cluster import cluster

        make_workers = cluster(arguments.dask)
    reference = Reference.parse(arguments.reference)
    registry = open_registry(arguments.registry, Path.cwd())
    try:
        result = score(
            registry,
            reference,
            wanted,
            _out(arguments.out),
            Path.cwd(),
            make_workers,
            stopped=lambda: bool(received),
            told=meter,
        )
    except Stopped as exc:
        meter.end()
        done = f"{exc.parts} part{'s'[: exc.parts != 1]}"
        say(f"score: stopped, with {done} done; the same command goes on from there")
        return 128 + received[0]
    finally:
        meter.end()
    found = _told(result, arguments.out, time.monotonic() - begin)
    return write("score", f"{json.dumps(found, indent=2) if arguments.json else _text(result, found)}\n")


def _out(given: str) -> "Store":
    from brinery.versions.profiles import profile_credentials
    from brinery.versions.store import open_store

    url = given if "://" in given else (Path.cwd() / given).resolve().as_uri()
    try:
        return open_store(url, create=True, credentials=profile_credentials(os.environ))
    except SettingInvalid as exc:
        raise SettingInvalid(str(exc).replace("MODEL_REGISTRY", "OUT")) from exc


def _told(result: "Result", out: str, seconds: float) -> dict[str, Any]:
    manifest = result.manifest
    return {
        "reference": manifest["reference"],
        "out": out,
        "run": manifest["run"],
        "done_before": result.before,
        "rows": manifest["rows"],
        "refused": manifest["refused"]["rows"],
        "parts": len(manifest["parts"]),
        "engine": manifest["engine"],
        "seconds": round(seconds, 3),
    }


def _text(result: "Result", found: dict[str, Any]) -> str:
    refused = f", {found['refused']:,} refused" if found["refused"] else ""
    parts = f"{found['parts']:,} part{'s'[: found['parts'] != 1]}"
    what = f"{found['rows']:,} rows in {parts}{refused}"
    if result.before:
        return f"{found['out']} is done already: {what}, by {found['reference']}"
    pace = found["rows"] / max(found["seconds"], 0.001)
    return (
        f"{found['out']}: {what}, by {found['reference']}\n"
        f"  with its {found['engine']['format']}: {found['engine']['why']}\n"
        f"  {found['seconds']:.1f} s, {pace:,.0f} rows/s"
    )


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The signals that ask to end, as they come; a second one ends at once."""
    received: list[int] = []

    def note(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="score",
        description="Score the rows of files with a pinned version, each exactly once.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("reference", metavar="REF", help="as in wine:7@sha256:…")
    parser.add_argument(
        "input", metavar="IN", help="a file, a folder, a prefix or a pattern, here or on S3: Parquet, CSV, JSON lines"
    )
    parser.add_argument("out", metavar="OUT", help="a folder or s3://BUCKET/PREFIX of the run's own")
    parser.add_argument("--columns", nargs="+", default=[], metavar="NAME", help="columns of IN to keep beside answers")
    parser.add_argument("--format", choices=("parquet", "csv", "jsonl"), default="parquet", help="default: parquet")
    parser.add_argument(
        "--max-refused",
        type=_count,
        default=0,
        metavar="N",
        help="rows that may fit no features; they go into refused-*.jsonl; default: 0",
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="a scheduler whose workers score, such as tcp://host:8786")
    parser.add_argument(
        "--trust-bucket",
        action="store_true",
        help="take the digest that the bucket offers, where REF has none; recorded",
    )
    parser.add_argument("--registry", metavar="URL", help="s3://BUCKET[/PREFIX] or file:///FOLDER")
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{ascii(text)} is no number of rows")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
