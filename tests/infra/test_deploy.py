"""The templates deployed to a real CloudFormation endpoint, and looked at as an operator would.

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
from tests.conftest import BUCKET, s3_service
from tests.examples import publish_example
from tests.infra.template import IMAGE, ROUTES, TRAINING_IMAGE, of_type, raw, translate

SERVICES = "s3,sts,cloudformation,iam,lambda,apigateway,logs,monitoring,events,scheduler,ecs,sqs,sns,ssm,ec2,elbv2"
PARAMETERS = {
    "TrainingImageUri": TRAINING_IMAGE,
    "TrainingCapacity": "FARGATE_SPOT",
    "VpcId": "vpc-1",
    "SubnetIds": "subnet-1,subnet-2",
    "AlertEmail": "ops@example.org",
    "DeletionRoleArn": "arn:aws:iam::123456789012:role/brinery-StackRole",
}
SERVING = {"ModelName": "alcohol", "ServingImageUri": IMAGE, "TrainingImageUri": TRAINING_IMAGE}


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
        client, objects = boto3.client("cloudformation"), boto3.client("s3")
        objects.put_object(Bucket=BUCKET, Key=self.name, Body=json.dumps(self.template).encode())
        getattr(client, f"{doing}_stack")(
            StackName=self.name,
            TemplateURL=f"{objects.meta.endpoint_url}/{BUCKET}/{self.name}",
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


def serving(registry: Deployed, name: str, **parameters: str) -> Deployed:
    """A stack that serves from a registry, as it is first deployed: without a version."""
    template = raw("serving")
    del template["Resources"]["ServingFunction"]["Properties"]["DeploymentPreference"]
    return Deployed(name, template, **SERVING, RegistryBucket=registry.outputs["RegistryBucket"], **parameters)


@pytest.fixture(scope="module")
def registry() -> Deployed:
    return Deployed("registry", raw("registry"), **PARAMETERS)


@pytest.fixture(scope="module")
def references(registry: Deployed) -> list[Reference]:
    """Two versions in the registry that the stack made."""
    store = open_store(registry.outputs["Registry"])
    return [publish_example(store, "alcohol") for _ in range(2)]


@pytest.fixture(scope="module")
def stack(registry: Deployed, references: list[Reference]) -> Deployed:
    """A stack that serves, with the first version promoted."""
    made = serving(registry, "serving")
    promote(made, references[0])
    return made


@pytest.fixture(scope="module")
def jobs(registry: Deployed, references: list[Reference]) -> Deployed:
    """A stack that takes jobs, with a version promoted."""
    made = serving(registry, "jobs", Jobs="on")
    promote(made, references[0])
    return made


def promote(stack: Deployed, reference: Reference) -> None:
    arguments = ["promote", str(reference), "--registry", stack.outputs["Registry"], "--stack", stack.name, "--wait"]
    assert main(arguments, connect=connect) == 0


def connect(store: Store, arguments: Namespace) -> Stack:
    """The stack that a command names, asked often while it changes."""
    return Stack(arguments.stack, boto3.client, poll_seconds=0.2)


@pytest.mark.slow
def test_registry_has_a_bucket_training_and_topics_and_serves_nothing(registry: Deployed) -> None:
    assert {"RegistryBucket", "TrainingSchedule", "TrainingMissingAlarm", "Alerts", "Changes"} <= registry.names
    assert boto3.client("lambda").list_functions()["Functions"] == []


@pytest.mark.slow
def test_stack_without_a_version_serves_nothing(registry: Deployed) -> None:
    stack = serving(registry, "nothing-yet")
    assert {"WorkBucket", "Task", "ServingRole"} <= stack.names
    assert not {"ServingFunction", "Api", "PreTrafficFunction", "RegistryBucket", "TrainingTask"} & stack.names
    assert stack.outputs["Registry"] == registry.outputs["Registry"] and "Url" not in stack.outputs


def test_registry_outlives_the_deleted_stack() -> None:
    stack = Deployed("deleted", raw("registry"), **PARAMETERS)
    url, bucket = stack.outputs["Registry"], stack["RegistryBucket"]
    reference = publish_example(open_store(url), "alcohol")
    delete("deleted")
    assert load(open_store(url), reference).reference == reference
    # What infra/README.md says for removing it after all.
    held = boto3.resource("s3").Bucket(bucket)
    held.object_versions.delete()
    held.delete()
    assert bucket not in [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]


def delete(name: str) -> None:
    client = boto3.client("cloudformation")
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def everything() -> dict[str, str]:
    """Each resource of each stack, by both names, with what it is now."""
    client = boto3.client("cloudformation")
    return {
        f"{stack['StackName']}.{each['LogicalResourceId']}": each["PhysicalResourceId"]
        for stack in client.describe_stacks()["Stacks"]
        if not stack["StackStatus"].startswith("DELETE")
        for each in client.describe_stack_resources(StackName=stack["StackName"])["StackResources"]
    }


@pytest.mark.slow
def test_one_stack_is_promoted_and_deleted_and_the_others_are_untouched(
    registry: Deployed, stack: Deployed, references: list[Reference]
) -> None:
    def served(name: str) -> str:
        found = boto3.client("lambda").get_function_configuration(FunctionName=f"{name}-serving", Qualifier="live")
        return str(found["Environment"]["Variables"]["MODEL_VERSION"])

    before = everything()
    other = serving(registry, "other")
    promote(other, references[1])
    assert (served("serving"), served("other")) == (references[0].version_text, references[1].version_text)
    assert {**everything(), **before} == everything()  # nothing that was there is another now
    registry.update(registry.template, **{**PARAMETERS, "TrainingMemory": "16384"})
    assert served("other") == references[1].version_text
    registry.update(registry.template, **PARAMETERS)
    bucket = other["WorkBucket"]
    delete("other")
    assert {*everything()} == {*before} and served("serving") == references[0].version_text
    assert load(open_store(registry.outputs["Registry"]), references[1]).reference == references[1]
    assert bucket in [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]  # it empties itself


@pytest.mark.slow
def test_promotion_deletes_superseded_versions_and_doctor_tells_of_them(
    registry: Deployed, references: list[Reference], capsys: pytest.CaptureFixture[str]
) -> None:
    functions, stack = boto3.client("lambda"), serving(registry, "many")
    promote(stack, references[0])
    for number in range(5):
        functions.update_function_configuration(FunctionName="many-serving", Description=str(number))
        functions.publish_version(FunctionName="many-serving")

    def doctor() -> dict[str, tuple[str, str]]:
        capsys.readouterr()
        main(["doctor", "--stack", "many", "--json"], connect=connect)  # whose registry is the stack's
        found = json.loads(capsys.readouterr().out)
        return {each["check"]: (each["state"], each["detail"]) for each in found if "function" in each["check"]}

    before = doctor()
    assert before["stack many: function: live"][0] == "ok"
    state, detail = before["stack many: function: versions"]
    assert state == "note" and detail.startswith("6 versions of many-serving are kept, of which superseded: 2, 3;")
    promote(stack, references[1])
    told = capsys.readouterr().err
    assert "many-serving:2 was superseded, and is deleted\nmany-serving:3 was superseded" in told
    assert doctor()["stack many: function: versions"] == ("ok", "4 versions of many-serving are kept")


@pytest.mark.parametrize(
    ("access", "kind", "more"),
    [
        ("iam", "AWS_IAM", {}),
        ("jwt", "JWT", {"JwtIssuer": "https://issuer.example.org", "JwtAudience": "callers"}),
        ("open", "NONE", {}),
    ],
    ids=["iam", "jwt", "open"],
)
def test_every_route_asks_who_calls(registry: Deployed, access: str, kind: str, more: dict[str, str]) -> None:
    pin = f"1@sha256:{'a' * 64}"
    stack = serving(registry, f"access-{access}", Access=access, ModelVersion=pin, **more)
    api = boto3.client("apigatewayv2")
    routes = api.get_routes(ApiId=stack["Api"])["Items"]
    assert {each["RouteKey"] for each in routes} == ROUTES
    assert {each["AuthorizationType"] for each in routes} == {kind}
    authorizers = api.get_authorizers(ApiId=stack["Api"])["Items"]
    assert [each["JwtConfiguration"] for each in authorizers] == [
        {"Issuer": issuer, "Audience": [more["JwtAudience"]]} for issuer in filter(None, [more.get("JwtIssuer")])
    ]
    assert {each.get("AuthorizerId") for each in routes} == {each["AuthorizerId"] for each in authorizers} or {None}
    (stage,) = api.get_stages(ApiId=stack["Api"])["Items"]
    assert stage["StageName"] == "$default" and stage["AutoDeploy"] is True


@pytest.mark.slow
def test_template_that_is_too_long_for_a_request_goes_through_the_work_bucket(
    registry: Deployed, references: list[Reference]
) -> None:
    template = raw("serving")
    del template["Resources"]["ServingFunction"]["Properties"]["DeploymentPreference"]
    template["Metadata"] = {"long": "x" * 60_000}
    given = {**SERVING, "RegistryBucket": registry.outputs["RegistryBucket"]}
    stack = Deployed("long", template, **given)
    promote(stack, references[0])
    assert stack.parameter("ModelVersion") == references[0].version_text
    (sent,) = boto3.client("s3").list_objects_v2(Bucket=stack["WorkBucket"])["Contents"]
    assert sent["Key"].startswith("templates/") and sent["Size"] > 60_000


@pytest.mark.slow
def test_new_versions_and_promotions_are_told_to_the_topic() -> None:
    """S3 tells EventBridge, EventBridge the topic, the topic a queue: no code of ours in between."""
    stack = Deployed("telling", raw("registry"), **PARAMETERS)
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="downstream")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("sns").subscribe(TopicArn=stack.outputs["ChangesTopic"], Protocol="sqs", Endpoint=arn)
    store = open_store(stack.outputs["Registry"])
    reference = publish_example(store, "alcohol")
    store.create("_schedule/alcohol/20261101T0300Z/1.json", b"{}")
    promote(serving(stack, "told"), reference)
    told: list[dict[str, str]] = []
    deadline = time.monotonic() + 30
    while len(told) < 2 and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            told.append(json.loads(json.loads(message["Body"])["Message"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    (record,) = store.files("_promotions/alcohol")
    assert {(each["event"], each.get("manifest", each.get("record"))) for each in told} == {
        ("published", f"{store.url}/{reference.folder}/manifest.json"),
        ("promoted", f"{store.url}/{record}"),
    }
    assert sqs.receive_message(QueueUrl=queue).get("Messages", []) == []


UNKNOWN = ["AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Model"]


def test_endpoint_of_sagemaker_but_what_the_local_cloudformation_does_not_know() -> None:
    template = raw("sagemaker")
    given = {"RegistryBucket": "models", "ModelName": "wine", "ServingImageUri": IMAGE}
    with pytest.raises(boto3.client("cloudformation").exceptions.ClientError) as refused:
        Deployed("sagemaker", template, **given, ModelVersion=f"1@sha256:{'a' * 64}")
    assert str(refused.value).endswith(f"Unrecognized resource types: [{', '.join(UNKNOWN)}]")
    assert Deployed("sagemaker", template, **given).names == {"Role"}


@pytest.mark.slow
def test_service_on_fargate_is_promoted_by_the_same_parameters(registry: Deployed, references: list[Reference]) -> None:
    template = raw("fargate")
    template["Resources"]["Service"]["Properties"]["DesiredCount"] = 2  # which this endpoint takes as no parameter
    network = {"VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2", "CallerCidr": "10.0.0.0/8"}
    given = {"ModelName": "alcohol", "ServingImageUri": IMAGE, **network}
    stack = Deployed("fargate", template, RegistryBucket=registry.outputs["RegistryBucket"], **given)
    assert not {"Service", "LoadBalancer"} & stack.names
    promote(stack, references[0])
    ecs = boto3.client("ecs")
    (service,) = ecs.describe_services(cluster=stack["Cluster"], services=[stack["Service"]])["services"]
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    (container,) = task["containerDefinitions"]
    given = {each["name"]: each["value"] for each in container["environment"]}
    assert given["MODEL_VERSION"] == references[0].version_text and given["REQUIRE_PIN"] == "on"
    assert given["MODEL_RECORD"] == stack.parameter("ModelRecord") != ""
    assert (container["command"], container["user"], container["readonlyRootFilesystem"]) == (
        ["serve"],
        "65534:65534",
        True,
    )
    balancing = boto3.client("elbv2")
    (group,) = balancing.describe_target_groups(TargetGroupArns=[stack["TargetGroup"]])["TargetGroups"]
    assert (group["HealthCheckPath"], group["TargetType"], group["Port"]) == ("/readyz", "ip", 8080)


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
        "CHALLENGER_VERSION": "",
        "CHALLENGER_SHARE": "0",
        "RELEASE_ID": stack.parameter("ReleaseId"),
        "REQUIRE_PIN": "on",
        "CAPTURE": "0",
        "CAPTURE_LOG_GROUP": stack.outputs["CaptureLogGroup"],
        "ORT_DISABLE_TELEMETRY": "1",
    }
    assert (configuration["PackageType"], code["ImageUri"]) == ("Image", IMAGE)
    assert (configuration["MemorySize"], configuration["Timeout"]) == (1769, 29)
    assert functions.get_alias(FunctionName=stack["ServingFunction"], Name="live")["FunctionVersion"] == "1"
    assert stack.outputs["Url"] == f"https://{stack['Api']}.execute-api.us-east-1.amazonaws.com"
    hook = functions.get_function(FunctionName="CodeDeployHook_serving")["Configuration"]
    assert hook["Environment"]["Variables"]["MODEL_VERSION"] == references[0].version_text
    assert hook["Environment"]["Variables"]["NEW_VERSION"] == f"{configuration['FunctionArn']}:1"


@pytest.mark.slow
def test_alias_follows_the_pin() -> None:
    """With what SAM makes of each pin, since this endpoint would give it no parameters."""
    pins = [f"{number}@sha256:{str(number) * 64}" for number in (1, 2)]

    def template(pin: str) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(json.dumps(translate(**SERVING, ModelVersion=pin)["translated"]))
        resources = made["Resources"]
        for kind in ("Application", "DeploymentGroup"):
            for name in of_type(resources, f"AWS::CodeDeploy::{kind}"):
                del resources[name]
        del resources["ServingFunctionAliaslive"]["UpdatePolicy"]
        return made

    def served(version: str) -> str:
        found = functions.get_function_configuration(FunctionName=stack["ServingFunction"], Qualifier=version)
        return str(found["Environment"]["Variables"]["MODEL_VERSION"])

    functions = boto3.client("lambda")
    given = {**SERVING, "RegistryBucket": "registry"}
    stack = Deployed("follows", template(pins[0]), **given, ModelVersion=pins[0])
    stack.update(template(pins[1]), **given, ModelVersion=pins[1])
    alias = functions.get_alias(FunctionName=stack["ServingFunction"], Name="live")
    assert alias["FunctionVersion"] == "2"
    assert [served("1"), served("2"), served("live")] == [pins[0], pins[1], pins[1]]


def test_schedule_starts_the_training_task_each_hour(registry: Deployed) -> None:
    schedule = boto3.client("scheduler").get_schedule(Name=registry["TrainingSchedule"])
    assert schedule["ScheduleExpression"] == "cron(0 * * * ? *)" and schedule["State"] == "ENABLED"
    target = schedule["Target"]
    assert target["Arn"].endswith(f":cluster/{registry['TrainingCluster']}")
    assert target["EcsParameters"]["TaskDefinitionArn"] == registry["TrainingTask"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10}
    letters = registry["TrainingDeadLetters"]
    queue = boto3.client("sqs").get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])
    assert target["DeadLetterConfig"]["Arn"] == queue["Attributes"]["QueueArn"]
    task = boto3.client("ecs").describe_task_definition(taskDefinition=registry["TrainingTask"])["taskDefinition"]
    (container,) = task["containerDefinitions"]
    assert (container["image"], container["command"]) == (TRAINING_IMAGE, ["train", "--due"])
    assert {"name": "MODEL_REGISTRY", "value": registry.outputs["Registry"]} in container["environment"]
    assert container["logConfiguration"]["options"]["awslogs-group"] == registry["TrainingLogs"]


def test_registry_bucket_is_versioned_encrypted_and_closed(registry: Deployed) -> None:
    s3, bucket = boto3.client("s3"), {"Bucket": registry["RegistryBucket"]}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values())
    statements = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert [each["Sid"] for each in statements] == ["TlsOnly", "CreateOnly", "NobodyDeletes"]


@pytest.mark.slow
@pytest.mark.parametrize(("of", "count"), [("registry", 3), ("jobs", 14)], ids=["registry", "serving"])
def test_alarms_ring_and_come_back_by_the_metrics_and_tell_the_topic(
    of: str, count: int, request: pytest.FixtureRequest
) -> None:
    stack: Deployed = request.getfixturevalue(of)
    cloudwatch, sqs = boto3.client("cloudwatch"), boto3.client("sqs")
    queue = sqs.create_queue(QueueName=f"ops-{of}")["QueueUrl"]
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
    assert len(alarms) == count
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
def test_training_that_was_killed_tells_the_topic(registry: Deployed, change: dict[str, Any], tells: bool) -> None:
    events = boto3.client("events")
    rule = events.describe_rule(Name=registry["TrainingEnded"])
    assert [each["Arn"] for each in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]] == [registry["Alerts"]]
    (cluster,) = boto3.client("ecs").describe_clusters(clusters=[registry["TrainingCluster"]])["clusters"]
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
