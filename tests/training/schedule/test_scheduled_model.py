"""What a run is told, by when its time is over and by when its claim is."""

from datetime import UTC, datetime, timedelta

import pytest

from training.schedule.run_process import Order
from training.schedule.scheduled_model import GRACE, order

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
GRACE_SECONDS = int(GRACE.total_seconds())


@pytest.mark.parametrize(
    ("limit", "until", "lost", "stopping", "expected"),
    [
        (1, GRACE_SECONDS + 1, False, False, None),
        (1, GRACE_SECONDS + 1, False, True, Order("stop")),
        (1, GRACE_SECONDS, False, False, Order("lost")),
        (1, GRACE_SECONDS, False, True, Order("lost")),
        (1, GRACE_SECONDS + 1, True, False, Order("lost")),
        (1, 0, False, False, Order("lost", kill=True)),
        (1, 0, True, True, Order("lost", kill=True)),
        (0, 1, False, False, Order("late")),
        (0, 1, True, True, Order("late")),
        (0, 0, False, False, Order("late", kill=True)),
        (1 - GRACE_SECONDS, 1, False, False, Order("late")),
        (-GRACE_SECONDS, 1, False, False, Order("late", kill=True)),
    ],
)
def test_run_is_told_to_end_in_time_and_killed_when_it_is_over(
    limit: int, until: int, lost: bool, stopping: bool, expected: Order | None
) -> None:
    moments = [NOW + timedelta(seconds=seconds) for seconds in (limit, until)]
    assert order(NOW, *moments, lost=lost, stopping=stopping) == expected
