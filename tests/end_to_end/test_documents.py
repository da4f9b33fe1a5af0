"""The commands of README and docs that need Docker, run as they are written: but for digests and ports."""

from pathlib import Path

import pytest

from tests.documents.pages import PAGES, blocks
from tests.documents.shell import SERVED, Shell
from tests.documents.test_pages import environment
from tests.end_to_end.conftest import Stack

pytestmark = pytest.mark.docker


def test_commands_that_need_docker_work_in_the_order_of_the_pages(
    stack: Stack, lines: dict[str, str], tmp_path: Path
) -> None:
    """From an empty registry on, in a checkout of their own, with the images that are built already."""
    folder = tmp_path / "brinery"
    folder.mkdir()
    mine = Stack(folder, images=stack.project)
    ports = {SERVED: mine.serve, "localhost:9000": mine.function, "localhost:4566": mine.s3}
    instead = {written: url.removeprefix("http://") for written, url in ports.items()}
    shell = Shell(folder, mine.environment | environment(tmp_path), instead | {"brinery-training": mine.training})
    try:
        for block in (each for page in PAGES for each in blocks(page) if each.needs == "docker"):
            for statement in block.statements:
                shell.paste(block.filled(statement, shell.printed), str(block))
    finally:
        shell.close()
        mine.down()
