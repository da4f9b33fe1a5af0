"""Promotion of a CloudFormation stack, on a real CloudFormation endpoint over HTTP."""

import json
import os
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest

from brinery.commands.environment import Connect, environment_of
from brinery.promotion.environment import State
from brinery.promotion.records import folder
from brinery.promotion.release import release_id
from brinery.promotion.stack import Stack
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.brinery.promotion.conftest import Run
from tests.conftest import BUCKET, ROOT, s3_service
from tests.examples import publish_example

IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/brinery-serving@sha256:{'c' * 64}"
TEMPLATE: dict[str, dict[str, Any]] = {
    "Parameters": {
        **{name: {"Type": "String"} for name in ("ModelName", "ModelVersion", "ServingImageUri")},
        "ModelRecord": {"Type": "String", "Default": ""},
        "ChallengerVersion": {"Type": "String", "Default": ""},
        "ChallengerShare": {"Type": "String", "Default": "0"},
        "ReleaseId": {"Type": "String"},
        "AlertEmail": {"Type": "String", "Default": "nobody@example.org", "NoEcho": True},
        "Schedule": {"Type": "String", "Default": "cron(0 3 * * ? *)"},
    },
    "Resources": {
        "Pin": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/pin", "Type": "String", "Value": {"Ref": "ModelVersion"}},
        },
    },
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_service(tmp_path_factory.mktemp("aws"), "s3,sts,cloudformation,ssm") as endpoint:
        yield endpoint


def connecting(answering: Callable[[Any], Any] = lambda client: client, kind: type[Stack] = Stack) -> Connect:
    """Connects commands to a stack that is asked often, through `answering` in front of the real CloudFormation."""

    def connect(store: Store, arguments: Namespace) -> Stack:
        def client(service: str) -> Any:
            made = boto3.client(service)
            return answering(made) if service == "cloudformation" else made

        return kind(arguments.stack, client, poll_seconds=0.2)

    return connect


@pytest.fixture
def run(run: Run) -> Run:
    def run_connected(*arguments: str, **collaborators: Any) -> tuple[int, str, str]:
        if "--stack" in arguments:
            collaborators = {"connect": connecting(), **collaborators}
        return run(*arguments, **collaborators)

    return run_connected


@pytest.fixture
def stack(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Store, list[Reference]]]:
    """A stack that serves `alcohol:1`, and three versions."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("MODEL_REGISTRY", f"s3://{BUCKET}/{tmp_path.name}-{time.time_ns()}")
    store = open_store(os.environ["MODEL_REGISTRY"])
    references = [publish_example(store, "alcohol") for _ in range(3)]
    name = f"brinery-{time.time_ns()}"
    parameters = {
        "ModelName": "alcohol",
        "ModelVersion": references[0].version_text,
        "ServingImageUri": IMAGE,
        "ReleaseId": "0" * 64,
        "Schedule": "cron(7 7 * * ? *)",
    }
    client = boto3.client("cloudformation")
    client.create_stack(
        StackName=name,
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    wait_for("create", name)
    yield name, store, references
    client.delete_stack(StackName=name)


def parameters_of(name: str) -> dict[str, str]:
    (described,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}


def wait_for(doing: str, name: str) -> None:
    """Wait until a stack is whole again: `doing` is create or update."""
    boto3.client("cloudformation").get_waiter(f"stack_{doing}_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def log_of(run: Run, name: str) -> Any:
    return json.loads(run("log", "alcohol", "--stack", name, "--json")[1])


@pytest.mark.slow
def test_promotion_changes_the_pin_the_record_and_the_release_alone(
    stack: tuple[str, Store, list[Reference]], run: Run
) -> None:
    name, store, references = stack
    before = parameters_of(name)
    code, out, err = run("promote", str(references[1]), "--stack", name, "--wait", "--reason", "better")
    assert (code, err.count("Pin UPDATE_COMPLETE")) == (0, 1), err
    assert f"warning: stack {name} was set by hand: it names no record\n" in err
    assert f"stack {name}: {references[0]} -> {references[1]}, record 20" in out and "succeeded: UPDATE_COMPLETE" in out
    pin = references[1].version_text
    log = log_of(run, name)
    (record,) = log["records"]
    changed = {**before, "ModelVersion": pin, "ModelRecord": record["record"]}
    assert parameters_of(name) == {**changed, "ReleaseId": release_id(changed, json.dumps(TEMPLATE))}
    assert boto3.client("ssm").get_parameter(Name="/pin")["Parameter"]["Value"] == pin
    assert (record["was"], record["before"], record["image"]) == (str(references[0]), None, IMAGE)
    assert record["by"].startswith("arn:aws:") and record["reason"] == "better"

    assert run("rollback", "alcohol", "--stack", name, "--wait")[0] == 0
    assert parameters_of(name)["ModelVersion"] == references[0].version_text
    assert log_of(run, name)["records"][-1]["before"] == record["record"]


def test_several_stacks_go_in_their_order_up_to_the_first_that_fails(
    stack: tuple[str, Store, list[Reference]], run: Run
) -> None:
    name, _, references = stack
    again = f"{name}-again"
    client = boto3.client("cloudformation")
    held = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters_of(name).items()]
    held = [each for each in held if each["ParameterKey"] != "AlertEmail"]  # which is shown as stars
    client.create_stack(StackName=again, TemplateBody=json.dumps(TEMPLATE).replace("/pin", "/other"), Parameters=held)
    wait_for("create", again)
    try:
        stacks = ["--stack", name, "--stack", again]
        code, out, err = run("promote", str(references[1]), *stacks, "--json")
        assert code == 0, err
        assert [each["environment"] for each in json.loads(out)] == [f"stack {name}", f"stack {again}"]
        assert {parameters_of(each)["ModelVersion"] for each in (name, again)} == {references[1].version_text}
        code, out, err = run("promote", str(references[2]), "--stack", name, "--stack", "none", "--stack", again)
        assert (code, out) == (1, "") and f"before it, {name} took it, and nothing was tried after it" in err
        assert parameters_of(name)["ModelVersion"] == references[2].version_text
        assert parameters_of(again)["ModelVersion"] == references[1].version_text
    finally:
        client.delete_stack(StackName=again)


def test_promotion_lets_transforms_see_the_new_parameters(stack: tuple[str, Store, list[Reference]], run: Run) -> None:
    """What a transform makes of parameters is otherwise kept, as a resource's name that SAM derives from ReleaseId."""
    name, _, references = stack
    made = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "ModelVersion"}}}
    resources = {"Fn::ForEach::Versions": ["Release", [{"Ref": "ReleaseId"}], {"Version${Release}": made}]}
    client = boto3.client("cloudformation")
    client.update_stack(
        StackName=name,
        TemplateBody=json.dumps({**TEMPLATE, "Transform": "AWS::LanguageExtensions", "Resources": resources}),
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in parameters_of(name)],
        Capabilities=["CAPABILITY_AUTO_EXPAND"],
    )
    wait_for("update", name)

    def versions() -> set[str]:
        return {each["LogicalResourceId"] for each in client.describe_stack_resources(StackName=name)["StackResources"]}

    assert versions() == {f"Version{'0' * 64}"}
    assert run("promote", str(references[1]), "--stack", name, "--wait")[0] == 0
    assert versions() == {f"Version{parameters_of(name)['ReleaseId']}"} != {f"Version{'0' * 64}"}


def test_promotion_without_waiting_is_followed_by_the_next_one(
    stack: tuple[str, Store, list[Reference]], run: Run
) -> None:
    name, _, references = stack
    assert "the update has begun" in run("promote", str(references[1]), "--stack", name)[1]
    wait_for("update", name)
    assert run("promote", str(references[2]), "--stack", name, "--wait")[0] == 0
    assert [each["to"] for each in log_of(run, name)["records"]] == [str(each) for each in references[1:]]
    assert parameters_of(name)["ModelVersion"] == references[2].version_text


CRASH = """
import os, signal, sys
from brinery.commands.registry import main
from brinery.promotion.stack import Stack
class Dying(Stack):
    def prepare(self, state):
        change = super().prepare(state)
        def die(record):
            if sys.argv[1] == "after": change(record)
            os.kill(os.getpid(), signal.SIGKILL)
        return die
main(sys.argv[2:], connect=lambda store, arguments: Dying.connect(arguments.stack, os.environ))
"""


@pytest.mark.slow
def test_challenger_is_set_by_parameters_and_ends_with_its_promotion(
    stack: tuple[str, Store, list[Reference]], run: Run
) -> None:
    name, _, references = stack
    run("promote", str(references[0]), "--stack", name, "--wait")
    before = parameters_of(name)
    to_second = ("promote", str(references[1]), "--stack", name, "--wait")
    code, out, err = run(*to_second, "--challenger", "--share", "0.25")
    assert code == 0 and "for 25 % of requests" in out, err
    found = parameters_of(name)
    assert (found["ChallengerVersion"], found["ChallengerShare"]) == (references[1].version_text, "0.25")
    assert found["ModelVersion"] == before["ModelVersion"] and found["ReleaseId"] != before["ReleaseId"]
    assert run(*to_second)[0] == 0
    found = parameters_of(name)
    assert (found["ModelVersion"], found["ChallengerVersion"]) == (references[1].version_text, "")
    assert run("rollback", "alcohol", "--stack", name, "--wait")[0] == 0
    found = parameters_of(name)
    assert (found["ModelVersion"], found["ChallengerShare"]) == (references[0].version_text, "0.25")
    assert found["ChallengerVersion"] == references[1].version_text


def test_stack_of_an_older_template_takes_no_challenger_and_every_promotion(
    aws: str, stack: tuple[str, Store, list[Reference]], run: Run
) -> None:
    name, _, references = stack
    older = {key: value for key, value in TEMPLATE["Parameters"].items() if not key.startswith("Challenger")}
    kept = ("ModelName", "ModelVersion", "ServingImageUri", "ReleaseId")
    boto3.client("cloudformation").update_stack(
        StackName=name,
        TemplateBody=json.dumps({**TEMPLATE, "Parameters": older}),
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in kept],
    )
    wait_for("update", name)
    code, _, err = run("promote", str(references[1]), "--stack", name, "--wait", "--challenger")
    assert code == 1 and "has no parameter ChallengerVersion" in err
    assert run("promote", str(references[1]), "--stack", name, "--wait")[0] == 0
    assert parameters_of(name)["ModelVersion"] == references[1].version_text


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
def test_crash_around_the_update_leaves_nothing_to_settle(
    stack: tuple[str, Store, list[Reference]], run: Run, moment: str
) -> None:
    name, store, references = stack
    assert run("promote", str(references[0]), "--stack", name, "--wait")[0] == 0
    arguments = [sys.executable, "-c", CRASH, moment, "promote", str(references[1]), "--stack", name]
    assert subprocess.run(arguments, cwd=ROOT, timeout=60).returncode == -9
    if moment == "after":
        wait_for("update", name)
    log = log_of(run, name)
    assert (len(log["records"]), len(log["off_chain"])) == ((2, 0) if moment == "after" else (1, 1))
    assert run("promote", str(references[2]), "--stack", name, "--wait")[0] == 0
    before = references[1 if moment == "after" else 0]
    assert log_of(run, name)["records"][-1]["was"] == str(before)
    assert run("rollback", "alcohol", "--stack", name, "--wait")[0] == 0
    assert parameters_of(name)["ModelVersion"] == before.version_text


class Answering:
    """A CloudFormation whose stack is in a status, or which loses the answers to updates."""

    def __init__(self, client: Any, status: str | None = None, error: Exception | None = None) -> None:
        self._client, self._status, self._error = client, status, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def describe_stacks(self, **arguments: Any) -> Any:
        answer = self._client.describe_stacks(**arguments)
        answer["Stacks"][0]["StackStatus"] = self._status or answer["Stacks"][0]["StackStatus"]
        return answer

    def update_stack(self, **arguments: Any) -> None:
        self._client.update_stack(**arguments)
        assert self._error
        raise self._error


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("UPDATE_IN_PROGRESS", "is in UPDATE_IN_PROGRESS; wait until it has ended"),
        ("UPDATE_ROLLBACK_FAILED", "is in UPDATE_ROLLBACK_FAILED; mend or delete it first"),
        ("ROLLBACK_COMPLETE", "is in ROLLBACK_COMPLETE; mend or delete it first"),
    ],
)
def test_stack_that_cannot_be_updated_is_refused_before_anything_is_recorded(
    stack: tuple[str, Store, list[Reference]],
    run: Run,
    status: str,
    message: str,
) -> None:
    name, store, references = stack
    connect = connecting(lambda client: Answering(client, status))
    code, _, err = run("promote", str(references[1]), "--stack", name, connect=connect)
    assert code == 1 and message in err
    assert not store.files(folder("alcohol"))
    code, out, _ = run("log", "alcohol", "--stack", name, connect=connect)  # which can be looked at, and says so
    assert code == 0 and message in out


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.ReadTimeoutError(endpoint_url="https://cloudformation"),
        botocore.exceptions.ClientError(
            {"Error": {"Code": "InternalFailure"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "UpdateStack"
        ),
    ],
    ids=["no answer", "a fault"],
)
def test_lost_answer_is_no_failure(
    stack: tuple[str, Store, list[Reference]],
    run: Run,
    error: Exception,
) -> None:
    name, store, references = stack
    connect = connecting(lambda client: Answering(client, error=error))
    code, _, err = run("promote", str(references[1]), "--stack", name, connect=connect)
    assert code == 1 and f"cannot update stack {name}: " in err
    wait_for("update", name)
    assert run("promote", str(references[2]), "--stack", name, "--wait")[0] == 0
    assert [each["to"] for each in log_of(run, name)["records"]] == [str(each) for each in references[1:]]


@pytest.mark.slow
def test_registry_is_the_one_that_the_stack_reads(
    stack: tuple[str, Store, list[Reference]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, store, references = stack
    client = boto3.client("cloudformation")
    with_output = {**TEMPLATE, "Outputs": {"Registry": {"Value": store.url}}}
    kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in parameters_of(name)]
    client.update_stack(StackName=name, TemplateBody=json.dumps(with_output), Parameters=kept)
    wait_for("update", name)
    monkeypatch.delenv("MODEL_REGISTRY")
    code, out, err = run("promote", str(references[1]), "--stack", name, "--wait")
    assert code == 0 and f"-> {references[1]}, record 20" in out and " reads " not in err
    assert len(log_of(run, name)["records"]) == 1

    other = f"{store.url}-other"
    there = publish_example(open_store(other), "alcohol")
    told = f"stack {name} reads {store.url}, and this version is in {other}"
    before = parameters_of(name)
    code, _, err = run("promote", str(there), "--stack", name, "--registry", other)
    assert (
        code == 1 and f"registry: {told}; unset MODEL_REGISTRY, or name it by" in err and parameters_of(name) == before
    )
    forced = ("--force", "--reason", "another mount")
    _, _, err = run("promote", str(there), "--stack", name, "--registry", other, *forced)
    assert f"registry: warning: {told}\n" in err


class RolledBack:
    """A CloudFormation that accepts the update and rolls it back, as CodeDeploy's alarms make it do."""

    def __init__(self, client: Any) -> None:
        self._client, self._rolled_back = client, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_stack(self, **_: Any) -> None:
        self._rolled_back = True

    def describe_stacks(self, **arguments: Any) -> Any:
        answer = self._client.describe_stacks(**arguments)
        if self._rolled_back:
            answer["Stacks"][0]["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
        return answer

    def describe_stack_events(self, **arguments: Any) -> Any:
        event = {"EventId": "1", "LogicalResourceId": "Alias", "ResourceStatus": "UPDATE_FAILED"}
        event["ResourceStatusReason"] = "the alarms rang"
        return {"StackEvents": [event] if self._rolled_back and arguments else []}


def test_stack_that_rolls_back_is_a_failed_promotion(stack: tuple[str, Store, list[Reference]], run: Run) -> None:
    name, store, references = stack
    code, _, err = run("promote", str(references[1]), "--stack", name, "--wait", connect=connecting(RolledBack))
    assert code == 1 and f"does not serve {references[1]}: UPDATE_ROLLBACK_COMPLETE" in err
    log = log_of(run, name)
    assert (len(log["records"]), len(log["off_chain"]), log["holds"]) == (0, 1, str(references[0]))


def test_update_that_was_followed_by_anothers_is_no_success(
    stack: tuple[str, Store, list[Reference]], run: Run
) -> None:
    name, _, references = stack

    class Overtaken(RolledBack):
        def describe_stacks(self, **arguments: Any) -> Any:
            answer = super().describe_stacks(**arguments)
            answer["Stacks"][0]["StackStatus"] = "UPDATE_COMPLETE"
            return answer

    code, _, err = run("promote", str(references[1]), "--stack", name, "--wait", connect=connecting(Overtaken))
    assert code == 1 and f"does not serve {references[1]}: UPDATE_COMPLETE" in err


def test_version_whose_canary_failed_is_a_new_release_when_it_is_promoted_again(
    stack: tuple[str, Store, list[Reference]], run: Run
) -> None:
    name, _, references = stack
    updates: list[dict[str, Any]] = []

    class Noting(RolledBack):
        def update_stack(self, **arguments: Any) -> None:
            updates.append(arguments)
            super().update_stack()

    for _ in range(2):
        assert run("promote", str(references[1]), "--stack", name, "--wait", connect=connecting(Noting))[0] == 1
    assert all(update["RetainExceptOnCreate"] for update in updates)
    sent = [{each["ParameterKey"]: each.get("ParameterValue") for each in update["Parameters"]} for update in updates]
    assert sent[0]["ModelVersion"] == sent[1]["ModelVersion"] == references[1].version_text
    assert sent[0]["ReleaseId"] != sent[1]["ReleaseId"]
    assert run("promote", str(references[1]), "--stack", name, "--wait")[0] == 0


@pytest.mark.slow
def test_stack_that_cannot_be_promoted_is_a_sentence(stack: tuple[str, Store, list[Reference]], run: Run) -> None:
    name, store, references = stack
    code, _, err = run("promote", str(references[1]), "--stack", "nothing-there")
    assert code == 1 and "cannot describe stack nothing-there" in err and err.count("\n") == 1
    code, _, err = run("promote", str(publish_example(store, "wine")), "--stack", name)
    assert code == 1 and f"stack {name} serves alcohol, not wine" in err
    client = boto3.client("cloudformation")
    other = f"other-{time.time_ns()}"
    resources = {"Topic": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}}
    client.create_stack(StackName=other, TemplateBody=json.dumps({"Resources": resources}))
    wait_for("create", other)
    code, _, err = run("promote", str(references[1]), "--stack", other)
    assert code == 1 and f"stack {other} has no parameter ModelName; it must be made from infra/serving.yaml" in err
    assert not store.files("_promotions")


@pytest.mark.slow
def test_stack_is_the_same_by_its_name_and_by_its_arn(stack: tuple[str, Store, list[Reference]], run: Run) -> None:
    name, store, references = stack
    (described,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    assert run("promote", str(references[1]), "--stack", described["StackId"], "--wait")[0] == 0
    assert run("rollback", "alcohol", "--stack", name, "--wait")[0] == 0
    live = json.loads(run("live", "alcohol", "--stack", described["StackId"], "--json")[1])
    assert (live["environment"], live["reference"], live["note"]) == (f"stack {name}", str(references[0]), None)


def test_endpoint_that_is_none_is_a_sentence(
    stack: tuple[str, Store, list[Reference]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "nonsense")
    _, _, references = stack
    code, _, err = run("promote", str(references[1]), "--stack", "x", connect=environment_of)
    assert (code, err) == (1, "registry: cannot reach stack x: Invalid endpoint: nonsense\n")


def test_update_is_carried_out_by_the_role_that_is_given(
    stack: tuple[str, Store, list[Reference]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one CloudFormation would lend the caller the role that the stack was last updated by."""
    name, _, references = stack
    monkeypatch.setenv("CLOUDFORMATION_ROLE_ARN", "arn:aws:iam::123456789012:role/update")
    assert run("promote", str(references[0]), "--stack", name, "--wait")[0] == 0
    (described,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    asked: list[dict[str, Any]] = []

    class Asked(Answering):
        def update_stack(self, **arguments: Any) -> None:
            asked.append(arguments)
            self._client.update_stack(**arguments)

    role = "arn:aws:iam::123456789012:role/update"
    made = Stack(name, lambda service: Asked(boto3.client(service)), poll_seconds=0.2, role=role)
    made.prepare(State(references[1]))("20261101T120000Z-" + "a" * 64)
    assert asked[0]["RoleARN"] == "arn:aws:iam::123456789012:role/update" and described["StackName"] == name
    assert Stack.connect(name, os.environ)._role == {"RoleARN": "arn:aws:iam::123456789012:role/update"}
    monkeypatch.setenv("CLOUDFORMATION_ROLE_ARN", "")
    assert Stack.connect(name, os.environ)._role == {}
