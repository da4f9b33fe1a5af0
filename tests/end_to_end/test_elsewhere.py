"""The image as Kubernetes and Knative start it: the settings of their files, on a real engine."""

import httpx
import pytest

from tests.conftest import free_port
from tests.end_to_end.conftest import Stack
from tests.end_to_end.test_compose import ROW
from tests.infra.test_elsewhere import FILES, pod_of

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("name", FILES)
def test_container_of_the_file_serves_and_gets_ready(stack: Stack, lines: dict[str, str], name: str) -> None:
    """Root's file system read-only, without a folder to write to; Knative says by PORT where to listen."""
    pod, container = pod_of(name)
    secured = {**pod.get("securityContext", {}), **container["securityContext"]}
    port, inside = free_port(), 9099 if name == "knative.yaml" else container["ports"][0]["containerPort"]
    pin = dict(each.split("=", 1) for each in lines["wine"].split() if each.startswith("MODEL_"))
    local = {"MODEL_REGISTRY": "s3://models", "AWS_ENDPOINT_URL_S3": "http://s3:4566", **pin}
    local |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "PORT": str(inside)}
    told = {each["name"]: each["value"] for each in container["env"]} | local
    flags = [f"-e {key}={value}" for key, value in told.items()]
    flags += [f"--user {secured['runAsUser']}", "--cap-drop ALL", "--security-opt no-new-privileges"]
    flags += ["--read-only"] if secured["readOnlyRootFilesystem"] else []
    stack.shell("docker compose build serve && docker compose up -d s3")
    image = f"{stack.project}-serving:sklearn"
    network = f"--network {stack.project}_default -p 127.0.0.1:{port}:{inside}"
    arguments = f"{network} {' '.join(flags)} {image} {' '.join(container['args'])}"
    running = stack.shell(f"docker run -d --rm {arguments}").strip()
    try:
        stack.wait(f"http://127.0.0.1:{port}/healthz")
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
        answer = httpx.post(f"http://127.0.0.1:{port}/classify", json={"data": ROW}, timeout=30).json()
        assert answer["prediction"] == 0 and answer["model"] == {"name": "wine", "version": 1}
    finally:
        stack.shell(f"docker kill {running}")
