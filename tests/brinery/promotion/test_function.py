"""The versions of a function, on a real Lambda endpoint over HTTP."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from brinery.errors import EnvironmentFailed, EnvironmentSilent
from brinery.promotion.function import KEPT, Function
from tests.conftest import s3_service

IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/brinery-serving@sha256:{'c' * 64}"


@pytest.fixture(scope="module", autouse=True)
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with (
        s3_service(tmp_path_factory.mktemp("aws"), "s3,sts,lambda,iam") as endpoint,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


def published(client: Any, number: int, live: int, **alias: Any) -> Function:
    """A function with so many versions, each with a pin of its own, of which one is live."""
    name = f"stack-{time.time_ns()}-serving"
    role = "arn:aws:iam::000000000000:role/r"
    client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": IMAGE}, Role=role)
    for each in range(1, number + 1):
        variables = {"Variables": {"MODEL_VERSION": f"{each}@sha256:{'a' * 64}"}}
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        client.update_function_configuration(FunctionName=name, Environment=variables)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
        assert client.publish_version(FunctionName=name)["Version"] == str(each)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=str(live), **alias)
    return Function(client, name)


@pytest.mark.slow
def test_what_no_alias_names_is_deleted_beyond_the_newest() -> None:
    client = boto3.client("lambda")
    canary = {"AdditionalVersionWeights": {"3": 0.1}}
    function = published(client, 8, live=2, RoutingConfig=canary)
    client.create_alias(FunctionName=function.name, Name="by-hand", FunctionVersion="4")
    assert function.versions() == ([1, 2, 3, 4, 5, 6, 7, 8], [1, 5])
    assert [*function.delete_superseded()] == [1, 5]
    assert function.versions() == ([2, 3, 4, 6, 7, 8], [])
    assert client.get_function_configuration(FunctionName=function.name)["FunctionName"] == function.name
    assert [*function.delete_superseded()] == []


@pytest.mark.slow
def test_the_newest_stay_also_where_nothing_names_them() -> None:
    function = published(boto3.client("lambda"), KEPT, live=KEPT)
    assert function.versions()[1] == []


class InFront:
    """A client of Lambda that answers one call otherwise."""

    def __init__(self, call: str, answer: Callable[..., Any]) -> None:
        self._client = boto3.client("lambda")
        self._call, self._answer = call, answer

    def __getattr__(self, name: str) -> Any:
        return self._answer if name == self._call else getattr(self._client, name)


@pytest.mark.slow
def test_one_that_an_alias_has_come_to_name_meanwhile_stays() -> None:
    def refuse(FunctionName: str, Qualifier: str) -> None:
        raise boto3.client("lambda").exceptions.ResourceConflictException(
            {"Error": {"Code": "ResourceConflictException", "Message": "aliases reference it: live"}}, "DeleteFunction"
        )

    name = published(boto3.client("lambda"), 5, live=5).name
    assert [*Function(InFront("delete_function", refuse), name).delete_superseded()] == []


def test_no_function_and_no_answer_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFailed, match="cannot list the versions of function nothing-serving: "):
        Function(boto3.client("lambda"), "nothing-serving").versions()
    away = boto3.client("lambda", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(EnvironmentSilent, match="cannot look at function nothing-serving: "):
        [*Function(away, "nothing-serving").findings(None)]


@pytest.mark.slow
def test_findings_tell_what_is_live_and_what_is_superseded() -> None:
    function = published(boto3.client("lambda"), 6, live=6)
    pin = f"6@sha256:{'a' * 64}"
    live, versions = function.findings(pin)
    assert (live.state, live.detail) == ("ok", f"{function.name}:live answers with {pin}")
    assert versions.state == "note"
    assert versions.detail.startswith(f"6 versions of {function.name} are kept, of which superseded: 1, 2, 3; ")
    other, _ = function.findings(pin.replace("6@", "7@"))
    assert other.state == "bad" and other.detail.endswith(
        f"answers with {pin}, and its stack holds 7@sha256:{'a' * 64}"
    )
    [*function.delete_superseded()]
    assert [each.state for each in function.findings(pin)] == ["ok", "ok"]
