"""Connections of plain HTTP: uvicorn's, with bounds on what a client may take of them."""

import json
from asyncio import Transport
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.headers import NOSNIFF
from serving.joining import Joining
from serving.problem import Problem

READ = 64 * 1024  # bytes at once of each connection; asyncio's own are 256 KiB, and hundreds may come together
SLICE = 8 * 1024  # bytes that are parsed at once: what a bound on bytes may be off by
PIPELINED = 16  # requests that may wait for the answer to the one before


@dataclass(frozen=True)
class Bounds:
    """What a client may take, in seconds, bytes and numbers."""

    connections: int = 500
    head_bytes: int = 32 * 1024
    headers: int = 100
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    rest_seconds: float = 2.0  # for what is still to come of a body whose request has been answered
    take_seconds: float = 10.0  # for a client to take the 64 KiB of an answer that wait for it


class Connection(HttpToolsProtocol):
    """One client's connection.

    A head or a body that does not arrive in time is a 408, a head that is too large a 431, and where all connections
    are taken the one that has rested longest makes room, else the new one gets a 503. Where another answer is under
    way, and where an answer is not taken, the connection is closed.
    """

    def __init__(self, *, bounds: Bounds, **given: Any) -> None:
        super().__init__(**given)
        self._bounds = bounds
        self._part: str | None = None  # of a message that has begun to arrive
        self._messages = 0
        self._is_offer = False  # of another protocol, which is not taken
        self._unheard = 0  # bytes since the last message, or piece of a body, began
        self._timed: tuple[int, str | None] = (0, None)
        self._timers: dict[str, Any] = {}
        self._problem: Problem | None = None
        self._since = self.loop.time()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.max_size = READ  # type: ignore[attr-defined]
        self.transport = self._joining = Joining(transport)  # type: ignore[assignment]
        self._watch()
        if len(self.connections) > self._bounds.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        for name in list(self._timers):
            self._time(name, None, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            piece = data[start : start + SLICE]
            self._unheard += len(piece)
            self._parse(piece)
            if self.transport.is_closing():
                return
            if self._unheard > self._bounds.head_bytes:
                self._refuse(Problem(431, f"the request's head is larger than {self._bounds.head_bytes} bytes"))
                return
        self._watch()

    def _parse(self, piece: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as exc:
            self._go_on(piece[exc.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("")

    def _go_on(self, rest: bytes) -> None:
        """Read a request that offers another protocol as one that does not: the parser has left out its body."""
        self._is_offer = False
        if self.parser.get_method() == b"CONNECT":
            return self._refuse(Problem(400, "this is no proxy"))
        version = self.parser.get_http_version().encode()
        headers = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        return self._parse(b"\r\n".join([line, *headers, b"", b""]) + rest)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part, self._unheard, self._messages = "head", 0, self._messages + 1

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._bounds.headers:
            self._problem = Problem(431, f"the request has more than {self._bounds.headers} headers")
            raise self._problem
        if len(self.pipeline) >= PIPELINED:
            raise Problem(400, f"more than {PIPELINED} requests wait for an answer")
        if self.parser.should_upgrade():
            self._is_offer = True
            return
        super().on_headers_complete()
        self._part = "body"

    def on_body(self, body: bytes) -> None:
        self._unheard = 0
        super().on_body(body)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._part == "head":  # what comes after a body says nothing of it
            super().on_header(name, value)

    def on_message_complete(self) -> None:
        if self._is_offer:
            return
        self._part, self._unheard = None, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._joining.flush()
        self._since = self.loop.time()
        super().on_response_complete()
        if self.transport.is_closing():
            self._close()
        elif self._part == "body" and self.cycle.response_complete:
            self._time("part", self._bounds.rest_seconds, self._late)

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._problem or Problem(400, "the request is not HTTP/1.1"))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._time("answer", self._bounds.take_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._time("answer", None, None)

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    @property
    def _resting(self) -> bool:
        """Whether the last request has been answered, and no next one's head is complete."""
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        """Time what is to come next; uvicorn itself times a connection that rests after an answer."""
        part = self._part or ("head" if self._resting else None)
        if self._timed != (self._messages, part):
            self._timed = (self._messages, part)
            seconds = {"head": self._bounds.head_seconds, "body": self._bounds.body_seconds, None: None}[part]
            self._time("part", seconds, self._late)

    def _late(self) -> None:
        if self.pipeline or (self._part != "body" and not self._resting):
            self._timed = (0, None)  # its turn has not come, and so it may be that nothing was read
            self._watch()
        elif self._messages == 0 and self._unheard == 0:
            self._close()
        else:
            self._refuse(Problem(408, f"the request's {self._part or 'head'} did not arrive in time"))

    def _make_room(self) -> None:
        resting = [each for each in self.connections if isinstance(each, Connection) and each._resting]
        oldest = min((each for each in resting if each is not self), key=lambda each: each._since, default=None)
        if oldest is None:
            self.connections.discard(self)
            self._refuse(Problem(503, "all connections are taken", headers={"Retry-After": "5"}))
        else:
            self.connections.discard(oldest)
            oldest.transport.abort()

    def _refuse(self, problem: Problem) -> None:
        """Answer with the problem, where no other answer is due first, and close."""
        due = not self.cycle.response_started if self._part == "body" else self._resting
        if due and not self.pipeline:
            self.transport.write(_answer(problem, self.server_state.default_headers))
        self.pipeline.clear()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._close()

    def _close(self) -> None:
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._time("answer", self._bounds.take_seconds, self.transport.abort)

    def _time(self, name: str, seconds: float | None, then: Any) -> None:
        """Set one of the timers, in place of what it was set to; without seconds, to nothing."""
        if timer := self._timers.pop(name, None):
            timer.cancel()
        if seconds is not None:
            self._timers[name] = self.loop.call_later(seconds, then)


def _answer(problem: Problem, headers: list[tuple[bytes, bytes]]) -> bytes:
    body = json.dumps({**problem.content, "request_id": str(uuid4())}).encode()
    lines = [b"%b: %b" % header for header in headers]
    lines += [f"{name.lower()}: {value}".encode() for name, value in (NOSNIFF | problem.headers).items()]
    lines += [b"content-type: application/problem+json", b"content-length: %d" % len(body), b"connection: close"]
    return STATUS_LINE[problem.status] + b"\r\n".join([*lines, b"", body])
