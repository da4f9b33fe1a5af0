"""Credentials from a container's endpoint: when they are asked for, by what token, and what goes wrong."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brinery.errors import CredentialsUnavailable, StoreError
from brinery.versions.credentials import (
    MOST_BYTES,
    TOKEN,
    TRIES,
    URI,
    ContainerCredentials,
    address_of,
    container_credentials,
)
from brinery.versions.store import Store, open_store
from tests.conftest import BUCKET, free_port, python
from tests.credentials_endpoint import Endpoint, credentials_endpoint
from tests.faults.proxy import Proxy, proxy


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """One that the environment names, which names no other credentials."""
    with credentials_endpoint() as running:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy(s3_endpoint) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.endpoint)
        yield running


@pytest.fixture
def opened(endpoint: Endpoint, s3: Proxy) -> Store:
    return open_store(
        f"s3://{BUCKET}/credentials-{time.time_ns()}",
    )


def asking(endpoint: Endpoint, **environment: str) -> ContainerCredentials:
    """A provider that does not wait before it asks again."""
    return ContainerCredentials({**endpoint.environment, **environment}, pause=lambda seconds: None)


def test_store_is_read_and_written_with_the_endpoints_credentials(opened: Store, endpoint: Endpoint, s3: Proxy) -> None:
    opened.create("a", b"1")
    assert bytes(opened.read("a", 1)) == b"1"
    assert set(s3.keys) == {"FIRST"}
    assert set(endpoint.asked) == {"first-token"}


def test_credentials_are_asked_for_once_until_they_near_their_end(
    opened: Store, endpoint: Endpoint, s3: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        opened.holds("a")
    assert endpoint.asked == ["first-token"]
    assert s3.keys == ["FIRST"] * 3


def test_credentials_that_end_are_asked_for_again_with_the_token_of_now(
    opened: Store, endpoint: Endpoint, s3: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.minutes = -1
    opened.holds("a")
    s3.end("FIRST")
    endpoint.token, endpoint.key = "second-token", "SECOND"
    monkeypatch.setenv(TOKEN, "second-token")
    opened.holds("a")
    assert endpoint.asked == ["first-token", "second-token"]
    assert s3.keys == ["FIRST", "SECOND"]


def test_credential_has_the_time_of_its_end(endpoint: Endpoint) -> None:
    before = datetime.now(UTC)
    credential = asking(endpoint)()
    assert isinstance(credential, dict)
    assert (credential["access_key_id"], credential["secret_access_key"]) == ("FIRST", "secret-of-FIRST")
    assert credential["token"] == "session-of-FIRST"
    end = credential["expires_at"]
    assert end is not None and 59 < (end - before).total_seconds() / 60 < 61


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00"])
def test_credential_that_ends_at_an_odd_time_is_used(opened: Store, endpoint: Endpoint, s3: Proxy, end: str) -> None:
    """The first is what Lambda's emulator writes."""
    endpoint.then((200, json.dumps({**endpoint.credentials(), "Expiration": end}).encode()))
    opened.holds("a")
    assert s3.keys == ["FIRST"]


@pytest.mark.parametrize("answers", [[(500, b"")], [(503, b"")], [(429, b"")], [(0, b"")], [(500, b""), (0, b"")]])
def test_fault_that_passes_is_survived(endpoint: Endpoint, answers: list[tuple[int, bytes]]) -> None:
    endpoint.then(*answers)
    credential = asking(endpoint)()
    assert isinstance(credential, dict) and credential["access_key_id"] == "FIRST"
    assert len(endpoint.asked) == len(answers) + 1


GOOD = {"AccessKeyId": "FIRST", "SecretAccessKey": "s3cret", "Token": "s3ssion", "Expiration": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("answer", "tries", "message"),
    [
        ((500, b"s3cret"), TRIES, "names answers 500$"),
        ((0, b""), TRIES, "names does not answer: RemoteDisconnected"),
        ((404, b"s3cret"), 1, "names answers 404$"),
        ((302, b""), 1, "names answers 302$"),
        ((200, b""), 1, "names answers no JSON"),
        ((200, b"[]"), 1, "names answers no JSON"),
        ((200, b"\xff"), 1, "names answers no JSON"),
        ((200, b"[" * 10_000), 1, "names answers no JSON"),
        *[((200, json.dumps({**GOOD, name: None}).encode()), 1, "names answers no JSON") for name in GOOD],
        ((200, json.dumps({**GOOD, "Expiration": "soon"}).encode()), 1, "names answers no JSON"),
        ((200, json.dumps({**GOOD, "more": " " * MOST_BYTES}).encode()), 1, "no JSON of at most 65536 bytes"),
    ],
)
def test_endpoint_that_gives_nothing_is_told_in_a_sentence_without_secrets(
    endpoint: Endpoint, answer: tuple[int, bytes], tries: int, message: str
) -> None:
    endpoint.then(*[answer] * TRIES)
    with pytest.raises(CredentialsUnavailable, match=message) as caught:
        asking(endpoint)()
    assert len(endpoint.asked) == tries
    told = str(caught.value)
    assert URI in told and told.isascii()
    assert not any(secret in told for secret in ("s3cret", "s3ssion", "first-token"))


def test_endpoint_that_stalls_is_not_waited_for(endpoint: Endpoint) -> None:
    endpoint.then(*[(-1, b"")] * TRIES)
    with pytest.raises(CredentialsUnavailable, match="names does not answer: TimeoutError"):
        ContainerCredentials(endpoint.environment, pause=lambda seconds: None, seconds=0.05)()
    assert len(endpoint.asked) == TRIES


def test_endpoint_that_is_not_there_is_told(endpoint: Endpoint) -> None:
    gone = asking(endpoint, **{URI: f"http://127.0.0.1:{free_port()}/"})
    with pytest.raises(CredentialsUnavailable, match="names does not answer: ConnectionRefusedError"):
        gone()


@pytest.mark.parametrize("token", ["a\r\nb: c", "\u20ac", "s3cret\n"])
def test_token_that_no_header_can_hold_is_told_and_not_shown(endpoint: Endpoint, token: str) -> None:
    with pytest.raises(CredentialsUnavailable, match=f"{TOKEN} holds letters that no header can$"):
        asking(endpoint, **{TOKEN: token})()
    assert endpoint.asked == []


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "localhost",
        "/credentials",
        "ftp://127.0.0.1/",
        "http:///credentials",
        "https://",
        "http://example.com/",
        "http://169.254.170.3/",
        "http://169.254.169.254/",
        "http://10.0.0.1/",
        "http://localhost.example.com/",
        "http://127.0.0.1@example.com/",
        "http://[fd00:ec2::254]/",
        "http://[::1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "https://\u00e9/",
    ],
)
def test_uri_that_may_not_be_asked_is_refused(uri: str) -> None:
    with pytest.raises(CredentialsUnavailable, match=f"^{URI} is '.*'; it must begin with https://, or with") as caught:
        ContainerCredentials({URI: uri, TOKEN: "token"})()
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/credentials?of=me",
        "http://127.1.2.3:9001/",
        "http://[::1]:9001/",
        "http://localhost:1338/latest",
        "http://169.254.170.2/v2",
        "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::23]/v1/credentials",
    ],
)
def test_uri_that_may_be_asked_is_taken(uri: str) -> None:
    assert address_of(uri).geturl() == uri


def test_endpoint_behind_https_is_asked_where_its_certificate_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with credentials_endpoint(certificate) as endpoint:
        with pytest.raises(CredentialsUnavailable, match="does not answer: SSLCertVerificationError"):
            asking(endpoint)()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        asking(endpoint)()
    assert endpoint.asked == ["first-token"]


def test_store_tells_why_there_are_no_credentials(opened: Store, endpoint: Endpoint, s3: Proxy) -> None:
    """obstore passes on an error of a provider as a text, as one of access."""
    endpoint.token = "another"
    with pytest.raises(CredentialsUnavailable, match=f"a: the endpoint of credentials that {URI} names answers 404$"):
        opened.read("a", 1)
    assert s3.requests == []


def test_credentials_that_s3_refuses_are_told_as_such(opened: Store, s3: Proxy) -> None:
    s3.end("FIRST")
    with pytest.raises(StoreError) as caught:
        opened.read("a", 1)
    assert not isinstance(caught.value, CredentialsUnavailable)


@pytest.mark.parametrize(
    "other",
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ],
)
def test_endpoint_is_not_asked_where_obstore_has_another_way(other: str) -> None:
    both = {URI: "http://127.0.0.1/", TOKEN: "token"}
    assert container_credentials({**both, other: ""}) is not None
    assert container_credentials({**both, other: "given"}) is None


@pytest.mark.parametrize("missing", [URI, TOKEN])
def test_endpoint_is_not_asked_without_both_variables(missing: str) -> None:
    both = {URI: "http://127.0.0.1/", TOKEN: "token"}
    assert container_credentials({**both, missing: ""}) is None


def test_store_without_an_endpoint_imports_nothing_for_one() -> None:
    program = (
        "import sys; from brinery.versions.store import open_store; open_store('s3://models'); print(*sys.modules)"
    )
    loaded = python("-c", program).stdout.split()
    assert "brinery.versions.store" in loaded
    assert not {"brinery.versions.credentials", "http.client", "ssl"} & set(loaded)
