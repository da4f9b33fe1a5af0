"""`registry open`: requests signed for an API that holds each signature against AWS's own description of it."""

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import boto3
import httpx
import pytest

from brinery.commands.open import MOST_BODY, Proxy
from brinery.commands.registry import main
from brinery.errors import EnvironmentFailed
from brinery.promotion.signing import Signer
from tests.background import in_background
from tests.conftest import ROOT, free_port, s3_service

SECRET = "test"  # as tests/conftest.py sets it


def signature(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """What the signature of a request must be, by AWS Signature Version 4."""
    scope, names = (part.split("=", 1)[1] for part in headers["authorization"].split(" ", 1)[1].split(", ")[:2])
    _, day, region, service, _ = scope.split("/")
    parts = urlsplit(target)
    query = "&".join(sorted(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in parse_qsl(parts.query)))
    signed = "".join(f"{name}:{headers[name].strip()}\n" for name in names.split(";"))
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join([method, quote(parts.path, safe="/~"), query, signed, names, digest])
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            scope.partition("/")[2],
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return hmac.new(key, text.encode(), "sha256").hexdigest()


class Api(BaseHTTPRequestHandler):
    """An API with Access iam: 403 for what is not signed as it must be, else what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, str]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked.append(headers)
        given = headers.get("authorization", "").rpartition("Signature=")[2]
        right = bool(given) and given == signature(self.command, self.path, headers, body)
        content = json.dumps({"path": self.path, "method": self.command, "body": body.decode()}).encode()
        self.send_response(200 if right else 403)
        self.send_header("content-type", "application/json")
        self.send_header("content-security-policy", "default-src 'none'")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), Api)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def proxy(api: str) -> Iterator[str]:
    with in_background(Proxy(api, Signer.connect(api, "eu-central-1").signed, 0)) as server:
        yield server.url


def test_api_of_the_test_refuses_what_is_not_signed(api: str) -> None:
    assert httpx.get(f"{api}/model/version").status_code == 403


@pytest.mark.parametrize("path", ["/model/version", "/classify?partial=true", "/predict?b=2&a=1%20x", "/model/card?"])
def test_requests_are_signed_and_answers_passed_back(proxy: str, path: str) -> None:
    answer = httpx.get(proxy + path)
    assert (answer.status_code, answer.json()["path"]) == (200, path)
    assert answer.headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize("token", [[], ["-H", "x-amz-security-token: abc"]], ids=["lasting", "temporary"])
def test_curl_signs_as_the_readme_shows(api: str, token: list[str]) -> None:
    shown = (ROOT / "infra/README.md").read_text()
    assert "curl -s --aws-sigv4 aws:amz:$AWS_REGION:execute-api --user" in shown
    asked = [
        "curl",
        "-s",
        "-w",
        "%{http_code}",
        "--aws-sigv4",
        "aws:amz:eu-central-1:execute-api",
        "--user",
        "test:test",
    ]
    asked += [*token, f"{api}/classify", "-H", "content-type: application/json", "-d", '{"data": [1]}']
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    assert done.stdout.endswith("200") and '"path": "/classify"' in done.stdout, done.stdout + done.stderr


def test_bodies_are_signed_and_cookies_stay_here(proxy: str) -> None:
    given = {
        "content-type": "application/json",
        "cookie": "session=1",
        "origin": proxy,
        "sec-fetch-site": "same-origin",
    }
    answer = httpx.post(f"{proxy}/classify", content='{"data": [1, "é"]}'.encode(), headers=given)
    assert (answer.status_code, answer.json()["body"]) == (200, '{"data": [1, "é"]}')
    assert Api.asked[-1]["content-type"] == "application/json"
    assert not {"cookie", "origin", "sec-fetch-site"} & Api.asked[-1].keys()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example.org"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"host": "evil.example.org"}, 421),  # a name that was made to lead to 127.0.0.1
        ({"content-length": str(MOST_BODY + 1)}, 413),
        ({"content-length": "1" * 30}, 413),
        ({"content-length": "0" * 15 + str(MOST_BODY + 1)}, 413),
    ],
    ids=str,
)
def test_what_another_site_has_a_browser_send_is_not_signed(proxy: str, headers: dict[str, str], status: int) -> None:
    before = len(Api.asked)
    connection = HTTPConnection(urlsplit(proxy).netloc)  # which sends what it is told
    connection.putrequest("POST", "/classify", skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()
    assert len(Api.asked) == before


def test_api_that_is_away_is_a_sentence() -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with in_background(Proxy(away, Signer.connect(away, "eu-central-1").signed, 0)) as server:
        answer = httpx.get(f"{server.url}/docs")
    assert answer.status_code == 502 and answer.text.startswith("registry open: the API does not answer: ")


def test_port_that_is_taken_is_a_sentence(api: str) -> None:
    port = int(api.rpartition(":")[2])
    with pytest.raises(EnvironmentFailed, match=f"port {port} cannot be listened on: .*; name another by --port"):
        Proxy(api, lambda *_: {}, port)


def test_region_is_that_of_the_address() -> None:
    assert Signer.connect("https://a1b2.execute-api.eu-west-3.amazonaws.com", "us-east-1").region == "eu-west-3"
    assert Signer.connect("https://api.example.org/wine", "us-east-1").region == "us-east-1"


def test_a_body_that_is_cut_or_has_two_lengths_is_not_signed(proxy: str) -> None:
    host, port = urlsplit(proxy).netloc, urlsplit(proxy).port
    before = len(Api.asked)
    for lengths in (["30"], ["3", "30"]):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            heads = "".join(f"Content-Length: {length}\r\n" for length in lengths)
            connection.sendall(f"POST /classify HTTP/1.1\r\nHost: {host}\r\n{heads}\r\nabc".encode())
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100).split()[1] in (b"400", b"411")
    assert len(Api.asked) == before


def test_credentials_that_have_ended_are_a_sentence(api: str) -> None:
    class Ended:
        def get_credentials(self) -> Any:
            return self

        def get_frozen_credentials(self) -> Any:
            raise RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired.")

    with in_background(Proxy(api, Signer(Ended(), "eu-central-1").signed, 0)) as server:
        answer = httpx.get(f"{server.url}/docs")
    assert answer.status_code == 502 and "cannot renew the credentials: " in answer.text


TEMPLATE = {
    "Parameters": {"Access": {"Type": "String"}, "Address": {"Type": "String"}},
    "Conditions": {"Serves": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Address"}, ""]}]}},
    "Resources": {
        "Pin": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": {"Fn::Sub": "/${AWS::StackName}"}, "Type": "String", "Value": "1"},
        }
    },
    "Outputs": {
        "Registry": {"Value": "s3://models"},
        "Url": {"Condition": "Serves", "Value": {"Ref": "Address"}},
    },
}


@pytest.fixture(scope="module")
def stacks(api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_service(tmp_path_factory.mktemp("aws"), "s3,sts,cloudformation,ssm") as endpoint:
        client = boto3.client("cloudformation", endpoint_url=endpoint, region_name="us-east-1")
        for name, access, address in (
            ("signed", "iam", api),
            ("open", "open", api),
            ("tokens", "jwt", api),
            ("nothing", "iam", ""),
        ):
            given = {"Access": access, "Address": address}
            parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
            client.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE), Parameters=parameters)
            client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        yield endpoint


@pytest.mark.slow
def test_command_serves_until_it_is_interrupted(stacks: str, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "brinery.commands.registry", "open", "--stack", "signed", "--port", str(port)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "AWS_ENDPOINT_URL": stacks},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    assert line == f"http://127.0.0.1:{port}/docs is stack signed, each request signed as you; Ctrl-C ends it\n"
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    process.send_signal(2)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out.decode(), err.decode()) == (0, f"http://127.0.0.1:{port} is closed\n", "")


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("open", 0, " is open to everybody, and needs no signature\n"),
        ("tokens", 1, "registry: stack tokens asks for tokens of its issuer, which this command has none of: http://"),
        ("nothing", 1, "registry: stack nothing serves nothing yet; `registry promote` has it serve a version\n"),
        ("missing", 1, "registry: cannot describe stack missing: "),
    ],
)
def test_stack_that_needs_no_signature_or_takes_none(
    stacks: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    code: int,
    sentence: str,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stacks)
    assert main(["open", "--stack", name]) == code
    captured = capsys.readouterr()
    assert sentence in captured.out + captured.err
