"""Submitting a job through Lambda's handler, beside the two calls that it makes, in processor time."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from brinery.jobs.contents import Contents
from brinery.jobs.identifier import new_id
from brinery.jobs.job import Job, to_item
from brinery.jobs.settings import JobSettings
from brinery.loading.load import load
from brinery.versions.store import open_store
from tests.conftest import s3_service
from tests.examples import publish_example
from tests.job_service import SERVICES, keys_of_nobody, make_jobs
from tests.performance.figures import figure, interleaved, parser, report
from tests.performance.models import ROW
from tests.serving.conftest import handling

PROGRAM = "job_cost"
CALLS = 60


def main(argv: Sequence[str] | None = None) -> int:
    about = (
        "Processor time of POST /jobs through the handler, against the bare calls of DynamoDB and SQS in the same run."
    )
    arguments = parser(PROGRAM, about, "", "--pairs 7").parse_args(argv)
    asyncio.set_event_loop(asyncio.new_event_loop())
    with tempfile.TemporaryDirectory() as folder, keys_of_nobody() as patch:
        with s3_service(Path(folder), SERVICES) as endpoint:
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
            service = make_jobs(endpoint, Path(folder))
            store = open_store((Path(folder) / "registry").as_uri(), create=True)
            reference = publish_example(store, "wine")
            jobs = JobSettings(service.queue_url, service.table, service.work)
            handler, body = handling(load(store, reference), jobs=jobs), json.dumps({"data": ROW})
            table, queue = service.client("dynamodb"), service.client("sqs")

            def ours() -> None:
                context = {"http": {"method": "POST", "path": "/jobs"}}
                headers = {"content-type": "application/json"}
                event = {"rawPath": "/jobs", "requestContext": context, "headers": headers, "body": body}
                if handler(event, None)["statusCode"] != 202:
                    raise RuntimeError("the job was not accepted")

            def bare() -> None:
                now = datetime.now(UTC)
                job = Job(new_id(now), str(reference), Contents.of(body.encode()), now)
                free = "attribute_not_exists(id)"
                table.put_item(TableName=service.table, Item=to_item(job), ConditionExpression=free)
                queue.send_message(QueueUrl=service.queue_url, MessageBody=json.dumps({"id": job.id}))

            runs = {"ours": _milliseconds(ours), "bare": _milliseconds(bare)}
            for run in runs.values():
                run()
            found = interleaved(arguments.pairs, runs)
    figures = [figure("POST /jobs, one row : the bare calls, processor time", found["ours"], found["bare"], "ms", 1.25)]
    report(PROGRAM, figures, arguments.json)
    return 0


def _milliseconds(call: Callable[[], None]) -> Callable[[], float]:
    def run() -> float:
        started = time.process_time()
        for _ in range(CALLS):
            call()
        return 1000 * (time.process_time() - started) / CALLS

    return run


if __name__ == "__main__":
    sys.exit(main())
