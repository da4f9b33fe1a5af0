"""The roles that workflows take: read statement by statement."""

import json
from fnmatch import fnmatchcase

import pytest

from tests.infra.policies import listed, statements
from tests.infra.template import of_type, raw


def test_roles_of_github_are_three_and_neither_training_nor_promoting_passes_the_one_that_may_delete() -> None:
    resources = raw("github")["Resources"]
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
    assert written == {"PromoteRole.WriteRecords", "PromoteRole.SendTheTemplate"}
    sent = found["PromoteRole.SendTheTemplate"]["Resource"]["Fn::Sub"]
    assert sent.endswith(":s3:::${ServingStacks}*-workbucket-*/templates/*")
    records = found["PromoteRole.WriteRecords"]["Resource"]["Fn::Sub"]
    assert records.endswith("-registrybucket-*/models/_promotions/*/*.json")
    update = found["PromoteRole.UpdateTheStack"]
    assert update["Condition"] == {"ArnEquals": {"cloudformation:RoleArn": {"Fn::GetAtt": ["UpdateRole", "Arn"]}}}
    rights = {
        action for name, each in found.items() for action in listed(each["Action"]) if name.startswith("UpdateRole.")
    }
    assert {action for action in rights if action.startswith("iam:")} == {"iam:GetRole", "iam:PassRole"}
    assert {action for action in rights if action.startswith(("s3:", "cloudformation:"))} == {
        "cloudformation:CreateChangeSet"
    }
    assert not {action for action in rights if action.startswith(("ecs:", "scheduler:"))}


@pytest.mark.parametrize(
    ("arn", "allowed"),
    [
        ("function:brinery-serving-wine-serving:7", True),
        ("function:brinery-serving-wine-serving", False),
        ("function:brinery-registry-x:7", False),
        ("function:another:7", False),
    ],
)
def test_promotion_deletes_versions_of_functions_by_their_numbers_alone(arn: str, allowed: bool) -> None:
    found = {
        name: each["Resource"]["Fn::Sub"]
        .rpartition("${AWS::AccountId}:")[2]
        .replace("${ServingStacks}", "brinery-serving-")
        for name, each in statements(raw("github")["Resources"]).items()
        if "lambda:DeleteFunction" in listed(each["Action"])
    }
    assert [*found] == ["PromoteRole.DeleteSupersededVersions"]
    assert fnmatchcase(arn, found["PromoteRole.DeleteSupersededVersions"]) is allowed
