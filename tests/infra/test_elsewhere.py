"""The files for SageMaker, Kubernetes and Knative: valid, with settings that serving knows, and no right too much."""

import os
import subprocess
from dataclasses import fields
from typing import Any

import pytest
import yaml

from brinery.promotion.stack import Stack
from serving.settings import Settings
from tests.conftest import ROOT, TOOL

INFRA = ROOT / "infra"
KNOWN = {each.name.upper() for each in fields(Settings)} | {"MODEL_REGISTRY", "AWS_REGION"}


class Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with CloudFormation's short forms, each as what stands behind it."""


def _what_is_behind(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence}
    return {suffix: kinds[type(node)](node)}


Loader.add_multi_constructor("!", _what_is_behind)


def documents(name: str) -> list[Any]:
    return list(yaml.load_all((INFRA / name).read_text(), Loader))  # noqa: S506  (a subclass of the safe one)


FILES = ("kubernetes.yaml", "knative.yaml")


def pod_of(name: str) -> tuple[Any, Any]:
    """What a file sets for the pod, and for its container."""
    pod = documents(name)[0]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return pod, container


def test_sagemaker_template_passes_the_linter() -> None:
    command = [*TOOL, "cfn-lint==1.58.0", "cfn-lint", str(INFRA / "sagemaker.yaml")]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_sagemaker_stack_has_what_promote_sets_and_a_role_that_only_reads() -> None:
    (template,) = documents("sagemaker.yaml")
    described = {
        "StackName": "s",
        "StackStatus": "CREATE_COMPLETE",
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": {"ModelName": "wine"}.get(name, each.get("Default", ""))}
            for name, each in template["Parameters"].items()
        ],
    }

    class Client:
        def describe_stacks(self, StackName: str) -> Any:
            return {"Stacks": [described]}

    assert Stack("s", Client()).held("wine").pin is None
    environment = template["Resources"]["Model"]["Properties"]["PrimaryContainer"]["Environment"]
    assert set(environment) <= KNOWN and environment["REQUIRE_PIN"] == "on"
    statements = template["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    actions = {each["Sid"]: each["Action"] for each in statements}
    assert actions["ReadTheRegistry"] == "s3:GetObject"
    open_ended = [each["Sid"] for each in statements if each["Resource"] == "*"]
    assert open_ended == ["LogIn"]


@pytest.mark.parametrize("name", FILES)
def test_container_is_hardened_and_told_what_serving_knows(name: str) -> None:
    pod, container = pod_of(name)
    secured = {**pod.get("securityContext", {}), **container["securityContext"]}
    assert secured["runAsNonRoot"] and secured["readOnlyRootFilesystem"] and not secured["allowPrivilegeEscalation"]
    assert secured["capabilities"] == {"drop": ["ALL"]} and pod["automountServiceAccountToken"] is False
    assert {each["name"] for each in container["env"]} <= KNOWN
    assert container["args"] == ["serve"] and "@sha256:" in container["image"]
    probes = {each: container[f"{each}Probe"]["httpGet"]["path"] for each in ("readiness", "liveness")}
    assert probes == {"readiness": "/readyz", "liveness": "/healthz"}
