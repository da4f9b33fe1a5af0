"""Accepted means answered once: in random histories, and no null control keeps that."""

import os

import pytest

from tests.simulation.jobs import AtRandom, Code, InTurn, Lost, Small, play

HISTORIES = int(os.environ.get("BRINERY_JOB_HISTORIES", "2000"))
CONTROLS = {
    "acknowledged before the result": Code(acknowledges_first=True),
    "ended whatever its state": Code(ends_always=True),
    "ended unless done": Code(ends_unless_done=True),
    "the pin of the time of work": Code(pin_at_work=True),
    "sent before it is stored": Code(sends_first=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("number", [HISTORIES, pytest.param(10_000, marks=pytest.mark.campaign)])
def test_accepted_jobs_end_once_as_they_should(number: int) -> None:
    worlds = (play(AtRandom(seed)) for seed in range(number))
    states = [end.state for world in worlds if world for ends in world.ends.values() for end in ends]
    assert states.count("done") > number / 2 and states.count("failed") > number / 10


@pytest.mark.parametrize(
    ("small", "faults"),
    [
        (Small(1), 2),
        pytest.param(Small(2), 2, marks=pytest.mark.campaign),
        pytest.param(Small(2, 1), 1, marks=pytest.mark.campaign),
    ],
)
def test_every_history_of_one_job_ends_as_it_should(small: Small, faults: int) -> None:
    """Each order of the effects of its client, its workers and what disturbs them, with each fault at each."""
    history = InTurn(faults)
    play(history, small=small)
    while history.go_on():
        play(history, small=small)
    assert len(history.states) > 500


@pytest.mark.parametrize("code", CONTROLS.values(), ids=CONTROLS)
def test_every_null_control_breaks_a_promise(code: Code) -> None:
    for seed in range(20_000):
        try:
            play(AtRandom(seed), code)
        except Lost:
            return
    pytest.fail("no history tells this code from the real one")


@pytest.mark.campaign
@pytest.mark.parametrize("code", CONTROLS.values(), ids=CONTROLS)
def test_every_null_control_breaks_a_promise_also_at_small_scope(code: Code) -> None:
    """So that leaving out what is known leaves out nothing that matters."""
    history, more = InTurn(1), True
    with pytest.raises(Lost):
        while more:
            play(history, code, Small(2, 1))
            more = history.go_on()
