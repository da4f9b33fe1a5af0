"""Logs: lines that serving printed, of files and of log groups in CloudWatch, and those that runs of `score` keep."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from brinery.errors import DataInvalid, ObjectMissing, SettingInvalid
from brinery.jobs.aws import errors_of
from brinery.versions.profiles import aws_region, profile_credentials
from brinery.versions.reference import Reference
from brinery.versions.store import open_store

RUN_MANIFEST, MOST_BYTES = "_manifest.json", 1024 * 1024 * 1024

# A log may put a name or a time in front. What has a quote there is a line of something else that tells a caller's
# text, as an access log does.
BEGINS = r'[^"{]{0,200}(?=\{"brinery":"%s")'
FIRST_YEAR = 2000


def lines_of_kind(texts: Iterable[str], kind: str) -> Iterator[str]:
    """Of lines of logs those that serving printed of a kind, without what a log put in front."""
    begins = re.compile(BEGINS % kind)
    for text in texts:
        begin = begins.match(text)
        if begin is not None:
            yield text[begin.end() :]


def reference_told(model: str, digest: str) -> Reference:
    """The version that a line names.

    Raises:
        ReferenceInvalid: it is none.
    """
    name, _, version = model.partition(":")
    return Reference.of(name, f"{version}@{digest}")


def is_believed(moment: datetime, until: datetime | None = None) -> bool:
    """Whether a line may tell of that moment: of no day to come after the end of a window, for which it is now."""
    latest = (until or datetime.now(UTC)) + timedelta(days=1)
    return FIRST_YEAR <= moment.year < 9999 and moment <= latest


def lines_of_files(paths: Iterable[Path]) -> Iterator[str]:
    """The lines of text files, one file after the other; bytes that are no UTF-8 are replaced.

    Raises:
        DataInvalid: a file cannot be read.
    """
    for path in paths:
        try:
            with path.open(errors="replace") as file:
                yield from file
        except OSError as exc:
            raise DataInvalid(f"the log {path} cannot be read: {exc.strerror}") from exc


def lines_of_runs(places: Iterable[str]) -> Iterator[str]:
    """The line of counts of each run of `score`, by its place or its manifest, here or on S3.

    Raises:
        DataInvalid: there is no finished run, or it counted nothing.
        StoreError: a bucket refused or did not answer.
    """
    for place in places:
        folder, _, name = place.rstrip("/").rpartition("/")
        if name != RUN_MANIFEST:
            folder = place.rstrip("/")
        url = folder if "://" in folder else Path(folder).resolve().as_uri()
        if "://" not in folder and not Path(folder).is_dir():
            raise DataInvalid(f"there is no folder {folder}, and so no run of `score`")
        try:
            store = open_store(url, credentials=profile_credentials(os.environ))
            counts = json.loads(bytes(store.read(RUN_MANIFEST, MOST_BYTES)))["counts"]
        except ObjectMissing as exc:
            raise DataInvalid(f"{place} is no run of `score` that is done: {exc}") from exc
        except (ValueError, KeyError, TypeError, SettingInvalid) as exc:
            raise DataInvalid(f"{place} is no run of `score`: {exc}") from exc
        if counts is None:
            raise DataInvalid(f"{place} has no counts; its version has no profile")
        yield json.dumps(counts, separators=(",", ":"))


def lines_of_groups(client: Any, groups: Iterable[str], since: datetime | None, kind: str) -> Iterator[str]:
    """The lines of a kind of log groups since a time; `client` is boto3's for CloudWatch Logs.

    Raises:
        StoreUnavailable: CloudWatch refused or did not answer.
    """
    asked: dict[str, Any] = {"startTime": int(since.timestamp() * 1000)} if since else {}
    asked["filterPattern"] = f'{{ $.brinery = "{kind}" }}'
    for group in groups:
        with errors_of(f"read log group {group}"):
            pages = client.get_paginator("filter_log_events")
            for page in pages.paginate(logGroupName=group, **asked):
                yield from (event["message"] for event in page["events"])


def logs_client(environ: Mapping[str, str]) -> Any:
    """boto3's client for CloudWatch Logs.

    Raises:
        SettingInvalid: boto3 is not installed, or there is no region.
    """
    try:
        import boto3
        import botocore.exceptions
    except ImportError as exc:
        raise SettingInvalid("boto3 is not installed here; --log-group needs it") from exc
    try:
        return boto3.session.Session(region_name=aws_region(environ)).client("logs")
    except (botocore.exceptions.BotoCoreError, ValueError) as exc:
        raise SettingInvalid(f"CloudWatch Logs cannot be reached: {exc}") from exc
