"""Serving's template as CloudFormation gets it: translated by SAM's own library, and read statement by statement."""

import json
import re
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import boto3
import pytest

from brinery.commands.parser import make_parser
from brinery.jobs.aws import SECONDS, TRIES
from brinery.jobs.contents import Contents
from brinery.jobs.job import Ended, to_end
from brinery.jobs.settings import JobSettings
from brinery.jobs.submit import LONGEST_QUEUED
from brinery.monitoring.metrics import NAMESPACE
from brinery.promotion.release import NOT_SERVING
from serving import worker
from tests.infra.policies import hold_to, listed, managed, statements
from tests.infra.template import IMAGE, INFRA, JOB_ROUTES, PIN, ROUTES, Resources, of_type, raw, translated


def serving_version(resources: Resources) -> str:
    (name,) = (name for name in of_type(resources, "AWS::Lambda::Version") if name.startswith("ServingFunction"))
    return name


OTHERS = {
    "CanaryType": "AllAtOnce",
    "AlertEmail": "ops@example.org",
    "Access": "open",
    "JwtIssuer": "https://example.org",
    "JwtAudience": "me",
    "ProvisionedConcurrency": "2",
    "WorkDays": "3",
    "CaptureDays": "7",
    "InputBucket": "in",
    "OutputPrefix": "out/",
}
SERVING = {
    "RegistryBucket": "another",
    "ModelName": "beer",
    "ModelVersion": PIN.replace("7", "8"),
    "ModelRecord": "20261101T120000Z-" + "b" * 64,
    "ChallengerVersion": PIN.replace("7", "9"),
    "ChallengerShare": "0.5",
    "ServingImageUri": IMAGE.replace("a" * 64, "c" * 64),
    "ReservedConcurrency": "7",
    "SnapStart": "on",
    "Architecture": "arm64",
    "Jobs": "on",
    "Capture": "0.1",
}


@pytest.mark.campaign
def test_each_parameter_of_serving_alone_publishes_a_new_version() -> None:
    assert set(SERVING) | NOT_SERVING == set(raw("serving")["Parameters"])
    first = serving_version(translated())
    assert serving_version(translated()) == first
    changed = [serving_version(translated(**{name: value})) for name, value in SERVING.items()]
    assert len({first, *changed}) == 1 + len(SERVING)
    assert {serving_version(translated(**{name: value})) for name, value in OTHERS.items()} == {first}


def test_function_is_configured_by_what_the_release_id_is_made_of() -> None:
    written = raw("serving")
    function = json.dumps(written["Resources"]["ServingFunction"]["Properties"])
    conditions = {name for name in written["Conditions"] if f'"{name}"' in function}
    text = function + json.dumps([written["Conditions"][name] for name in conditions])
    named = {name for name in written["Parameters"] if f'"Ref": "{name}"' in text or f"${{{name}}}" in text}
    assert named == {*SERVING, "ReleaseId", "CanaryType", "ProvisionedConcurrency"}
    assert written["Resources"]["ServingFunction"]["Properties"]["AutoPublishCodeSha256"] == {"Ref": "ReleaseId"}


def test_deployment_is_gradual_watched_and_checked_before_traffic() -> None:
    resources = translated()
    alias = resources["ServingFunctionAliaslive"]
    group = resources["ServingFunctionDeploymentGroup"]["Properties"]
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [serving_version(resources), "Version"]}
    update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert update["BeforeAllowTrafficHook"] == {"Ref": "PreTrafficFunction"}
    alarms = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
    assert alarms == {"NewVersionErrorsAlarm", "NewVersionFailuresAlarm"}
    for name in alarms:  # of this version alone, so that a version that fails does not stop the one that replaces it
        dimensions = {each["Name"]: each["Value"] for each in resources[name]["Properties"]["Dimensions"]}
        version = {"Fn::GetAtt": [serving_version(resources), "Version"]}
        assert version in (dimensions.get("ExecutedVersion"), dimensions.get("FunctionVersion"))
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert resources["PreTrafficFunction"]["Properties"]["FunctionName"]["Fn::Sub"].startswith("CodeDeployHook_")


def test_function_is_pinned_by_its_environment() -> None:
    properties = translated()["ServingFunction"]["Properties"]
    variables = properties["Environment"]["Variables"]
    assert variables["MODEL_VERSION"] == {"Ref": "ModelVersion"} and variables["REQUIRE_PIN"] == "on"
    assert variables["MODEL_RECORD"] == {"Ref": "ModelRecord"} and variables["RELEASE_ID"] == {"Ref": "ReleaseId"}
    assert variables["ORT_DISABLE_TELEMETRY"] == "1"
    assert 15 <= properties["Timeout"] < 30
    reserved = {"Fn::If": ["HasReservedConcurrency", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert properties["ReservedConcurrentExecutions"] == reserved


def test_first_deployment_without_a_version_serves_nothing() -> None:
    template = raw("serving")
    served = {name for name, each in template["Resources"].items() if each.get("Condition") == "Serves"}
    assert {"ServingFunction", "Api", "PreTrafficFunction", "ServingErrorsAlarm", "Dashboard"} <= served
    made = translated()
    for kind in ("IAM::Role", "Logs::LogGroup", "S3::Bucket"):  # so that a promotion makes and changes none of them
        assert of_type(made, f"AWS::{kind}") and not served & {*of_type(made, f"AWS::{kind}")}


def test_roles_do_not_depend_on_what_is_promoted() -> None:
    """The role by which a promotion from GitHub updates a stack has no right to change roles."""
    written = json.dumps(of_type(translated(), "AWS::IAM::Role"))
    for name in ("ModelVersion", "ModelRecord", "ReleaseId", "ServingFunction"):
        assert f'"{name}"' not in written and f"${{{name}" not in written


def resolved(value: Any, conditions: dict[str, bool]) -> Any:
    """A value with its conditions decided."""
    while isinstance(value, dict) and "Fn::If" in value:
        name, yes, no = value["Fn::If"]
        value = yes if conditions[name] else no
    return value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("access", "kind"), [("iam", "AWS_IAM"), ("jwt", "JWT"), ("open", "NONE")], ids=["iam", "jwt", "open"]
)
def test_every_route_asks_who_calls_as_access_says(access: str, kind: str) -> None:
    resources = translated(Access=access)
    conditions = {"AsksForSignatures": access == "iam", "AsksForTokens": access == "jwt"}
    written = raw("serving")["Conditions"]
    assert written["AsksForSignatures"] == {"Fn::Equals": [{"Ref": "Access"}, "iam"]}
    assert written["AsksForTokens"] == {"Fn::Equals": [{"Ref": "Access"}, "jwt"]}
    routes = [each["Properties"] for each in of_type(resources, "AWS::ApiGatewayV2::Route").values()]
    assert {each["RouteKey"] for each in routes} == ROUTES | JOB_ROUTES
    for route in routes:
        assert resolved(route["AuthorizationType"], conditions) == kind
        authorizer = {"Ref": "ApiAuthorizer"} if access == "jwt" else {"Ref": "AWS::NoValue"}
        assert resolved(route["AuthorizerId"], conditions) == authorizer
    assert raw("serving")["Parameters"]["Access"]["Default"] == "iam"
    tokens = resources["ApiAuthorizer"]["Properties"]["JwtConfiguration"]
    assert tokens == {"Issuer": {"Ref": "JwtIssuer"}, "Audience": [{"Ref": "JwtAudience"}]}


def test_api_is_throttled_logged_and_calls_the_alias() -> None:
    resources = translated()
    stage = resources["ApiStage"]["Properties"]
    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 200, "ThrottlingRateLimit": 100}
    assert stage["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["ApiLogs", "Arn"]}
    assert json.loads(stage["AccessLogSettings"]["Format"]).keys() >= {"id", "ip", "route", "status", "error"}
    alias = {"Ref": "ServingFunctionAliaslive"}
    assert resources["ApiIntegration"]["Properties"]["IntegrationUri"] == alias
    assert resources["ApiPermission"]["Properties"]["FunctionName"] == alias


def test_function_starts_as_the_parameters_say() -> None:
    resources = translated()
    none = {"Ref": "AWS::NoValue"}
    function, alias = (resources[name]["Properties"] for name in ("ServingFunction", "ServingFunctionAliaslive"))
    assert function["SnapStart"] == {"Fn::If": ["HasSnapStart", {"ApplyOn": "PublishedVersions"}, none]}
    assert function["Architectures"] == [{"Ref": "Architecture"}]
    warm = {"ProvisionedConcurrentExecutions": {"Ref": "ProvisionedConcurrency"}}
    assert alias["ProvisionedConcurrencyConfig"] == {"Fn::If": ["HasProvisionedConcurrency", warm, none]}
    parameters = raw("serving")["Parameters"]
    assert (parameters["SnapStart"]["Default"], parameters["ProvisionedConcurrency"]["Default"]) == ("off", 0)
    assert "not tried on AWS" in parameters["SnapStart"]["Description"]


ALLOWED = {
    "ServingRole.ReadModel": ["s3:GetObject"],
    "ServingRole.WriteCaptures": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "ServingRole.CreateJobs": ["dynamodb:PutItem"],
    "ServingRole.ReadJobs": ["dynamodb:GetItem"],
    "ServingRole.SendJobs": ["sqs:SendMessage"],
    "ServingRole.WriteInputs": ["s3:GetObject", "s3:PutObject"],
    "ServingRole.ReadResults": ["s3:GetObject"],
    "PreTrafficRole.Report": ["codedeploy:PutLifecycleEventHookExecutionStatus"],
    "PreTrafficRole.Ask": ["lambda:InvokeFunction"],
    "PreTrafficRole.ReadGoldenRows": ["s3:GetObject"],
    "WorkerRole.TakeMessages": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
    "WorkerRole.ReadJobs": ["dynamodb:GetItem"],
    "WorkerRole.EndJobs": ["dynamodb:UpdateItem"],
    "WorkerRole.ReadModel": ["s3:GetObject"],
    "WorkerRole.ReadInputs": ["s3:GetObject"],
    "WorkerRole.WriteResults": ["s3:GetObject", "s3:PutObject"],
    "DeadLettersRole.TakeMessages": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
    "DeadLettersRole.ReadJobs": ["dynamodb:GetItem"],
    "DeadLettersRole.EndJobs": ["dynamodb:UpdateItem"],
    "DeadLettersRole.WriteResults": ["s3:GetObject", "s3:PutObject"],
    "TaskRole.ReadRegistry": ["s3:GetObject"],
    "TaskRole.ListRegistry": ["s3:ListBucket"],
    "TaskRole.ReadLogs": ["logs:FilterLogEvents", "logs:GetLogEvents"],
    "TaskRole.WriteWork": ["s3:GetObject", "s3:PutObject"],
    "TaskRole.ListWork": ["s3:ListBucket"],
    "TaskRole.ReadInput": ["s3:GetObject"],
    "TaskRole.ListInput": ["s3:ListBucket"],
    "TaskRole.WriteOutput": ["s3:GetObject", "s3:PutObject"],
    "TaskRole.ListOutput": ["s3:ListBucket"],
    "DriftRole.Run": ["ecs:RunTask"],
    "DriftRole.PassRoles": ["iam:PassRole"],
}


def test_every_role_may_do_what_is_listed_here_and_no_more() -> None:
    hold_to(translated(), ALLOWED)


def test_stack_shares_the_name_of_the_registrys_bucket_and_nothing_else() -> None:
    for name in ("registry", "serving"):
        text = (INFRA / f"{name}.yaml").read_text()
        assert "ImportValue" not in text and "Export:" not in text and "AWS::CloudFormation::Stack" not in text
    found = statements(translated())
    own = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${RegistryBucket}/models/${ModelName}/*"}
    readers = ("ServingRole.ReadModel", "PreTrafficRole.ReadGoldenRows", "WorkerRole.ReadModel")
    assert [found[name]["Resource"] for name in readers] == [own] * 3
    writers = {name for name, each in found.items() if "s3:PutObject" in listed(each["Action"])}
    jobs = {"ServingRole.WriteInputs", "WorkerRole.WriteResults", "DeadLettersRole.WriteResults"}
    assert writers == {"TaskRole.WriteWork", "TaskRole.WriteOutput", *jobs}
    assert not {name for name in writers if "RegistryBucket" in json.dumps(found[name]["Resource"])}
    assert found["TaskRole.WriteOutput"]["Resource"] == {
        "Fn::Sub": "arn:${AWS::Partition}:s3:::${OutputBucket}/${OutputPrefix}*"
    }
    assert found["TaskRole.ReadInput"]["Resource"] == {
        "Fn::Sub": "arn:${AWS::Partition}:s3:::${InputBucket}/${InputPrefix}*"
    }


def test_managed_policies_are_those_of_logs_images_and_deployments() -> None:
    assert managed(translated()) == {
        "AWSLambdaBasicExecutionRole",
        "AWSCodeDeployRoleForLambdaLimited",
        "AmazonECSTaskExecutionRolePolicy",
    }


def test_work_bucket_empties_itself_and_is_closed() -> None:
    bucket = translated()["WorkBucket"]["Properties"]
    assert "VersioningConfiguration" not in bucket
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == {"Ref": "WorkDays"} and "Prefix" not in rule
    assert all(bucket["PublicAccessBlockConfiguration"].values())


def test_integrity_alarm_asks_for_the_field_that_serving_logs() -> None:
    pattern = raw("serving")["Resources"]["IntegrityFailures"]["Properties"]["FilterPattern"]
    assert pattern == '{ ($.level = "ERROR") && ($.kind = "integrity") }'


def test_captures_have_a_log_group_of_their_own_with_a_retention_of_its_own() -> None:
    resources, parameters = translated(), raw("serving")["Parameters"]
    variables = resources["ServingFunction"]["Properties"]["Environment"]["Variables"]
    assert (variables["CAPTURE"], variables["CAPTURE_LOG_GROUP"]) == ({"Ref": "Capture"}, {"Ref": "CaptureLogs"})
    assert resources["CaptureLogs"]["Properties"] == {"RetentionInDays": {"Ref": "CaptureDays"}}
    assert statements(resources)["ServingRole.WriteCaptures"]["Resource"] == {"Fn::GetAtt": ["CaptureLogs", "Arn"]}
    assert parameters["Capture"]["Default"] == 0 and parameters["CaptureDays"]["Default"] == 30
    assert (parameters["Capture"]["MinValue"], parameters["Capture"]["MaxValue"]) == (0, 1)
    known = boto3.client("logs", region_name="us-east-1").meta.service_model.shape_for("Days").documentation
    told = {int(number) for number in re.findall(r"\d+", known)}
    assert set(parameters["CaptureDays"]["AllowedValues"]) <= told  # else CloudWatch refuses it
    readers = [name for name, each in statements(resources).items() if "CaptureLogs" in json.dumps(each["Resource"])]
    assert readers == ["ServingRole.WriteCaptures"]


def test_nothing_of_jobs_is_there_unless_they_are_asked_for() -> None:
    written = raw("serving")
    assert written["Parameters"]["Jobs"]["Default"] == "off"
    of_jobs = {
        name for name, each in written["Resources"].items() if each.get("Condition") in ("TakesJobs", "ServesJobs")
    }
    assert of_jobs == {
        *("JobsTable", "JobsQueue", "JobsDeadLetters", "Worker", "WorkerSource", "WorkerRole", "WorkerLogs"),
        *("DeadLetters", "DeadLettersSource", "DeadLettersRole", "SubmitJobRoute", "JobRoute"),
        *("JobsWaitAlarm", "JobsDeadAlarm", "JobsDiffer", "JobsDifferAlarm", "JobsGivenUp", "JobsGivenUpAlarm"),
        *("JobsWithoutItem", "JobsWithoutItemAlarm"),
    }


@pytest.mark.slow
def test_drift_is_looked_for_by_the_stacks_task_where_that_is_asked_for() -> None:
    """By a command that the parser takes, in the logs of all that answer."""
    schedule = translated(DriftSchedule="rate(1 day)")["DriftLook"]
    target = schedule["Properties"]["Target"]
    assert schedule["Condition"] == "LooksForDrift" and target["EcsParameters"]["TaskDefinitionArn"] == {"Ref": "Task"}
    text, more = target["Input"]["Fn::Sub"]
    assert more == {"Jobs": {"Fn::If": ["TakesJobs", {"Fn::Sub": ', "${WorkerLogs}"'}, ""]}}
    for jobs in ("", ', "jobs-log"'):
        names = {
            "ModelName": "wine",
            "ServingLogs": "log",
            "WorkBucket": "work",
            "AWS::StackName": "prod",
            "Jobs": jobs,
        }
        told = reduce(lambda text, each: text.replace(f"${{{each[0]}}}", each[1]), names.items(), text)
        (override,) = json.loads(told)["containerOverrides"]
        (container,) = translated()["Task"]["Properties"]["ContainerDefinitions"]
        assert override["name"] == container["Name"] and override["command"][0] == "registry"
        asked = make_parser().parse_args(override["command"][1:])
        assert (asked.command, asked.model, asked.page) == ("drift", "wine", "s3://work/drift")
        assert asked.log_group == ["log", *(["jobs-log"] if jobs else [])]
    alarm = translated()["DriftAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, "DriftedFeatures")
    assert alarm["Dimensions"] == [{"Name": "Service", "Value": {"Ref": "AWS::StackName"}}] and asked.metrics == "prod"


@pytest.mark.slow
def test_queues_keep_what_linters_accept_and_jobs_are_lost_by() -> None:
    resources = translated(Jobs="on")
    queue, dead = (resources[name]["Properties"] for name in ("JobsQueue", "JobsDeadLetters"))
    assert queue["MessageRetentionPeriod"] == 10 * 86400 < dead["MessageRetentionPeriod"] == 14 * 86400
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 10
    for name, of in (("Worker", queue), ("DeadLetters", dead)):
        assert of["VisibilityTimeout"] >= 6 * resources[name]["Properties"]["Timeout"]
        source = resources[f"{name}Source"]["Properties"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["ScalingConfig"]["MaximumConcurrency"] >= 2
    longest = (queue["MessageRetentionPeriod"] + dead["MessageRetentionPeriod"]) / 86400 + JobSettings(
        "q", "t", "w"
    ).kept_days
    assert raw("serving")["Parameters"]["WorkDays"]["MinValue"] > longest and LONGEST_QUEUED.days == 24


def test_services_of_jobs_that_hang_are_told_before_the_function_that_asks_them_is_ended() -> None:
    backoff = sum(2**n for n in range(TRIES - 1))  # seconds at most, as botocore's standard mode has it
    assert TRIES * SECONDS + backoff < translated()["ServingFunction"]["Properties"]["Timeout"] / 2


def test_table_forgets_ended_jobs_alone_is_encrypted_and_can_be_recovered() -> None:
    table = translated(Jobs="on")["JobsTable"]["Properties"]
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["SSESpecification"]["SSEEnabled"] is True and table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


@pytest.mark.parametrize("role", ["WorkerRole", "DeadLettersRole"])
def test_workers_write_how_a_job_ended_and_nothing_else_of_it(role: str) -> None:
    now = datetime.now(UTC)
    results = (Contents.of(b"{}"), Contents("a", 1, path="results/a"))
    written = {name for result in results for name in to_end(Ended("done", result, now, now))}
    condition = statements(translated(Jobs="on"))[f"{role}.EndJobs"]["Condition"]
    assert {*condition["ForAllValues:StringEquals"]["dynamodb:Attributes"]} == written | {"id"}


def test_functions_of_jobs_have_no_alias_and_are_started_by_their_handlers() -> None:
    resources = translated(Jobs="on")
    commands = {name: resources[name]["Properties"]["ImageConfig"]["Command"] for name in ("Worker", "DeadLetters")}
    assert commands == {"Worker": ["serving.worker.handler"], "DeadLetters": ["serving.worker.dead_letters"]}
    assert callable(worker.handler) and callable(worker.dead_letters)
    assert [*of_type(resources, "AWS::Lambda::Alias")] == ["ServingFunctionAliaslive"]
    for name in ("Worker", "DeadLetters"):
        given = resources[name]["Properties"]["Environment"]["Variables"]
        assert given["REQUIRE_PIN"] == "on" and "MODEL_VERSION" not in given
