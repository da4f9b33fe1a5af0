"""A job: what was asked of which version, and how that ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from brinery.jobs.contents import Contents

State = Literal["queued", "done", "failed"]
Item = dict[str, Any]  # an item of DynamoDB, each value by its type


@dataclass(frozen=True)
class Ended:
    """How a job ended: `done` with the answer, or `failed` with the problem, each as JSON."""

    state: Literal["done", "failed"]
    result: Contents
    at: datetime
    expires: datetime


@dataclass(frozen=True)
class Job:
    """A job as the table has it.

    `pin` is the version that was live when it was accepted, with its digest; `caller` is a digest of who asked, where
    callers are known.
    """

    id: str
    pin: str
    input: Contents
    accepted: datetime
    caller: str | None = None
    ended: Ended | None = None

    @property
    def state(self) -> State:
        return self.ended.state if self.ended else "queued"

    def is_over(self, now: datetime) -> bool:
        """Whether it is kept no longer, also where the table has it still."""
        return self.ended is not None and self.ended.expires <= now


def to_item(job: Job) -> Item:
    """A queued job as an item; TTL looks at `expires_at`, which is set when the job ends."""
    item = {
        "id": {"S": job.id},
        "state": {"S": "queued"},
        "pin": {"S": job.pin},
        "accepted_at": {"S": time_text(job.accepted)},
        **job.input.to_item("input"),
    }
    return {**item, "caller": {"S": job.caller}} if job.caller else item


def to_end(ended: Ended) -> Item:
    """What ending a job sets."""
    return {
        "state": {"S": ended.state},
        "ended_at": {"S": time_text(ended.at)},
        "expires_at": seconds_item(ended.expires),
        **ended.result.to_item("result"),
    }


def from_item(item: Mapping[str, Any]) -> Job:
    """The job that an item is.

    Raises:
        KeyError, ValueError: it is no job.
    """
    ended = None
    state = item["state"]["S"]
    if state in ("done", "failed"):
        expires = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
        ended = Ended(state, Contents.from_item("result", item), datetime.fromisoformat(item["ended_at"]["S"]), expires)
    elif state != "queued":
        raise ValueError(f"the state of a job is {ascii(state)}")
    return Job(
        id=item["id"]["S"],
        pin=item["pin"]["S"],
        input=Contents.from_item("input", item),
        accepted=datetime.fromisoformat(item["accepted_at"]["S"]),
        caller=item.get("caller", {}).get("S"),
        ended=ended,
    )


def time_text(moment: datetime) -> str:
    """A moment as items and answers have it, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_item(moment: datetime) -> Item:
    """A moment as TTL reads it: whole seconds since 1970."""
    return {"N": str(int(moment.timestamp()))}
