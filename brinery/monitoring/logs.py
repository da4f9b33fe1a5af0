"""Logs: the lines of files, and those of a log group in CloudWatch."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from brinery.errors import DataInvalid, SettingInvalid
from brinery.jobs.aws import errors_of
from brinery.versions.profiles import aws_region

PATTERN = '{ $.brinery = "counts" }'


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


def lines_of_groups(client: Any, groups: Iterable[str], since: datetime | None) -> Iterator[str]:
    """The lines of counts of log groups since a time; `client` is boto3's for CloudWatch Logs.

    Raises:
        StoreUnavailable: CloudWatch refused or did not answer.
    """
    asked: dict[str, Any] = {"startTime": int(since.timestamp() * 1000)} if since else {}
    for group in groups:
        with errors_of(f"read log group {group}"):
            pages = client.get_paginator("filter_log_events")
            for page in pages.paginate(logGroupName=group, filterPattern=PATTERN, **asked):
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
