"""The `registry` command, and versions to promote."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from brinery.commands.registry import main
from brinery.promotion.chain import Chain, Records
from brinery.promotion.env_file import EnvFile
from brinery.promotion.records import Record
from brinery.versions.manifest import Gate, GateCheck
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.examples import example, publish_example, publish_files

Run = Callable[..., tuple[int, str, str]]
ENV_FILE = ("--env-file", ".env")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command with its arguments and collaborators: its exit code, what it prints, and its errors."""

    def run(*arguments: str, **collaborators: Any) -> tuple[int, str, str]:
        try:
            code = main(arguments, **collaborators)
        except SystemExit as exc:
            code = int(str(exc.code))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@dataclass
class Here:
    """A registry with four versions of `alcohol`, of which the last failed its gate, and the file `.env`."""

    store: Store
    references: list[Reference]
    run: Run

    def promote(self, version: int, *more: str, **collaborators: Any) -> tuple[int, str, str]:
        return self.run("promote", str(self.references[version - 1]), *ENV_FILE, *more, **collaborators)

    def rollback(self, *more: str, **collaborators: Any) -> tuple[int, str, str]:
        return self.run("rollback", "alcohol", *ENV_FILE, *more, **collaborators)

    def by_hand(self, version: str) -> None:
        """Set the version in the file, as a person would."""
        lines = Path(".env").read_text().splitlines() if Path(".env").exists() else []
        kept = [line for line in lines if not line.startswith("MODEL_VERSION=")]
        Path(".env").write_text("\n".join([*kept, f"MODEL_VERSION={version}", ""]))

    @property
    def environment(self) -> EnvFile:
        return EnvFile(Path(".env"), socket.gethostname() if self.store.url.startswith("s3:") else "")

    @property
    def pin(self) -> str | None:
        return self.environment.held("alcohol").pin

    @property
    def version(self) -> int | None:
        return Reference.parse(self.pin).version if self.pin else None

    @property
    def chain(self) -> Chain:
        """What the file leads to, the newest first."""
        return Records(self.store, "alcohol", self.environment.name).chain(self.environment.held("alcohol"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Here:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODEL_REGISTRY", (tmp_path / "registry").as_uri())
    store = open_store((tmp_path / "registry").as_uri(), create=True)
    references = [publish_example(store, "alcohol") for _ in range(3)]
    described, files = example("alcohol")
    check = GateCheck(metric="accuracy", rule="min", side="least", limit=0.99, value=0.5, passed=False)
    failed = described.model_copy(update={"gate": Gate(passed=False, checks=(check,))})
    return Here(store, [*references, publish_files(store, failed, files)], run)


def record(store: Store, to: Reference, environment: str = "env-file .env", **fields: Any) -> Record:
    """A record as `promote` writes it."""
    return Record(
        **{
            "registry": store.url,
            "name": to.name,
            "environment": environment,
            "action": "promote",
            "to": str(to),
            "was": None,
            "before": None,
            "by": "me",
            "at": datetime(2026, 11, 1, 12, tzinfo=UTC),
            **fields,
        }
    )
