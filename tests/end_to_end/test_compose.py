"""Train, publish, promote, serve: the commands of the README in real containers."""

import json
import os
import re
import time
from pathlib import Path
from shlex import quote
from typing import Any

import boto3
import httpx
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from tests.conftest import ROOT, free_port
from tests.end_to_end.conftest import INVOCATIONS, PROMOTES, Stack
from tests.job_service import drive_worker
from tests.waiting import wait_until

pytestmark = pytest.mark.docker

_wine = load_wine()
ROW = dict(zip(_wine.feature_names, map(float, _wine.data[0]), strict=True))
BODY = json.dumps({"data": ROW})
HEADERS = {"content-type": "application/json", "host": "example.org"}
HTTP = {"method": "POST", "path": "/classify", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"}
EVENTS = {
    "api-gateway-v2": {
        "version": "2.0",
        "routeKey": "POST /classify",
        "rawPath": "/classify",
        "rawQueryString": "",
        "headers": HEADERS,
        "requestContext": {"http": HTTP, "stage": "$default", "requestId": "1", "domainName": "example.org"},
        "body": BODY,
        "isBase64Encoded": False,
    },
    "api-gateway-v1": {
        "resource": "/{proxy+}",
        "path": "/classify",
        "httpMethod": "POST",
        "headers": HEADERS,
        "multiValueHeaders": {name: [value] for name, value in HEADERS.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": "classify"},
        "stageVariables": None,
        "requestContext": {
            "httpMethod": "POST",
            "path": "/prod/classify",
            "stage": "prod",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": BODY,
        "isBase64Encoded": False,
    },
    "function-url": {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/classify",
        "rawQueryString": "",
        "headers": {**HEADERS, "host": "id.lambda-url.us-east-1.on.aws"},
        "requestContext": {"http": HTTP, "stage": "$default", "requestId": "1", "accountId": "anonymous"},
        "body": BODY,
        "isBase64Encoded": False,
    },
    "alb": {
        "requestContext": {
            "elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/1"}
        },
        "httpMethod": "POST",
        "path": "/classify",
        "queryStringParameters": {},
        "headers": HEADERS,
        "body": BODY,
        "isBase64Encoded": False,
    },
}

# Prints what an image holds, as JSON: which modules and commands there are, and sources without byte-code.
HOLDS = """
import importlib.util, json, os, pathlib, shutil, sys
modules, root = sys.argv[2:], pathlib.Path(sys.argv[1])
sources = [path for path in root.rglob("*.py") if path.parent.name != "bin"]
print(json.dumps({
    "modules": [name for name in modules if importlib.util.find_spec(name)],
    "uv": shutil.which("uv"),
    "user": os.getuid(),
    "sources": len(sources),
    "not compiled": [str(path) for path in sources if not os.path.exists(importlib.util.cache_from_source(path))],
    "unpickling": (root / "brinery" / "formats" / "pickle.py").exists(),
}))
"""
MODULES = (
    "brinery training serving xgboost lightgbm pandas pytest moto sklearn scipy joblib onnxruntime skl2onnx uvicorn"
)


def holds(stack: Stack, service: str, root: str, runtime: str = "sklearn") -> dict[str, Any]:
    run = f"docker compose run --rm --no-deps --entrypoint python3 {service} -c"
    held: dict[str, Any] = json.loads(stack.shell(f"export RUNTIME={runtime}; {run} {quote(HOLDS)} {root} {MODULES}"))
    return held


def test_training_prints_a_line_for_each_model(lines: dict[str, str]) -> None:
    assert list(lines) == ["wine", "wine-alcohol", "penguins", "digits", "breast-cancer", "diabetes"]
    assert re.fullmatch(
        r"MODEL_NAME=wine MODEL_VERSION=1@sha256:[0-9a-f]{64} docker compose up -d --wait serve", lines["wine"]
    )


def test_serving_without_a_version_starts_and_says_what_to_set(stack: Stack) -> None:
    stack.shell("docker compose up -d serve")
    stack.wait(f"{stack.serve}/healthz")
    assert httpx.get(f"{stack.serve}/healthz").status_code == 200
    for answer in (
        httpx.get(f"{stack.serve}/readyz"),
        httpx.post(f"{stack.serve}/classify", json={"data": ROW}),
    ):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "MODEL_VERSION is not set; set it to" in answer.json()["detail"]
    assert health(stack) != "healthy"


def health(stack: Stack) -> str:
    return stack.shell("docker compose ps --format '{{.State}} {{.Health}}' serve").removeprefix("running ").strip()


def test_pasted_line_serves_the_version(stack: Stack, lines: dict[str, str]) -> None:
    version = stack.promote(lines["wine"])
    assert (version["name"], version["version"], version["pinned"]) == ("wine", 1, True)
    assert str(version["digest"]) in lines["wine"]

    answer = httpx.post(f"{stack.serve}/classify", json={"data": ROW}, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["prediction"] == 0
    assert sum(answer.json()["probabilities"].values()) == pytest.approx(1)
    assert answer.json()["model"] == {"name": "wine", "version": 1}
    assert httpx.get(f"{stack.serve}/readyz").status_code == 200
    assert health(stack) == "healthy"


def test_version_that_is_not_there_is_running_and_not_healthy(stack: Stack, lines: dict[str, str]) -> None:
    line = lines["wine"].replace("MODEL_VERSION=1@", "MODEL_VERSION=77@")
    said = stack.shell(f"! ({line}) 2>&1", timeout=180)
    assert "is unhealthy" in said
    assert health(stack) == "unhealthy"
    answer = httpx.get(f"{stack.serve}/readyz", timeout=30).json()
    assert answer["detail"] == "the version is not in the registry; the log says which"
    assert "wine:77 is not in the registry" in stack.shell("docker compose logs serve")


def test_served_version_changes_with_the_line_alone(stack: Stack, lines: dict[str, str]) -> None:
    assert stack.promote(lines["wine"])["version"] == 1
    second = stack.train("wine")["wine"]
    assert stack.version()["version"] == 1
    stack.shell("docker compose restart --timeout 2 serve")
    stack.wait(f"{stack.serve}/healthz")
    assert stack.version()["version"] == 1

    assert stack.promote(second)["version"] == 2
    assert stack.promote(lines["wine"])["version"] == 1


def test_promoting_by_the_printed_line_and_rolling_back_need_docker_alone(stack: Stack, lines: dict[str, str]) -> None:
    """As the person who types: the file is that person's, and says who it was."""
    registry = 'docker compose run --rm --user "$(id -u):$(id -g)" registry'
    served = []
    for _ in range(2):
        trained = stack.shell("docker compose run --rm train wine 2>&1")
        assert trained.lstrip().startswith("MODEL ") or "Container" in trained.splitlines()[0], trained
        assert "arning" not in trained and "Pulling" not in trained
        (line,) = (match[0] for match in PROMOTES.finditer(trained))
        served.append(stack.promote(line))
        assert served[-1]["record"] and health(stack) == "healthy"
    assert (stack.folder / ".env").stat().st_uid == os.getuid()
    said = stack.shell(f"{registry} rollback wine --env-file .env")
    assert said.splitlines()[1].endswith("docker compose up -d --wait serve"), said
    stack.shell("docker compose up -d --wait serve")
    back = stack.version()
    assert (back["version"], back["digest"]) == (served[0]["version"], served[0]["digest"])
    log = json.loads(stack.shell(f"{registry} log wine --env-file .env --json"))
    assert [each["action"] for each in log["records"]] == ["promote", "promote", "rollback"]
    assert log["gap"] is None and log["environment"] == "env-file compose:/work/.env"
    (stack.folder / ".env").unlink()


def test_commit_of_the_mounted_checkout_is_known(stack: Stack, lines: dict[str, str]) -> None:
    shown = json.loads(stack.shell("docker compose run --rm registry show wine:1 --json"))
    assert shown["git"] == {"commit": stack.commit, "dirty": False}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_function_answers_http_event(wine_function: Stack, event: dict[str, Any]) -> None:
    answer = wine_function.invoke(event)
    assert answer["statusCode"] == 200, answer
    assert answer["isBase64Encoded"] is False
    assert json.loads(str(answer["body"]))["prediction"] == 0


def test_function_fetches_the_model_once(wine_function: Stack, lines: dict[str, str]) -> None:
    before = wine_function.s3_requests()
    wine_function.start_function(lines["wine"])
    wine_function.invoke(EVENTS["api-gateway-v2"])
    started = wine_function.s3_requests()
    assert started - before >= 2

    for _ in range(100):
        assert wine_function.invoke(EVENTS["api-gateway-v2"])["statusCode"] == 200
    assert wine_function.s3_requests() == started


def test_function_answers_direct_invocation(stack: Stack, lines: dict[str, str]) -> None:
    stack.start_function(lines["wine-alcohol"])
    answer = stack.invoke({"body": {"data": ".10"}})
    assert answer["statusCode"] == 200, answer
    body = json.loads(str(answer["body"]))
    assert body["prediction"] == 1
    assert body["model"] == {"name": "wine-alcohol", "version": 1}


def test_versions_survive_down_and_up(stack: Stack, lines: dict[str, str]) -> None:
    served = stack.promote(lines["wine"])["digest"]
    stack.shell("docker compose down --timeout 2")
    assert stack.promote(lines["wine"])["digest"] == served
    assert httpx.post(f"{stack.serve}/classify", json={"data": ROW}, timeout=30).status_code == 200


def test_onnx_image_serves_the_same_answers(stack: Stack, lines: dict[str, str]) -> None:
    version = stack.promote("export RUNTIME=onnx; " + lines["wine"])
    assert (version["version"], version["format"]) == (1, "onnx")
    assert httpx.post(f"{stack.serve}/classify", json={"data": ROW}, timeout=30).json()["prediction"] == 0


def test_image_that_is_told_to_serve_is_a_server_as_sagemaker_starts_it(stack: Stack, lines: dict[str, str]) -> None:
    """All that SageMaker says is `serve`, and all that it asks are these two paths of port 8080."""
    port = free_port()
    pin = lines["wine"].partition(" docker")[0]
    name = stack.shell(f"{pin} docker compose run -d --rm -p 127.0.0.1:{port}:8080 lambda serve").split()[-1]
    try:
        stack.wait(f"http://127.0.0.1:{port}/ping")
        assert httpx.get(f"http://127.0.0.1:{port}/ping", timeout=30).status_code == 200
        csv = ",".join(map(str, ROW.values()))
        media = {"content-type": "text/csv"}
        answer = httpx.post(f"http://127.0.0.1:{port}/invocations", content=csv, headers=media, timeout=30)
        assert answer.text.startswith("0,0.99") and answer.headers["content-type"].startswith("text/csv")
    finally:
        stack.shell(f"docker kill {name}")


TUMOUR = load_breast_cancer().data[0].tolist()


def test_booster_is_served_by_the_image_of_its_line_and_by_the_full_one(stack: Stack, lines: dict[str, str]) -> None:
    line = lines["breast-cancer"]
    assert line.startswith("RUNTIME=onnx MODEL_NAME=breast-cancer ")
    answers = {}
    for runtime, format in (("onnx", "onnx"), ("full", "pickle")):
        assert stack.promote(line.replace("RUNTIME=onnx", f"RUNTIME={runtime}"))["format"] == format
        answers[runtime] = httpx.post(f"{stack.serve}/classify", json={"data": TUMOUR}, timeout=30).json()
    likely = [answer["probabilities"]["1"] for answer in answers.values()]
    assert {answer["prediction"] for answer in answers.values()} == {0} and abs(likely[0] - likely[1]) < 1e-6
    stack.promote(line.replace("RUNTIME=onnx ", "").replace(" --wait", ""))
    assert httpx.get(f"{stack.serve}/readyz", timeout=30).status_code == 503
    told = "its pickle needs xgboost, not installed here; serve it with the image of RUNTIME=full or RUNTIME=onnx"
    assert told in stack.shell("docker compose logs --no-log-prefix serve")


@pytest.mark.parametrize(
    ("runtime", "modules", "unpickling"),
    [
        ("sklearn", {"sklearn", "scipy", "joblib"}, True),
        ("onnx", {"onnxruntime"}, False),
        ("full", {"sklearn", "scipy", "joblib", "pandas", "xgboost", "lightgbm"}, True),
    ],
)
def test_serving_image_holds_what_it_needs_alone(
    stack: Stack, lines: dict[str, str], runtime: str, modules: set[str], unpickling: bool
) -> None:
    held = holds(stack, "serve", "/var/task", runtime)
    assert set(held["modules"]) == {"brinery", "serving", "uvicorn"} | modules
    assert held["unpickling"] is unpickling
    assert held["uv"] is None
    assert held["user"] != 0
    assert held["sources"] and held["not compiled"] == []


@pytest.mark.parametrize("is_closed", [True, False])
def test_pickle_in_the_training_image_finds_no_secret(stack: Stack, lines: dict[str, str], is_closed: bool) -> None:
    """As the image's own user, in all processes of that user: environments, descriptors, memory, and the home folder.

    Were the process that asks not closed, it would find it.
    """
    look, ask = ((ROOT / "tests/end_to_end/attack" / name).read_text() for name in ("look.py", "ask.py"))
    code = f"LOOK = {look!r}\nIS_CLOSED = {is_closed}\n{ask}"
    run = "docker compose run --rm -T -e AWS_SESSION_TOKEN=canary-secret --entrypoint python train -c"
    looked = re.search(r"looked at (\d+) other processes, found (.*)", stack.shell(f"{run} {quote(code)}"))
    assert looked is not None and int(looked[1]) >= 1
    assert looked[2].startswith("nothing") is is_closed


@pytest.mark.parametrize("root", ["/app", "/opt/venv"])
def test_training_image_is_compiled_and_not_run_by_root(stack: Stack, lines: dict[str, str], root: str) -> None:
    held = holds(stack, "train", root)
    assert not {"serving", "pytest", "moto", "uvicorn"} & set(held["modules"])
    assert held["uv"] is None
    assert held["user"] != 0
    assert held["sources"] and held["not compiled"] == []


def test_penguins_are_served_with_categories_and_missing_values(stack: Stack, lines: dict[str, str]) -> None:
    stack.promote(lines["penguins"])
    row = {
        "island": "Biscoe",
        "bill_length_mm": 46.1,
        "bill_depth_mm": 13.2,
        "flipper_length_mm": None,
        "body_mass_g": 4500,
        "sex": None,
        "year": "2007",
    }
    answer = httpx.post(f"{stack.serve}/classify", json={"data": row}, timeout=30)
    assert (answer.status_code, answer.json()["prediction"]) == (200, "Gentoo")
    card = httpx.get(f"{stack.serve}/model/card", timeout=30).text
    assert "<svg" in card and "bill_length_mm" in card


def test_job_is_answered_by_a_worker_also_after_one_that_was_killed(stack: Stack, lines: dict[str, str]) -> None:
    """As README shows it; the version is the one that was live when the job was accepted."""
    stack.promote(lines["wine"])
    key = {"idempotency-key": "order-17"}
    accepted = httpx.post(f"{stack.serve}/jobs", json={"data": ROW}, headers=key, timeout=60)
    assert accepted.status_code == 202, accepted.text
    again = httpx.post(f"{stack.serve}/jobs", json={"data": ROW}, headers=key, timeout=60)
    assert again.json() == accepted.json()
    job = f"{stack.serve}{accepted.headers['location']}"
    assert httpx.get(job, timeout=60).json()["state"] == "queued"
    stack.promote(lines["penguins"])
    try:
        stack.shell("docker compose --profile jobs up -d worker && docker compose --profile jobs kill worker")
        stack.shell("docker compose --profile jobs up -d worker")
        deadline = time.monotonic() + 240  # a message that the first had received comes back after three minutes
        while (answer := httpx.get(job, timeout=60).json())["state"] == "queued":
            assert time.monotonic() < deadline, stack.shell("docker compose --profile jobs logs worker")
            time.sleep(0.2)
        assert answer["state"] == "done" and answer["answer"]["model"] == {"name": "wine", "version": 1}
        assert answer["answer"]["prediction"] == 0
    finally:
        stack.shell("docker compose --profile jobs stop worker")
    assert "(0)" in stack.shell("docker compose --profile jobs ps --all --format '{{.Status}}' worker")


def test_image_works_jobs_off_as_the_function_of_an_event_source(stack: Stack, lines: dict[str, str]) -> None:
    """A job, a bad input and a message of nobody, by the image's own runtime client, from the queue's event source."""
    stack.promote(lines["wine"])
    ids = [
        httpx.post(f"{stack.serve}/jobs", json={"data": data}, timeout=60).json()["id"] for data in (ROW, ROW, [1.0])
    ]
    made = {"endpoint_url": stack.s3, "region_name": "us-east-1"}
    clients = {name: boto3.client(name, **made) for name in ("sqs", "lambda")}
    queue, functions = clients["sqs"].get_queue_url(QueueName="jobs")["QueueUrl"], clients["lambda"]
    clients["sqs"].send_message(QueueUrl=queue, MessageBody='{"id": "of nobody"}')
    container = f"{stack.project}-worker-function"
    stack.shell(f"docker compose run --detach --name {container} --env REQUIRE_PIN=on lambda serving.worker.handler")
    source = drive_worker(clients["sqs"], functions, queue, f"http://{container}:8080{INVOCATIONS}")

    def states() -> list[str]:
        return [httpx.get(f"{stack.serve}/jobs/{id}", timeout=60).json()["state"] for id in ids]

    try:
        wait_until(lambda: states() == ["done", "done", "failed"], 120, lambda: stack.shell(f"docker logs {container}"))
    finally:
        functions.delete_event_source_mapping(UUID=source)
        stack.shell(f"docker rm --force {container}")
    answer = httpx.get(f"{stack.serve}/jobs/{ids[0]}", timeout=60).json()["answer"]
    assert (answer["prediction"], answer["model"]) == (0, {"name": "wine", "version": 1})


def test_second_model_is_served_beside_the_first_from_an_env_file_of_its_own(
    stack: Stack, lines: dict[str, str], tmp_path: Path
) -> None:
    stack.promote(lines["wine"])
    pin = re.search(r"MODEL_VERSION=(\S+)", lines["diabetes"])
    assert pin is not None
    promote = f"registry promote diabetes:{pin[1]} --env-file /promoted/another.env"
    run = f"docker compose run --rm -T --user {os.getuid()} --volume {tmp_path}:/promoted --entrypoint sh train -c"
    stack.shell(f"{run} {quote(promote)}")
    assert "MODEL_RECORD=" in (tmp_path / "another.env").read_text()
    stack.environment["ANOTHER_ENV"] = str(tmp_path / "another.env")
    stack.shell("docker compose --profile another up -d --wait another")
    row = [0.03, 0.05, 0.06, 0.02, -0.04, -0.03, -0.04, 0.0, 0.02, -0.02]
    answer = httpx.post(f"{stack.another}/predict", json={"data": row}, timeout=30).json()
    assert answer["model"] == {"name": "diabetes", "version": 1} and 100 < answer["prediction"] < 300
    assert httpx.get(f"{stack.another}/model/version", timeout=30).json()["record"] is not None
    assert stack.version()["name"] == "wine"
    stack.shell("docker compose --profile another rm --stop --force another")


def test_schedule_trains_by_its_cron_line_and_stops_cleanly(stack: Stack, tmp_path: Path) -> None:
    spec = {"data": "rows.csv", "target": "kind", "estimator": "sklearn.tree.DecisionTreeClassifier"}
    rows = [f"{i}.5,{'low' if i < 20 else 'high'}" for i in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["value,kind", *rows]) + "\n")
    (tmp_path / "models.json").write_text(json.dumps({"often": {**spec, "schedule": "* * * * *"}}))
    override = tmp_path / "compose.yml"
    override.write_text(json.dumps({"services": {"schedule": {"volumes": [f"{tmp_path}:/work:ro"]}}}))
    tmp_path.chmod(0o755)
    compose = f"export COMPOSE_FILE=$COMPOSE_FILE:{override}; docker compose --profile schedule"
    stack.shell(f"{compose} up -d schedule")
    deadline = time.monotonic() + 120
    while not (logged := re.findall(r"\{.*\}", stack.shell(f"{compose} logs --no-log-prefix schedule"))):
        assert time.monotonic() < deadline, stack.shell(f"{compose} logs schedule")
        time.sleep(1)
    run = json.loads(logged[0])
    assert (run["event"], run["model"], run["outcome"]) == ("run", "often", "published"), run
    assert run["reference"].startswith("often:1@sha256:")
    stack.shell(f"{compose} stop schedule")
    assert stack.shell(f"{compose} ps --all --format '{{{{.ExitCode}}}}' schedule").strip() == "0"


def test_ports_are_published_on_this_machine_alone(stack: Stack) -> None:
    services = json.loads(stack.shell("docker compose --profile '*' config --format json"))["services"]
    published = [port.get("host_ip") for service in services.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1"] * 4


@pytest.fixture(scope="module")
def wine_function(stack: Stack, lines: dict[str, str]) -> Stack:
    stack.start_function(lines["wine"])
    return stack
