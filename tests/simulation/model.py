"""The reference model: what must hold at each moment, and at the end of a history, whatever happened."""

import hashlib
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import obstore

from brinery.errors import BrineryError, EnvironmentSilent, StoreUnavailable
from brinery.versions.catalog import versions
from brinery.versions.reference import Reference
from tests.simulation.world import MODEL, Change, Fault, SimulatedStore, World
from training.schedule.claims import CLOCKS_APART, LEASE, MOST_ATTEMPTS

HAND, ATTACKER, PUBLISHER, PROMOTER, SCHEDULER = "hand", "attacker", "publisher", "promoter", "scheduler"
SOON = LEASE + 2 * CLOCKS_APART + timedelta(seconds=1)  # once for what is waited, once for how far clocks are apart


class Broken(AssertionError):
    """Something that must hold does not."""


class Model:
    """What a world's objects and changes are held to; actors are told apart by how their names begin."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._acknowledged: list[Reference] = []
        self._schedulers: list[bool] = []
        self._unanswered: list[str] = []
        world.watch = self._watch

    def _watch(self, by: str, what: object) -> None:
        if isinstance(what, Change) and not by.startswith(HAND):
            self._changed(what, self._world.changes[:-1])
        elif isinstance(what, str) and what.endswith("/manifest.json") and by != ATTACKER:
            self._published(by, what.removesuffix("manifest.json"))
        elif isinstance(what, dict) and what:
            raise Broken(f"{by} and {', '.join(what)} train at once")

    def _published(self, by: str, folder: str) -> None:
        """A version is whole when it is seen, and all of it is by one publisher, who had its number."""
        objects, writers = self._world.objects, self._world.writers
        for name, file in json.loads(objects[f"{folder}manifest.json"])["files"].items():
            if hashlib.sha256(objects.get(folder + name, b"")).hexdigest() != file["sha256"]:
                raise Broken(f"{folder} is seen before its {name} is there")
        if writers[f"{folder}claim.json"] != by:
            raise Broken(f"{folder} is published by {by}, and its number is that of {writers[f'{folder}claim.json']}")

    def _changed(self, to: Change, earlier: list[Change]) -> None:
        """A promotion is recorded before it takes effect, tells what it replaced, and goes back to what was live."""
        data = self._world.objects.get(f"_promotions/{MODEL}/{to.record}.json")
        if data is None or self._world.writers[f"_promotions/{MODEL}/{to.record}.json"] != to.by:
            raise Broken(f"the environment holds {to.pin}, and {to.by} has recorded nothing")
        record, before = json.loads(data), earlier[-1]
        if record["to"] != to.pin:
            raise Broken(f"the environment holds {to.pin}, and its record says {record['to']}")
        if not before.by.startswith(HAND) and (record["was"], record["before"]) != (before.pin, before.record):
            raise Broken(f"the record of {to.by} says that {record['was']} was live, which was {before.pin}")
        if record["action"] == "rollback":
            self._went_back(to, record, earlier)

    def _went_back(self, to: Change, record: dict[str, Any], earlier: list[Change]) -> None:
        """A rollback goes to what was live, and one after another goes on backwards; after a hand, to where it was."""
        if to.pin not in {change.pin for change in earlier}:
            raise Broken(f"{to.by} goes back to {to.pin}, which was never live")
        left = json.loads(self._world.objects.get(f"_promotions/{MODEL}/{record['before']}.json", b"{}"))
        order = [change.record for change in earlier]
        if left.get("restores") in order and record["restores"] in order:
            by_hand = earlier[-1].by.startswith(HAND)
            if order.index(record["restores"]) >= order.index(left["restores"]) + by_hand:
                raise Broken(f"{to.by} goes back to {to.pin}, which a rollback had left")

    def ended(self, by: str, answer: object, error: BrineryError | None, *, answered: bool) -> None:
        """What was acknowledged is there; what failed for good changed nothing."""
        if not answered:
            self._unanswered.append(by)
        changed = [change.record for change in self._world.changes if change.by == by]
        published = [path for path, writer in self._world.writers.items() if writer == by and "manifest" in path]
        if isinstance(answer, Reference):
            data = self._world.objects.get(f"{answer.folder}/manifest.json", b"")
            if hashlib.sha256(data).hexdigest() != answer.digest or answer.version in (
                a.version for a in self._acknowledged
            ):
                raise Broken(f"{by} was told {answer}, which is not there")
            self._acknowledged.append(answer)
        if by.startswith(PROMOTER) and answered and changed != ([answer] if answer else []):
            raise Broken(f"{by} was told {answer}, and set {changed}")
        if error is not None and changed and not isinstance(error, EnvironmentSilent):
            raise Broken(f"{by} changed the environment, and was told that it failed: {error}")
        if error is not None and by.startswith(PUBLISHER) and published and not isinstance(error, StoreUnavailable):
            raise Broken(f"{by} published, and was told that it failed: {error}")
        if by.startswith(SCHEDULER) and answered:
            self._schedulers.append(answer is True)

    def end(self, faults: Counter[Fault]) -> None:
        """What was seen stays; what was acknowledged is listed; where nothing went wrong, everybody has an answer."""
        undisturbed = faults.keys() <= {"ok"}
        for path, data in self._world.objects.items():
            if bytes(obstore.get(self._world.backend, path).bytes()) != data:
                raise Broken(f"{path} has other bytes than at first")
        listed = versions(SimulatedStore(self._world), MODEL, 1000)
        if not {reference.version for reference in self._acknowledged} <= set(listed):
            raise Broken(f"listed are {listed}, and acknowledged {self._acknowledged}")
        self._trained(undisturbed)
        if faults.keys() <= {"ok", "crash"} and faults["crash"] < MOST_ATTEMPTS:
            self._followed()
        refused = [by for by in self._unanswered if by.startswith((PUBLISHER, SCHEDULER))]
        if undisturbed and refused:
            raise Broken(f"nothing went wrong, and {refused} failed")

    def _trained(self, undisturbed: bool) -> None:
        """Attempts follow one another, each by one scheduler; where nothing goes wrong there is one."""
        trained = sorted(self._world.trained)
        for one, next_one in zip(trained, trained[1:], strict=False):
            if one.attempt == next_one.attempt:
                raise Broken(f"{one.by} and {next_one.by} carry out one attempt: {trained}")
        order = [path.rpartition("/")[2] for path in self._world.objects if path.startswith("_schedule/")]
        is_done = "done.json" in order
        claimed_late = order[order.index("done.json") :] if is_done else []
        for late in trained:
            if f"{late.number}.json" in claimed_late:
                raise Broken(f"{late.by} claimed and trained what was done")
        if any(self._schedulers) and not (trained and is_done):
            raise Broken("a scheduler was told that a time is done, at which nothing was trained")
        if undisturbed and self._schedulers and len(trained) != 1:
            raise Broken(f"nothing went wrong, and it was trained {len(trained)} times")

    def _followed(self) -> None:
        """Where actors were killed and nothing else went wrong, somebody who is left trains soon."""
        if not all(self._schedulers):
            raise Broken("who was killed is followed by nobody")
        if self._world.begun > self._world.crashed + SOON:
            raise Broken(f"what was begun after {self._world.begun} could have been after {self._world.crashed}")
