"""Working jobs off: each ends once, by the version that was live, whatever happens in between."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brinery.errors import BrineryError, GoldenMismatch, StoreUnavailable
from brinery.jobs.contents import INLINE_BYTES
from brinery.jobs.identifier import new_id
from brinery.jobs.work import Outcome, Worker
from brinery.versions.reference import Reference
from tests.job_service import JobService

PIN = Reference.parse(f"wine:7@sha256:{'a' * 64}")


class Echo:
    """Answers with the pin and the body, or as it is told."""

    def __init__(self, status: int = 200, error: BrineryError | None = None, answer: Any = None) -> None:
        self.status, self.error, self.given = status, error, answer

    def answer(self, pin: Reference, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.error is not None:
            raise self.error
        return self.status, self.given or {"prediction": body.decode(), "model": str(pin)}

    def alike(self, pin: Reference, one: dict[str, Any], other: dict[str, Any]) -> bool:
        return abs(float(one["prediction"]) - float(other["prediction"])) < 1e-5

    def problem(self, status: int, detail: str) -> dict[str, Any]:
        return {"status": status, "detail": detail}

    def reason(self, error: BrineryError) -> str:
        return f"because of {type(error).__name__}"


def worker(service: JobService, echo: Echo | None = None, require_pin: bool = True) -> Worker:
    return Worker(service.jobs(), echo or Echo(), require_pin)


def message(id: str) -> str:
    return json.dumps({"id": id})


def ended(service: JobService, id: str) -> tuple[str, Any]:
    jobs = service.jobs()
    job = jobs.find(id)
    assert job.ended is not None
    return job.state, json.loads(job.ended.result.read(jobs.work))


@pytest.mark.slow
@pytest.mark.parametrize("body", [b"1", b"x" * (INLINE_BYTES + 1)], ids=["inline", "in the work bucket"])
def test_job_is_answered_once_by_the_pin_that_was_live(service: JobService, body: bytes) -> None:
    id = service.jobs().submit(PIN, body)
    assert worker(service).work(message(id)) == "done"
    assert ended(service, id) == ("done", {"prediction": body.decode(), "model": str(PIN)})
    item = service.item(id)
    assert int(item["expires_at"]["N"]) - datetime.now(UTC).timestamp() == pytest.approx(7 * 86400, abs=60)
    assert worker(service).work(message(id)) == "ended before"


@pytest.mark.parametrize(
    ("echo", "state", "content"),
    [
        (Echo(422, answer={"status": 422}), "failed", {"status": 422}),
        (Echo(error=GoldenMismatch("x")), "failed", {"status": 503, "detail": "because of GoldenMismatch"}),
    ],
    ids=["a bad input", "a failed check"],
)
def test_what_cannot_be_answered_fails_at_once(service: JobService, echo: Echo, state: str, content: Any) -> None:
    id = service.jobs().submit(PIN, b"1")
    assert worker(service, echo).work(message(id)) == "failed"
    assert ended(service, id) == (state, content)


def test_a_pin_without_a_digest_fails_where_one_is_demanded(service: JobService) -> None:
    id = service.jobs().submit(Reference.parse("wine:7"), b"1")
    assert worker(service).work(message(id)) == "failed"
    assert ended(service, id)[1]["detail"].startswith("the job names no digest")
    again = service.jobs().submit(Reference.parse("wine:7"), b"1")
    assert worker(service, require_pin=False).work(message(again)) == "done"


def test_a_fault_that_passes_leaves_the_job_queued(service: JobService) -> None:
    id = service.jobs().submit(PIN, b"1")
    with pytest.raises(StoreUnavailable):
        worker(service, Echo(error=StoreUnavailable("away"))).work(message(id))
    assert service.item(id)["state"]["S"] == "queued"
    assert worker(service).work(message(id)) == "done"


def test_an_input_that_was_changed_is_not_answered(service: JobService, caplog: pytest.LogCaptureFixture) -> None:
    id = service.jobs().submit(PIN, b"1")
    service.client("dynamodb").update_item(
        TableName=service.table,
        Key={"id": {"S": id}},
        UpdateExpression="SET #input = :other",
        ExpressionAttributeNames={"#input": "input"},
        ExpressionAttributeValues={":other": {"B": b"2"}},
    )
    assert worker(service).work(message(id)) == "failed"
    assert ended(service, id)[1]["detail"] == "because of ArtifactDigest"


KINDS = {"no message": "job_message_unknown", "no job": "job_without_item"}


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", "no message"),
        ("[]", "no message"),
        ("[" * 100_000, "no message"),
        ('{"id": 7}', "no message"),
        ('{"id": "key:' + "a" * 64 + '"}', "no message"),
        (message(new_id(datetime.now(UTC))), "no job"),
    ],
    ids=["empty", "a list", "a deep list", "a number", "a key", "unknown"],
)
def test_messages_of_nobody_are_dropped_and_counted(
    service: JobService, caplog: pytest.LogCaptureFixture, text: str, outcome: Outcome
) -> None:
    logging.getLogger("brinery").propagate = True
    assert worker(service).work(text) == worker(service).give_up(text) == outcome
    assert {getattr(record, "kind", None) for record in caplog.records} == {KINDS[outcome]}


@pytest.mark.parametrize(("second", "alarms"), [(1.000001, False), (2.0, True)], ids=["within the tolerance", "other"])
def test_two_workers_end_a_job_once_and_another_answer_is_told(
    service: JobService, caplog: pytest.LogCaptureFixture, second: float, alarms: bool
) -> None:
    """The second one read the job before the first ended it."""
    logging.getLogger("brinery").propagate = True
    id = service.jobs().submit(PIN, b"1")

    class Slow(Echo):
        def answer(self, pin: Reference, body: bytes) -> tuple[int, dict[str, Any]]:
            assert worker(service, Echo(answer={"prediction": 1.0})).work(message(id)) == "done"
            return super().answer(pin, body)

    assert worker(service, Slow(answer={"prediction": second})).work(message(id)) == "ended before"
    assert ended(service, id) == ("done", {"prediction": 1.0})
    assert ("job_differs" in {getattr(record, "kind", None) for record in caplog.records}) is alarms


def test_job_that_is_given_up_fails_and_one_that_ended_stays(service: JobService) -> None:
    lost, answered = (service.jobs().submit(PIN, b"1") for _ in range(2))
    assert worker(service).work(message(answered)) == "done"
    assert worker(service).give_up(message(lost)) == "failed"
    assert worker(service).give_up(message(answered)) == "ended before"
    assert (ended(service, lost)[0], ended(service, answered)[0]) == ("failed", "done")
    assert worker(service).work(message(lost)) == "ended before" and ended(service, lost)[0] == "failed"


def test_a_job_that_expired_in_mid_flight_does_not_come_back(service: JobService) -> None:
    id = service.jobs().submit(PIN, b"1")

    class Slow(Echo):
        def answer(self, pin: Reference, body: bytes) -> tuple[int, dict[str, Any]]:
            service.client("dynamodb").delete_item(TableName=service.table, Key={"id": {"S": id}})
            return super().answer(pin, body)

    assert worker(service, Slow()).work(message(id)) == "ended before"
    assert service.item(id) is None


def test_ended_job_is_told_as_expired_though_the_table_has_it_still(service: JobService) -> None:
    from brinery.jobs.submit import JobExpired

    id = service.jobs().submit(PIN, b"1")
    worker(service).work(message(id))
    later = service.jobs(clock=lambda: datetime.now(UTC) + timedelta(days=7, minutes=1))
    with pytest.raises(JobExpired):
        later.find(id)
