"""The release id: another for everything that the function is configured by."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from brinery.promotion.release import release_id
from tests.conftest import ROOT

PARAMETERS = {
    "ModelName": "wine",
    "ModelVersion": f"7@sha256:{'a' * 64}",
    "ModelRecord": "",
    "ServingImageUri": f"registry.example.org/serving@sha256:{'b' * 64}",
    "ReleaseId": "none",
    "CanaryType": "AllAtOnce",
}


@pytest.mark.parametrize("parameter", ["ModelName", "ModelVersion", "ModelRecord", "ServingImageUri", "ToCome"])
def test_release_id_changes_with_each_parameter_of_serving(parameter: str) -> None:
    changed = {**PARAMETERS, parameter: PARAMETERS.get(parameter, "") + "1"}
    assert release_id(changed, "t") != release_id(PARAMETERS, "t")


def test_release_id_is_of_the_images_digest_and_of_the_template() -> None:
    assert len(release_id(PARAMETERS, "t")) == 64
    assert release_id(PARAMETERS, "t") != release_id(PARAMETERS, "u")
    elsewhere = {**PARAMETERS, "ServingImageUri": f"elsewhere@sha256:{'b' * 64}"}
    assert release_id(elsewhere, "t") == release_id(PARAMETERS, "t")
    for of_no_function in ("ReleaseId", "CanaryType"):
        assert release_id({**PARAMETERS, of_no_function: "x"}, "t") == release_id(PARAMETERS, "t")


def printed(*arguments: str, **parameters: str) -> str:
    described = [{"ParameterKey": key, "ParameterValue": value} for key, value in {**PARAMETERS, **parameters}.items()]
    command = [sys.executable, "-m", "brinery.promotion.release", *arguments]
    done = subprocess.run(command, input=json.dumps(described), capture_output=True, text=True, cwd=ROOT)
    return done.stdout + done.stderr


def test_command_prints_what_the_stack_will_have(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("t")
    image = f"r@sha256:{'d' * 64}"
    wanted = release_id({**PARAMETERS, "ServingImageUri": image}, "t")
    assert printed(str(tmp_path / "t.yaml"), f"ServingImageUri={image}") == f"{wanted}\n"
    assert printed(str(tmp_path / "t.yaml"), ModelVersion="") == "none\n"
    assert printed().startswith("usage: ") and printed("t", "nonsense").startswith("usage: ")
