"""Pages behind https, from a real server with a certificate of its own."""

import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

from tests.background import in_background


class Pages(BaseHTTPRequestHandler):
    """Answers with the page at a path, whatever is asked for behind a question mark."""

    pages: Mapping[str, bytes] = {}

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        self.answer(404 if page is None else 200, page or b"")

    def answer(self, status: int, body: bytes = b"", length: int | None = None, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def make_certificate(folder: Path) -> Path:
    """A certificate for localhost that signs itself; its key lies beside it."""
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


@contextmanager
def https_site(pages: type[Pages], certificate: Path) -> Iterator[str]:
    """A running server; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), pages)
    origin = secured(server, certificate)
    with in_background(server):
        yield origin


def secured(server: HTTPServer, certificate: Path) -> str:
    """Have a server speak TLS by a certificate, with its key beside it; its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return f"https://localhost:{server.server_port}"
