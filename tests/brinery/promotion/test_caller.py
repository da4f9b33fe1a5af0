"""Who runs a command: the identity that STS tells, and a machine's user."""

import getpass
import socket

import pytest

from brinery.promotion.caller import caller, user_and_host
from tests.conftest import free_port


def test_caller_is_whom_sts_names(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_endpoint)
    found = caller({"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": moto_endpoint})
    assert found is not None and found.startswith("arn:aws:sts::")


def test_caller_is_nobody_where_s3_alone_is_local() -> None:
    assert caller({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:4566", "AWS_REGION": "us-east-1"}) is None


def test_caller_is_asked_of_a_local_sts_beside_a_local_s3(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto_endpoint)
    environ = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_STS": moto_endpoint}
    assert caller({**environ, "AWS_DEFAULT_REGION": "us-east-1"}) is not None


def test_caller_is_nobody_where_sts_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{free_port()}")
    assert caller({"AWS_REGION": "us-east-1"}) is None


def test_user_is_named_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    assert getpass.getuser() == "ann"
    assert user_and_host() == f"ann@{socket.gethostname()}"


def test_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54321)
    assert user_and_host().startswith("54321@")
