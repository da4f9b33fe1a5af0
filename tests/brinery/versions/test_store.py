"""One suite for all stores: ministack and moto over HTTP, a folder, memory."""

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import GenericError

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
from brinery.versions.store import Store, errors_of, open_store, registry_url
from tests.background import in_background
from tests.conftest import free_port


def test_store_reads_what_was_created(store: Store) -> None:
    data = bytes(range(256)) * 100
    store.create("a/b/c.bin", data)
    assert bytes(store.read("a/b/c.bin", len(data))) == data


def test_store_reads_an_empty_object(store: Store) -> None:
    store.create("empty", b"")
    assert bytes(store.read("empty", 0)) == b""


def test_store_gives_a_part_of_an_object_while_it_is_the_same(store: Store) -> None:
    store.create("folder/a", bytes(range(100)))
    size, tag = store.tag("folder/a")
    assert size == 100 and tag and store.tagged("folder") == {"folder/a": (100, tag)}
    assert store.tagged("") == {"folder/a": (100, tag)}
    assert store.part("folder/a", 10, 20, tag) == bytes(range(10, 20))
    assert store.part("folder/a", 99, 100, tag) == b"c"
    obstore.put(store.backend, "folder/a", bytes(100))
    with pytest.raises(ObjectChanged, match="folder/a is no longer the object that was found there"):
        store.part("folder/a", 10, 20, tag)
    with pytest.raises(ObjectMissing):
        store.tag("folder/b")


@pytest.mark.parametrize("other", [b"", b"x", b"first!", b"firsT", b"first" * 1000], ids=len)
def test_store_never_overwrites(store: Store, other: bytes) -> None:
    store.create("a", b"first")
    with pytest.raises(ObjectExists, match="a exists already"):
        store.create("a", other)
    assert bytes(store.read("a", 5)) == b"first"


def test_store_takes_its_own_bytes_for_a_lost_answer(store: Store) -> None:
    store.create("a", b"mine")
    store.create("a", b"mine")


@pytest.mark.slow
def test_store_lets_one_of_many_creators_win(store: Store) -> None:
    def attempt(number: int) -> int | None:
        try:
            store.create("contested", str(number).encode())
        except ObjectExists:
            return None
        return number

    with ThreadPoolExecutor(16) as pool:
        winners = [number for number in pool.map(attempt, range(64)) if number is not None]
    assert len(winners) == 1
    assert bytes(store.read("contested", 9)) == str(winners[0]).encode()


def test_store_refuses_to_read_more_than_the_limit(store: Store) -> None:
    store.create("a", b"12345")
    with pytest.raises(ArtifactSize, match="a has 5 bytes; at most 4 are allowed"):
        store.read("a", 4)


def test_store_says_what_is_missing(store: Store) -> None:
    with pytest.raises(ObjectMissing, match="no/such is not there"):
        store.read("no/such", 9)


@pytest.mark.slow
def test_store_lists_folders_and_files(store: Store) -> None:
    assert store.folders() == []
    assert store.files("wine/versions") == {}
    for number in range(1100):  # more than one page of S3
        store.create(f"wine/versions/{number:06d}/claim.json", b"{}")
    store.create("wine2/x", b"123")
    assert store.folders() == ["wine", "wine2"]
    assert store.folders("wine/versions") == [f"{number:06d}" for number in range(1100)]
    assert store.files("wine2") == {"wine2/x": 3}
    assert len(store.files("wine/versions")) == 1100


def test_store_without_its_bucket_says_so(s3_store: Store) -> None:
    nowhere = open_store("s3://no-such-bucket")
    with pytest.raises(ObjectMissing, match="s3://no-such-bucket/x is not there; the bucket does not exist"):
        nowhere.create("x", b"")
    with pytest.raises(ObjectMissing, match="s3://no-such-bucket: the bucket does not exist$"):
        nowhere.files("wine/versions")


def test_store_out_of_reach_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailable, match="s3://models/x: the store did not answer"):
        open_store("s3://models").read("x", 1)


@pytest.mark.parametrize("endpoint", ["not a url", "http://", "http://[::1", "ftp://127.0.0.1:1"])
def test_store_with_an_endpoint_that_is_none_is_an_error_of_the_store(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    with pytest.raises(StoreError, match="s3://models/x: "):
        open_store("s3://models").read("x", 1)


class _Scripted(BaseHTTPRequestHandler):
    """An S3 that answers PUT with the given statuses in turn, then stores; GET reads what was stored."""

    statuses: list[int]
    stored: dict[str, bytes]
    keep: bool
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.statuses.pop(0) if self.statuses else 412 if self.path in self.stored else 200
        if status == 0:  # stored, but the answer is lost
            self.stored[self.path] = body
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if status == 200:
            self.stored[self.path] = body
        self._answer(status, b"")

    def do_GET(self) -> None:
        stored = self.stored.get(self.path)
        self._answer(404 if stored is None else 200, stored or b"<Error><Code>NoSuchKey</Code></Error>")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("etag", '"x"')
        self.send_header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Scripted]]:
    handler = type("Scripted", (_Scripted,), {"statuses": [], "stored": {}})
    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        yield handler


@pytest.mark.parametrize("statuses", [[409], [409, 409, 409], [503, 500], [0], [503, 409, 0]], ids=str)
def test_store_creates_through_conflicts_and_lost_answers(scripted: type[_Scripted], statuses: list[int]) -> None:
    scripted.statuses = list(statuses)
    open_store("s3://models").create("a", b"mine")
    assert list(scripted.stored.values()) == [b"mine"]


def test_store_tells_a_lost_race_from_a_lost_answer(scripted: type[_Scripted]) -> None:
    scripted.stored["/models/a"] = b"theirs"
    with pytest.raises(ObjectExists):
        open_store("s3://models").create("a", b"mine")


def test_store_says_access_denied(scripted: type[_Scripted]) -> None:
    scripted.statuses = [403]
    with pytest.raises(AccessDenied, match="s3://models/a: access denied; check the credentials"):
        open_store("s3://models").create("a", b"mine")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "models",
        "s3://",
        "s3:/models",
        "http://x/y",
        "file://host/x",
        "file:///",
        "s3://bucket?x=1",
        "S3//b",
        "s3://a b",
        "s3://B_c",
    ],
)
def test_open_store_refuses_what_is_no_registry(url: str) -> None:
    with pytest.raises(SettingInvalid, match="it must be s3://BUCKET"):
        open_store(url)


def test_open_store_names_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="the folder does not exist; `train` makes it"):
        open_store((tmp_path / "none").as_uri())
    assert not (tmp_path / "none").exists()


def test_open_store_takes_odd_folder_names(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20c é#1"
    open_store(folder.as_uri(), create=True).create("x", b"1")
    assert (folder / "x").read_bytes() == b"1"


def test_registry_url_defaults_to_the_folder_beside(tmp_path: Path) -> None:
    assert registry_url(None, tmp_path) == registry_url("", tmp_path) == (tmp_path / ".registry").as_uri()
    assert registry_url("s3://models", tmp_path) == "s3://models"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: bind(path)])
def test_folder_reads_no_pipe_device_or_socket(tmp_path: Path, make: Callable[[Path], object]) -> None:
    (tmp_path / "a").mkdir()
    make(tmp_path / "a" / "b")
    store = open_store(tmp_path.as_uri())
    with pytest.raises(StoreError, match="/a/b is no file, and is not read"):
        store.read("a/b", 100)
    assert not store.holds("a/b")
    assert isinstance(store.files("a"), dict) and isinstance(store.some("a", 10), list)


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))


def test_folder_without_room_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own words, as a full disk brings them about; trying again would wait for a minute."""

    def put(*_: object, **__: object) -> None:
        asked.append(1)
        raise GenericError("Generic LocalFileSystem error: Unable to copy data to file: No space left (os error 28)")

    asked: list[int] = []
    monkeypatch.setattr(obstore, "put", put)
    with pytest.raises(StoreError, match="a/b cannot be written: no space is left on the device"):
        open_store(tmp_path.as_uri()).create("a/b", b"x")
    assert len(asked) == 1


def test_missing_credentials_are_told() -> None:
    """The library's own words, where it has asked the machine for its role in vain."""
    asked = "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 1.8ms - 403 Forbidden"
    with (
        pytest.raises(CredentialsUnavailable, match="s3://bucket/key: there are no AWS credentials: the environment"),
        errors_of("s3://bucket", "key"),
    ):
        raise GenericError(asked)
