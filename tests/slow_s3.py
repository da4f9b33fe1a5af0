"""An S3 that answers GETs alone, with the files of a folder, at a fixed rate, as a network does."""

import os
import re
import threading
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


class _Pace:
    """Says how long each piece has to wait for its turn."""

    def __init__(self, rate: float) -> None:
        self._rate, self._free, self._lock = rate, time.monotonic(), threading.Lock()

    def wait(self, size: int) -> float:
        with self._lock:
            now = time.monotonic()
            self._free = max(self._free, now - 0.05) + size / self._rate
            return max(0.0, self._free - now)


@contextmanager
def slow_s3(folder: Path, rate: float, *, shared: bool = False) -> Iterator[SlowS3]:
    """A running one: whatever the bucket is called, its keys are paths in `folder`.

    Args:
        rate: bytes a second of a connection, or, where it is `shared`, of all together.
    """
    running = SlowS3()
    all_together = _Pace(rate)

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
                left, pace = last - first + 1, all_together if shared else _Pace(rate)
                while left:
                    piece = file.read(min(PIECE, left))
                    left -= len(piece)
                    time.sleep(pace.wait(len(piece)))
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
