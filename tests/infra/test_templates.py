"""What holds for every template: linters, no reference into nothing, parameters that refuse, alarms that come back."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from brinery.promotion.stack import MOST_TEMPLATE_BYTES
from tests.conftest import ROOT, SAM_CLI, TOOL
from tests.infra.template import IMAGE, INFRA, PIN, SERVING, of_type, raw, translate

TEMPLATES = ("fargate", "github", "registry", "sagemaker", "serving")
IMPLIED = {
    "ServesByToken": {"Serves", "AsksForTokens"},
    "ServesJobs": {"Serves", "TakesJobs"},
}  # conditions that hold only where others do


def test_templates_are_these() -> None:
    assert {*translate()["written"]} == {*TEMPLATES}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        [*TOOL, "cfn-lint==1.58.0", "cfn-lint", *(str(INFRA / f"{name}.yaml") for name in TEMPLATES)],
        pytest.param([*SAM_CLI.split(), "validate", "--lint", "--template", str(SERVING)], marks=pytest.mark.campaign),
    ],
    ids=["cfn-lint", "sam-validate"],
)
def test_templates_pass_the_linters(command: list[str]) -> None:
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout in ("", f"{SERVING} is a valid SAM Template\n"), done.stdout


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_have_no_aliases_which_cloudformation_refuses(name: str) -> None:
    assert not re.search(r"(: |- )[&*][a-z]", (INFRA / f"{name}.yaml").read_text())


@pytest.mark.parametrize("name", ["fargate", "sagemaker"])
def test_template_without_a_work_bucket_can_be_sent_as_it_is(name: str) -> None:
    """With room for what SAM makes of it when it is packaged, a tenth more."""
    assert len((INFRA / f"{name}.yaml").read_bytes()) <= 0.8 * MOST_TEMPLATE_BYTES


def references(value: Any, holding: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Each name that a value refers to, with the conditions that hold where it does."""
    if isinstance(value, list):
        for each in value:
            yield from references(each, holding)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Ref":
                yield each, holding
            elif key == "Fn::GetAtt":
                yield (each if isinstance(each, str) else each[0]).partition(".")[0], holding
            elif key == "Fn::Sub":
                text = each if isinstance(each, str) else each[0]
                yield from ((name.partition(".")[0], holding) for name in re.findall(r"\$\{([^}!]+)\}", text))
                yield from references([] if isinstance(each, str) else each[1], holding)
            elif key == "Fn::If":
                yield from references(each[1], holding | {each[0]})
                yield from references(each[2], holding)
            else:
                yield from references(each, holding)


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_refers_to_what_a_condition_may_leave_out(name: str) -> None:
    template = translate()["translated"] if name == "serving" else raw(name)
    conditions = {each: part.get("Condition") for each, part in template["Resources"].items()}
    parts = {**template["Resources"], **template["Outputs"]}
    dangling = []
    for each, part in parts.items():
        own = part.get("Condition")
        for found, holding in references({**part, "DependsOn": None}, frozenset([own] if own else [])):
            certain = holding | {implied for condition in holding for implied in IMPLIED.get(condition, ())}
            needed = {conditions.get(found)} - {None}
            if not needed <= certain | {c for c, w in IMPLIED.items() if w <= certain}:
                dangling.append(f"{each} -> {found}")
    assert dangling == []


@pytest.mark.parametrize("name", ["registry", "serving"])
def test_every_alarm_tells_the_topic_and_comes_back(name: str) -> None:
    alarms = of_type(raw(name)["Resources"], "AWS::CloudWatch::Alarm")
    assert len(alarms) == {"registry": 3, "serving": 15}[name]
    for name, alarm in alarms.items():
        properties = alarm["Properties"]
        assert properties["AlarmActions"] == properties["OKActions"] == [{"Ref": "Alerts"}], name
        assert properties["TreatMissingData"] == ("breaching" if name == "TrainingMissingAlarm" else "notBreaching")


ALARMS = {"cloudwatch": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}}


@pytest.mark.parametrize(
    ("name", "topic", "allowed"),
    [
        ("serving", "Alerts", ALARMS),
        (
            "registry",
            "Alerts",
            {**ALARMS, "events": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["TrainingEnded", "Arn"]}}}},
        ),
        (
            "registry",
            "Changes",
            {
                "events": {
                    "ArnEquals": {
                        "aws:SourceArn": [
                            {"Fn::GetAtt": ["VersionPublished", "Arn"]},
                            {"Fn::GetAtt": ["VersionPromoted", "Arn"]},
                        ]
                    }
                }
            },
        ),
    ],
)
def test_topic_takes_messages_of_these_alone(name: str, topic: str, allowed: dict[str, Any]) -> None:
    written = raw(name)["Resources"][f"{topic}Policy"]["Properties"]["PolicyDocument"]["Statement"]
    found = {json.dumps(each["Principal"]): each["Condition"] for each in written}
    assert found == {json.dumps({"Service": f"{who}.amazonaws.com"}): when for who, when in allowed.items()}
    for each in written:
        assert (each["Effect"], each["Action"], each["Resource"]) == ("Allow", "sns:Publish", {"Ref": topic})


@pytest.mark.parametrize("name", ["fargate", "sagemaker", "serving"])
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
        ("ModelName", "wine-alcohol", True),
        ("ModelName", "../wine", False),
        ("RegistryBucket", "brinery-registry-1", True),
        ("RegistryBucket", "*", False),
    ],
)
def test_parameters_refuse_what_would_not_be_served(name: str, parameter: str, value: str, allowed: bool) -> None:
    assert bool(re.fullmatch(raw(name)["Parameters"][parameter]["AllowedPattern"], value)) is allowed


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("TrainingImageUri", "", False),
        ("ModelsUri", "", True),
        ("ModelsUri", "s3://my-bucket/declared/models.json", True),
        ("ModelsUri", "s3://my-bucket/*", False),
        ("ModelsUri", "https://example.org/models.json", False),
        ("ModelsSha256", "b" * 64, True),
        ("ModelsSha256", "b" * 63, False),
        ("Baselines", "", True),
        ("Baselines", f"wine={PIN}", True),
        ("Baselines", f"wine={PIN} beer={PIN}", True),
        ("Baselines", "wine=7", False),
        ("Baselines", f"wine={PIN}beer={PIN}", False),
        ("DeletionRoleArn", "arn:aws:iam::123456789012:role/deploy", True),
        ("DeletionRoleArn", "*", False),
        ("DeletionRoleArn", "arn:aws:iam::123456789012:role/*", False),
        ("DataBucket", "", True),
        ("DataBucket", "*", False),
    ],
)
def test_parameters_of_the_registry_refuse_what_is_not_vouched_for(parameter: str, value: str, allowed: bool) -> None:
    assert bool(re.fullmatch(raw("registry")["Parameters"][parameter]["AllowedPattern"], value)) is allowed


def test_rules_refuse_what_cannot_be() -> None:
    """No endpoint here evaluates rules; these are what CloudFormation will."""
    rules = {name: raw(name).get("Rules", {}) for name in TEMPLATES}
    assert {name: [*each] for name, each in rules.items() if each} == {
        "registry": ["ModelsAreVouchedFor"],
        "serving": ["TokensHaveAnIssuer", "TheRegistryStays", "DriftHasAPlace", "OneKindOfWarmth"],
        "fargate": ["TheInternetIsSecure"],
    }
    warm = rules["serving"]["OneKindOfWarmth"]
    assert warm["RuleCondition"] == {"Fn::Equals": [{"Ref": "SnapStart"}, "on"]}
    assert warm["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "ProvisionedConcurrency"}, "0"]}
