"""Queues, a table and a work folder for jobs, on real endpoints of SQS and DynamoDB over HTTP."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from brinery.jobs.queue import Queue
from brinery.jobs.submit import Jobs
from brinery.jobs.table import Table
from brinery.versions.store import open_store

SERVICES = "s3,sts,sqs,dynamodb"


class JobService(NamedTuple):
    """What was made, and the variables that name it."""

    queue_url: str
    dead_url: str
    table: str
    work: str
    endpoint: str

    @property
    def variables(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "JOBS_QUEUE_URL": self.queue_url,
            "JOBS_TABLE": self.table,
            "WORK_URL": self.work,
        }

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1")

    def jobs(self, **more: Any) -> Jobs:
        table, queue = Table(self.client("dynamodb"), self.table), Queue(self.client("sqs"), self.queue_url)
        return Jobs(
            **{"table": table, "queue": queue, "work": open_store(self.work), "kept": timedelta(days=7), **more}
        )

    def item(self, id: str) -> Any:
        found = self.client("dynamodb").get_item(TableName=self.table, Key={"id": {"S": id}}, ConsistentRead=True)
        return found.get("Item")

    def items(self) -> list[Any]:
        """All items of the table."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def waiting(self) -> int:
        """Messages that are in the queue, received or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


def drive_worker(sqs: Any, functions: Any, queue_url: str, worker_url: str) -> str:
    """Let an event source of the endpoint invoke what listens at an address with batches of a queue; its identifier."""
    functions.create_function(
        FunctionName="worker",
        PackageType="Image",
        Code={"ImageUri": "worker@sha256:" + "a" * 64},
        Role="arn:aws:iam::000000000000:role/worker",
        Environment={"Variables": {"MINISTACK_LAMBDA_PROXY_URL": worker_url}},
        Timeout=60,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="worker")
    functions.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=1)  # as the emulator takes
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    source = functions.create_event_source_mapping(
        FunctionName="worker",
        EventSourceArn=queue["QueueArn"],
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return str(source["UUID"])


@contextmanager
def keys_of_nobody() -> Iterator[pytest.MonkeyPatch]:
    """Keys and a region in this process's environment that an endpoint of tests takes, in a program outside pytest."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_REGION", "us-east-1")
        yield patch


def make_jobs(endpoint: str, folder: Path, visibility: int = 30) -> JobService:
    """A queue with another for its dead letters, a table, and a folder."""
    name = f"jobs-{time.time_ns()}"
    sqs = boto3.client("sqs", endpoint_url=endpoint, region_name="us-east-1")
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 10})
    attributes = {"VisibilityTimeout": str(visibility), "RedrivePolicy": redrive}
    queue = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    boto3.client("dynamodb", endpoint_url=endpoint, region_name="us-east-1").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    work = folder / name
    work.mkdir()
    return JobService(queue, dead, name, work.as_uri(), endpoint)
