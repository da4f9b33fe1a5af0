"""Submitting jobs: what is stored before the answer, and what a repeat finds."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brinery.errors import StoreUnavailable
from brinery.jobs.contents import INLINE_BYTES, Contents
from brinery.jobs.identifier import new_id
from brinery.jobs.job import Ended, Job
from brinery.jobs.queue import Queue
from brinery.jobs.submit import LONGEST_QUEUED, JobExpired, Jobs, JobUnknown, KeyReused
from brinery.jobs.table import Table
from brinery.versions.reference import Reference
from tests.job_service import JobService

PIN = Reference.parse(f"wine:7@sha256:{'a' * 64}")
OTHER = Reference.parse(f"wine:8@sha256:{'b' * 64}")
BODY = b'{"data": [1, 2]}'
LARGE = b'{"data": "' + b"x" * INLINE_BYTES + b'"}'


class Counted:
    """A client that counts what it is asked, and fails where it is told."""

    def __init__(self, client: Any, calls: list[str], failing: str | None = None, after: bool = False) -> None:
        self._client, self._calls, self._failing, self._after = client, calls, failing, after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name == "exceptions":
            return real

        def call(**arguments: Any) -> Any:
            self._calls.append(name)
            answer = real(**arguments) if name != self._failing or self._after else None
            if name == self._failing:
                raise StoreUnavailable("no answer")
            return answer

        return call


def counted(service: JobService, calls: list[str], failing: str | None = None, after: bool = False) -> Jobs:
    dynamodb = Counted(service.client("dynamodb"), calls, failing, after)
    sqs = Counted(service.client("sqs"), calls, failing, after)
    return service.jobs(table=Table(dynamodb, service.table), queue=Queue(sqs, service.queue_url))


@pytest.mark.parametrize(
    ("body", "key", "calls"),
    [
        (BODY, None, ["put_item", "send_message"]),
        (BODY, "k", ["transact_write_items", "send_message"]),
        (LARGE, None, ["put_item", "send_message"]),
    ],
    ids=["small", "with a key", "large"],
)
def test_submission_stores_then_sends(service: JobService, body: bytes, key: str | None, calls: list[str]) -> None:
    asked: list[str] = []
    id = counted(service, asked).submit(PIN, body, key)
    assert asked == calls
    item = service.item(id)
    assert (item["state"]["S"], item["pin"]["S"]) == ("queued", str(PIN)) and "expires_at" not in item
    jobs = service.jobs()
    assert ("input" in item) is (body == BODY) and jobs.find(id).input.read(jobs.work) == body
    message = jobs.queue.receive(1)
    assert message is not None and message.text == f'{{"id": "{id}"}}'


def test_same_key_and_body_is_the_same_job_with_its_old_pin(service: JobService) -> None:
    asked: list[str] = []
    jobs = counted(service, asked)
    id = jobs.submit(PIN, BODY, "k", "ann")
    asked.clear()
    assert jobs.submit(OTHER, BODY, "k", "ann") == id
    assert asked == ["transact_write_items", "get_item", "send_message"]
    assert service.item(id)["pin"]["S"] == str(PIN) and service.waiting() == 2
    with pytest.raises(KeyReused):
        jobs.submit(PIN, BODY + b" ", "k", "ann")
    assert jobs.submit(PIN, BODY, "k", "bob") != id
    assert jobs.submit(PIN, BODY, "k") != id


@pytest.mark.parametrize("after", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("failing", ["transact_write_items", "send_message"])
def test_fault_between_the_calls_is_told_and_a_repeat_is_the_same_job(
    service: JobService, failing: str, after: bool
) -> None:
    with pytest.raises(StoreUnavailable):
        counted(service, [], failing, after).submit(PIN, BODY, "k")
    jobs = service.jobs()
    id = jobs.submit(OTHER, BODY, "k")
    assert jobs.submit(OTHER, BODY, "k") == id
    stored = failing == "send_message" or after
    assert service.item(id)["pin"]["S"] == str(PIN if stored else OTHER)
    message = jobs.queue.receive(1)
    assert message is not None and message.text == f'{{"id": "{id}"}}'


def test_a_worker_holds_one_message_and_leaves_the_others_to_others(service: JobService) -> None:
    jobs = service.jobs()
    ids = {jobs.submit(PIN, BODY) for _ in range(3)}
    found = [jobs.queue.receive(1) for _ in range(3)]
    assert {json.loads(each.text)["id"] for each in found if each} == ids


def test_key_of_a_job_that_has_ended_sends_nothing_and_of_one_that_is_over_is_told(service: JobService) -> None:
    now = datetime.now(UTC)
    jobs = service.jobs()
    id = jobs.submit(PIN, BODY, "k")
    message = jobs.queue.receive(1)
    assert message is not None
    jobs.queue.delete(message)
    jobs.table.end(id, Ended("done", Contents.of(b"{}"), now, now + timedelta(days=7)))
    assert jobs.submit(PIN, BODY, "k") == id and service.waiting() == 0
    with pytest.raises(JobExpired):
        service.jobs(clock=lambda: now + timedelta(days=8)).submit(PIN, BODY, "k")
    service.client("dynamodb").delete_item(TableName=service.table, Key={"id": {"S": id}})
    with pytest.raises(JobExpired):
        jobs.submit(PIN, BODY, "k")


def test_job_whose_first_answer_was_lost_is_accepted_by_the_next_try(service: JobService) -> None:
    jobs = service.jobs()
    job = Job(new_id(datetime.now(UTC)), str(PIN), Contents.of(BODY), datetime.now(UTC))
    jobs.table.accept(job)
    jobs.table.accept(job)  # as boto3 asks again by itself


def test_key_is_free_again_once_it_is_kept_no_longer(service: JobService) -> None:
    now = datetime.now(UTC)
    first = service.jobs().submit(PIN, BODY, "k")
    later = service.jobs(clock=lambda: now + LONGEST_QUEUED + timedelta(days=8))
    assert later.submit(PIN, BODY + b" ", "k") != first


def test_job_is_told_to_who_submitted_it(service: JobService) -> None:
    jobs = service.jobs()
    id = jobs.submit(PIN, BODY, caller="ann")
    assert jobs.find(id, "ann").pin == str(PIN)
    for caller in ("bob", None):
        with pytest.raises(JobUnknown):
            jobs.find(id, caller)


def test_unknown_and_expired_are_told_apart_by_the_time_in_the_id(service: JobService) -> None:
    now = datetime.now(UTC)
    jobs = service.jobs()
    for id in ("7", new_id(now), new_id(now + timedelta(hours=1)), "key:" + "a" * 64):
        with pytest.raises(JobUnknown):
            jobs.find(id)
    with pytest.raises(JobExpired):
        jobs.find(new_id(now - timedelta(days=8)))
