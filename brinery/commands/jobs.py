"""`registry jobs`: what was accepted, what became of it, and what may have been lost on its way."""

import json
import os
from argparse import Namespace
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from brinery.errors import SettingInvalid
from brinery.jobs.job import Job, time_text
from brinery.jobs.open import open_jobs
from brinery.jobs.settings import NAMES, JobSettings, job_settings
from brinery.jobs.submit import Jobs
from brinery.output.table import table
from brinery.promotion.stack import Stack
from brinery.versions.store import Store

MOST = 100  # that are shown


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """The jobs, or one of them; of those that are asked for, the message is sent again."""
    if arguments.send_again and not arguments.job and arguments.stale is None:
        raise SettingInvalid("--send-again needs a JOB, or --stale HOURS")
    jobs = open_jobs(_settings(arguments, os.environ), os.environ)
    if arguments.job:
        return _one(jobs, arguments.job, arguments.send_again)
    listed = jobs.table.listed() if arguments.stale is None else jobs.stale(timedelta(hours=arguments.stale))
    found = sorted(listed, key=lambda each: each["accepted_at"], reverse=True)
    if arguments.send_again:
        for each in found:
            jobs.queue.send(each["id"])
    heads, names = ["JOB", "STATE", "VERSION", "ACCEPTED", "ENDED"], ("accepted_at", "ended_at")
    rows = [
        [each["id"], each["state"], each["pin"].partition("@")[0], *(each.get(name, "-") for name in names)]
        for each in found[:MOST]
    ]
    shown = table(heads, rows) if rows else "no such job"
    more = f"\n… and {len(found) - MOST} more; --json has them all" if len(found) > MOST else ""
    sent = f"\n{len(found)} messages were sent again" if arguments.send_again else ""
    return found, shown + more + sent


def _one(jobs: Jobs, id: str, again: bool) -> tuple[Any, str]:
    job = jobs.table.job(id)
    if job is None:
        raise SettingInvalid(f"there is no job {ascii(id)[:100]}; `registry jobs` lists those there are")
    if again and job.ended is None:
        jobs.queue.send(id)
    about = _about(job, jobs)
    lines = [
        f"{name + ':':12} {value if isinstance(value, str) else json.dumps(value)}" for name, value in about.items()
    ]
    if again:
        lines.append("its message was sent again" if job.ended is None else "it has ended, and is not sent again")
    return about, "\n".join(lines)


def _about(job: Job, jobs: Jobs) -> dict[str, Any]:
    about = {"id": job.id, "state": job.state, "pin": job.pin, "accepted_at": time_text(job.accepted)}
    about["input_sha256"] = job.input.sha256
    if job.ended is None:
        return about
    name = "answer" if job.state == "done" else "problem"
    return {**about, "ended_at": time_text(job.ended.at), name: json.loads(job.ended.result.read(jobs.work))}


def _settings(arguments: Namespace, environ: Mapping[str, str]) -> JobSettings:
    """Those of the stack, or of the environment.

    Raises:
        SettingInvalid: neither names any jobs.
    """
    if arguments.stack:
        outputs = Stack.connect(arguments.stack, environ).outputs
        if "JobsTable" not in outputs:
            raise SettingInvalid(f"stack {arguments.stack} takes no jobs; its parameter Jobs is off")
        return JobSettings(outputs["JobsQueueUrl"], outputs["JobsTable"], f"s3://{outputs['WorkBucket']}")
    found = job_settings(environ)
    if found is None:
        raise SettingInvalid(f"{', '.join(NAMES)} are not set, and no --stack is named; they say where jobs are")
    return found
