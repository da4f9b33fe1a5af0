"""The queue of jobs in SQS: messages that name a job by its id, and nothing else."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from brinery.jobs.aws import errors_of
from brinery.jobs.identifier import time_of

LONGEST_WAIT = 5  # seconds of a poll, which a worker that is told to stop waits for


class Message(NamedTuple):
    """A message as it was received."""

    text: str
    receipt: str


@dataclass(frozen=True)
class Queue:
    """A queue by its URL; `client` is boto3's for SQS.

    What it is asked raises
        StoreUnavailable: SQS refused or did not answer; a message may or may not have been sent.
    """

    client: Any
    url: str

    def send(self, id: str) -> None:
        with errors_of(f"send job {id}"):
            self.client.send_message(QueueUrl=self.url, MessageBody=json.dumps({"id": id}))

    def receive(self, seconds: int) -> Message | None:
        """A message, waiting for it at most so long; without waiting SQS may find none where there is one.

        One alone: of several the last would have to wait for the others, until it is visible again, and whatever kills
        the worker would count against all of them.
        """
        with errors_of("receive a job"):
            found = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=1, WaitTimeSeconds=seconds)
        return next((Message(each["Body"], each["ReceiptHandle"]) for each in found.get("Messages", [])), None)

    def delete(self, message: Message) -> None:
        with errors_of("delete a message"):
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)

    def give_back(self, message: Message) -> None:
        """Let others have a message at once, and not only after the queue's visibility time-out."""
        with errors_of("give back a message"):
            self.client.change_message_visibility(QueueUrl=self.url, ReceiptHandle=message.receipt, VisibilityTimeout=0)

    def dead_letters(self) -> "Queue | None":
        """The queue of messages that were received too often, where this one names one."""
        with errors_of("look at the queue"):
            found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["RedrivePolicy"])
            policy = json.loads(found.get("Attributes", {}).get("RedrivePolicy", "{}"))
            if "deadLetterTargetArn" not in policy:
                return None
            name = policy["deadLetterTargetArn"].rpartition(":")[2]
            return Queue(self.client, self.client.get_queue_url(QueueName=name)["QueueUrl"])


def id_of(text: str) -> str | None:
    """The id of the job that a message names; None for one that is none of ours."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    id = found.get("id") if isinstance(found, dict) else None
    return id if isinstance(id, str) and time_of(id) else None
