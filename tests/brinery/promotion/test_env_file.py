"""Environment files: one line changed, everything else as it was."""

import os
import sys
import threading
from pathlib import Path

import pytest

from brinery.errors import EnvironmentFailed, PromotionRefused
from brinery.promotion.env_file import EnvFile
from brinery.versions.reference import Reference

PIN = f"8@sha256:{'b' * 64}"
REFERENCE = Reference.of("wine", PIN)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("MODEL_NAME=wine\nMODEL_VERSION=7\n", f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("# a\n\nMODEL_VERSION=7\nX=1\nMODEL_NAME=wine\n", f"# a\n\nMODEL_VERSION={PIN}\nX=1\nMODEL_NAME=wine\n"),
        (
            "export MODEL_VERSION='7@x' # why\nMODEL_NAME=\"wine\"\n",
            f'export MODEL_VERSION={PIN} # why\nMODEL_NAME="wine"\n',
        ),
        ("MODEL_NAME=wine\r\nMODEL_VERSION = 7\r\n", f"MODEL_NAME=wine\r\nMODEL_VERSION = {PIN}\r\n"),
        ("MODEL_NAME=wine\nMODEL_VERSION=", f"MODEL_NAME=wine\nMODEL_VERSION={PIN}"),
        (
            "MODEL_NAME=wine\nMODEL_VERSION=6\nMODEL_VERSION=7\n",
            f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\nMODEL_VERSION={PIN}\n",
        ),
        ("MY_MODEL_VERSION=1\nMODEL_NAME=wine", f"MY_MODEL_VERSION=1\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("#MODEL_VERSION=1\nMODEL_NAME=wine\n", f"#MODEL_VERSION=1\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("MODEL_NAME=\nMODEL_VERSION=7\n", f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("\ufeffMODEL_VERSION=7\nMODEL_NAME=wine\n", f"MODEL_VERSION={PIN}\nMODEL_NAME=wine\n"),
        (
            'J.a: "{ \\"a\\": 1,\nMODEL_VERSION=3\n }"\nMODEL_NAME=wine\nMODEL_VERSION=7\n',
            f'J.a: "{{ \\"a\\": 1,\nMODEL_VERSION=3\n }}"\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n',
        ),
        (
            'A="x\nMODEL_VERSION=6\nMODEL_NAME=beer"\nMODEL_NAME=wine\nMODEL_VERSION=7\n',
            f'A="x\nMODEL_VERSION=6\nMODEL_NAME=beer"\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n',
        ),
        (
            "A=1\x0cMODEL_VERSION=6\nMODEL_NAME=wine\n",
            f"A=1\x0cMODEL_VERSION=6\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n",
        ),
        ("MODEL_NAME=wine-two\nMODEL_VERSION=70 # b\n", f"MODEL_NAME=wine\nMODEL_VERSION={PIN} # b\n"),
        (
            "\n\n MODEL_NAME=wine\n\n\tMODEL_VERSION='70'\n\n",
            f"\n\n MODEL_NAME=wine\n\n\tMODEL_VERSION={PIN}\n\n",
        ),
        ("é=ü\nMODEL_NAME=wine\nMODEL_VERSION=7\n", f"é=ü\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
    ],
)
def test_file_keeps_everything_but_the_pin(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(before.encode())
    EnvFile(path).apply(REFERENCE)
    assert path.read_bytes().decode() == after
    assert EnvFile(path).current("wine") == REFERENCE
    EnvFile(path).apply(REFERENCE)
    assert path.read_bytes().decode() == after
    assert os.listdir(tmp_path) == [".env"]


def test_file_that_is_not_there_is_made_and_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / ".env"
    link.symlink_to(tmp_path / "real/settings")
    assert EnvFile(link).current("wine") is None
    EnvFile(link).apply(REFERENCE)
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


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / ".env"
    path.write_text("MODEL_VERSION=1\n")
    path.chmod(mode)
    EnvFile(path).apply(REFERENCE)
    assert path.stat().st_mode & 0o777 == mode


def test_file_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MODEL_NAME=penguins\n")
    with pytest.raises(PromotionRefused, match="serves MODEL_NAME=penguins, not wine; name another file"):
        EnvFile(path).current("wine")


@pytest.mark.parametrize(("text", "pin"), [("MODEL_VERSION=nonsense\n", None), ("MODEL_VERSION='7'\n", "7")])
def test_current_pin_is_read(tmp_path: Path, text: str, pin: str | None) -> None:
    path = tmp_path / ".env"
    path.write_text(text)
    assert EnvFile(path).current("wine") == (Reference.of("wine", pin) if pin else None)


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
    for use in (lambda: EnvFile(path).current("wine"), lambda: EnvFile(path).apply(REFERENCE)):
        with pytest.raises(EnvironmentFailed, match=r"\.env line 2 is ['\"].*['\"]; it must be NAME=VALUE"):
            use()
    assert path.read_text() == f"A=1\n{line}\n"


def test_reader_that_is_not_installed_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dotenv.parser", None)
    for use in (
        lambda: EnvFile(tmp_path / ".env").current("wine"),
        lambda: EnvFile(tmp_path / ".env").apply(REFERENCE),
    ):
        with pytest.raises(EnvironmentFailed, match=r"is not installed here; install brinery\[publish\]"):
            use()


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(EnvironmentFailed, match="is not a file"):
            EnvFile(path).apply(REFERENCE)


def test_one_path_on_two_machines_is_two_environments(tmp_path: Path) -> None:
    names = {EnvFile(tmp_path / ".env", host).name for host in ("", "web1", "web2")}
    assert names == {f"env-file {host}{tmp_path}/.env" for host in ("", "web1:", "web2:")}


def test_file_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="is not a file"):
        EnvFile(tmp_path).current("wine")
    with pytest.raises(EnvironmentFailed, match="cannot be written: No such file or directory"):
        EnvFile(tmp_path / "none/.env").apply(REFERENCE)
    (tmp_path / "latin").write_bytes(b"\xe9=1\n")
    with pytest.raises(EnvironmentFailed, match="is not UTF-8 at byte 0"):
        EnvFile(tmp_path / "latin").current("wine")
