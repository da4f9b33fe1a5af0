"""Opening jobs: the queue, the table and the work bucket by their names."""

from collections.abc import Mapping
from datetime import timedelta

from brinery.jobs.aws import SECONDS, client
from brinery.jobs.queue import LONGEST_WAIT, Queue
from brinery.jobs.settings import JobSettings
from brinery.jobs.submit import Jobs
from brinery.jobs.table import Table
from brinery.versions.store import open_store


def open_jobs(settings: JobSettings, environ: Mapping[str, str], waits: bool = False) -> Jobs:
    """The jobs that settings name; boto3 is imported here and not before.

    Args:
        waits: for messages to receive, which takes longer than any other call.

    Raises:
        SettingInvalid: boto3 is not installed, there is no region, or WORK_URL is none.
    """
    return Jobs(
        Table(client("dynamodb", environ), settings.table),
        Queue(client("sqs", environ, SECONDS + (LONGEST_WAIT if waits else 0)), settings.queue_url),
        open_store(settings.work_url, create=True),
        timedelta(days=settings.kept_days),
    )
