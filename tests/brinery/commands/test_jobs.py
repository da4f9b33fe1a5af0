"""`registry jobs` on real services."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from brinery.commands.registry import main
from brinery.jobs.identifier import new_id
from brinery.versions.reference import Reference
from tests.brinery.jobs.test_work import message, worker
from tests.job_service import JobService, make_jobs

PIN = Reference.parse(f"wine:7@sha256:{'a' * 64}")


@pytest.fixture
def service(jobs_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobService:
    made = make_jobs(jobs_endpoint, tmp_path)
    for name, value in {**made.variables, "MODEL_REGISTRY": tmp_path.as_uri()}.items():
        monkeypatch.setenv(name, value)
    return made


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["jobs", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_jobs_are_listed_and_shown(service: JobService, capsys: pytest.CaptureFixture[str]) -> None:
    first = service.jobs(clock=lambda: datetime.now(UTC) - timedelta(hours=2)).submit(PIN, b"1", "a-key")
    second = service.jobs().submit(PIN, b"2")
    assert worker(service).work(message(second)) == "done"
    listed = told(capsys)
    assert [(each["id"], each["state"]) for each in listed] == [(second, "done"), (first, "queued")]
    shown = told(capsys, second)
    assert [shown[name] for name in ("accepted_at", "ended_at")] == [
        listed[0][name] for name in ("accepted_at", "ended_at")
    ]
    assert shown["pin"] == str(PIN) and shown["answer"] == {"prediction": "2", "model": str(PIN)}
    assert main(["jobs"]) == 0
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()[1:]] == [
        [second, "done", "wine:7"],
        [first, "queued", "wine:7"],
    ]


def test_stale_jobs_are_found_and_sent_again(service: JobService, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = service.jobs(clock=lambda: datetime.now(UTC) - timedelta(hours=2))
    lost = jobs.submit(PIN, b"1")
    service.jobs().submit(PIN, b"2")
    while each := jobs.queue.receive(0):
        jobs.queue.delete(each)  # as retention does
    assert [each["id"] for each in told(capsys, "--stale", "1")] == [lost]
    assert service.waiting() == 0
    told(capsys, "--stale", "1", "--send-again")
    again = jobs.queue.receive(1)
    assert again is not None and again.text == message(lost) and worker(service).work(again.text) == "done"
    assert main(["jobs", lost, "--send-again"]) == 0 and "it has ended" in capsys.readouterr().out


def test_what_is_not_there_is_a_sentence(
    service: JobService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    id = new_id(datetime.now(UTC))
    assert main(["jobs", id]) == 1
    assert capsys.readouterr().err == f"registry: there is no job '{id}'; `registry jobs` lists those there are\n"
    assert main(["jobs"]) == 0 and capsys.readouterr().out == "no such job\n"
    assert main(["jobs", "--send-again"]) == 1 and "needs a JOB, or --stale HOURS" in capsys.readouterr().err
    monkeypatch.delenv("JOBS_TABLE")
    assert main(["jobs"]) == 1 and "JOBS_TABLE must be set, too" in capsys.readouterr().err
    for name in ("JOBS_QUEUE_URL", "WORK_URL"):
        monkeypatch.delenv(name)
    assert main(["jobs"]) == 1 and "are not set, and no --stack is named" in capsys.readouterr().err
