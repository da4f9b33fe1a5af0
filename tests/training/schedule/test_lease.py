"""Leases: claims that are extended while their holder trains, by a clock that is set."""

from datetime import timedelta
from threading import Event

import pytest

from brinery.errors import StoreUnavailable
from brinery.versions.store import Store
from tests.training.schedule.test_claims import DUE, SECOND, WHERE, Clock, claims, mine
from tests.waiting import wait_until
from training.schedule.claims import CLOCKS_APART, EXTENDED_AFTER, LEASE
from training.schedule.lease import Lease

END = DUE + timedelta(hours=4)


def lease(store: Store, clock: Clock) -> Lease:
    each = claims(store, clock)
    return Lease(each, "wine", DUE, mine(each.take("wine", DUE)), END, Event())


def test_lease_is_extended_well_before_it_ends_and_not_earlier(folder_store: Store) -> None:
    clock = Clock()
    held = lease(folder_store, clock)
    clock.now += EXTENDED_AFTER - SECOND
    held.extend()
    assert held.until == DUE + LEASE
    clock.now += SECOND
    held.extend()
    held.extend()
    assert held.until == DUE + EXTENDED_AFTER + LEASE and held.mine.number == 2


def test_lease_is_not_extended_after_the_end_of_its_run(folder_store: Store) -> None:
    clock = Clock()
    held = lease(folder_store, clock)
    clock.now = END
    held.extend()
    assert held.until == DUE + LEASE and not held.lost


def test_lease_is_lost_to_who_has_the_next_number(folder_store: Store) -> None:
    clock = Clock()
    held = lease(folder_store, clock)
    clock.now += LEASE + CLOCKS_APART + SECOND
    mine(claims(folder_store, clock).take("wine", DUE), 2, 2)
    held.extend()
    assert held.lost and held.until == DUE + LEASE


def test_lease_is_extended_for_as_long_as_it_is_entered(folder_store: Store) -> None:
    clock = Clock()
    with lease(folder_store, clock) as held:
        for number in (2, 3):
            clock.now += EXTENDED_AFTER
            wait_until(lambda number=number: held.mine.number == number)  # type: ignore[misc]
    clock.now += EXTENDED_AFTER
    assert len(folder_store.files(WHERE)) == 3


def test_lease_is_not_extended_for_a_scheduler_that_stops(folder_store: Store) -> None:
    clock = Clock()
    with lease(folder_store, clock) as held:
        held.stopping.set()
        wait_until(lambda: not held._thread.is_alive())
    assert held.until == DUE + LEASE


def test_lease_is_tried_again_where_the_store_is_down_and_tells_its_end_meanwhile(
    folder_store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = Event(), Event()

    class Down(Store):
        def create(self, path: str, data: object) -> None:
            if path.endswith("/2.json") and not go_on.is_set():
                asked.set()
                go_on.wait(20)
                raise StoreUnavailable("it is down")
            super().create(path, data)  # type: ignore[arg-type]

    monkeypatch.setattr("training.schedule.lease.PAUSE_SECONDS", 0)
    clock = Clock()
    with lease(Down(folder_store.backend, folder_store.url), clock) as held:
        clock.now += EXTENDED_AFTER
        assert asked.wait(20)
        assert held.until == DUE + LEASE, "while the store does not answer, its end is known"
        go_on.set()
        wait_until(lambda: held.mine.number == 2)
    assert capsys.readouterr().err == "train: the claim of wine is not extended: it is down\n"
