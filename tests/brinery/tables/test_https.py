"""Data behind https, from a real server with a certificate of its own."""

import hashlib
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from brinery.errors import DataInvalid
from brinery.tables.https import download
from tests.training.test_dataset import ROWS, read

TOKEN = "Basic bWU6cEBzcw=="  # of me and p@ss


class Server(BaseHTTPRequestHandler):
    """Answers by path; `asked` counts the requests, `tokens` keeps what they were sent with."""

    asked: Counter[str] = Counter()
    tokens: dict[str, str | None] = {}

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked[path] += 1
        self.tokens[path] = self.headers["Authorization"]
        if path == "/moved":
            self._answer(302, location="/rows.csv")
        elif path == "/downgraded":
            self._answer(302, location="http://127.0.0.1/rows.csv?key=secret")
        elif path == "/cut":
            self._answer(200, ROWS, length=len(ROWS) + 9)
        elif (path == "/busy" and self.asked[path] < 3) or path == "/down":
            self._answer(503)
        elif path in ("/rows.csv", "/busy"):
            self._answer(200, ROWS)
        else:
            self._answer(404)

    def _answer(self, status: int, body: bytes = b"", length: int | None = None, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "certificate.pem"


@pytest.fixture
def site(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "localhost")
    Server.asked.clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def test_https_shows_neither_password_nor_query(site: str) -> None:
    dataset = read(f"{site.replace('//', '//me:p%40ss@')}/rows.csv?signature=secret#part")
    assert (dataset.source, dataset.features["x"].tolist()) == (f"{site}/rows.csv", [1, 2.5, 3, 4])
    assert dataset.sha256 == hashlib.sha256(ROWS).hexdigest()
    assert Server.tokens["/rows.csv"] == TOKEN


def test_https_follows_https_without_the_password(site: str) -> None:
    assert len(read(f"{site.replace('//', '//me:p%40ss@')}/moved").features) == 4
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
