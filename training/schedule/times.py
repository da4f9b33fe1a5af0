"""The times that a cron line names, in UTC."""

from datetime import UTC, datetime, timedelta

from cronsim import CronSim

MINUTE = timedelta(minutes=1)


def now() -> datetime:
    return datetime.now(UTC)


def next_time(line: str, after: datetime) -> datetime:
    """When a cron line comes due next."""
    return next(CronSim(line, after))


def last_time(line: str, at: datetime) -> datetime | None:
    """When a cron line came due last, at this moment or before; None where it never did."""
    return next(CronSim(line, at.replace(second=0, microsecond=0) + MINUTE, reverse=True), None)
