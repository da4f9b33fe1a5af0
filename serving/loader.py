"""The loader: one verified model a process, tried again only after faults that pass."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic, sleep

from brinery.errors import (
    BrineryError,
    ModelInvalid,
    SettingInvalid,
    StoreError,
    StoreUnavailable,
    VersionMissing,
)
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from serving.logs import configure
from serving.reason import NotSet, log_error, reason_of
from serving.settings import Settings, read_settings

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
INIT_SECONDS = 9.3  # of Lambda's 10
ANSWER_SECONDS = 9.0
UNVOUCHED = ", by the digest that the bucket gave: nothing outside vouches for it"
PASSING = (StoreError, VersionMissing)

log = logging.getLogger("brinery.serving")


class NotServing(Exception):
    """There is no verified model, for a reason that anybody may be told; `retry_after` is in seconds."""

    def __init__(self, reason: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class Loader:
    """Holds the model, or why there is none.

    A failed check stays failed for the life of the process. After a fault of the store, or where the version is not
    there (yet), a later call tries again, at most once a pause, the pause growing from 1 to 30 seconds.
    """

    def __init__(
        self,
        load: Callable[[], VerifiedModel],
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], None] = sleep,
        says: str = "serving",
        failed: Callable[[Exception], None] = log_error,
    ) -> None:
        """`says` what a version that is loaded is for; `failed` is told each time that none could be."""
        self._load, self._says, self._failed = load, says, failed
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._model: VerifiedModel | None = None
        self._failure: BrineryError | None = None
        self._pause = FIRST_PAUSE
        self._again_at = 0.0

    def start(self) -> None:
        """Begin to load in the background, where that has not been tried or may help."""
        with self._lock:
            under_way = self._thread is not None and self._thread.is_alive()
            if self._model is None and not under_way and (self._failure is None or self._may_pass()):
                self._thread = threading.Thread(target=self._try, name="load", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the load under way; whether it has ended."""
        if self._thread is None:
            return True
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    @property
    def model(self) -> VerifiedModel | None:
        return self._model

    def get(self, seconds: float = ANSWER_SECONDS) -> VerifiedModel:
        """The model, loading it first where that has not been tried or may help.

        Raises:
            NotServing: there is none, or none yet.
        """
        self.start()
        ended = self.wait(seconds)
        if self._model is not None:
            return self._model
        if not ended:
            raise NotServing("the model is still being loaded", 1)
        wait = self._again_at - self._clock() if isinstance(self._failure, PASSING) else LONGEST_PAUSE
        raise NotServing(reason_of(self._failure or ModelInvalid()), max(1, round(wait)))

    def require(self, seconds: float) -> None:
        """Load the model, and try again after faults that pass, as long as a next try begins within so many seconds.

        Raises:
            BrineryError: why there is no model.
        """
        until = self._clock() + seconds
        while True:
            self.start()
            if not self.wait(until - self._clock()):
                raise StoreUnavailable(f"the model was not loaded within {seconds:.0f} seconds")
            if self._model is not None:
                return
            if not isinstance(self._failure, PASSING) or self._again_at > until:
                raise self._failure or ModelInvalid()
            self._sleep(max(0.0, self._again_at - self._clock()))

    def reopen(self, store: Store) -> None:
        """Read what the model has still to read from another store."""
        if self._model is not None:
            self._model = replace(self._model, store=store)

    def _may_pass(self) -> bool:
        return isinstance(self._failure, PASSING) and self._clock() >= self._again_at

    def _try(self) -> None:
        try:
            self._model, self._failure = self._load(), None
            level, more = (logging.INFO, "") if self._model.pinned else (logging.WARNING, UNVOUCHED)
            log.log(level, "%s %s%s", self._says, self._model.reference, more)
        except BrineryError as exc:
            self._failure = exc
            self._again_at = self._clock() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._failed(exc)
        except Exception as exc:
            self._failure = ModelInvalid(f"an unexpected {type(exc).__name__}, which was logged")
            self._failed(exc)


def boot(environ: Mapping[str, str]) -> tuple[Settings, Loader]:
    """Settings and loader for Lambda, where nothing may raise: a bad variable becomes the loader's failure."""
    function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
    try:
        settings = read_settings(environ)
    except SettingInvalid as exc:
        invalid = exc

        def refuse() -> VerifiedModel:
            raise invalid

        configure("INFO", function_version)
        return Settings(registry=""), Loader(refuse)
    configure(settings.log_level, function_version)
    return settings, Loader(lambda: load_pinned(settings))


def load_pinned(settings: Settings) -> VerifiedModel:
    """Load the version that the environment pins; raises as `load_version`, or that MODEL_VERSION is to be set."""
    if settings.model_version is None:
        reason = (
            "MODEL_VERSION is not set; set it to a version with its digest, such as 7@sha256:…, "
            "as `train` and `registry show` print it"
        )
        raise NotSet(reason, reason)
    return load_version(settings, settings.model_version)


def load_version(settings: Settings, version: str) -> VerifiedModel:
    """Load a version of the model that the environment names.

    Raises:
        SettingInvalid: MODEL_NAME is not set, and the registry has not one model alone.
        BrineryError: see `brinery.loading.load`.
    """
    store = open_store(settings.registry)
    name = settings.model_name or _only_model(store)
    reference = Reference.of(name, version)
    pinned = settings.require_pin
    model = load(store, reference, format=settings.model_format, require_pin=pinned, profile=True)
    if settings.collector is None:
        return model
    from serving.traces import traced_model

    return traced_model(model)


def _only_model(store: Store) -> str:
    from brinery.versions.catalog import models, those_there  # seldom needed

    found = models(store)
    if len(found) != 1:
        raise NotSet(
            f"MODEL_NAME is not set: set it to a model of {store.url}{those_there(store)}",
            "MODEL_NAME is not set, and the registry has not one model alone; set it to one that the log lists",
        )
    return found[0]
