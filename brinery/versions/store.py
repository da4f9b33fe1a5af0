"""The store: create-only writes and capped reads on S3, on a local folder and in memory."""

import hashlib
import mmap
import os
import re
from collections.abc import Buffer, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions
from obstore.store import LocalStore, MemoryStore, S3Store

from brinery.errors import (
    AccessDenied,
    ArtifactSize,
    CredentialsUnavailable,
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    SettingInvalid,
    StoreError,
    StoreUnavailable,
)
from brinery.versions.body import FIRST, LARGE, Body, side_by_side

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ClientConfig, RetryConfig, S3CredentialProvider

    Backend = S3Store | LocalStore | MemoryStore

Request = Literal["put", "get", "head", "list"]

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
URL_RULE = "s3://BUCKET[/PREFIX] or file:///FOLDER"
PATIENCE = 60.0  # seconds in which a write is tried again
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0

# Four tries that all stall end within Lambda's init phase of 10 seconds.
TRIES = 4
NO_SPACE = "(os error 28)"  # which does not pass by itself
OF_THE_MACHINE = "169.254.169.254"  # that gives a machine of EC2 the credentials of its role, and is asked last
NO_CREDENTIALS = (
    f"there are no AWS credentials: the environment names none, and the role of this machine, which {OF_THE_MACHINE} "
    "would give, is none either or does not answer"
)
READING: "ClientConfig" = {"allow_http": True, "connect_timeout": "2s", "read_timeout": "2s", "timeout": "15min"}
# A read_timeout would end an upload: it counts from the request to the first byte of the answer.
SMALL_BYTES = 1024 * 1024
WRITING_SMALL: "ClientConfig" = {"allow_http": True, "connect_timeout": "5s", "timeout": "15s"}
WRITING: "ClientConfig" = {"allow_http": True, "connect_timeout": "5s", "timeout": "15min"}
RETRY: "RetryConfig" = {
    "max_retries": TRIES - 1,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=1), "base": 2},
}


class Store:
    """The objects of one registry. Paths are relative to its root; nothing is ever overwritten."""

    def __init__(
        self,
        backend: "Backend",
        url: str,
        make_writer: "Callable[[bool], Backend] | None" = None,
        patience: float = PATIENCE,
        clock: Callable[[], float] = monotonic,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        """A store that reads through `backend`, and writes through it or what `make_writer` makes.

        Args:
            make_writer: makes what writes objects, small ones or large ones.
            patience: for how many seconds a write is tried again.
            clock: tells seconds from some moment on.
            pause: waits for some seconds.
        """
        self.backend = backend
        self.url = url
        self._writer = cache(make_writer or (lambda small: backend))
        self._patience = patience
        self._clock = clock
        self._pause = pause

    def request[Answer](self, kind: Request, path: str, ask: Callable[[], Answer]) -> Answer:
        """Make one request of the backend, as every request is made."""
        return ask()

    def create(self, path: str, data: Buffer) -> None:
        """Write an object that must not exist yet, and try again for a minute where that fails or its answer is lost.

        A refusal after a lost answer is no loss: if the stored bytes are these, the write was ours.

        Raises:
            ObjectExists: another object is there.
            StoreError: the store refused, or could not be reached for so long; the object may or may not be there.
        """
        until, pause = self._clock() + self._patience, FIRST_PAUSE
        while True:
            failed = self._try_to_create(path, data)
            if failed is None:
                return
            if self._clock() + pause > until:
                raise failed
            self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _try_to_create(self, path: str, data: Buffer) -> StoreUnavailable | None:
        """None where these bytes are stored now, or what may pass: no answer, or another write under way (a 409)."""
        try:
            with errors_of(self.url, path):
                writer = self._writer(memoryview(data).nbytes <= SMALL_BYTES)
                self.request("put", path, lambda: obstore.put(writer, path, data, mode="create"))
        except ObjectExists:
            return self._refuse_others(path, data)
        except StoreUnavailable as exc:
            return exc
        return None

    def _refuse_others(self, path: str, data: Buffer) -> StoreUnavailable | None:
        try:
            if self.read(path, memoryview(data).nbytes) == memoryview(data):
                return None
        except ObjectMissing:
            return StoreUnavailable(f"{self.url}/{path}: writes kept conflicting; try again")
        except StoreUnavailable as exc:
            return exc
        except ArtifactSize:
            pass
        raise ObjectExists(f"{self.url}/{path} exists already")

    def reach(self) -> None:
        """Ask the store for something, to know that it answers.

        Raises:
            StoreError: it refused or could not be reached.
        """
        self.some("", 1)

    def read(self, path: str, limit: int) -> Buffer:
        """The bytes of an object of at most `limit` bytes; errors as of `fetch`."""
        return self.fetch(path, limit)[0]

    def fetch(self, path: str, limit: int) -> tuple[Buffer, str]:
        """The bytes of an object of at most `limit` bytes, and their sha256 in hex, taken as they arrive.

        Of a large object that arrives slowly from S3, the rest is fetched side by side. The bytes lie in pages of their
        own, which a reader of much can give back one by one.

        Raises:
            ArtifactSize: the object is larger; nothing of its body was read.
            ObjectChanged: it became another one meanwhile.
            ObjectMissing: there is no such object.
            StoreError: the store refused or could not be reached.
        """
        with errors_of(self.url, path):
            for _ in range(TRIES):
                result = self.request("get", path, lambda: obstore.get(self.backend, path))
                size, tag = result.meta["size"], result.meta["e_tag"]
                if size > limit:
                    raise ArtifactSize(f"{self.url}/{path} has {size} bytes; at most {limit} are allowed")
                pages = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
                data, digest = memoryview(pages)[:size], hashlib.sha256()
                body = Body(result)
                if not body.fill(data[:FIRST], digest.update):
                    continue
                if size >= LARGE and tag and body.is_slow and isinstance(self.backend, S3Store):
                    whole = side_by_side(data, body, partial(self._ranged, path, tag), digest.update)
                else:
                    whole = body.fill(data[FIRST:], digest.update)
                if whole:
                    return data, digest.hexdigest()
        raise StoreUnavailable(f"{self.url}/{path}: the store sends too slowly; tried {TRIES} times")

    def _ranged(self, path: str, tag: str, begin: int, end: int) -> "GetResult":
        result = self.request("get", path, lambda: obstore.get(self.backend, path, options={"range": (begin, end)}))
        if result.meta["e_tag"] != tag:
            raise ObjectChanged(f"{self.url}/{path} is no longer the object that was found there")
        return result

    def holds(self, path: str) -> bool:
        """Whether there is such an object."""
        try:
            with errors_of(self.url, path):
                self.request("head", path, lambda: obstore.head(self.backend, path))
        except ObjectMissing:
            return False
        return True

    def part(self, path: str, begin: int, end: int, tag: str) -> bytes:
        """The bytes of an object from `begin` to `end`, as long as it is the one that has this ETag.

        Raises:
            ObjectChanged: it is another one.
            ObjectMissing, StoreError: as of `fetch`.
        """
        with errors_of(self.url, path):
            return bytes(self._ranged(path, tag, begin, end).bytes())

    def tagged(self, prefix: str) -> dict[str, tuple[int, str | None]]:
        """Paths, sizes in bytes and ETags of all objects below the folder `prefix`."""
        with errors_of(self.url, prefix):
            chunks = self.request("list", prefix, lambda: list(obstore.list(self.backend, prefix or None)))
            return {meta["path"]: (meta["size"], meta["e_tag"]) for chunk in chunks for meta in chunk}

    def tag(self, path: str) -> tuple[int, str | None]:
        """Size in bytes and ETag of an object.

        Raises:
            ObjectMissing: there is no such object.
        """
        with errors_of(self.url, path):
            meta = self.request("head", path, lambda: obstore.head(self.backend, path))
            return meta["size"], meta["e_tag"]

    def folders(self, prefix: str = "") -> list[str]:
        """Names of the folders directly below `prefix`, sorted."""
        with errors_of(self.url, prefix):
            found = self.request("list", prefix, lambda: obstore.list_with_delimiter(self.backend, prefix or None))
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"])

    def files(self, prefix: str) -> dict[str, int]:
        """Paths and sizes in bytes of all objects below the folder `prefix`."""
        with errors_of(self.url, prefix):
            chunks = self.request("list", prefix, lambda: list(obstore.list(self.backend, prefix)))
            return {meta["path"]: meta["size"] for chunk in chunks for meta in chunk}

    def some(self, prefix: str, most: int, after: str | None = None) -> list[str]:
        """Paths of at most `most` (1000) objects below the folder `prefix`, after the path `after`: one request."""
        with errors_of(self.url, prefix):

            def first() -> Any:
                return next(obstore.list(self.backend, prefix, offset=after, chunk_size=most), [])

            return [meta["path"] for meta in self.request("list", prefix, first)]


def open_store(url: str, *, create: bool = False, credentials: "S3CredentialProvider | None" = None) -> Store:
    """Open the registry at `url`; endpoint, region and keys of S3 come from the standard AWS_* variables.

    Args:
        url: s3://BUCKET[/PREFIX] or file:///FOLDER.
        create: make a folder registry's folder where there is none.
        credentials: used in place of the AWS_* variables and the container's role.

    Raises:
        SettingInvalid: the URL is not one of a registry.
        StoreUnavailable: its folder is not there.
    """
    from brinery.versions.folder import FolderStore  # which is a store, too

    parts = urlsplit(url)
    if parts.scheme == "s3" and BUCKET.fullmatch(parts.netloc) and not parts.query and not parts.fragment:
        prefix = parts.path.strip("/")
        if credentials is None and os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"):
            from brinery.versions.credentials import container_credentials  # seldom needed, and slow to import

            credentials = container_credentials(os.environ)
        make = partial(
            S3Store, parts.netloc, prefix=prefix or None, retry_config=RETRY, credential_provider=credentials
        )

        def writer(small: bool) -> S3Store:
            return make(client_options=WRITING_SMALL if small else WRITING)

        return Store(make(client_options=READING), url.rstrip("/"), writer)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path not in ("", "/"):
        folder = Path(unquote(parts.path))
        if not create and not folder.is_dir():
            raise StoreUnavailable(f"there is no registry at {ascii(url)}: the folder does not exist; `train` makes it")
        try:
            return FolderStore(LocalStore(folder, mkdir=create), url.rstrip("/"))
        except (OSError, exceptions.BaseError) as exc:
            raise SettingInvalid(f"the folder of MODEL_REGISTRY {ascii(url)} cannot be made or opened: {exc}") from exc
    raise SettingInvalid(f"MODEL_REGISTRY is {ascii(url)}; it must be {URL_RULE}")


def registry_url(configured: str | None, folder: Path) -> str:
    """The registry's URL: as configured, else the folder `.registry` inside `folder`."""
    return configured or (folder.resolve() / ".registry").as_uri()


@contextmanager
def errors_of(url: str, path: str) -> Iterator[None]:
    """Translate obstore's errors; the one place that knows them."""
    try:
        yield
    except (exceptions.NotFoundError, FileNotFoundError) as exc:
        raise ObjectMissing(f"{url}/{path} is not there{_bucket_hint(exc)}") from exc
    except exceptions.AlreadyExistsError as exc:
        raise ObjectExists(f"{url}/{path} exists already") from exc
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as exc:
        raise _refused(url, path, exc) from exc
    except exceptions.GenericError as exc:
        raise _unanswered(url, path, exc) from exc
    except (exceptions.BaseError, OSError) as exc:
        raise StoreError(f"{url}/{path}: {_reason(exc)}") from exc
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # of Rust, and no Exception: for an endpoint that is no URL
            raise
        raise StoreError(f"{url}/{path}: the store's address cannot be used: {_reason(exc)}") from exc


def _refused(url: str, path: str, exc: Exception) -> StoreError:
    """Of an error in a provider of credentials obstore passes on the text alone."""
    _, ours, reason = str(exc).partition(f"{CredentialsUnavailable.__name__}: ")
    if ours:
        return CredentialsUnavailable(f"{url}/{path}: {_first_line(reason)}")
    return AccessDenied(f"{url}/{path}: access denied; check the credentials and the bucket's policy")


def _unanswered(url: str, path: str, exc: Exception) -> StoreError:
    """Of what obstore has no error for."""
    told = str(exc)
    if "NoSuchBucket" in told:  # as listing says it
        return ObjectMissing(f"{url}: the bucket does not exist")
    if OF_THE_MACHINE in told:
        return CredentialsUnavailable(f"{url}/{path}: {NO_CREDENTIALS}")
    if NO_SPACE in told:
        return StoreError(f"{url}/{path} cannot be written: no space is left on the device")
    return StoreUnavailable(f"{url}/{path}: the store did not answer as it should: {_reason(exc)}")


def _bucket_hint(exc: Exception) -> str:
    return "; the bucket does not exist" if "NoSuchBucket" in str(exc) else ""


def _reason(exc: BaseException) -> str:
    """The first sentence of a library's message, ASCII and short."""
    return _first_line(str(exc).strip() or type(exc).__name__)


def _first_line(text: str) -> str:
    return text.splitlines()[0].encode("ascii", "backslashreplace").decode()[:300]
