"""`infra/score` against a stand-in of the `aws` command, which notes what it is asked and answers as AWS would."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

AWS = """\
#!/usr/bin/env python3
import json, os, sys
with open(os.environ["ASKED"], "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
answers = json.loads(os.environ["ANSWERS"])
line = " ".join(sys.argv[1:])
print(next(answer for part, answer in answers.items() if part in line))
"""
ANSWERS = {
    "'TaskDefinition'": "arn:task-definition/task:3",
    "'TaskCluster'": "arn:cluster/main",
    "'TaskSubnets'": "subnet-a,subnet-b",
    "ecs run-task": "arn:task/main/abc123\tNone",
    "lastStatus": "STOPPED",
    "describe-task-definition": "logs-of-task",
    "get-log-events": "s3://out/run-12: 10 rows in 1 parts",
    "exitCode": "0",
    "stoppedReason": "Essential container exited",
}
GIVEN = ["prod", "wine:7@sha256:" + "a" * 64, "s3://in/*.parquet", "s3://out/run 12", "--columns", 'a"b', "--json"]


def run(folder: Path, *arguments: str, **answers: str) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """What the script did, and what it asked."""
    (folder / "aws").write_text(AWS)
    (folder / "aws").chmod(0o755)
    asked = folder / "asked"
    told = {key: answers.get(key.strip("'").replace(" ", "_"), answer) for key, answer in ANSWERS.items()}
    variables = {"PATH": f"{folder}:{os.environ['PATH']}", "ASKED": str(asked), "ANSWERS": json.dumps(told)}
    command = [str(ROOT / "infra/score"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables}, timeout=60)
    return done, [json.loads(line) for line in asked.read_text().splitlines()] if asked.exists() else []


@pytest.mark.slow
def test_task_gets_the_command_as_it_was_given_and_its_log_and_code_are_told(tmp_path: Path) -> None:
    done, asked = run(tmp_path, *GIVEN)
    assert done.returncode == 0 and done.stdout == "s3://out/run-12: 10 rows in 1 parts\n", done.stderr
    (started,) = (each for each in asked if each[:2] == ["ecs", "run-task"])
    overrides = json.loads(started[started.index("--overrides") + 1])
    assert overrides == {"containerOverrides": [{"name": "task", "command": ["score", *GIVEN[1:]]}]}
    assert started[started.index("--cluster") + 1] == "arn:cluster/main"
    assert "awsvpcConfiguration={subnets=[subnet-a,subnet-b],assignPublicIp=ENABLED}" in started
    (log,) = (each for each in asked if each[0] == "logs")
    assert "logs-of-task" in log and "task/task/abc123" in log
    assert run(tmp_path, *GIVEN, exitCode="1")[0].returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"TaskDefinition": ""}, "stack prod is not of serving.yaml"),
        ({"TaskCluster": ""}, "has no TaskCluster and TaskSubnets; deploy it with both"),
        ({"ecs_run-task": "None\tRESOURCE:MEMORY"}, "the task was not started: RESOURCE:MEMORY"),
        ({"lastStatus": "None"}, "there is no such task any more"),
        ({"exitCode": "None"}, "it did not run: Essential container exited"),
    ],
)
def test_what_went_wrong_is_a_sentence(tmp_path: Path, answers: dict[str, str], told: str) -> None:
    done, _ = run(tmp_path, *GIVEN, **answers)
    assert done.returncode == 1 and told in done.stderr


def test_usage_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, "prod", "wine:7")[0].returncode == 2
    done, asked = run(tmp_path, "--help")
    assert done.returncode == 0 and "infra/score STACK REF IN OUT [OPTION …]" in done.stdout and asked == []


def test_image_of_the_task_has_the_command() -> None:
    assert 'exec python -m brinery.commands.score "$@"' in (ROOT / "training/Dockerfile").read_text()
