"""The table of jobs in DynamoDB: what is accepted, by which key, and how it ended."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from brinery.jobs.aws import errors_of
from brinery.jobs.job import Ended, Job, from_item, seconds_item, to_end, to_item

KEY = "key:"  # begins the id of an item that holds the job of an Idempotency-Key


class Kept(NamedTuple):
    """What an Idempotency-Key was used for."""

    job: str
    input_sha256: str


@dataclass(frozen=True)
class Table:
    """A table with the key `id`; `client` is boto3's for DynamoDB.

    What it is asked raises
        StoreUnavailable: DynamoDB refused or did not answer; the change may or may not have been made.
    """

    client: Any
    name: str

    def accept(self, job: Job) -> None:
        """Create a job, whose id is new: one that is there was made by this call, whose first answer was lost."""
        with errors_of(f"create job {job.id}"), suppress(self.client.exceptions.ConditionalCheckFailedException):
            self.client.put_item(**self._new(job))

    def accept_once(self, job: Job, key: str, now: datetime, expires: datetime) -> Kept | None:
        """Create a job and what holds its key, both or none; None, or what the key was used for before.

        Args:
            key: the digest of an Idempotency-Key and of who sent it.
            expires: until when it is kept.
        """
        held = {
            "id": {"S": KEY + key},
            "job": {"S": job.id},
            "input_sha256": {"S": job.input.sha256},
            "expires_at": seconds_item(expires),
        }
        put_key = {
            "TableName": self.name,
            "Item": held,
            "ConditionExpression": "attribute_not_exists(id) OR expires_at < :now",
            "ExpressionAttributeValues": {":now": seconds_item(now)},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        with errors_of(f"create job {job.id}"):
            try:
                self.client.transact_write_items(TransactItems=[{"Put": put_key}, {"Put": self._new(job)}])
            except self.client.exceptions.TransactionCanceledException as exc:
                reason = (exc.response.get("CancellationReasons") or [{}])[0]
                if reason.get("Code") != "ConditionalCheckFailed":
                    raise
                item = reason.get("Item") or self._get(KEY + key)
                return Kept(item["job"]["S"], item["input_sha256"]["S"])
        return None

    def job(self, id: str) -> Job | None:
        """The job of this id, as it is now; None for none, or for an item that is no job."""
        item = self._get(id)
        try:
            return from_item(item) if item else None
        except (KeyError, ValueError, OverflowError):
            return None

    def listed(self) -> Iterator[dict[str, str]]:
        """Each job without input and answer: `id`, `state`, `pin`, `accepted_at`, and `ended_at` once it has."""
        names = ("id", "state", "pin", "accepted_at", "ended_at")
        asked = {
            "TableName": self.name,
            "ProjectionExpression": ", ".join(f"#{name}" for name in names),
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ConsistentRead": True,
        }
        with errors_of("list the jobs"):
            for page in self.client.get_paginator("scan").paginate(**asked):
                for item in page["Items"]:
                    if "state" in item:
                        yield {name: item[name]["S"] for name in names if name in item}

    def end(self, id: str, ended: Ended) -> bool:
        """End a job that is queued, and no other; whether this ended it."""
        values = to_end(ended)
        with errors_of(f"end job {id}"):
            try:
                self.client.update_item(
                    TableName=self.name,
                    Key={"id": {"S": id}},
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                    ConditionExpression="attribute_exists(id) AND #state = :queued",
                    ExpressionAttributeNames={f"#{name}": name for name in values},
                    ExpressionAttributeValues={
                        ":queued": {"S": "queued"},
                        **{f":{name}": value for name, value in values.items()},
                    },
                )
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _new(self, job: Job) -> dict[str, Any]:
        """What is put where no item has the job's id."""
        return {"TableName": self.name, "Item": to_item(job), "ConditionExpression": "attribute_not_exists(id)"}

    def _get(self, id: str) -> Any:
        with errors_of(f"read item {id}"):
            found = self.client.get_item(TableName=self.name, Key={"id": {"S": id}}, ConsistentRead=True)
        return found.get("Item")
