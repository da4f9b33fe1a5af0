"""Connections that send too much or too slowly, or do not take what they are sent: raw sockets, real `serve`."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from brinery.versions.store import open_store
from tests.examples import publish_example
from tests.serving.conftest import problem_of
from tests.serving.served import Served, served

MB = 1_000_000
SECONDS = {"head_seconds": 0.6, "body_seconds": 1.0, "rest_seconds": 0.5, "take_seconds": 1.0}
POST = b"POST /classify HTTP/1.1\r\nhost: x\r\n"
ASK = POST + b'content-length: 14\r\n\r\n{"data": 13.1}'
HALF = POST + b"content-length: 5000000\r\n\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"

Start = Callable[..., Served]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a server of the example `alcohol`, with some bounds other than they are."""
    folder = tmp_path_factory.mktemp("registry")
    store = open_store(folder.as_uri())
    reference = publish_example(store, "alcohol")
    with ExitStack() as stack:
        yield lambda **bounds: stack.enter_context(
            served(
                tmp_path_factory.mktemp("serve"),
                bounds,
                MODEL_REGISTRY=store.url,
                MODEL_VERSION=reference.version_text,
            )
        )


@pytest.fixture(scope="module")
def usual(start: Start) -> Served:
    return start()


@pytest.fixture(scope="module")
def hasty(start: Start) -> Served:
    return start(**SECONDS)


def everything(connection: socket.socket) -> bytes:
    """What arrives until the server closes the connection."""
    received = bytearray()
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return bytes(received)


def refused(answer: bytes, status: int) -> str:
    """The detail of the one answer, which is a problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"content-type: application/problem+json" in head and b"connection: close" in head
    assert b"x-content-type-options: nosniff" in head
    return str(problem_of(body, status)["detail"])


def is_answered(server: Served) -> bool:
    answer = server.client.post("/classify", json={"data": 13.1})
    return answer.status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "status", "detail"),
    [
        (b"POST /cl", 408, "the request's head did not arrive in time"),
        (POST + b"x-a: b\r\n", 408, "the request's head did not arrive in time"),
        (HALF + b'{"data": ', 408, "the request's body did not arrive in time"),
        (CHUNKED + b"9\r\n" + b'{"data": \r\n', 408, "the request's body did not arrive in time"),
        (CHUNKED + b"1\r\n1\r\n0\r\nx-tr", 408, "the request's body did not arrive in time"),
        (ASK + b"GET /heal", 408, "the request's head did not arrive in time"),
    ],
)
def test_half_sent_request_is_refused_in_time(hasty: Served, sent: bytes, status: int, detail: str) -> None:
    with hasty.connect() as connection:
        connection.sendall(sent)
        started = time.monotonic()
        answer = everything(connection)
        assert time.monotonic() - started < 10
    assert refused(answer[answer.rindex(b"HTTP/1.1 ") :], status) == detail
    assert answer.count(b"HTTP/1.1 ") == (2 if sent.startswith(ASK) else 1)


def test_connection_that_says_nothing_is_closed_without_an_answer(hasty: Served) -> None:
    with hasty.connect() as connection:
        assert everything(connection) == b""


def test_empty_line_after_an_answer_does_not_keep_the_connection(hasty: Served) -> None:
    with hasty.connect() as connection:
        connection.sendall(ASK)
        time.sleep(0.3)
        connection.sendall(b"\r\n")
        connection.settimeout(4)  # uvicorn closes after 5 what sends nothing
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert refused(answer[answer.rindex(b"HTTP/1.1 ") :], 408) == "the request's head did not arrive in time"


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"GET /" + b"x" * 100_000, "the request's head is larger than 32768 bytes"),
        (POST + b"x-a: " + b"b" * 100_000, "the request's head is larger than 32768 bytes"),
        (b"\r\n" * 50_000, "the request's head is larger than 32768 bytes"),
        (
            POST + b"".join(b"x-%d: y\r\n" % each for each in range(101)) + b"\r\n",
            "the request has more than 100 headers",
        ),
        (CHUNKED + b"1\r\n1\r\n0\r\nx-a: " + b"b" * 100_000, "the request's head is larger than 32768 bytes"),
        (CHUNKED + b"1;" + b"e" * 100_000, "the request's head is larger than 32768 bytes"),
    ],
    ids=["path", "header", "empty lines", "headers", "trailer", "chunk extension"],
)
def test_head_that_is_too_large_is_refused(usual: Served, sent: bytes, detail: str) -> None:
    with usual.connect() as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        answer = everything(connection)
    assert not answer or refused(answer, 431) == detail  # what is still under way may push the answer out
    assert answer or len(sent) > 65536
    assert is_answered(usual)


def test_head_of_common_size_is_answered(usual: Served) -> None:
    with usual.connect() as connection:
        headers = b"".join(b"x-%d: %b\r\n" % (each, b"y" * 300) for each in range(70))
        connection.sendall(ASK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n" + headers + b"\r\n"))
        assert everything(connection).startswith(b"HTTP/1.1 200 ")


def test_what_is_no_http_is_a_problem(usual: Served) -> None:
    with usual.connect() as connection:
        connection.sendall(b"hello\r\n\r\n")
        assert refused(everything(connection), 400) == "the request is not HTTP/1.1"


OFFER = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\n"
LATER = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
ROW = b'{"data": 13.1}'


@pytest.mark.parametrize("offer", [OFFER, b"Upgrade: websocket\r\nConnection: upgrade\r\nsec-websocket-key: x\r\n"])
@pytest.mark.parametrize("pieces", [1, 7, 400])
def test_offer_of_another_protocol_is_not_taken_and_the_request_is_answered(
    usual: Served, offer: bytes, pieces: int
) -> None:
    """As Java's client and `curl --http2` send it; in one piece and in many, chunked, and with others behind it."""
    head = b"POST /classify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" + offer
    whole = head + b"content-length: %d\r\n\r\n" % len(ROW) + ROW
    chunked = head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(ROW), ROW)
    plain = b"GET /model/version HTTP/1.1\r\nhost: x\r\n" + offer + b"\r\n"
    for sent in (whole + LATER, chunked + LATER, plain + whole + chunked + LATER):
        with usual.connect() as connection:
            size = -(-len(sent) // pieces)
            for start in range(0, len(sent), size):
                connection.sendall(sent[start : start + size])
            answer = everything(connection)
        assert answer.count(b"HTTP/1.1 200 OK") == sent.count(b"HTTP/1.1\r\n"), answer
        assert answer.count(b'"prediction":') == sent.count(ROW)
        assert answer.endswith(b'{"status":"ok"}')


def test_connect_is_refused(usual: Served) -> None:
    with usual.connect() as connection:
        connection.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n\x16\x03\x01")
        assert refused(everything(connection), 400) == "this is no proxy"


def test_what_stands_behind_a_body_says_nothing_of_it(usual: Served) -> None:
    trailers = b"content-type: text/plain\r\ncontent-encoding: gzip\r\nexpect: 100-continue\r\n"
    body = b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(ROW), ROW, trailers)
    with usual.connect() as connection:
        connection.sendall(CHUNKED + body + LATER)
        answer = everything(connection)
    assert answer.count(b"HTTP/1.1 200 OK") == 2 and b"100 Continue" not in answer


@pytest.mark.slow
def test_hundreds_of_half_sent_bodies_take_little_memory(start: Start) -> None:
    """150 of them took 830 MB."""
    server = start()
    assert is_answered(server)
    before = server.memory()
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(300)]
        for connection in connections:
            connection.setblocking(False)
        piece, left = b" " * 65536, {each: HALF + b" " * 4_900_000 for each in connections}
        deadline = time.monotonic() + 20
        while left and time.monotonic() < deadline:
            for connection in list(left):
                try:
                    left[connection] = left[connection][connection.send(left[connection][: 4 * len(piece)]) :]
                except BlockingIOError:
                    continue
                except (BrokenPipeError, ConnectionResetError):
                    left[connection] = b""
                if not left[connection]:
                    del left[connection]
            assert is_answered(server)
        assert not left
        assert server.peak() - before < 130 * MB  # unbounded, these would be 1,500
        answers = []
        for connection in connections:
            with suppress(BlockingIOError, ConnectionResetError):
                answers.append(connection.recv(65536))
        assert len(answers) > 100 and all(not each or each.startswith(b"HTTP/1.1 503 ") for each in answers)
        assert refusal_of(answers) == "too many large requests at once"
        assert is_answered(server)


def refusal_of(answers: list[bytes]) -> str:
    head, _, body = next(answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")).partition(b"\r\n\r\n")
    assert b"retry-after: 5" in head
    return str(json.loads(body)["detail"])


def test_body_that_trickles_is_refused_in_time_and_others_are_answered(hasty: Served) -> None:
    with hasty.connect() as connection:
        connection.sendall(HALF)
        started = time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() < started + 10:
                connection.sendall(b" ")
                assert is_answered(hasty)
                time.sleep(0.1)
        assert time.monotonic() - started < 9


@pytest.mark.slow
@pytest.mark.parametrize("path", [b"/classify", b"/healthz", b"/nothing"])
def test_body_without_end_is_cut_off(start: Start, path: bytes) -> None:
    """It is answered before its end, and what follows is thrown away, for a while."""
    server = start(**SECONDS | {"body_seconds": 30.0})
    before = server.memory()
    with server.connect() as connection:
        connection.sendall(CHUNKED.replace(b"/classify", path))
        started = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() < started + 20:
                connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
    assert server.peak() - before < 50 * MB
    assert is_answered(server)


@pytest.mark.campaign
def test_connections_over_the_bound_push_out_those_that_rest_longest(start: Start) -> None:
    server = start(connections=50)
    with ExitStack() as stack:
        resting = [stack.enter_context(server.connect()) for _ in range(200)]
        assert is_answered(server)
        closed = 0
        for connection in resting:
            connection.settimeout(0.01)
            try:
                closed += not everything(connection)
            except TimeoutError:
                continue
        assert 150 <= closed <= 160
        resting[-1].settimeout(10)
        resting[-1].sendall(ASK)
        assert resting[-1].recv(65536).startswith(b"HTTP/1.1 200 ")


def test_head_that_no_body_follows_is_sent(usual: Served) -> None:
    with usual.connect() as connection:
        connection.sendall(b"HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"HEAD /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 200 ")


def test_client_that_asks_first_is_told_to_go_on(usual: Served) -> None:
    head, body = ASK.split(b"\r\n\r\n")
    with usual.connect() as connection:
        connection.sendall(head + b"\r\nexpect: 100-continue\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("first", "second", "status"), [("application/json", "x/y", 200), ("x/y", "application/json", 415)]
)
def test_of_headers_that_come_twice_the_first_counts(usual: Served, first: str, second: str, status: int) -> None:
    twice = f"content-type: {first}\r\ncontent-type: {second}\r\n".encode()
    with usual.connect() as connection:
        connection.sendall(ASK.replace(POST, POST + twice))
        assert connection.recv(65536).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.slow
def test_connections_over_the_bound_are_refused_where_none_rests(start: Start) -> None:
    server = start(connections=20)
    server.client.close()
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.connect()).sendall(HALF)
        time.sleep(0.3)
        with server.connect() as connection:
            answer = everything(connection)
    assert refused(answer, 503) == "all connections are taken"
    assert b"retry-after: 5" in answer


@pytest.mark.campaign
def test_requests_in_a_row_without_waiting_are_answered_in_order_up_to_a_few(start: Start) -> None:
    server = start(**SECONDS)
    before = server.memory()
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 10)
        assert everything(connection).count(b"HTTP/1.1 200 ") == 10
    with server.connect() as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 100_000)
        assert everything(connection).count(b"HTTP/1.1 200 ") < 1000
    assert server.peak() - before < 20 * MB
    assert is_answered(server)


@pytest.mark.campaign
def test_answer_that_is_not_taken_is_dropped(hasty: Served) -> None:
    body = json.dumps({"data": [13.1] * 10_000}).encode()
    with hasty.connect() as connection:
        connection.sendall((POST + b"content-length: %d\r\n\r\n" % len(body) + body) * 16)
        time.sleep(5)
        assert 0 < everything(connection).count(b"HTTP/1.1 200 ") < 16
    assert is_answered(hasty)
