"""Environment files: what they hold, and how they are replaced."""

import os
import sys
import threading
from pathlib import Path

import pytest

from brinery.errors import EnvironmentFailed, PromotionRefused
from brinery.promotion.env_file import EnvFile
from brinery.promotion.environment import Held, State
from brinery.versions.reference import Reference
from tests.conftest import python

PIN = f"8@sha256:{'b' * 64}"
REFERENCE = Reference.of("wine", PIN)
RECORD = f"20261101T120000Z-{'c' * 64}"


def apply(path: Path) -> None:
    EnvFile(path).prepare(State(REFERENCE))(RECORD)


def test_file_that_is_not_there_is_made_and_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / ".env"
    link.symlink_to(tmp_path / "real/settings")
    assert EnvFile(link).held("wine") == Held()
    apply(link)
    assert link.is_symlink() and (tmp_path / "real/settings").read_text().startswith("MODEL_NAME=wine\n")
    assert (tmp_path / "real/settings").stat().st_mode & 0o777 == 0o644


def test_one_promotion_waits_for_the_other(tmp_path: Path) -> None:
    entered = threading.Event()

    def second() -> None:
        with EnvFile(tmp_path / ".env").exclusive():
            entered.set()

    waiting = threading.Thread(target=second)
    with EnvFile(tmp_path / ".env").exclusive():
        waiting.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    waiting.join()
    with pytest.raises(EnvironmentFailed, match="cannot be written: No such file or directory"):
        with EnvFile(tmp_path / "none/.env").exclusive():
            pass


def test_lines_that_an_editor_wrote_meanwhile_are_not_lost(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    for before, written in ((None, "A=1\n"), ("A=1\n", "A=1\nB=2\n"), ("A=1\n", f"MODEL_VERSION={PIN}\n")):
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_text(before)
        change = EnvFile(path).prepare(State(REFERENCE))
        path.write_text(written)
        with pytest.raises(EnvironmentFailed, match=".env was changed meanwhile, and is left as it is; promote again"):
            change(RECORD)
        assert path.read_text() == written and os.listdir(tmp_path) == [".env"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / ".env"
    path.write_text("MODEL_VERSION=1\n")
    path.chmod(mode)
    apply(path)
    assert path.stat().st_mode & 0o777 == mode


def test_file_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MODEL_NAME=penguins\n")
    with pytest.raises(PromotionRefused, match="serves MODEL_NAME=penguins, not wine; name another file"):
        EnvFile(path).held("wine")


@pytest.mark.parametrize(
    ("text", "pin", "record"),
    [
        ("MODEL_VERSION=nonsense\n", "nonsense", None),
        ("MODEL_VERSION='7'\nMODEL_RECORD=x\n", "7", "x"),
        ("MODEL_VERSION=\nMODEL_RECORD=\n", None, None),
    ],
)
def test_pin_and_record_are_read_as_found(tmp_path: Path, text: str, pin: str | None, record: str | None) -> None:
    path = tmp_path / ".env"
    path.write_text(text)
    assert EnvFile(path).held("wine") == Held(pin and f"wine:{pin}", record)


@pytest.mark.parametrize(
    "line",
    [
        "MODEL_VERSION: 1",
        'MODEL_VERSION="1" x',
        "MODEL_NAME=a#b",
        "MODEL_NAME=wine'",
        'MODEL_VERSION=7"',
        "export MODEL_NAME: a",
        'MODEL_NAME="a\nb"',
        "'MODEL_NAME'=a",
    ],
)
def test_line_that_may_mean_anything_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"A=1\n{line}\n")
    for use in (lambda: EnvFile(path).held("wine"), lambda: apply(path)):
        with pytest.raises(EnvironmentFailed, match=r"\.env line 2 is ['\"].*['\"]; it must be NAME=VALUE"):
            use()
    assert path.read_text() == f"A=1\n{line}\n"


def test_reader_that_is_not_installed_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dotenv.parser", None)
    for use in (
        lambda: EnvFile(tmp_path / ".env").held("wine"),
        lambda: apply(tmp_path / ".env"),
    ):
        with pytest.raises(EnvironmentFailed, match=r"is not installed here; install brinery\[publish\]"):
            use()


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(EnvironmentFailed, match="is not a file"):
            apply(path)


def test_one_path_on_two_machines_is_two_environments(tmp_path: Path) -> None:
    names = {EnvFile(tmp_path / ".env", host).name for host in ("", "web1", "web2")}
    assert names == {f"env-file {host}{tmp_path}/.env" for host in ("", "web1:", "web2:")}


def test_file_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="is not a file"):
        EnvFile(tmp_path).held("wine")
    with pytest.raises(EnvironmentFailed, match="cannot be written: No such file or directory"):
        apply(tmp_path / "none/.env")
    (tmp_path / "latin").write_bytes(b"\xe9=1\n")
    with pytest.raises(EnvironmentFailed, match="is not UTF-8 at byte 0"):
        EnvFile(tmp_path / "latin").held("wine")


def test_file_that_compose_cannot_read_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\nNOT A LINE\n")
    with pytest.raises(EnvironmentFailed, match=r"\.env line 2 is none that compose can read"):
        EnvFile(path).prepare(State(REFERENCE))


def test_file_that_is_read_only_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o444)
    with pytest.raises(EnvironmentFailed, match=r"\.env is read-only"):
        EnvFile(path).prepare(State(REFERENCE))


def test_full_disk_is_a_sentence_and_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    code = f"""
import resource, signal
from pathlib import Path
from brinery.promotion.env_file import EnvFile
from brinery.promotion.environment import State
from brinery.versions.reference import Reference
change = EnvFile(Path({str(path)!r})).prepare(State(Reference.of("wine", {PIN!r})))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
change({RECORD!r})
"""
    done = python("-c", code)
    assert (
        "brinery.errors.EnvironmentFailed: " in done.stderr and ".env cannot be written: File too large" in done.stderr
    )
    assert path.read_text() == "A=1\n" and os.listdir(tmp_path) == [".env"]


def test_file_is_replaced_where_the_file_system_knows_no_nameless_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_TMPFILE")
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    apply(path)
    assert path.read_text().startswith("A=1\nMODEL_NAME=wine\n") and os.listdir(tmp_path) == [".env"]
