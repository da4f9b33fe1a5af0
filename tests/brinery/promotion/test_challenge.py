"""Challengers of an environment: set with a record, kept, restored by a rollback, and ended by their promotion."""

import json
from pathlib import Path
from typing import Any

import pytest

from brinery.promotion.environment import Held, State, challenge
from brinery.versions.reference import Reference
from tests.brinery.promotion.conftest import ENV_FILE, Here
from tests.examples import example, publish_files

SHADOW = ("--challenger",)
TENTH = ("--challenger", "--share", "0.1")


def held(here: Here) -> tuple[int | None, int | None, float | None]:
    """Version, challenger and share of the file."""
    found = here.environment.held("alcohol")
    return here.version, Reference.parse(found.challenger).version if found.challenger else None, found.share


def live(here: Here) -> Any:
    return json.loads(here.run("live", "alcohol", *ENV_FILE, "--json")[1])


def test_challenger_is_set_beside_what_is_served_with_a_record_of_both(here: Here) -> None:
    here.promote(1)
    code, out, _ = here.promote(2, *TENTH, "--reason", "a larger tree")
    first, second = here.references[:2]
    assert (code, held(here)) == (0, (1, 2, 0.1))
    assert f"{first} -> {first}, challenged by {second} for 10 % of requests, record" in out
    newest = here.chain.links[0].record
    assert (newest.to, newest.challenger, newest.share, newest.was) == (str(first), str(second), 0.1, str(first))
    assert (newest.action, newest.reason) == ("promote", "a larger tree")
    assert f"CHALLENGER_VERSION={second.version_text}\nCHALLENGER_SHARE=0.1\n" in Path(".env").read_text()
    found = live(here)
    assert (found["challenger"], found["share"], found["note"]) == (str(second), 0.1, None)
    assert (
        f"serves {first}, challenged by {second} for 10 % of requests since"
        in here.run("live", "alcohol", *ENV_FILE)[1]
    )
    log = here.run("log", "alcohol", *ENV_FILE)[1]
    assert f"alcohol:1@{first.digest[:8]}… + alcohol:2@{second.digest[:8]}… 10 %" in log  # type: ignore[index]
    assert "is set to what the last of them says" in log


def test_same_challenger_again_changes_nothing_and_another_share_does(here: Here) -> None:
    here.promote(1)
    here.promote(2, *SHADOW)
    assert held(here) == (1, 2, 0.0)
    code, out, _ = here.promote(2, *SHADOW)
    assert code == 0 and "in shadow already" in out and len(here.chain.links) == 2
    here.promote(2, *TENTH)
    assert held(here) == (1, 2, 0.1)


def test_promoting_the_challenger_ends_the_challenge(here: Here) -> None:
    here.promote(1)
    here.promote(2, *TENTH)
    here.promote(2)
    assert held(here) == (2, None, None)
    assert Path(".env").read_text().endswith("CHALLENGER_VERSION=\nCHALLENGER_SHARE=\n")


def test_promoting_another_version_leaves_the_challenger(here: Here) -> None:
    here.promote(1)
    here.promote(2, *TENTH)
    code, out, _ = here.promote(3)
    assert (code, held(here)) == (0, (3, 2, 0.1)) and "challenged by alcohol:2@" in out


@pytest.mark.parametrize("version", [1, 3])
def test_challenge_ends_where_that_is_asked_for(here: Here, version: int) -> None:
    here.promote(1)
    here.promote(2, *TENTH)
    code, _, _ = here.promote(version, "--no-challenger")
    assert (code, held(here)) == (0, (version, None, None))


def test_rollback_restores_the_whole_state_and_goes_on_backwards(here: Here) -> None:
    here.promote(1)
    here.promote(2, *SHADOW)
    here.promote(2, *TENTH)
    here.promote(3)
    here.promote(2)
    went = [held(here)]
    for _ in range(4):
        assert here.rollback()[0] == 0
        went.append(held(here))
    assert went == [(2, None, None), (3, 2, 0.1), (1, 2, 0.1), (1, 2, 0.0), (1, None, None)]
    code, _, err = here.rollback()
    assert code == 1 and "no record tells what" in err


def test_rollback_of_a_challenge_upon_a_pin_set_by_hand_goes_back_to_that_pin(here: Here) -> None:
    here.promote(1)
    here.by_hand(here.references[2].version_text)
    here.promote(2, *TENTH)
    assert held(here) == (3, 2, 0.1)
    here.rollback()
    assert held(here) == (3, None, None)


def test_challenger_set_by_hand_is_told_and_a_rollback_goes_back_to_the_record(here: Here) -> None:
    here.promote(1)
    here.promote(2, *TENTH)
    text = Path(".env").read_text()
    Path(".env").write_text(text.replace("CHALLENGER_SHARE=0.1", "CHALLENGER_SHARE=0.5"))
    assert "was set by hand" in live(here)["note"]
    assert json.loads(here.run("log", "alcohol", *ENV_FILE, "--json")[1])["set_by_hand"] is True
    _, _, err = here.rollback()
    assert "warning: env-file" in err and held(here) == (1, 2, 0.1)


@pytest.mark.parametrize("value", ["9", "nonsense", "latest"])
def test_challenger_set_by_hand_without_a_digest_stops_a_promotion_that_would_keep_it(here: Here, value: str) -> None:
    here.promote(1)
    Path(".env").write_text(Path(".env").read_text() + f"CHALLENGER_VERSION={value}\n")
    code, _, err = here.promote(3)
    assert code == 1 and f"was set by hand, to alcohol:{value}" in err and "--no-challenger" in err
    assert here.promote(3, "--no-challenger")[0] == 0
    assert held(here) == (3, None, None)


@pytest.mark.parametrize(
    ("before", "version", "more", "said"),
    [
        ((), 2, SHADOW, "serves nothing that alcohol:2@.* could challenge"),
        ((1,), 1, SHADOW, "serves alcohol:1@.*, which cannot challenge itself"),
        ((1,), 2, ("--share", "0.1"), "--share is of a challenger; give --challenger, too"),
        ((1,), 4, SHADOW, "alcohol:4 did not pass its gate"),
    ],
)
def test_challenge_that_cannot_be_is_refused(
    here: Here, before: tuple[int, ...], version: int, more: tuple[str, ...], said: str
) -> None:
    for each in before:
        here.promote(each)
    served = held(here)
    code, _, err = here.promote(version, *more)
    assert code == 1 and held(here) == served and len(here.chain.links) == len(before)
    import re

    assert re.search(said, err), err


@pytest.mark.parametrize("share", ["1.1", "-1", "half", "1e-3", "0.12345678", ""])
def test_share_that_is_none_is_a_usage_error(here: Here, share: str) -> None:
    here.promote(1)
    code, _, err = here.promote(2, "--challenger", f"--share={share}")
    assert code == 2 and "it must be from 0 to 1, such as 0.1" in err


def test_challenger_of_a_pin_without_a_digest_is_refused(here: Here) -> None:
    here.by_hand("1")
    code, _, err = here.promote(2, *SHADOW)
    assert code == 1 and "serves alcohol:1, which has no digest; promote it by its digest first" in err


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0"), (1.0, "1"), (0.1, "0.1"), (0.000001, "0.000001"), (0.25, "0.25"), (None, "")]
)
def test_share_is_written_as_serving_and_the_stack_read_it(share: float | None, text: str) -> None:
    one = Reference.of("wine", f"7@sha256:{'a' * 64}")
    state = State(one, one if share is not None else None, share)
    assert state.share_text == text
    assert challenge("wine", state.challenger_text, state.share_text)[1] == share
    challenger = None if share is None else str(one)
    assert Held(str(one), challenger=challenger, share=share).is_set_to(state)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (("sklearn", "full"), ("full",), "its image is that of RUNTIME=full"),
        (("full",), ("full", "sklearn"), "its image is that of RUNTIME=full"),
        (("sklearn", "full"), ("sklearn",), ""),
        (
            ("sklearn",),
            ("full",),
            "no image can serve both; that of RUNTIME=sklearn serves {}, and leaves the challenger out",
        ),
    ],
)
def test_image_that_is_told_can_serve_both(
    here: Here, ours: tuple[str, ...], theirs: tuple[str, ...], said: str
) -> None:
    """Also where another version is promoted, and the challenger stays."""
    described, files = example("alcohol")
    made = []
    for runtimes in (ours, theirs, ours):
        artifacts = {name: each.model_copy(update={"runtimes": runtimes}) for name, each in described.artifacts.items()}
        made.append(publish_files(here.store, described.model_copy(update={"artifacts": artifacts}), files))
    for reference, more in ((made[0], ()), (made[1], SHADOW), (made[2], ())):
        code, out, err = here.run("promote", str(reference), *ENV_FILE, *more)
        assert code == 0, err
        lines = [line for line in out.splitlines() if "RUNTIME" in line]
        served = made[0] if reference == made[1] else reference
        assert reference == made[0] or lines == ([said.format(served)] if said else [])
