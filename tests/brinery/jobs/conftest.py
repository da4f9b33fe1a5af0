"""Jobs on real services, each test with a queue and a table of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import s3_service
from tests.job_service import SERVICES, JobService, make_jobs


@pytest.fixture(scope="session")
def jobs_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_service(tmp_path_factory.mktemp("jobs"), SERVICES) as endpoint:
        yield endpoint


@pytest.fixture
def service(jobs_endpoint: str, tmp_path: Path) -> JobService:
    return make_jobs(jobs_endpoint, tmp_path)
