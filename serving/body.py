"""Bodies: read up to a limit each and up to a limit together, and answered in pieces."""

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.headers import NOSNIFF
from serving.problem import Problem, too_many

JSON = "application/json"
OF_JSON = JSON.encode()
PIECE = 64 * 1024  # bytes
TOGETHER = 8  # bodies of the largest size
SMALL = 64 * 1024  # bytes of a body that are taken however many others are held


class Bodies:
    """Counts the bytes that are held of all bodies under way; `each` is the limit of one, in bytes."""

    def __init__(self, each: int) -> None:
        self.each = each
        self.together = TOGETHER * each
        self.held = 0


class Body:
    """The body of one request, which counts until `release` is called."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._size = 0

    async def read(self, request: Request, media: Collection[str] = ()) -> bytes:
        """All of it, once its type says JSON or one of other media; reading stops at the limits.

        Raises:
            Problem: 400 the client went away; 413, 415; 503 the bodies of others take all the memory there is for them.
        """
        _refuse_type(request, media)
        body, more = bytearray(), True
        while more:
            message = await request.receive()  # `request.stream()` takes longer than a small body does
            if message["type"] == "http.disconnect":
                raise Problem(400, "the client went away before the end of the body")
            body += message.get("body", b"")
            more = message.get("more_body", False)
            self.count(len(body))
            if self._size > self._bodies.each:
                raise Problem(413, f"the body is larger than {self._bodies.each} bytes")
            if self._size > SMALL and self._bodies.held > self._bodies.together:
                raise too_many()
        return bytes(body)

    def take(self, size: int) -> None:
        """Hold so many bytes of an answer, once there is room for them beside those of others.

        Raises:
            Problem: 503 there is none.
        """
        others = self._bodies.held - self._size
        if size > SMALL and others and others + size > self._bodies.together:
            raise too_many()
        self.count(size)

    def count(self, size: int) -> None:
        """Let the request hold so many bytes."""
        self._bodies.held += size - self._size
        self._size = size

    def release(self) -> None:
        self.count(0)


class InPieces:
    """An answer, as an ASGI app; each piece waits until the client has taken most of those before, and all counts until
    the end."""

    def __init__(
        self,
        content: bytes,
        to: Body,
        media: str = JSON,
        status: int = 200,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        given = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        self._headers = [*_headers(media), (b"content-length", b"%d" % len(content)), *given]
        self._content, self._status, self._to = content, status, to
        to.count(len(content))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
            for start in range(0, len(self._content), PIECE):
                piece, end = self._content[start : start + PIECE], start + PIECE >= len(self._content)
                await send({"type": "http.response.body", "body": piece, "more_body": not end})
        finally:
            self._to.release()


@cache
def _headers(media: str) -> list[tuple[bytes, bytes]]:
    """The headers of all answers in a medium, as Starlette makes them, but for the length."""
    made = Response(headers=NOSNIFF, media_type=media).raw_headers
    return [header for header in made if header[0] != b"content-length"]


def media_of(request: Request) -> str:
    """The body's content-type without its parameters; JSON where none is said."""
    return request.headers.get("content-type", JSON).lower().partition(";")[0].strip()


def _refuse_type(request: Request, others: Collection[str]) -> None:
    given = dict(reversed(request.scope["headers"]))  # of a name that comes twice, the first counts
    if given.get(b"content-type", OF_JSON) != OF_JSON:
        media, parameters = media_of(request), request.headers["content-type"].lower().partition(";")[2]
        is_json = media == JSON or (media.startswith("application/") and media.endswith("+json"))
        if not is_json and media not in others:
            raise Problem(415, f"the content-type must be {', '.join(others or (JSON,))}")
        if "charset=" in parameters and "utf-8" not in parameters and "us-ascii" not in parameters:
            raise Problem(415, "the charset must be utf-8")
    if given.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem(415, "the body must not be encoded; send it without a content-encoding")
