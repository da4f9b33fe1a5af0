"""The files for SageMaker, Fargate, Kubernetes and Knative: with settings that serving knows, and no right too much."""

from dataclasses import fields
from typing import Any

import pytest
import yaml

from brinery.promotion.stack import Stack
from serving.settings import Settings
from tests.infra.policies import statements
from tests.infra.template import INFRA, Resources, raw

KNOWN = {each.name.upper() for each in fields(Settings)} | {"MODEL_REGISTRY", "AWS_REGION"}
KNOWN |= {"JOBS_QUEUE_URL", "JOBS_TABLE", "WORK_URL", "JOBS_TTL_DAYS"}


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((INFRA / name).read_text()))


FILES = ("kubernetes.yaml", "knative.yaml")


def pod_of(name: str) -> tuple[Any, Any]:
    """What a file sets for the pod, and for its container."""
    pod = documents(name)[0]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return pod, container


def environment_of(name: str, resources: Resources) -> dict[str, Any]:
    """The variables that what serves is given."""
    if name == "serving":
        return dict(resources["ServingFunction"]["Properties"]["Environment"]["Variables"])
    if name == "sagemaker":
        return dict(resources["Model"]["Properties"]["PrimaryContainer"]["Environment"])
    (container,) = resources["Task"]["Properties"]["ContainerDefinitions"]
    return {each["Name"]: each["Value"] for each in container["Environment"]}


@pytest.mark.parametrize("name", ["fargate", "sagemaker", "serving"])
def test_stack_has_what_promote_sets_and_a_container_that_is_told_what_serving_knows(name: str) -> None:
    template = raw(name)
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

    assert Stack("s", lambda service: Client()).held("wine").pin is None
    given = environment_of(name, template["Resources"])
    assert set(given) <= KNOWN | {"RELEASE_ID", "AWS_ENDPOINT_URL_S3", "ORT_DISABLE_TELEMETRY"}
    assert given["REQUIRE_PIN"] == "on" and given["MODEL_RECORD"] == {"Ref": "ModelRecord"}


@pytest.mark.parametrize("name", ["fargate", "sagemaker"])
def test_role_reads_its_model_and_nothing_else_of_the_registry(name: str) -> None:
    found = statements(raw(name)["Resources"])
    on_s3 = {sid: each for sid, each in found.items() if "s3:" in str(each["Action"])}
    assert {sid: each["Action"] for sid, each in on_s3.items()} == {"Role.ReadModel": "s3:GetObject"}
    assert on_s3["Role.ReadModel"]["Resource"]["Fn::Sub"].endswith(":s3:::${RegistryBucket}/models/${ModelName}/*")
    assert [sid for sid, each in found.items() if each["Resource"] == "*"] == ["Role.LogIn"] * (name == "sagemaker")


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
