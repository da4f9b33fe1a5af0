"""The registry's template, read statement by statement."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from brinery.formats.choice import FORMATS
from brinery.versions.manifest import CARD, GOLDEN
from tests.infra.policies import hold_to, listed, managed, statements
from tests.infra.template import INFRA, raw

RESOURCES = raw("registry")["Resources"]


ALLOWED = {
    "TrainingRole.CreateVersions": ["s3:PutObject"],
    "TrainingRole.Read": ["s3:GetObject"],
    "TrainingRole.List": ["s3:ListBucket"],
    "TrainingRole.ReadModels": ["s3:GetObject"],
    "TrainingRole.ReadData": ["s3:GetObject", "s3:ListBucket"],
    "SchedulerRole.Run": ["ecs:RunTask"],
    "SchedulerRole.PassRoles": ["iam:PassRole"],
    "SchedulerRole.DeadLetters": ["sqs:SendMessage"],
}


def test_every_role_may_do_what_is_listed_here_and_no_more() -> None:
    hold_to(RESOURCES, ALLOWED)


def test_training_creates_by_exact_names_and_reads_the_registry() -> None:
    found = statements(RESOURCES)
    created = [
        each["Fn::Sub"].removeprefix("${RegistryBucket.Arn}/models/")
        for each in found["TrainingRole.CreateVersions"]["Resource"]
    ]
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
        ("../declared/models.json", False),
    ],
)
def test_training_creates_what_publishing_and_the_schedule_write_and_no_record(key: str, allowed: bool) -> None:
    patterns = listed(statements(RESOURCES)["TrainingRole.CreateVersions"]["Resource"])
    matched = [fnmatchcase(f"models/{key}", each["Fn::Sub"].partition("Arn}/")[2]) for each in patterns]
    assert any(matched) is allowed


def test_declared_models_lie_where_training_cannot_write() -> None:
    """What `infra/set-models` puts there, in the registry's own bucket; nor can anybody change it."""
    script = (INFRA / "set-models").read_text()
    assert 'key="declared/$sha256.json"' in script and ").create(sys.argv[2]" in script
    patterns = listed(statements(RESOURCES)["TrainingRole.CreateVersions"]["Resource"])
    assert not any(
        fnmatchcase("declared/" + "a" * 64 + ".json", each["Fn::Sub"].partition("Arn}/")[2]) for each in patterns
    )
    task = RESOURCES["TrainingTask"]["Properties"]["ContainerDefinitions"][0]
    given = {each["Name"]: each["Value"] for each in task["Environment"]}
    assert (given["MODELS_URI"], given["MODELS_SHA256"]) == ({"Ref": "ModelsUri"}, {"Ref": "ModelsSha256"})


def test_managed_policy_is_that_of_logs_and_images() -> None:
    assert managed(RESOURCES) == {"AmazonECSTaskExecutionRolePolicy"}


def test_registry_bucket_refuses_plain_http_and_overwriting() -> None:
    tls, create, delete = RESOURCES["RegistryBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": False}} and len(tls["Resource"]) == 2
    assert (create["Effect"], create["Principal"], create["Action"]) == ("Deny", "*", "s3:PutObject")
    assert create["Resource"] == {"Fn::Sub": "${RegistryBucket.Arn}/*"}
    assert create["Condition"] == {"Null": {"s3:if-none-match": True}, "Bool": {"s3:ObjectCreationOperation": True}}
    assert (delete["Effect"], delete["Principal"], delete["Resource"]) == ("Deny", "*", tls["Resource"])
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutBucketPolicy", "s3:PutBucketNotification"} < {
        *delete["Action"]
    }
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    assert delete["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": [{"Ref": "DeletionRoleArn"}, root]}}


def test_registry_outlives_the_stack_unless_its_very_first_deployment_failed() -> None:
    for name in ("RegistryBucket", "RegistryBucketPolicy"):
        assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_training_task_is_hardened_and_reached_by_nobody() -> None:
    (container,) = RESOURCES["TrainingTask"]["Properties"]["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["MountPoints"] == [{"SourceVolume": "tmp", "ContainerPath": "/tmp"}]
    assert "VOLUME /tmp" in (INFRA.parent / "training/Dockerfile").read_text()  # else it would be root's on Fargate
    group = RESOURCES["TrainingSecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    assert [(each["FromPort"], each["ToPort"]) for each in group["SecurityGroupEgress"]] == [(443, 443)]


def test_training_may_run_on_spot_and_has_a_security_group_of_its_own() -> None:
    started = RESOURCES["TrainingSchedule"]["Properties"]["Target"]["EcsParameters"]
    groups = started["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    assert groups == [{"Fn::GetAtt": ["TrainingSecurityGroup", "GroupId"]}]
    assert started["CapacityProviderStrategy"] == [{"CapacityProvider": {"Ref": "TrainingCapacity"}, "Weight": 1}]
    assert RESOURCES["TrainingCluster"]["Properties"]["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
