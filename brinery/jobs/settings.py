"""Which jobs the environment names."""

from collections.abc import Mapping
from dataclasses import dataclass

from brinery.errors import SettingInvalid

NAMES = ("JOBS_QUEUE_URL", "JOBS_TABLE", "WORK_URL")
MOST_DAYS = 3650


@dataclass(frozen=True)
class JobSettings:
    """Where jobs go: the queue, the table, a folder or bucket for what is large; and how long ended ones are kept."""

    queue_url: str
    table: str
    work_url: str
    kept_days: int = 7


def job_settings(environ: Mapping[str, str]) -> JobSettings | None:
    """Read the variables of jobs; None where none of them is set.

    Raises:
        SettingInvalid: the variable, its value and what is allowed.
    """
    queue, table, work = (environ.get(name) or "" for name in NAMES)
    if not (queue or table or work):
        return None
    missing = [name for name, value in zip(NAMES, (queue, table, work), strict=True) if not value]
    if missing:
        raise SettingInvalid(f"{', '.join(missing)} must be set, too: jobs need all of {', '.join(NAMES)}")
    days = environ.get("JOBS_TTL_DAYS") or "7"
    if not (days.isascii() and days.isdigit() and len(days) <= 4 and 0 < int(days) <= MOST_DAYS):
        raise SettingInvalid(f"JOBS_TTL_DAYS is {ascii(days)}; it must be a whole number from 1 to {MOST_DAYS}")
    return JobSettings(queue, table, work, int(days))
