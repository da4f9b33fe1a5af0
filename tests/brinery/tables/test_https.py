"""Data behind https, from a real server with a certificate of its own."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from brinery.errors import DataInvalid
from brinery.tables.https import download
from tests.brinery.tables.reading import ROWS, read
from tests.https_site import Pages, https_site

TOKEN = "Basic bWU6cEBzcw=="  # of me and p@ss


class Server(Pages):
    """Answers by path; `asked` counts the requests, `tokens` keeps what they were sent with."""

    asked: Counter[str] = Counter()
    tokens: dict[str, str | None] = {}

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked[path] += 1
        self.tokens[path] = self.headers["Authorization"]
        if path == "/moved":
            self.answer(302, location="/rows.csv")
        elif path == "/downgraded":
            self.answer(302, location="http://127.0.0.1/rows.csv?key=secret")
        elif path == "/cut":
            self.answer(200, ROWS, length=len(ROWS) + 9)
        elif (path == "/busy" and self.asked[path] < 3) or path == "/down":
            self.answer(503)
        elif path in ("/rows.csv", "/busy"):
            self.answer(200, ROWS)
        else:
            self.answer(404)


@pytest.fixture
def site(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "localhost")
    Server.asked.clear()
    with https_site(Server, certificate) as url:
        yield url


def test_https_shows_neither_password_nor_query(site: str) -> None:
    found = read(f"{site.replace('//', '//me:p%40ss@')}/rows.csv?signature=secret#part")
    assert (found.shown, found.frame["x"].tolist()) == (f"{site}/rows.csv", [1, 2.5, 3, 4])
    assert found.sha256 == hashlib.sha256(ROWS).hexdigest()
    assert Server.tokens["/rows.csv"] == TOKEN


def test_https_follows_https_without_the_password(site: str) -> None:
    assert len(read(f"{site.replace('//', '//me:p%40ss@')}/moved").frame) == 4
    assert (Server.tokens["/moved"], Server.tokens["/rows.csv"]) == (TOKEN, None)


def test_https_tries_again_what_passes(site: str) -> None:
    assert download("busy", f"{site}/busy", pause=0)[0] == ROWS
    assert Server.asked["/busy"] == 3


@pytest.mark.parametrize(
    ("path", "tries", "message"),
    [
        ("/none", 1, "birds: the server answered 404 Not Found"),
        ("/down", 3, "birds: the server answered 503 Service Unavailable"),
        ("/cut", 3, "birds cannot be read: IncompleteRead(37 bytes read, 9 more expected)"),
        ("/downgraded", 1, "birds cannot be read: it redirects to http, and only https is followed"),
    ],
)
def test_https_answer_that_is_no_data_gets_a_sentence(site: str, path: str, tries: int, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        download("birds", f"{site}{path}?signature=secret", pause=0)
    assert str(caught.value) == message
    assert Server.asked[path] == tries


def test_https_needs_trust(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DataInvalid, match="certificate verify failed"):
        download("birds", f"{site}/rows.csv", pause=0)
    assert not Server.asked


def test_https_needs_a_server() -> None:
    with pytest.raises(DataInvalid, match="^birds cannot be read: .*Connection refused"):
        download("birds", "https://127.0.0.1:1/rows.csv", pause=0)
