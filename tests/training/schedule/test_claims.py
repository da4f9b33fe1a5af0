"""Claims: who trains what is due, with clocks that are apart, a store that is down, and objects that are none."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from brinery.errors import StoreError, StoreUnavailable
from brinery.versions.store import Store
from training.schedule.claims import (
    CLOCKS_APART,
    EXTENDED_AFTER,
    LEASE,
    MOST_ATTEMPTS,
    MOST_BYTES,
    MOST_NUMBERS,
    UNREADABLE,
    Claim,
    Claims,
    Free,
    Mine,
    Others,
    Settled,
    standing,
)

DUE = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
WHERE = "_schedule/wine/20261126T0300Z"
SECOND = timedelta(seconds=1)
NONCES = count(1)


class Clock:
    def __init__(self, now: datetime = DUE) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def claims(store: Store, clock: Clock) -> Claims:
    """Of one scheduler, all of whose claims differ."""
    return Claims(store, "somebody", clock, lambda: str(next(NONCES)))


def mine(taken: Mine | Others | Settled | None, attempt: int = 1, number: int = 1) -> Mine:
    assert isinstance(taken, Mine) and (taken.attempt, taken.number) == (attempt, number)
    return taken


def test_one_of_two_claims_and_the_other_waits(store: Store) -> None:
    one, other = claims(store, Clock()), claims(store, Clock())
    assert mine(one.take("wine", DUE)).until == DUE + LEASE
    assert other.take("wine", DUE) == Others(DUE + LEASE + CLOCKS_APART)
    mine(other.take("wine", DUE + timedelta(minutes=1)))
    mine(other.take("other", DUE))
    one.settle("wine", DUE, "published", "wine:1")
    other.settle("wine", DUE, "failed", None)
    assert other.take("wine", DUE) == one.take("wine", DUE) == Settled(done=True)
    assert b'"published"' in bytes(store.read(f"{WHERE}/done.json", MOST_BYTES))


def test_holder_that_is_told_to_stop_holds_nobody_up_and_has_made_no_attempt(store: Store) -> None:
    """However often: a task that is taken away is followed by another."""
    clock = Clock()
    for number in range(MOST_ATTEMPTS + 2):
        one = claims(store, clock)
        held = mine(one.take("wine", DUE), 1, 2 * number + 1)
        one.stop("wine", DUE, held)
    other = claims(store, Clock(DUE - CLOCKS_APART))
    mine(other.take("wine", DUE), 1, 2 * (MOST_ATTEMPTS + 2) + 1)


def test_holder_extends_its_claim_and_nobody_else_does(store: Store) -> None:
    clock, others = Clock(), Clock(DUE + CLOCKS_APART)
    one, other = claims(store, clock), claims(store, others)
    held = mine(one.take("wine", DUE))
    for number in range(2, 6):
        clock.now += EXTENDED_AFTER
        others.now += EXTENDED_AFTER
        extended = one.extend("wine", DUE, held)
        assert extended is not None
        held = mine(extended, number=number)
        assert held.until == clock.now + LEASE
        assert other.take("wine", DUE) == Others(held.until + CLOCKS_APART)
    others.now = held.until + CLOCKS_APART + SECOND
    mine(other.take("wine", DUE), 2, 6)
    assert one.extend("wine", DUE, held) is None
    assert len(store.files(WHERE)) == 6


def test_extension_whose_answer_was_lost_is_ones_own(folder_store: Store) -> None:
    class Deaf(Store):
        def create(self, path: str, data: object) -> None:
            super().create(path, data)  # type: ignore[arg-type]
            if path.endswith("/2.json") and clock.now == DUE + EXTENDED_AFTER:
                raise StoreUnavailable("no answer")

    clock = Clock()
    each = claims(Deaf(folder_store.backend, folder_store.url), clock)
    held = mine(each.take("wine", DUE))
    clock.now += EXTENDED_AFTER
    with pytest.raises(StoreError, match="no answer"):
        each.extend("wine", DUE, held)
    clock.now += SECOND
    extended = each.extend("wine", DUE, held)
    assert extended is not None
    assert mine(extended, number=2).until == DUE + EXTENDED_AFTER + LEASE


def test_next_attempt_is_claimed_after_the_lease_by_any_clock_near_it(folder_store: Store) -> None:
    """As many as are made, however often each was extended."""
    clock = Clock()
    each = claims(folder_store, clock)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        held = mine(each.take("wine", DUE), attempt, 2 * attempt - 1)
        clock.now += EXTENDED_AFTER
        assert each.extend("wine", DUE, held) is not None
        clock.now += LEASE + CLOCKS_APART
        assert each.take("wine", DUE) == Others(clock.now)
        clock.now += SECOND
    assert each.take("wine", DUE) == Settled(done=False)


def test_claim_that_is_said_to_be_done_meanwhile_is_none(folder_store: Store) -> None:
    class Late(Store):
        def create(self, path: str, data: object) -> None:
            super().create(path, data)  # type: ignore[arg-type]
            if path.endswith("/2.json"):
                first.settle("wine", DUE, "published", "wine:1")

    clock = Clock()
    first, second = claims(folder_store, clock), claims(Late(folder_store.backend, folder_store.url), clock)
    first.take("wine", DUE)
    clock.now += 2 * LEASE
    assert second.take("wine", DUE) == Settled(done=True)


def test_claim_that_was_stored_too_late_is_not_used(folder_store: Store) -> None:
    clock = Clock()

    class Stalling(Store):
        def create(self, path: str, data: object) -> None:
            super().create(path, data)  # type: ignore[arg-type]
            clock.now += LEASE

    taken = claims(Stalling(folder_store.backend, folder_store.url), clock).take("wine", DUE)
    assert taken == Others(DUE + LEASE + CLOCKS_APART)


LONG = [b'{"by":"x","until":"%s"}' % until for until in (b"9999-12-31T23:59:59Z", b"2026-11-26T03:20:01Z")]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"by": 1}', b"x" * (MOST_BYTES + 1)], ids=len)
def test_claim_that_is_none_holds_nobody_up_and_is_no_attempt(folder_store: Store, data: bytes) -> None:
    for number in (1, 2, 3, 999):
        folder_store.create(f"{WHERE}/{number}.json", data)
    mine(claims(folder_store, Clock()).take("wine", DUE), 1, 4)


@pytest.mark.parametrize("data", LONG, ids=len)
def test_claim_for_longer_than_any_holds_nobody_up(folder_store: Store, data: bytes) -> None:
    folder_store.create(f"{WHERE}/1.json", data)
    mine(claims(folder_store, Clock()).take("wine", DUE), 2, 2)


def test_claim_by_a_clock_that_is_a_little_further_ahead_is_one(folder_store: Store) -> None:
    ahead = 2 * CLOCKS_APART
    mine(claims(folder_store, Clock(DUE + ahead)).take("wine", DUE))
    assert claims(folder_store, Clock()).take("wine", DUE) == Others(DUE + ahead + LEASE + CLOCKS_APART)


def test_nothing_is_claimed_while_the_store_is_down(folder_store: Store) -> None:
    class Down(Store):
        def create(self, path: str, data: object) -> None:
            raise StoreUnavailable("it is down")

    with pytest.raises(StoreError, match="it is down"):
        claims(Down(folder_store.backend, folder_store.url), Clock()).take("wine", DUE)


def test_claims_of_another_are_read_once(folder_store: Store) -> None:
    read: list[str] = []

    class Counting(Store):
        def read(self, path: str, limit: int) -> object:  # type: ignore[override]
            read.append(path)
            return super().read(path, limit)

    one, other = claims(folder_store, Clock()), claims(Counting(folder_store.backend, folder_store.url), Clock())
    held = mine(one.take("wine", DUE))
    other.take("wine", DUE)
    one.extend("wine", DUE, held)
    other.take("wine", DUE)
    other.take("wine", DUE)
    assert [path for path in read if path.endswith("/1.json")] == [f"{WHERE}/1.json"]


@pytest.mark.parametrize(
    ("holders", "left", "expected"),
    [
        ("", 0, Free(1, 1)),
        ("a", 0, Others(DUE + CLOCKS_APART)),
        ("a", -60, Others(DUE)),
        ("a", -61, Free(2, 2)),
        ("aaaa", -61, Free(5, 2)),
        ("aab", -61, Free(4, 3)),
        ("aabbc", -60, Others(DUE)),
        ("aabbc", -61, Settled(done=False)),
    ],
)
def test_standing_follows_from_the_last_claim_and_from_how_many_have_held_it(
    holders: str, left: int, expected: object
) -> None:
    made = tuple(Claim(by=by, until=DUE + left * SECOND) for by in holders)
    assert standing(made, DUE) == expected


def test_numbers_have_an_end() -> None:
    assert standing((UNREADABLE,) * (MOST_NUMBERS - 1), DUE) == Free(MOST_NUMBERS, 1)
    assert standing((UNREADABLE,) * MOST_NUMBERS, DUE) == Settled(done=False)
