"""The policies of a template, statement by statement."""

import json
from typing import Any

from tests.infra.template import Resources, of_type


def statements(resources: Resources) -> dict[str, dict[str, Any]]:
    """Every statement of every policy that a template writes, by role and Sid."""
    found = {}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", []):
            policy = policy["Fn::If"][1] if "Fn::If" in policy else policy
            for statement in policy["PolicyDocument"]["Statement"]:
                found[f"{name}.{statement['Sid']}"] = statement
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def managed(resources: Resources) -> set[str]:
    """The names of AWS's own policies that the roles are given."""
    return {
        json.dumps(arn).rpartition("/")[2].rstrip('"}')
        for role in of_type(resources, "AWS::IAM::Role").values()
        for arn in role["Properties"].get("ManagedPolicyArns", [])
    }


def hold_to(resources: Resources, allowed: dict[str, list[str]]) -> None:
    """Every role may do what is listed, by role and Sid, each on resources that are named, and no more."""
    found = statements(resources)
    assert {name: listed(statement["Action"]) for name, statement in found.items()} == allowed
    assert all(statement["Effect"] == "Allow" for statement in found.values())
    for name, statement in found.items():
        for resource in listed(statement["Resource"]):
            assert resource != "*", name
