"""Writes that are joined; what they are to a client, test_connection shows."""

from asyncio import Transport

from serving.joining import Joining

GO_ON, HEAD = b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"


class Written(Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.written.append(data)

    def close(self) -> None:
        self.written.append(b"closed")


def test_head_and_body_of_an_answer_are_one_write() -> None:
    transport = Written()
    joining = Joining(transport)
    for piece in (GO_ON, HEAD, b"{}", b"more"):
        joining.write(piece)
    assert transport.written == [GO_ON, HEAD + b"{}", b"more"]


def test_head_that_no_body_follows_goes_before_the_end() -> None:
    transport = Written()
    joining = Joining(transport)
    joining.write(HEAD)
    joining.flush()
    joining.flush()
    joining.write(HEAD)
    joining.close()
    assert transport.written == [HEAD, HEAD, b"closed"]
