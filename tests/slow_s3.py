"""An S3 that answers GETs alone, with the files of a folder, at a fixed rate a connection, as a network does."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.background import in_background

PIECE = 256 * 1024
RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class SlowS3:
    """`ranges` holds the range that each request asked for; `before` is called before each answer."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.ranges: list[str | None] = []
        self.before: Callable[[str | None], None] = lambda asked: None


@contextmanager
def slow_s3(folder: Path, rate: float) -> Iterator[SlowS3]:
    """A running one: whatever the bucket is called, its keys are paths in `folder`; `rate` is in bytes a second."""
    running = SlowS3()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            running.ranges.append(asked)
            running.before(asked)
            with (folder / self.path.split("/", 2)[2]).open("rb") as file:
                about = os.fstat(file.fileno())
                size = about.st_size
                found = RANGE.fullmatch(asked or "")
                first, last = (int(found[1]), min(int(found[2]), size - 1)) if found else (0, size - 1)
                self.send_response(206 if found else 200)
                self.send_header("ETag", f'"{about.st_mtime_ns}"')
                self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
                self.send_header("Content-Length", str(last - first + 1))
                if found:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                self.end_headers()
                file.seek(first)
                left, free = last - first + 1, time.monotonic()
                while left:
                    piece = file.read(min(PIECE, left))
                    left, free = left - len(piece), max(free, time.monotonic() - 0.05) + len(piece) / rate
                    time.sleep(max(0.0, free - time.monotonic()))
                    self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Nothing: a client that has enough closes."""

    server = Server(("127.0.0.1", 0), Handler)
    running.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    with in_background(server):
        yield running
