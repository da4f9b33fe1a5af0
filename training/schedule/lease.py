"""A lease: a claim that is extended again and again for as long as its holder trains."""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Thread
from typing import Self

from training.schedule.claims import EXTENDED_AFTER, LEASE, Claims, Mine
from training.schedule.log import one_line, say

POLL_SECONDS = 0.5
PAUSE_SECONDS = 5.0  # before it is tried again


@dataclass
class Lease:
    """What holds a time while this is entered; a thread of its own extends it, so that no slow store delays a kill.

    Args:
        mine: the claim as it stands.
        end: after which it is not extended.
        stopping: after which neither.
    """

    claims: Claims
    name: str
    due: datetime
    mine: Mine
    end: datetime
    stopping: Event
    lost: bool = field(default=False, init=False)
    _released: Event = field(default_factory=Event, init=False)

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._keep)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._thread.join()

    @property
    def until(self) -> datetime:
        return self.mine.until

    def extend(self) -> None:
        """Extend it where it is time for that; where somebody else has it, it is lost.

        Raises:
            StoreError: as of `Claims.extend`.
        """
        now = self.claims.clock()
        if not self.until - LEASE + EXTENDED_AFTER <= now < self.end:
            return
        extended = self.claims.extend(self.name, self.due, self.mine)
        if extended is None:
            self.lost = True
        else:
            self.mine = extended

    def _keep(self) -> None:
        while not (self.lost or self.stopping.is_set() or self._released.wait(POLL_SECONDS)):
            try:
                self.extend()
            except Exception as exc:  # whatever it is: the run is ended in time where it does not pass
                say(f"the claim of {self.name} is not extended: {one_line(exc)}")
                self._released.wait(PAUSE_SECONDS)
