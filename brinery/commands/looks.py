"""What commands that look at logs share: where lines come from, of which versions, and where the page goes."""

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from brinery.errors import BrineryError, IntegrityError, SettingInvalid, VersionMissing
from brinery.monitoring.logs import lines_of_files, lines_of_groups, lines_of_runs, logs_client
from brinery.versions.read import Published, read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store


def begin_of(arguments: Namespace, now: datetime) -> datetime | None:
    """The begin of the window, or None where all that there is is looked at."""
    return now - timedelta(hours=arguments.since) if arguments.since is not None else None


def lines_of(arguments: Namespace, since: datetime | None, kind: str) -> Iterable[str]:
    """The lines that are asked for; of a log group only those of this kind."""
    if getattr(arguments, "run", None):
        return lines_of_runs(arguments.run)
    if arguments.log_group:
        return lines_of_groups(logs_client(os.environ), arguments.log_group, since, kind)
    return lines_of_files(arguments.log)


def asked(there: Sequence[Reference], name: str, against: str | None, lacks: str, has: str) -> Sequence[Reference]:
    """Of the versions of a model that a log tells of those that `--against` names, or all without it.

    Args:
        lacks, has: what the log has of them, for the message.

    Raises:
        VersionMissing: none of them is named.
    """
    if against is None:
        return there
    named = Reference.parse(against)
    fits = [each for each in there if each.version == named.version and named.digest in (None, each.digest)]
    if not fits or named.name != name:
        names = ", ".join(f"{each.name}:{each.version}" for each in sorted(there, key=lambda each: each.version))
        raise VersionMissing(f"the log has no {lacks} of {against} in this window; it has {has} of {names}")
    return fits


def readable(store: Store, references: Sequence[Reference], left_out: list[str]) -> Iterator[Published]:
    """The versions that can be read, in their order; of others it is added to `left_out` why not.

    Raises:
        BrineryError: none can be read.
    """
    first: BrineryError | None = None
    found = False
    for reference in references:
        try:
            published = read_manifest(store, reference)
        except (VersionMissing, IntegrityError) as exc:
            first = first or exc
            left_out.append(f"left out: {exc}")
            continue
        found = True
        yield published
    if first is not None and not found:
        raise first


def write_page(where: str, name: str, page: str, now: datetime) -> None:
    """Write a page to a file, or to a folder of a bucket by a model's name and the time.

    Raises:
        SettingInvalid: the file cannot be written.
        StoreError: the bucket refused or could not be reached.
    """
    data = page.encode()
    if where.startswith("s3://"):
        open_store(where).create(f"{name}-{now:%Y%m%dT%H%M%SZ}.html", data)
        return
    path = Path(where)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as exc:
        raise SettingInvalid(f"the page cannot be written to {path}: {exc.strerror}") from exc
