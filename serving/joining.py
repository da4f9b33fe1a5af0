"""Writes of plain HTTP: the head of an answer with what comes next, which uvicorn writes one after the other.

Of a small answer, a write takes as long as much of the rest.
"""

from asyncio import Transport


class Joining:
    """What uvicorn uses of a connection's transport; a head waits for the next write."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing
        self.abort = transport.abort
        self.get_write_buffer_size = transport.get_write_buffer_size

    def write(self, data: bytes) -> None:
        if not self._head and _is_head(data):
            self._head = data
        else:
            head, self._head = self._head, b""
            self._transport.write(head + data)

    def flush(self) -> None:
        """Send a head that nothing follows."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._transport.close()


def _is_head(data: bytes) -> bool:
    """Whether it is a head alone, and no 100, for which the client waits before it sends its body."""
    return data.startswith(b"HTTP/1.1 ") and data.endswith(b"\r\n\r\n") and not data.startswith(b"HTTP/1.1 1")
