"""The template deployed to a real CloudFormation endpoint, and looked at as an operator would.

That endpoint has no CodeDeploy and gives SAM no parameters, so the gradual deployment is left out here and checked on
the translated template. Alarms are evaluated there as metrics arrive, whatever the dimensions of these.
"""

import json
import time
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from brinery.commands.registry import main
from brinery.loading.load import load
from brinery.promotion.stack import Stack
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.conftest import s3_service
from tests.examples import publish_example
from tests.infra.template import IMAGE, of_type, raw, translate

SERVICES = "s3,sts,cloudformation,iam,lambda,apigateway,logs,monitoring,events,scheduler,ecs,sqs,sns,ssm"
STACK = "brinery"
TRAINING_IMAGE = IMAGE.replace("serving", "training")
PARAMETERS = {
    "ModelName": "alcohol",
    "DeletionRoleArn": "arn:aws:iam::123456789012:role/brinery-StackRole",
    "ServingImageUri": IMAGE,
    "TrainingImageUri": TRAINING_IMAGE,
    "SubnetIds": "subnet-1,subnet-2",
    "Schedule": "cron(7 7 * * ? *)",
    "AlertEmail": "ops@example.org",
}


@pytest.fixture(scope="module", autouse=True)
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with s3_service(tmp_path_factory.mktemp("aws"), SERVICES) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


class Deployed:
    """A stack: its template, and its resources by their names in it."""

    def __init__(self, name: str, template: dict[str, Any], **parameters: str) -> None:
        self.name, self.template = name, template
        self._send("create", parameters)

    def update(self, template: dict[str, Any], **parameters: str) -> None:
        self.template = template
        self._send("update", parameters)

    def _send(self, doing: str, parameters: dict[str, str]) -> None:
        client = boto3.client("cloudformation")
        getattr(client, f"{doing}_stack")(
            StackName=self.name,
            TemplateBody=json.dumps(self.template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        waiting = {"Delay": 1, "MaxAttempts": 60}
        client.get_waiter(f"stack_{doing}_complete").wait(StackName=self.name, WaiterConfig=waiting)

    def __getitem__(self, logical: str) -> str:
        """The physical id of a resource."""
        client = boto3.client("cloudformation")
        answer = client.describe_stack_resource(StackName=self.name, LogicalResourceId=logical)
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    @property
    def names(self) -> set[str]:
        resources = boto3.client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        return {each["LogicalResourceId"] for each in resources}

    def parameter(self, name: str) -> str:
        (described,) = boto3.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {each["ParameterKey"]: str(each["ParameterValue"]) for each in described["Parameters"]}[name]

    @property
    def outputs(self) -> dict[str, str]:
        (described,) = boto3.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}


@pytest.fixture(scope="module")
def first() -> Deployed:
    """The stack as it is first deployed: without a version."""
    template = raw()
    del template["Resources"]["ServingFunction"]["Properties"]["DeploymentPreference"]
    return Deployed(STACK, template, **PARAMETERS)


@pytest.fixture(scope="module")
def references(first: Deployed) -> list[Reference]:
    """Two versions in the registry that the stack made."""
    store = open_store(first.outputs["Registry"])
    return [publish_example(store, "alcohol") for _ in range(2)]


@pytest.fixture(scope="module")
def stack(first: Deployed, references: list[Reference]) -> Deployed:
    """The stack, with the first version promoted."""
    arguments = ["promote", str(references[0]), "--registry", first.outputs["Registry"], "--stack", STACK, "--wait"]
    assert main(arguments, connect=connect) == 0
    return first


def connect(store: Store, arguments: Namespace) -> Stack:
    """The stack that a command names, asked often while it changes."""
    return Stack(arguments.stack, boto3.client("cloudformation"), poll_seconds=0.2)


def test_stack_without_a_version_has_a_registry_and_training_and_serves_nothing(first: Deployed) -> None:
    stack = Deployed("nothing-yet", first.template, **PARAMETERS)
    assert {"RegistryBucket", "TrainingSchedule", "TrainingMissingAlarm", "Alerts"} <= stack.names
    assert not {"ServingFunction", "Api", "PreTrafficFunction"} & stack.names
    assert set(stack.outputs) >= {"Registry", "TrainingClusterName", "TrainingTaskDefinition"}
    assert "Url" not in stack.outputs


def test_registry_outlives_the_deleted_stack(first: Deployed) -> None:
    stack = Deployed("deleted", first.template, **PARAMETERS)
    url, bucket = stack.outputs["Registry"], stack["RegistryBucket"]
    reference = publish_example(open_store(url), "alcohol")
    client = boto3.client("cloudformation")
    client.delete_stack(StackName="deleted")
    client.get_waiter("stack_delete_complete").wait(StackName="deleted", WaiterConfig={"Delay": 1})
    assert load(open_store(url), reference).reference == reference
    # What infra/README.md says for removing it after all.
    held = boto3.resource("s3").Bucket(bucket)
    held.object_versions.delete()
    held.delete()
    assert bucket not in [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]


def test_function_serves_what_was_promoted(stack: Deployed, references: list[Reference]) -> None:
    functions = boto3.client("lambda")
    function = functions.get_function(FunctionName=stack["ServingFunction"])
    configuration, code = function["Configuration"], function["Code"]
    assert configuration["Environment"]["Variables"] == {
        "MODEL_REGISTRY": stack.outputs["Registry"],
        "AWS_ENDPOINT_URL_S3": "https://s3.us-east-1.amazonaws.com",
        "MODEL_NAME": "alcohol",
        "MODEL_VERSION": references[0].version_text,
        "MODEL_RECORD": stack.parameter("ModelRecord"),
        "RELEASE_ID": stack.parameter("ReleaseId"),
        "REQUIRE_PIN": "on",
        "ORT_DISABLE_TELEMETRY": "1",
    }
    assert (configuration["PackageType"], code["ImageUri"]) == ("Image", IMAGE)
    assert (configuration["MemorySize"], configuration["Timeout"]) == (1769, 29)
    assert functions.get_alias(FunctionName=stack["ServingFunction"], Name="live")["FunctionVersion"] == "1"
    assert stack.outputs["Url"] == f"https://{stack['Api']}.execute-api.us-east-1.amazonaws.com"
    hook = functions.get_function(FunctionName=f"CodeDeployHook_{STACK}")["Configuration"]
    assert hook["Environment"]["Variables"]["MODEL_VERSION"] == references[0].version_text
    assert hook["Environment"]["Variables"]["NEW_VERSION"] == f"{configuration['FunctionArn']}:1"


def test_alias_follows_the_pin() -> None:
    """With what SAM makes of each pin, since this endpoint would give it no parameters."""
    pins = [f"{number}@sha256:{str(number) * 64}" for number in (1, 2)]

    def template(pin: str) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(json.dumps(translate(**PARAMETERS, ModelVersion=pin)["translated"]))
        resources = made["Resources"]
        for kind in ("Application", "DeploymentGroup"):
            for name in of_type(resources, f"AWS::CodeDeploy::{kind}"):
                del resources[name]
        del resources["CodeDeployServiceRole"], resources["ServingFunctionAliaslive"]["UpdatePolicy"]
        return made

    def served(version: str) -> str:
        found = functions.get_function_configuration(FunctionName=stack["ServingFunction"], Qualifier=version)
        return str(found["Environment"]["Variables"]["MODEL_VERSION"])

    functions = boto3.client("lambda")
    stack = Deployed("follows", template(pins[0]), **PARAMETERS, ModelVersion=pins[0])
    stack.update(template(pins[1]), **PARAMETERS, ModelVersion=pins[1])
    alias = functions.get_alias(FunctionName=stack["ServingFunction"], Name="live")
    assert alias["FunctionVersion"] == "2"
    assert [served("1"), served("2"), served("live")] == [pins[0], pins[1], pins[1]]


def test_schedule_starts_the_training_task(stack: Deployed) -> None:
    schedule = boto3.client("scheduler").get_schedule(Name=stack["TrainingSchedule"])
    assert schedule["ScheduleExpression"] == "cron(7 7 * * ? *)" and schedule["State"] == "ENABLED"
    target = schedule["Target"]
    assert target["Arn"].endswith(f":cluster/{stack['TrainingCluster']}")
    assert target["EcsParameters"]["TaskDefinitionArn"] == stack["TrainingTask"]
    assert target["EcsParameters"]["LaunchType"] == "FARGATE"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10}
    queue = boto3.client("sqs").get_queue_attributes(QueueUrl=stack["TrainingDeadLetters"], AttributeNames=["QueueArn"])
    assert target["DeadLetterConfig"]["Arn"] == queue["Attributes"]["QueueArn"]
    task = boto3.client("ecs").describe_task_definition(taskDefinition=stack["TrainingTask"])["taskDefinition"]
    (container,) = task["containerDefinitions"]
    assert (container["image"], container["command"]) == (TRAINING_IMAGE, ["train", "--json"])
    assert {"name": "MODEL_REGISTRY", "value": stack.outputs["Registry"]} in container["environment"]
    assert container["logConfiguration"]["options"]["awslogs-group"] == stack["TrainingLogs"]


def test_registry_bucket_is_versioned_encrypted_and_closed(stack: Deployed) -> None:
    s3, bucket = boto3.client("s3"), {"Bucket": stack["RegistryBucket"]}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values())
    statements = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert [each["Sid"] for each in statements] == ["TlsOnly", "CreateOnly", "NobodyDeletes"]


def test_alarms_ring_and_come_back_by_the_metrics_and_tell_the_topic(stack: Deployed) -> None:
    cloudwatch, sqs = boto3.client("cloudwatch"), boto3.client("sqs")
    queue = sqs.create_queue(QueueName="ops")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("sns").subscribe(TopicArn=stack["Alerts"], Protocol="sqs", Endpoint=arn)

    def states() -> dict[str, str]:
        alarms = cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
        return {names[each["AlarmName"]]: each["StateValue"] for each in alarms}

    def emit(alarm: dict[str, Any], breaching: bool, seconds_ago: float) -> None:
        low = alarm["ComparisonOperator"].startswith("LessThan")
        datum = {
            "MetricName": alarm["MetricName"],
            "Dimensions": alarm["Dimensions"],
            "Value": alarm["Threshold"] + 1 if breaching != low else 0,
            "Timestamp": datetime.now(UTC) - timedelta(seconds=seconds_ago),
        }
        cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=[datum])

    names = {stack[name]: name for name in stack.names if name.endswith("Alarm")}
    alarms = cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    assert len(alarms) == 11
    for alarm in alarms:  # some moments before it leaves the window that the alarm looks at
        emit(alarm, breaching=True, seconds_ago=alarm["Period"] * alarm["EvaluationPeriods"] - 4)
    assert set(states().values()) == {"ALARM"}, states()
    deadline = time.monotonic() + 60
    while set(states().values()) != {"OK"}:
        assert time.monotonic() < deadline, states()
        for alarm in alarms:
            emit(alarm, breaching=False, seconds_ago=0)
        time.sleep(0.5)

    told: list[tuple[str, str]] = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            alarm = json.loads(json.loads(message["Body"])["Message"])
            told.append((names[alarm["AlarmName"]], alarm["NewStateValue"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert set(told) >= {(name, state) for name in names.values() for state in ("ALARM", "OK")}


@pytest.mark.parametrize(
    ("change", "tells"),
    [
        ({"containers": [{"exitCode": 137}]}, True),  # killed, as for want of memory
        ({"containers": [{}], "stopCode": "TaskFailedToStart"}, True),
        ({"containers": [{"exitCode": 0}]}, False),
        ({"containers": [{"exitCode": 1}]}, False),  # the log says why, and its alarm rings
        ({"containers": [{"exitCode": 137}], "lastStatus": "DEPROVISIONING"}, False),
        ({"containers": [{"exitCode": 137}], "clusterArn": "arn:aws:ecs:us-east-1:1:cluster/another"}, False),
    ],
    ids=str,
)
def test_training_that_was_killed_tells_the_topic(stack: Deployed, change: dict[str, Any], tells: bool) -> None:
    events = boto3.client("events")
    rule = events.describe_rule(Name=stack["TrainingEnded"])
    assert [each["Arn"] for each in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]] == [stack["Alerts"]]
    (cluster,) = boto3.client("ecs").describe_clusters(clusters=[stack["TrainingCluster"]])["clusters"]
    stopped = {"clusterArn": cluster["clusterArn"], "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited"}
    event = {
        "id": "1",
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "account": "000000000000",
        "region": "us-east-1",
        "time": "2026-11-01T12:00:00Z",
        "resources": [],
        "detail": {**stopped, **change},
    }
    assert events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"] is tells
