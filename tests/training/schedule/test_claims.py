"""Claims: who trains what is due, with clocks that are apart, a store that is down, and objects that are none."""

from datetime import UTC, datetime, timedelta

import pytest

from brinery.errors import StoreError, StoreUnavailable
from brinery.versions.store import Store
from training.schedule.claims import CLOCKS_APART, MOST_ATTEMPTS, MOST_BYTES, Claims, Mine, Others, Settled

DUE = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
WHERE = "_schedule/wine/20261126T0300Z"
HOUR = 3600.0


class Clock:
    def __init__(self, now: datetime = DUE) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def claims(store: Store, clock: Clock) -> Claims:
    return Claims(store, "somebody", clock)


def test_one_of_two_claims_and_the_other_waits(store: Store) -> None:
    one, other = claims(store, Clock()), claims(store, Clock())
    assert one.take("wine", DUE, HOUR) == Mine(1, DUE + timedelta(hours=1))
    assert other.take("wine", DUE, HOUR) == Others(DUE + timedelta(hours=1) + CLOCKS_APART)
    assert other.take("wine", DUE + timedelta(minutes=1), HOUR) == Mine(1, DUE + timedelta(hours=1))
    assert other.take("other", DUE, HOUR) == Mine(1, DUE + timedelta(hours=1))
    one.settle("wine", DUE, "published", "wine:1")
    other.settle("wine", DUE, "failed", None)
    assert other.take("wine", DUE, HOUR) == one.take("wine", DUE, HOUR) == Settled(done=True)
    assert b'"published"' in bytes(store.read(f"{WHERE}/done.json", MOST_BYTES))


def test_next_attempt_is_claimed_after_the_deadline_by_any_clock_near_it(folder_store: Store) -> None:
    clock = Clock()
    each = claims(folder_store, clock)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert each.take("wine", DUE, HOUR) == Mine(attempt, clock.now + timedelta(hours=1))
        clock.forward(HOUR + CLOCKS_APART.total_seconds())
        assert each.take("wine", DUE, HOUR) == Others(clock.now)
        clock.forward(1)
    assert each.take("wine", DUE, HOUR) == Settled(done=False)


def test_claim_that_is_said_to_be_done_meanwhile_is_none(folder_store: Store) -> None:
    class Late(Store):
        def create(self, path: str, data: object) -> None:
            super().create(path, data)  # type: ignore[arg-type]
            if path.endswith("/2.json"):
                first.settle("wine", DUE, "published", "wine:1")

    clock = Clock()
    first, second = claims(folder_store, clock), claims(Late(folder_store.backend, folder_store.url), clock)
    first.take("wine", DUE, HOUR)
    clock.forward(2 * HOUR)
    assert second.take("wine", DUE, HOUR) == Settled(done=True)


def test_claim_that_was_stored_too_late_is_not_used(folder_store: Store) -> None:
    clock = Clock()

    class Stalling(Store):
        def create(self, path: str, data: object) -> None:
            super().create(path, data)  # type: ignore[arg-type]
            clock.forward(HOUR)

    taken = claims(Stalling(folder_store.backend, folder_store.url), clock).take("wine", DUE, HOUR)
    assert taken == Others(DUE + timedelta(hours=1) + CLOCKS_APART)


LONG = [b'{"by":"x","until":"%s"}' % until for until in (b"9999-12-31T23:59:59Z", b"2026-12-26T00:00:00Z")]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"by": 1}', b"x" * (MOST_BYTES + 1), *LONG], ids=len)
def test_claim_that_is_none_holds_nobody_up(folder_store: Store, data: bytes) -> None:
    folder_store.create(f"{WHERE}/1.json", data)
    folder_store.create(f"{WHERE}/999.json", data)
    assert claims(folder_store, Clock()).take("wine", DUE, HOUR) == Mine(2, DUE + timedelta(hours=1))


def test_nothing_is_claimed_while_the_store_is_down(folder_store: Store) -> None:
    class Down(Store):
        def create(self, path: str, data: object) -> None:
            raise StoreUnavailable("it is down")

    with pytest.raises(StoreError, match="it is down"):
        claims(Down(folder_store.backend, folder_store.url), Clock()).take("wine", DUE, HOUR)
