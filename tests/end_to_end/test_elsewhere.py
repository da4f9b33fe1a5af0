"""The image as each service starts it: the settings of its file, on a real engine, up to an answer."""

import json
from typing import Any, NamedTuple

import httpx
import pytest

from tests.conftest import free_port
from tests.end_to_end.conftest import Stack
from tests.end_to_end.test_compose import ROW
from tests.infra.template import raw
from tests.infra.test_elsewhere import environment_of, pod_of

pytestmark = pytest.mark.docker


class Container(NamedTuple):
    """What a service's file says of the container; `port` is where it is asked."""

    command: list[str]
    environment: dict[str, Any]
    port: int = 8080
    flags: tuple[str, ...] = ()


def of_pod(name: str, **port: int) -> Container:
    """A container of Kubernetes, hardened as the file says."""
    pod, container = pod_of(name)
    secured = {**pod.get("securityContext", {}), **container["securityContext"]}
    flags = [f"--user {secured['runAsUser']}", "--cap-drop ALL", "--security-opt no-new-privileges"]
    flags += ["--read-only"] if secured["readOnlyRootFilesystem"] else []
    environment = {each["name"]: each["value"] for each in container["env"]}
    return Container(container["args"], environment, flags=tuple(flags), **port)


def of_fargate() -> Container:
    resources = raw("fargate")["Resources"]
    (container,) = resources["Task"]["Properties"]["ContainerDefinitions"]
    flags = [f"--user {container['User']}"] + ["--read-only"] * container["ReadonlyRootFilesystem"]
    (port,) = container["PortMappings"]
    return Container(container["Command"], environment_of("fargate", resources), port["ContainerPort"], tuple(flags))


def containers() -> dict[str, Container]:
    """Knative says by PORT where to listen; SageMaker starts the image with the word `serve` and nothing else."""
    knative = of_pod("knative.yaml", port=9099)
    return {
        "kubernetes": of_pod("kubernetes.yaml"),
        "knative": knative._replace(environment={**knative.environment, "PORT": "9099"}),
        "fargate": of_fargate(),
        "sagemaker": Container(["serve"], environment_of("sagemaker", raw("sagemaker")["Resources"])),
    }


@pytest.mark.parametrize("name", ["kubernetes", "knative", "fargate", "sagemaker"])
def test_container_of_the_file_serves_and_gets_ready(stack: Stack, lines: dict[str, str], name: str) -> None:
    container, port = containers()[name], free_port()
    pin = dict(each.split("=", 1) for each in lines["wine"].split() if each.startswith("MODEL_"))
    local = {"MODEL_REGISTRY": "s3://models", "AWS_ENDPOINT_URL_S3": "http://s3:4566", **pin}
    local |= dict.fromkeys(("MODEL_RECORD", "CHALLENGER_VERSION", "CHALLENGER_SHARE"), "")
    local |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}
    told = {**container.environment, **local}
    assert all(isinstance(value, str) for value in told.values()), told
    stack.shell("docker compose build serve && docker compose up -d s3")
    flags = [*(f"-e {key}={value}" for key, value in told.items()), *container.flags]
    network = f"--network {stack.project}_default -p 127.0.0.1:{port}:{container.port}"
    image, command = f"{stack.project}-serving:sklearn", " ".join(container.command)
    running = stack.shell(f"docker run -d --rm {network} {' '.join(flags)} {image} {command}").strip()
    url = f"http://127.0.0.1:{port}"
    try:
        stack.wait(f"{url}/healthz")
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 200
        answer = httpx.post(f"{url}/classify", json={"data": ROW}, timeout=30).json()
        assert answer["prediction"] == 0 and answer["model"] == {"name": "wine", "version": 1}
        if name == "sagemaker":
            assert httpx.get(f"{url}/ping", timeout=30).status_code == 200
            row, csv = ",".join(map(str, ROW.values())), {"content-type": "text/csv", "accept": "text/csv"}
            asked = httpx.post(f"{url}/invocations", content=row, headers=csv, timeout=30)
            assert (asked.status_code, asked.text.split(",")[0].strip()) == (200, "0")
    finally:
        stack.shell(f"docker kill {running}")


def test_training_task_is_run_as_fargate_starts_it(stack: Stack) -> None:
    """Its root's file system read-only, and a volume of the engine's own at /tmp, which its user can write to."""
    resources = raw("registry")["Resources"]
    (container,) = resources["TrainingTask"]["Properties"]["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] and container["Command"] == ["train", "--due"]
    stack.shell("docker compose build train && docker compose up -d --wait s3")
    local = {"MODEL_REGISTRY": "s3://models/task", "AWS_ENDPOINT_URL_S3": "http://s3:4566", "AWS_REGION": "us-east-1"}
    local |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "MODELS_URI": "", "MODELS_SHA256": ""}
    flags = [*(f"-e {key}={value}" for key, value in local.items()), "--read-only", "--volume /tmp"]
    run = f"docker run --rm --network {stack.project}_default {' '.join(flags)} {stack.project}-training"
    trained = json.loads(stack.shell(f"{run} train --json wine"))
    assert trained["reference"].startswith("wine:1@sha256:")
    looked = json.loads(stack.shell(f"{run} {' '.join(container['Command'])} penguins").splitlines()[-1])
    assert (looked["event"], looked["models"], looked["trained"]) == ("due", 1, 1)
