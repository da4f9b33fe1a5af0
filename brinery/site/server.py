"""The server of `--open`: the site's pages on this machine alone, made anew where the registry changed."""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from brinery.errors import ArtifactMissing, BrineryError, ReferenceInvalid, VersionMissing
from brinery.output.local_server import LocalServer
from brinery.site.build import Site
from brinery.site.model import read_card
from brinery.versions.catalog import find_version
from brinery.versions.reference import Reference

SECONDS = 30
LEAST_PAUSE = 3.0  # seconds between two looks at the registry; more where one takes long
MAX_BYTES = 64 * 1024 * 1024
PAGE = re.compile(r"(?:[a-z0-9._-]+/){0,2}[a-z0-9._-]+\.html")
A_CARD = re.compile(r"models/([a-z0-9._-]+)/([1-9][0-9]{0,5})-card\.html")
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
STORED = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # of pages that are not ours by hash


def serve(site: Site, port: int, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; `ready` is called with the address.

    Raises:
        EnvironmentFailed: the port cannot be listened on.
    """
    server = Server(site, port)
    with server, suppress(KeyboardInterrupt):
        ready(f"{server.url}/index.html")
        server.serve_forever()


class Server(LocalServer):
    """Answers this machine alone; a page of another site that had its name lead here is refused by its Host header."""

    def __init__(self, site: Site, port: int) -> None:
        self.site = site
        self._following = threading.Lock()
        self._next = time.monotonic() + LEAST_PAUSE
        super().__init__(port, Handler)

    def follow(self) -> None:
        """Build again, where that was not done just now.

        Raises:
            BrineryError: registry or place refused, or could not be reached.
        """
        with self._following:
            begun = time.monotonic()
            if begun < self._next:
                return
            try:
                self.site.build()
            finally:
                took = time.monotonic() - begun
                self._next = begun + took + max(LEAST_PAUSE, 4 * took)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = SECONDS
    server: Server

    def do_GET(self) -> None:
        if self.headers.get("host") not in self.server.hosts:
            return self._answer(HTTPStatus.MISDIRECTED_REQUEST, f"the host must be {' or '.join(self.server.hosts)}")
        path = urlsplit(self.path).path.lstrip("/") or "index.html"
        if not PAGE.fullmatch(path):
            return self._answer(HTTPStatus.NOT_FOUND, "there is no such page")
        try:
            if path.endswith("/index.html") or path == "index.html" or path.count("/") == 2:
                self.server.follow()
            page, stored = self._page(path)
        except (ArtifactMissing, ReferenceInvalid, VersionMissing) as exc:
            return self._answer(HTTPStatus.NOT_FOUND, str(exc))
        except BrineryError as exc:
            return self._answer(HTTPStatus.BAD_GATEWAY, str(exc))
        if page is None:
            return self._answer(HTTPStatus.NOT_FOUND, "there is no such page")
        policy = {"content-security-policy": STORED} if stored else {}
        self._end(HTTPStatus.OK, {**HEADERS, **policy}, page)

    do_HEAD = do_GET

    def _page(self, path: str) -> tuple[bytes | None, bool]:
        """A page, and whether it is one that lay in a bucket: a card, which the registry has where it is not beside
        the pages, or what drift and quality left."""
        site, card = self.server.site, A_CARD.fullmatch(path)
        stored = card is not None or (path.startswith("looks/") and not path.endswith("/index.html"))
        page = site.place.read(path, MAX_BYTES)
        if page is None and card is not None:
            return read_card(site.store, find_version(site.store, Reference.of(card[1], card[2]))), True
        if page is not None and not stored:
            page = page.replace(b'<html lang="en">', b'<html lang="en" class="by-server">', 1)
        return page, stored

    def _answer(self, status: HTTPStatus, detail: str) -> None:
        text = f"registry site: {detail}\n".encode()
        self._end(status, {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}, text)

    def _end(self, status: HTTPStatus, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: who reads the pages is who began this."""
