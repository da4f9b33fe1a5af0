"""Null controls: code in which one thing is wrong, which the simulation has to find."""

import hashlib
from collections.abc import Buffer
from datetime import datetime, timedelta

from brinery.errors import ObjectExists, StoreUnavailable
from brinery.promotion.environment import Change as Setting
from brinery.promotion.environment import Held, State
from brinery.versions.store import Store
from tests.simulation.actors import Code
from tests.simulation.world import FILE, MODEL, SimulatedEnvironment, SimulatedStore, Step, World
from training.schedule.claims import CLOCKS_APART, LEASE, NEVER, Claim, Claims, Mine


class ManifestFirst(SimulatedStore):
    """The files of a version come after its manifest."""

    def __init__(self, world: World, by: str, step: Step) -> None:
        super().__init__(world, by, step)
        self._late: dict[str, Buffer] = {}

    def create(self, path: str, data: Buffer) -> None:
        if path.endswith(FILE):
            self._late[path] = data
            return
        super().create(path, data)
        if path.endswith("manifest.json"):
            for late, contents in self._late.items():
                super().create(late, contents)

    def fetch(self, path: str, limit: int) -> tuple[Buffer, str]:
        if path in self._late:
            return self._late[path], hashlib.sha256(self._late[path]).hexdigest()
        return super().fetch(path, limit)


class EveryRefusalIsALoss(SimulatedStore):
    def _refuse_others(self, path: str, data: Buffer) -> StoreUnavailable | None:
        raise ObjectExists(path)


class NoRefusalIsALoss(SimulatedStore):
    def _refuse_others(self, path: str, data: Buffer) -> StoreUnavailable | None:
        return None


class RecordLater(SimulatedStore):
    """Records are held back until the environment was changed."""

    late: tuple[str, Buffer] | None = None

    def create(self, path: str, data: Buffer) -> None:
        if path.startswith("_promotions/"):
            self.late = (path, data)
        else:
            super().create(path, data)

    def release(self) -> None:
        if self.late is not None:
            super().create(*self.late)


class ChangedFirst(SimulatedEnvironment):
    def __init__(self, environment: SimulatedEnvironment, store: Store) -> None:
        super().__init__(*environment.parts)
        self._store = store

    def prepare(self, state: State) -> Setting:
        change = super().prepare(state)

        def changed(record: str) -> None:
            change(record)
            assert isinstance(self._store, RecordLater)
            self._store.release()

        return changed


class BeforeFromTheBucket(SimulatedEnvironment):
    """Which record the environment holds is taken to be the newest of the bucket."""

    def __init__(self, environment: SimulatedEnvironment, store: Store) -> None:
        super().__init__(*environment.parts)
        self._store = store

    def held(self, model: str) -> Held:
        paths = self._store.some(f"_promotions/{MODEL}", 1000)
        newest = max(paths, default="").rpartition("/")[2].removesuffix(".json")
        return Held(super().held(model).pin, newest or None)


class NoDeadline(Claims):
    """The next attempt is claimed at once."""

    def _claims(self, name: str, due: datetime) -> tuple[Claim, ...]:
        return tuple(claim.model_copy(update={"until": NEVER}) for claim in super()._claims(name, due))


class NoMargin(Claims):
    """The next attempt is claimed as if all clocks were one."""

    def _claims(self, name: str, due: datetime) -> tuple[Claim, ...]:
        return tuple(_later(claim, -CLOCKS_APART) for claim in super()._claims(name, due))


class LongClaims(Claims):
    """The next attempt is claimed when a time_limit has passed."""

    def _claims(self, name: str, due: datetime) -> tuple[Claim, ...]:
        return tuple(_later(claim, timedelta(hours=4)) for claim in super()._claims(name, due))


def _later(claim: Claim, by: timedelta) -> Claim:
    return claim.model_copy(update={"until": claim.until + by})


class AnybodysNumber(Claims):
    """Whoever has the next number, the claim counts as extended."""

    def extend(self, name: str, due: datetime, mine: Mine) -> Mine | None:
        return super().extend(name, due, mine) or mine._replace(until=self.clock() + LEASE)


class OneLook(Claims):
    """What is done is looked at before a claim, and not after it."""

    def _is_done(self, name: str, due: datetime) -> bool:
        own = self.nonce().rpartition(" ")[0]
        mine = any(own in claim.by for claim in self._claims(name, due))
        return not mine and super()._is_done(name, due)


# What is wrong, and the small scenario that shows it with how many faults.
NULL_CONTROLS: dict[str, tuple[Code, str, int]] = {
    "manifest first": (Code(store=ManifestFirst), "two publishers", 0),
    "claim without nonce": (Code(nonce=lambda by: ""), "two publishers", 0),
    "claim of a time without nonce": (Code(nonce=lambda by: ""), "two schedulers of one clock", 0),
    "next attempt before the deadline": (Code(claims=NoDeadline), "two schedulers", 0),
    "clocks taken to be one": (Code(claims=NoMargin), "two schedulers", 1),
    "claim that lasts on": (Code(claims=LongClaims), "two schedulers", 1),
    "extended whoever has it": (Code(claims=AnybodysNumber), "two schedulers", 1),
    "what is done not looked at again": (Code(claims=OneLook), "two schedulers", 2),
    "412 counted as loss": (Code(store=EveryRefusalIsALoss), "two publishers", 1),
    "retry without comparing": (Code(store=NoRefusalIsALoss), "two publishers", 0),
    "record after the change": (Code(store=RecordLater, environment=ChangedFirst), "promote, promote", 0),
    "before taken from the bucket": (Code(environment=BeforeFromTheBucket), "rollback, hand, attacker", 0),
}
