"""Jobs on real services, each test with a queue and a table of its own."""

from pathlib import Path

import pytest

from tests.job_service import JobService, make_jobs


@pytest.fixture
def service(jobs_endpoint: str, tmp_path: Path) -> JobService:
    return make_jobs(jobs_endpoint, tmp_path)
