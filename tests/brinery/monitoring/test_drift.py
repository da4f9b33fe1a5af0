"""Drift: found where there is some, seldom where there is none, and not denied where none could be seen."""

import os
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from brinery.assessment.profile import make_profile
from brinery.monitoring.drift import ANSWERS, FALSE_ALARMS, Found, look, rows_needed
from brinery.monitoring.lines import Tally
from brinery.monitoring.sketch import Profile, Sketch
from brinery.rows.feature import Feature
from brinery.tasks.regression import Estimates, Regression
from tests.brinery.monitoring.told import numbers, profile_of, tally_of

FEATURES = numbers(13)
LOOKS = int(os.environ.get("BRINERY_LOOKS", "300"))


def normal(seed: int, rows: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (rows, len(FEATURES)))


@pytest.fixture(scope="module")
def profile() -> Profile:
    return profile_of(normal(0, 100_000), FEATURES)


def looked(profile: Profile, rows: np.ndarray, seed: int = 1) -> dict[str, Found]:
    return {each.name: each for each in look(profile, tally_of(profile, FEATURES, rows, seed))}


def drifted(profile: Profile, seed: int, rows: int, shift: float) -> bool:
    sample = normal(seed, rows)
    sample[:, 3] += shift
    return any(each.verdict == "drift" for each in looked(profile, sample, seed).values())


@pytest.mark.slow
@pytest.mark.parametrize("looks", [LOOKS, pytest.param(1_000, marks=pytest.mark.campaign)])
def test_without_drift_alarms_are_few(
    profile: Profile, looks: int, record_property: Callable[[str, object], None]
) -> None:
    """One in a thousand is meant; 6 of 1,000 or more would be seen by chance in 0.1 % of such runs."""
    alarms = sum(drifted(profile, seed, 700, 0.0) for seed in range(1, looks + 1))
    record_property("false alarms", f"{alarms} in {looks} looks")
    assert alarms <= (5 if looks == 1_000 else 4)


@pytest.mark.slow
@pytest.mark.parametrize("looks", [100, pytest.param(500, marks=pytest.mark.campaign)])
def test_a_quarter_of_a_deviation_is_found(
    profile: Profile, looks: int, record_property: Callable[[str, object], None]
) -> None:
    """Of 700 rows, against 100,000, in 13 features."""
    found = sum(drifted(profile, seed, 700, 0.25) for seed in range(1, looks + 1))
    record_property("a quarter of a deviation", f"found in {found} of {looks} looks")
    assert found >= 0.95 * looks


def _stuck(rows: np.ndarray) -> None:
    rows[:, 3] = 0.3


def _unit(rows: np.ndarray) -> None:
    rows[:, 3] *= 1000


def _spread(rows: np.ndarray) -> None:
    rows[:, 3] *= 2


def _missing(rows: np.ndarray) -> None:
    rows[: len(rows) // 20, 0] = np.nan


@pytest.mark.parametrize(
    ("change", "feature", "said"),
    [
        (_stuck, "x3", "deviations)"),
        (_unit, "x3", "outside the training range"),
        (_spread, "x3", "outside the training range"),
        (_missing, "x0", "missing 0.0% → 5.0%"),
    ],
)
def test_what_moved_is_named(profile: Profile, change: Callable[[np.ndarray], None], feature: str, said: str) -> None:
    rows = normal(5, 2000)
    change(rows)
    found = looked(profile, rows)
    assert [name for name, each in found.items() if each.verdict == "drift"] == [feature]
    assert said in found[feature].moved
    assert found[feature].stability > 5 * max(each.stability for name, each in found.items() if name != feature)


def test_few_rows_cannot_tell_and_enough_can(profile: Profile) -> None:
    needed = sorted({each.needed or 0 for each in looked(profile, normal(2, 50)).values()})
    assert 300 < needed[0] and needed[-1] < 500
    assert {each.verdict for each in looked(profile, normal(3, needed[0] - 1)).values()} == {"cannot tell"}
    assert {each.verdict for each in looked(profile, normal(3, needed[-1])).values()} == {"no drift"}


def test_little_training_cannot_tell_however_many_rows_there_are() -> None:
    small = profile_of(normal(0, 133), FEATURES)
    found = looked(small, normal(1, 20_000))
    assert {each.needed for each in found.values()} == {None}
    assert {each.verdict for each in found.values()} == {"cannot tell"}
    moved = normal(1, 20_000) + 2
    assert looked(small, moved)["x1"].verdict == "drift"


@pytest.mark.parametrize(("reference", "tests"), [(100_000, 27), (5_000, 40)])
def test_needed_rows_show_a_shift_as_often_as_is_said(reference: int, tests: int) -> None:
    """By the law of the mean of normal rows itself."""
    needed = rows_needed(reference, tests)
    assert needed is not None
    shift = 0.25 / np.sqrt(1 / needed + 1 / reference)
    assert stats.norm.sf(stats.norm.isf(FALSE_ALARMS / tests / 2) - shift) == pytest.approx(0.8, abs=0.005)


PLACES = (
    Feature(name="place", kind="category", categories=("Biscoe", "Dream", "Torgersen"), unknown_categories="accept"),
    Feature(name="tagged", kind="boolean"),
)


def places(seed: int, rows: int, shares: tuple[float, float, float], tagged: float = 0.5) -> np.ndarray:
    random, made = np.random.default_rng(seed), np.empty((rows, 2), dtype=object)
    made[:, 0] = random.choice(np.array(["Biscoe", "Dream", "Torgersen"], dtype=object), rows, p=shares)
    made[:, 1] = (random.random(rows) < tagged).astype(float)
    return made


def test_categories_and_booleans_are_compared_by_their_shares() -> None:
    profile = profile_of(places(0, 10_000, (0.5, 0.3, 0.2)), PLACES)

    def found(rows: np.ndarray) -> dict[str, Found]:
        return {each.name: each for each in look(profile, tally_of(profile, PLACES, rows))}

    same = found(places(1, 3000, (0.5, 0.3, 0.2)))
    assert {each.verdict for each in same.values()} == {"no drift"}
    moved = found(places(1, 3000, (0.4, 0.4, 0.2), tagged=0.6))
    assert [name for name, each in moved.items() if each.verdict == "drift"] == ["place", "tagged"]
    renamed = places(2, 3000, (0.5, 0.3, 0.2))
    renamed[renamed[:, 0] == "Torgersen", 0] = "Torgersen Island"
    told = found(renamed)["place"]
    assert told.verdict == "drift" and told.moved.startswith(("values that training did not see 0.0%", "Torgersen 2"))


def test_answers_are_compared_too(profile: Profile) -> None:
    tally = tally_of(profile, FEATURES, normal(1, 3000))
    tally.answers = {5: [2500, 300, 200, 0, 0]}
    found = {each.name: each for each in look(profile, tally)}
    assert found[ANSWERS].verdict == "drift" and [*found][-1] == ANSWERS


def test_bins_that_are_not_the_profiles_are_left_out(profile: Profile) -> None:
    tally = tally_of(profile, FEATURES, normal(1, 3000))
    width = len(profile.features["x2"].counts)
    tally.features["x2"] = {1: [3000]}
    tally.features["x5"] = {width: [0] * width, 3: [1, 2, 3]}
    found = {each.name: each for each in look(profile, tally)}
    assert (found["x2"].verdict, found["x5"].verdict, found["x2"].moved) == ("cannot tell", "cannot tell", "no rows")
    assert {each.verdict for each in look(profile, Tally())} == {"cannot tell"}


def test_a_regressors_answers_are_compared_as_numbers() -> None:
    features, task, values = (
        numbers(1),
        Regression(mean=0.0, deviation=1.0),
        np.random.default_rng(0).normal(0, 1, 9000),
    )
    rows = values.reshape(-1, 1)
    profile = Profile.read(make_profile(rows, features, task, Estimates(values)))
    sketch = Sketch(profile, features)
    sketch.add(rows[:3000], Estimates(values[:3000] + 0.5))
    count, counts, answers = sketch.take()
    found = {
        each.name: each
        for each in look(profile, Tally(count, {"x0": {len(counts[0]): counts[0]}}, {len(answers): answers}))
    }
    assert (found["x0"].verdict, found[ANSWERS].verdict) == ("no drift", "drift")


FEW_ROWS = [(20, 20), *(pytest.param(50, rows, marks=pytest.mark.campaign) for rows in (100, 1000))]
RARE: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "one in five hundred": lambda random, count: (random.random(count) < 0.002).astype(float),
    "seldom counts": lambda random, count: random.poisson(0.02, count).astype(float),
    "far-off values": lambda random, count: random.lognormal(0, 2, count),
    "two values": lambda random, count: np.where(random.random(count) < 0.5, 1e300, -1.0),
}
SHARES = {"two": (0.995, 0.005), "three": (0.98, 0.01, 0.01), "many": (0.9, *[0.001] * 100)}


@pytest.mark.slow
@pytest.mark.parametrize(("looks", "rows"), FEW_ROWS)
@pytest.mark.parametrize("drawn", RARE.values(), ids=RARE)
def test_rare_and_far_off_values_make_few_alarms(
    drawn: Callable[[np.random.Generator, int], np.ndarray], looks: int, rows: int
) -> None:
    """Where the normal law holds least; more than three of 50 looks are seen once in four million such runs."""
    random = np.random.default_rng(0)

    def sample(count: int) -> np.ndarray:
        return np.column_stack([drawn(random, count) for _ in FEATURES])

    profile = profile_of(sample(50_000), FEATURES)
    alarms = sum(
        any(each.verdict == "drift" for each in looked(profile, sample(rows), seed).values()) for seed in range(looks)
    )
    assert alarms <= (3 if looks == 50 else 1)


@pytest.mark.slow
@pytest.mark.parametrize(("looks", "rows"), [FEW_ROWS[0], pytest.param(12, 100, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
def test_rare_categories_make_few_alarms(shares: tuple[float, ...], looks: int, rows: int) -> None:
    random, names = np.random.default_rng(0), tuple(f"c{n:03}" for n in range(len(shares)))
    features = tuple(Feature(name=f"x{j}", kind="category", categories=names) for j in range(13))

    def sample(count: int) -> np.ndarray:
        made = np.empty((count, 13), dtype=object)
        made[:] = random.choice(np.array(names, dtype=object), (count, 13), p=np.array(shares) / sum(shares))
        return made

    profile = profile_of(sample(50_000), features)
    looks_at = (look(profile, tally_of(profile, features, sample(rows), seed)) for seed in range(looks))
    alarms = sum(any(each.verdict == "drift" for each in found) for found in looks_at)
    assert alarms <= 1


def test_rows_beyond_all_of_training_are_seen_however_few_it_had() -> None:
    features = numbers(1)
    random = np.random.default_rng(0)
    profile = profile_of(random.normal(0, 1, (300, 1)), features)
    rows = np.vstack([random.normal(0, 1, (200, 1)), random.normal(0, 5, (200, 1))])
    found = look(profile, tally_of(profile, features, rows))[0]
    assert found.verdict == "drift" and found.tests["range"] < 1e-9


def test_a_feature_that_is_named_as_the_answers_are_is_looked_at_too() -> None:
    features = (Feature(name=ANSWERS, kind="number", minimum=0, maximum=1),)
    rows = np.random.default_rng(0).normal(0, 1, (9000, 1))
    found = look(profile_of(rows, features), tally_of(profile_of(rows, features), features, rows + 2))
    assert [(each.name, each.of_answers, each.verdict) for each in found] == [
        (ANSWERS, False, "drift"),
        (ANSWERS, True, "no drift"),
    ]


@pytest.mark.slow
def test_values_that_hardly_occur_make_no_alarm() -> None:
    """Hundreds of rare categories, of which a window has others than training by chance."""
    many = tuple(f"c{n}" for n in range(400))
    feature = (Feature(name="code", kind="category", categories=many),)
    random = np.random.default_rng(0)

    def rows(count: int) -> np.ndarray:
        made = np.empty((count, 1), dtype=object)
        made[:, 0] = random.choice(np.array(many, dtype=object), count)
        return made

    profile = profile_of(rows(2000), feature)
    alarms = sum(look(profile, tally_of(profile, feature, rows(300), seed))[0].verdict == "drift" for seed in range(40))
    assert alarms == 0
