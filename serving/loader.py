"""The loader: one verified model a process, tried again only after faults that pass."""

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from time import monotonic

from registry import Reference, RegistryError, SettingInvalid, VerifiedModel, load, open_store
from registry.errors import StoreError
from registry.publish import models
from registry.store import Store
from serving.logs import configure
from serving.settings import Settings, read_settings

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
INIT_SECONDS = 9.0

log = logging.getLogger("brinery.serving")


class NotServing(Exception):
    """There is no verified model; `retry_after` is in seconds."""

    def __init__(self, reason: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class Loader:
    """Holds the model, or why there is none.

    A failed check stays failed for the life of the process. After a fault of the store, a later call
    tries again, at most once a pause, the pause growing from 1 to 30 seconds.
    """

    def __init__(self, load: Callable[[], VerifiedModel]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._model: VerifiedModel | None = None
        self._failure: RegistryError | None = None
        self._pause = FIRST_PAUSE
        self._again_at = 0.0

    def start(self) -> None:
        """Begin to load in the background."""
        self._thread = threading.Thread(target=self._first, name="load", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for what `start` began, within Lambda's init phase."""
        self._thread.join(INIT_SECONDS)

    def _first(self) -> None:
        with contextlib.suppress(NotServing):
            self.get()

    @property
    def model(self) -> VerifiedModel | None:
        return self._model

    def get(self) -> VerifiedModel:
        """The model, loading it first where that has not been tried or may help.

        Raises:
            NotServing: there is none.
        """
        with self._lock:
            if self._model is None and (self._failure is None or self._may_pass()):
                self._try()
            if self._model is None:
                passing = isinstance(self._failure, StoreError)
                wait = self._again_at - monotonic() if passing else LONGEST_PAUSE
                raise NotServing(str(self._failure), max(1, round(wait)))
            return self._model

    def _may_pass(self) -> bool:
        return isinstance(self._failure, StoreError) and monotonic() >= self._again_at

    def _try(self) -> None:
        try:
            self._model, self._failure = self._load(), None
            log.info("serving %s", self._model.reference)
        except RegistryError as exc:
            self._failure = exc
            self._again_at = monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            log.error("%s", exc, extra={"error": type(exc).__name__})


def boot(environ: Mapping[str, str]) -> tuple[Settings, Loader]:
    """Settings and loader for Lambda, where nothing may raise: a bad variable becomes the loader's failure."""
    try:
        settings = read_settings(environ)
    except SettingInvalid as exc:
        invalid = exc

        def refuse() -> VerifiedModel:
            raise invalid

        configure("INFO")
        return Settings(registry=""), Loader(refuse)
    configure(settings.log_level)
    return settings, Loader(lambda: load_pinned(settings))


def load_pinned(settings: Settings) -> VerifiedModel:
    """Load the version that the environment pins.

    Raises:
        SettingInvalid: a variable that is needed is not set; the message says what to set.
        RegistryError: see `registry.load`.
    """
    if settings.model_version is None:
        raise SettingInvalid(
            "MODEL_VERSION is not set; set it to a version with its digest, such as 7@sha256:…, "
            "as `train` and `registry list` print it"
        )
    store = open_store(settings.registry)
    name = settings.model_name or _only_model(store)
    reference = Reference.of(name, settings.model_version)
    return load(store, reference, format=settings.model_format, require_pin=settings.require_pin)


def _only_model(store: Store) -> str:
    found = models(store)
    if len(found) != 1:
        listed = f"has {', '.join(found)}" if found else "has no model yet"
        raise SettingInvalid(
            f"MODEL_NAME is not set, and the registry {store.url} {listed}; set it to one that is there"
        )
    return found[0]
