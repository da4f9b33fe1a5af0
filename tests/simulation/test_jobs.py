"""Accepted means answered once: in random histories, and no null control keeps that."""

import os

import pytest

from tests.simulation.jobs import AtRandom, Code, InTurn, Lost, play

HISTORIES = int(os.environ.get("BRINERY_JOB_HISTORIES", "2000"))
CONTROLS = {
    "acknowledged before the result": Code(acknowledges_first=True),
    "ended whatever its state": Code(ends_always=True),
    "ended unless done": Code(ends_unless_done=True),
    "the pin of the time of work": Code(pin_at_work=True),
    "sent before it is stored": Code(sends_first=True),
}


@pytest.mark.parametrize("number", [HISTORIES, pytest.param(100_000, marks=pytest.mark.campaign)])
def test_accepted_jobs_end_once_as_they_should(number: int) -> None:
    ended = [end for seed in range(number) for ends in play(AtRandom(seed)).ends.values() for end in ends]
    states = [end.state for end in ended]
    assert states.count("done") > number / 2 and states.count("failed") > number / 10


@pytest.mark.parametrize(
    ("workers", "faults"),
    [(1, 1), pytest.param(1, 2, marks=pytest.mark.campaign), pytest.param(2, 0, marks=pytest.mark.campaign)],
)
def test_every_history_of_one_job_ends_as_it_should(workers: int, faults: int) -> None:
    """Each order of the effects of its client and its workers, with each fault at each."""
    history, played = InTurn(faults), 0
    while played == 0 or history.go_on():
        play(history, small=workers)
        played += 1
    assert played > 1000


@pytest.mark.parametrize("code", CONTROLS.values(), ids=CONTROLS)
def test_every_null_control_breaks_a_promise(code: Code) -> None:
    for seed in range(20_000):
        try:
            play(AtRandom(seed), code)
        except Lost:
            return
    pytest.fail("no history tells this code from the real one")
