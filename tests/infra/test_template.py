"""The template as CloudFormation gets it: translated by SAM's own library, and read statement by statement."""

import json
import os
import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from brinery.formats.choice import FORMATS
from brinery.promotion.release import NOT_SERVING
from brinery.versions.manifest import CARD, GOLDEN
from tests.conftest import ROOT, SAM_CLI, TOOL
from tests.infra.template import IMAGE, PIN, TEMPLATE, Resources, of_type, raw, roles, translated


def serving_version(resources: Resources) -> str:
    (name,) = (name for name in of_type(resources, "AWS::Lambda::Version") if name.startswith("ServingFunction"))
    return name


@pytest.mark.parametrize(
    "command",
    [
        f"{' '.join(TOOL)} cfn-lint==1.58.0 cfn-lint {TEMPLATE.parent / 'github.yaml'}",
        pytest.param(f"{SAM_CLI} validate --lint --template", marks=pytest.mark.campaign),
    ],
    ids=["cfn-lint", "sam-validate"],
)
def test_template_passes_the_linters(command: str) -> None:
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run([*command.split(), str(TEMPLATE)], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout in ("", f"{TEMPLATE} is a valid SAM Template\n"), done.stdout


@pytest.mark.parametrize("name", ["template.yaml", "github.yaml"])
def test_templates_have_no_aliases_which_cloudformation_refuses(name: str) -> None:
    assert not re.search(r"(: |- )[&*][a-z]", (TEMPLATE.parent / name).read_text())


OTHERS = {"SubnetIds": "subnet-3", "SchedulePeriod": "3600", "CanaryType": "AllAtOnce"}
SERVING = {
    "ModelName": "beer",
    "ModelVersion": PIN.replace("7", "8"),
    "ModelRecord": "20261101T120000Z-" + "b" * 64,
    "ServingImageUri": IMAGE.replace("a" * 64, "c" * 64),
    "ReservedConcurrency": "7",
}


@pytest.mark.campaign
def test_each_parameter_of_serving_alone_publishes_a_new_version() -> None:
    assert set(SERVING) | NOT_SERVING == set(raw()["Parameters"])
    first = serving_version(translated())
    assert serving_version(translated()) == first
    changed = [serving_version(translated(**{name: value})) for name, value in SERVING.items()]
    assert len({first, *changed}) == 1 + len(SERVING)
    assert {serving_version(translated(**{name: value})) for name, value in OTHERS.items()} == {first}


def test_function_is_configured_by_what_the_release_id_is_made_of() -> None:
    written = raw()
    function = json.dumps(written["Resources"]["ServingFunction"]["Properties"])
    conditions = {name for name in written["Conditions"] if f'"{name}"' in function}
    text = function + json.dumps([written["Conditions"][name] for name in conditions])
    named = {name for name in written["Parameters"] if f'"Ref": "{name}"' in text or f"${{{name}}}" in text}
    assert named == {*SERVING, "ReleaseId", "CanaryType"}
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
    body = translated()["Api"]["Properties"]["Body"]["paths"]
    assert set(body) == {
        "/classify",
        "/predict",
        "/model/version",
        "/model/card",
        "/healthz",
        "/readyz",
        "/docs",
        "/openapi.json",
    }


def test_first_deployment_without_a_version_serves_nothing_and_trains() -> None:
    template = raw()
    served = {name for name, each in template["Resources"].items() if each.get("Condition") == "Serves"}
    assert {"ServingFunction", "Api", "PreTrafficFunction", "ServingErrorsAlarm", "Dashboard"} <= served
    assert not {"RegistryBucket", "TrainingTask", "TrainingSchedule", "TrainingMissingAlarm"} & served


def statements(resources: Resources) -> dict[str, dict[str, Any]]:
    """Every statement of every policy that the template writes, by role and Sid."""
    found = {}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", []):
            policy = policy["Fn::If"][1] if "Fn::If" in policy else policy
            for statement in policy["PolicyDocument"]["Statement"]:
                found[f"{name}.{statement['Sid']}"] = statement
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


ALLOWED = {
    "ServingFunctionRole.ReadModel": ["s3:GetObject"],
    "PreTrafficFunctionRole.Report": ["codedeploy:PutLifecycleEventHookExecutionStatus"],
    "PreTrafficFunctionRole.Ask": ["lambda:InvokeFunction"],
    "PreTrafficFunctionRole.ReadGoldenRows": ["s3:GetObject"],
    "TrainingRole.CreateVersions": ["s3:PutObject"],
    "TrainingRole.Read": ["s3:GetObject"],
    "TrainingRole.List": ["s3:ListBucket"],
    "TrainingRole.ReadData": ["s3:GetObject", "s3:ListBucket"],
    "SchedulerRole.Run": ["ecs:RunTask"],
    "SchedulerRole.PassRoles": ["iam:PassRole"],
    "SchedulerRole.DeadLetters": ["sqs:SendMessage"],
}


def test_every_role_may_do_what_is_listed_here_and_no_more() -> None:
    found = statements(translated())
    assert {name: listed(statement["Action"]) for name, statement in found.items()} == ALLOWED
    assert all(statement["Effect"] == "Allow" for statement in found.values())
    for name, statement in found.items():
        for resource in listed(statement["Resource"]):
            assert resource != "*", name


def test_serving_reads_its_model_alone_and_training_the_registry() -> None:
    found = statements(translated())
    own = "${RegistryBucket.Arn}/models/wine/*"
    training = found["TrainingRole.CreateVersions"]["Resource"]
    assert found["ServingFunctionRole.ReadModel"]["Resource"]["Fn::Sub"].replace("${ModelName}", "wine") == own
    created = [each["Fn::Sub"].removeprefix("${RegistryBucket.Arn}/models/") for each in training]
    files = {"claim.json", "manifest.json", "profile.json", GOLDEN, CARD, *(each.file for each in FORMATS.values())}
    assert {Path(each).name for each in created[:-1]} == files
    assert created[-1] == "_schedule/*/*/*.json"
    assert found["TrainingRole.Read"]["Resource"] == {"Fn::Sub": "${RegistryBucket.Arn}/models/*"}
    assert found["TrainingRole.List"]["Condition"] == {"StringLike": {"s3:prefix": "models/*"}}


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("wine/versions/000007/model.joblib", True),
        ("wine/versions/000007/manifest.json", True),
        ("_schedule/wine/202611010300/1.json", True),
        ("_promotions/wine/20261101T120000Z-" + "a" * 64 + ".json", False),
        ("wine/versions/000007/model.pkl", False),
        ("wine/versions/7/manifest.json", False),
        ("wine/notes.json", False),
    ],
)
def test_training_creates_what_publishing_and_the_schedule_write_and_no_record(key: str, allowed: bool) -> None:
    patterns = listed(statements(translated())["TrainingRole.CreateVersions"]["Resource"])
    matched = [fnmatchcase(f"models/{key}", each["Fn::Sub"].partition("Arn}/")[2]) for each in patterns]
    assert any(matched) is allowed


def test_managed_policies_are_those_of_logs_images_and_deployments() -> None:
    managed = {
        json.dumps(arn).rpartition("/")[2].rstrip('"}')
        for role in of_type(translated(), "AWS::IAM::Role").values()
        for arn in role["Properties"].get("ManagedPolicyArns", [])
    }
    assert managed == {
        "AWSLambdaBasicExecutionRole",
        "AWSCodeDeployRoleForLambda",
        "AmazonECSTaskExecutionRolePolicy",
    }


def test_registry_bucket_refuses_plain_http_and_overwriting() -> None:
    tls, create, delete = translated()["RegistryBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": False}} and len(tls["Resource"]) == 2
    assert (create["Effect"], create["Principal"], create["Action"]) == ("Deny", "*", "s3:PutObject")
    assert create["Resource"] == {"Fn::Sub": "${RegistryBucket.Arn}/*"}
    assert create["Condition"] == {"Null": {"s3:if-none-match": True}, "Bool": {"s3:ObjectCreationOperation": True}}
    assert (delete["Effect"], delete["Principal"], delete["Resource"]) == ("Deny", "*", tls["Resource"])
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"} < {
        *delete["Action"]
    }
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    assert delete["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": [{"Ref": "DeletionRoleArn"}, root]}}


def test_roles_of_github_are_three_and_neither_training_nor_promoting_passes_the_one_that_may_delete() -> None:
    resources = roles()
    found = statements(resources)
    environments = {
        name: json.dumps(role).partition(":environment:")[2].partition('"')[0]
        for name, role in of_type(resources, "AWS::IAM::Role").items()
    }
    assert environments == {
        "TrainRole": "${Environment}-train",
        "PromoteRole": "${Environment}",
        "UpdateRole": "",
        "DeployRole": "${Environment}-deploy",
        "StackRole": "",
    }
    passing = {
        name
        for name, each in found.items()
        if "StackRole" in json.dumps(each) and "iam:PassRole" in listed(each["Action"])
    }
    assert passing == {"DeployRole.PassTheRole"}
    written = {name for name, each in found.items() if "s3:PutObject" in listed(each["Action"])}
    assert written == {"PromoteRole.WriteRecords"}
    records = found["PromoteRole.WriteRecords"]["Resource"]["Fn::Sub"]
    assert records.endswith("-registrybucket-*/models/_promotions/*/*.json")
    update = found["PromoteRole.UpdateTheStack"]
    assert update["Condition"] == {"ArnEquals": {"cloudformation:RoleArn": {"Fn::GetAtt": ["UpdateRole", "Arn"]}}}
    rights = {
        action for name, each in found.items() for action in listed(each["Action"]) if name.startswith("UpdateRole.")
    }
    assert {action for action in rights if action.startswith("iam:")} == {"iam:GetRole", "iam:PassRole"}
    assert not {action for action in rights if action.startswith(("s3:", "cloudformation:"))}


def test_topic_takes_messages_of_alarms_and_of_the_rule_alone() -> None:
    alarms, rule = translated()["AlertsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    for statement, service, condition in (
        (alarms, "cloudwatch", {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}),
        (rule, "events", {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["TrainingEnded", "Arn"]}}}),
    ):
        assert (statement["Effect"], statement["Action"], statement["Resource"]) == (
            "Allow",
            "sns:Publish",
            {"Ref": "Alerts"},
        )
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert statement["Condition"] == condition


def test_registry_outlives_the_stack() -> None:
    for name in ("RegistryBucket", "RegistryBucketPolicy"):
        assert raw()["Resources"][name]["DeletionPolicy"] == raw()["Resources"][name]["UpdateReplacePolicy"] == "Retain"


def test_integrity_alarm_asks_for_the_field_that_serving_logs() -> None:
    pattern = raw()["Resources"]["IntegrityFailures"]["Properties"]["FilterPattern"]
    assert pattern == '{ ($.level = "ERROR") && ($.kind = "integrity") }'


def test_every_alarm_tells_the_topic_and_comes_back() -> None:
    alarms = of_type(translated(), "AWS::CloudWatch::Alarm")
    assert len(alarms) == 11
    for name, alarm in alarms.items():
        properties = alarm["Properties"]
        assert properties["AlarmActions"] == properties["OKActions"] == [{"Ref": "Alerts"}], name
        assert properties["TreatMissingData"] == ("breaching" if name == "TrainingMissingAlarm" else "notBreaching")


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("ModelVersion", PIN, True),
        ("ModelVersion", "", True),
        ("ModelVersion", "7", False),
        ("ModelVersion", "0@sha256:" + "b" * 64, False),
        ("ModelVersion", "7@sha256:" + "B" * 64, False),
        ("ModelRecord", "", True),
        ("ModelRecord", "20261101T120000Z-" + "b" * 64, True),
        ("ModelRecord", "../wine", False),
        ("ReleaseId", "c" * 64, True),
        ("ReleaseId", "7", False),
        ("ServingImageUri", IMAGE, True),
        ("ServingImageUri", "serving:latest", False),
        ("ServingImageUri", "", False),
        ("TrainingImageUri", "", False),
        ("ModelName", "wine-alcohol", True),
        ("ModelName", "../wine", False),
    ],
)
def test_parameters_refuse_what_would_not_be_served(parameter: str, value: str, allowed: bool) -> None:
    assert bool(re.fullmatch(raw()["Parameters"][parameter]["AllowedPattern"], value)) is allowed
