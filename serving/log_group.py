"""A log group in CloudWatch that lines are put into, by boto3, which is imported with the first."""

import logging
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from brinery.jobs.aws import client, errors_of

SECONDS = 1  # for a connection, and for an answer; nothing is tried again
BATCH, EVENTS, OVERHEAD = 1_048_576, 10_000, 26  # bytes and events of a call, and bytes that each counts for beside it
LARGEST = BATCH - OVERHEAD  # bytes of an event

log = logging.getLogger("brinery.serving")


class LogGroup:
    """Puts lines into a stream of its own, made with the first line; for one thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._client: Any = None
        self._stream = ""

    def __call__(self, lines: Sequence[str]) -> None:
        """Put lines, each an event; one that is larger than an event can be is lost, and the log says so.

        Raises:
            SettingInvalid: boto3 is not installed, or there is no region.
            StoreUnavailable: CloudWatch refused or did not answer.
        """
        if self._client is None:
            self._client = client("logs", os.environ, SECONDS, SECONDS, 1)
        if lost := sum(len(line) > LARGEST for line in lines):
            log.error("%d captured lines are lost: CloudWatch takes none of more than %d bytes", lost, LARGEST)
        now = int(time.time() * 1000)
        with errors_of(f"write log group {self._name}"):
            self._open()
            try:
                for batch in _batches(line for line in lines if len(line) <= LARGEST):
                    events = [{"timestamp": now, "message": line} for line in batch]
                    self._client.put_log_events(logGroupName=self._name, logStreamName=self._stream, logEvents=events)
            except Exception:
                self._stream = ""  # it may be gone
                raise

    def _open(self) -> None:
        if not self._stream:
            name = f"{datetime.now(UTC):%Y/%m/%d}/{secrets.token_hex(8)}"
            self._client.create_log_stream(logGroupName=self._name, logStreamName=name)
            self._stream = name


def _batches(lines: Iterator[str]) -> Iterator[list[str]]:
    """Lines, all ASCII, as many together as a call takes."""
    batch: list[str] = []
    size = 0
    for line in lines:
        if batch and (size + len(line) + OVERHEAD > BATCH or len(batch) == EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + OVERHEAD
    if batch:
        yield batch
