"""What commands that look at logs share: where the lines come from, and where the page goes."""

import os
from argparse import Namespace
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from brinery.errors import SettingInvalid
from brinery.monitoring.logs import lines_of_files, lines_of_groups, lines_of_runs, logs_client
from brinery.versions.store import open_store


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
