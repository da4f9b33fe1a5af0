"""The commands of README and docs, run as they are written: but for digests, and the port of the server."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from brinery.commands.parser import make_parser
from tests.conftest import ROOT, free_port
from tests.documents.pages import NEEDS, PAGES, Block, blocks
from tests.documents.shell import SERVED, Shell
from tests.fresh_checkout import fresh_checkout

HERE = {page: found for page in PAGES if (found := [block for block in blocks(page) if block.needs is None])}
# Blocks that are not run here; a new one is counted by whoever writes it.
NOT_HERE = {
    "README.md: docker": 1,
    "README.md: elsewhere": 1,
    "docs/train.md: docker": 1,
    "docs/train.md: elsewhere": 1,
    "docs/publish.md: elsewhere": 2,
    "docs/promote.md: docker": 2,
    "docs/site.md: elsewhere": 1,
    "docs/site.md: account": 2,
    "docs/serve.md: elsewhere": 1,
    "docs/serve.md: docker": 1,
    "docs/jobs.md: docker": 1,
    "docs/watch.md: account": 2,
    "docs/score.md: account": 3,
    "docs/score.md: elsewhere": 2,
    "infra/README.md: account": 15,
    "infra/README.md: elsewhere": 2,
    "docs/develop.md: elsewhere": 1,
}
OURS = ("MODEL_", "COMPOSE_", "CHALLENGER_", "CAPTURE", "JOBS_", "WORK_URL", "AWS_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
ELSEWHERE = [block for page in PAGES for block in blocks(page) if block.needs]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A fresh checkout in which README's first command was run, and what that printed."""
    folder = tmp_path_factory.mktemp("home") / "brinery"
    folder.mkdir()
    fresh_checkout(folder)
    first = HERE["README.md"][0]
    shell = Shell(folder, environment(folder.parent), {})
    try:
        shell.paste(first.text, str(first))
    finally:
        shell.close()
    return folder, shell.printed


def environment(home: Path) -> dict[str, str]:
    """That of a person with the checkout at home: no variable of ours or of a test's, the libraries that are here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    uv = os.environ.get("UV") or shutil.which("uv") or "uv"  # uv run says which; a name may be that of a shim
    folders = [each for each in os.environ["PATH"].split(":") if not Path(each).is_relative_to(ROOT)]
    cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    return kept | {
        "PATH": ":".join([str(Path(uv).parent), *folders]),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(Path.home() / ".config"),
        "DOCKER_CONFIG": os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker")),  # where compose may be
        "UV_CACHE_DIR": cache,
        "UV_PROJECT_ENVIRONMENT": str(ROOT / ".venv"),
        "UV_NO_SYNC": "1",
    }


@pytest.fixture
def shell(trained: tuple[Path, str], tmp_path: Path) -> Iterator[Shell]:
    folder, printed = trained
    shutil.copytree(folder, tmp_path / "brinery", symlinks=True)
    server, services = free_port(), free_port()
    ports = {"PORT": str(server), "GATEWAY_PORT": str(services)}
    instead = {SERVED: f"localhost:{server}", "localhost:4566": f"localhost:{services}"}
    shell = Shell(tmp_path / "brinery", environment(tmp_path) | ports, instead)
    shell.printed = printed
    try:
        yield shell
    finally:
        shell.close()


@pytest.mark.slow
@pytest.mark.parametrize("page", HERE)
def test_commands_of_a_page_work_in_their_order(page: str, shell: Shell) -> None:
    for block in HERE[page][page == "README.md" :]:
        for statement in block.statements:
            shell.paste(block.filled(statement, shell.printed), str(block))


def test_readme_leads_to_every_page() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("infra/*.md")]
    assert {str(path.relative_to(ROOT)) for path in pages} == {*PAGES, "CHANGELOG.md"}


def test_pictures_are_there_and_small() -> None:
    """`python -m tests.browser.pictures` makes them."""
    shown = re.findall(r"\]\((docs/pictures/[^)]+)\)", (ROOT / "README.md").read_text())
    assert sorted(shown) == sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs/pictures").iterdir())
    assert sum((ROOT / each).stat().st_size for each in shown) < 400_000


def test_commands_that_need_more_are_marked_and_counted() -> None:
    assert {block.needs for block in ELSEWHERE} == set(NEEDS)
    assert Counter(f"{block.page}: {block.needs}" for block in ELSEWHERE) == NOT_HERE


@pytest.mark.parametrize("block", [each for page in PAGES for each in blocks(page)], ids=str)
def test_commands_are_bash_with_options_that_there_are(block: Block) -> None:
    assert list(block.statements)
    for line in block.text.replace("\\\n", "").splitlines():
        for command in re.findall(r"(?:^|&& |uv run )registry ((?:'[^']*'|[^#&|>;])+)", line):
            if not command.startswith(("()", "{")):
                parsed(shlex.split(command), f"{block}: {line}")


def parsed(arguments: list[str], where: str) -> None:
    """Fails where `registry` would not take the arguments."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            make_parser().parse_args(arguments)
        except SystemExit as exc:
            raise AssertionError(f"{where}\n{said.getvalue()}") from exc
