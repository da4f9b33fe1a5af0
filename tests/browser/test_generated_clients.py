"""Clients that generators make of the OpenAPI document, in Python and TypeScript, and what a linter says of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brinery.versions.store import open_store
from tests.examples import publish_example
from tests.serving.served import Served, served

pytestmark = pytest.mark.browser
OPENAPI_PYTHON_CLIENT, OPENAPI_TYPESCRIPT, TYPESCRIPT, REDOCLY = "0.29.1", "7.13.0", "5.9.3", "2.77.0"
ASK = """
import json, sys
from served_client import Client
from served_client.api.default import classify, get_model_version
from served_client.models import Prediction, Predictions, Problem, Request, RowByName
client = Client(sys.argv[1])
row = RowByName.from_dict(json.loads(sys.argv[2]))
one = classify.sync(client=client, body=Request(data=row))
many = classify.sync(client=client, body=Request(data=[row, row]))
none = classify.sync(client=client, body=Request(data=[]))
assert isinstance(one, Prediction) and isinstance(many, Predictions) and isinstance(none, Problem), (one, many, none)
assert len(many.predictions) == 2 and none.status == 422 and none.errors[0].path == "/data"
version = get_model_version.sync(client=client)
print(json.dumps([one.prediction, one.model.version, version.digest]))
"""
TYPES = """
import type { components, paths } from "./api";
type Body = paths["/classify"]["post"]["requestBody"]["content"]["application/json"];
const data: components["schemas"]["RowByName"] = ROW;
const body: Body = { data: [data, data] };
async function main(): Promise<void> {
  const got = await fetch("URL/classify", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  const answer = (await got.json()) as components["schemas"]["Predictions"];
  const first = answer.predictions[0] as components["schemas"]["Answer"];
  // @ts-expect-error: no class of the model
  const wrong: typeof first.prediction = "none of them";
  console.log(JSON.stringify([first.prediction, answer.model.version, String(wrong)]));
}
void main();
"""


@pytest.fixture(scope="module", params=["wine", "mixed"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    store = open_store((tmp_path_factory.mktemp("registry") / "registry").as_uri(), create=True)
    publish_example(store, request.param)
    pinned = {"MODEL_REGISTRY": store.url, "MODEL_NAME": request.param, "MODEL_VERSION": "1"}
    with served(tmp_path_factory.mktemp("serve"), None, **pinned) as running:
        yield running


def document(server: Served, folder: Path) -> tuple[Path, str]:
    """The document as a file, and its example row as JSON."""
    described = server.client.get("/openapi.json").json()
    path = folder / "openapi.json"
    path.write_text(json.dumps(described))
    example = described["paths"]["/classify"]["post"]["requestBody"]["content"]["application/json"]["example"]
    return path, json.dumps(example["data"])


def run(*command: str, folder: Path, **environment: str) -> str:
    """What a command prints, which must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def node(*command: str, folder: Path) -> str:
    assert shutil.which("npx"), "Node is not installed: apt-get install nodejs npm"
    return run("npx", "--yes", *command, folder=folder)


def test_python_client_is_made_without_a_warning_and_asks_the_model(server: Served, tmp_path: Path) -> None:
    path, row = document(server, tmp_path)
    tool = [os.environ.get("UV", "uv"), "tool", "run", "--quiet", f"openapi-python-client=={OPENAPI_PYTHON_CLIENT}"]
    (tmp_path / "config.yaml").write_text("package_name_override: served_client\nproject_name_override: served\n")
    made = run(*tool, "generate", "--path", str(path), "--config", "config.yaml", folder=tmp_path)
    assert "arning" not in made and "nable" not in made, made
    names = {file.stem for file in (tmp_path / "served/served_client/models").glob("*.py")}
    assert not any("type_" in name for name in names), names
    address = f"http://127.0.0.1:{server.port}"
    needed = ["--with", "httpx", "--with", "attrs", "--with", "python-dateutil", "--no-project", "--isolated"]
    asked = ["python", "-W", "error", "-c", ASK, address, row]
    told = run(
        tool[0],
        "run",
        "--quiet",
        "--python",
        sys.executable,
        *needed,
        *asked,
        folder=tmp_path,
        PYTHONPATH=str(tmp_path / "served"),
    )
    expected = server.client.post("/classify", json={"data": json.loads(row)}).json()
    digest = server.client.get("/model/version").json()["digest"]
    assert json.loads(told.splitlines()[0]) == [expected["prediction"], 1, digest]


def test_typescript_client_is_made_and_is_checked_by_its_compiler(server: Served, tmp_path: Path) -> None:
    path, row = document(server, tmp_path)
    made = node(f"openapi-typescript@{OPENAPI_TYPESCRIPT}", str(path), "-o", "api.d.ts", folder=tmp_path)
    assert "arning" not in made, made
    source = TYPES.replace("ROW", row).replace("URL", f"http://127.0.0.1:{server.port}")
    (tmp_path / "ask.ts").write_text(source)
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    node("-p", f"typescript@{TYPESCRIPT}", "tsc", *options, "ask.ts", folder=tmp_path)
    told: Any = json.loads(run("node", "ask.js", folder=tmp_path).splitlines()[-1])
    expected = server.client.post("/classify", json={"data": json.loads(row)}).json()
    assert told[:2] == [expected["prediction"], 1]


def test_document_keeps_the_rules_that_redocly_recommends(server: Served, tmp_path: Path) -> None:
    path, _ = document(server, tmp_path)
    said = node(f"@redocly/cli@{REDOCLY}", "lint", str(path), folder=tmp_path)
    assert "validated" in said and "generated by" not in said, said
