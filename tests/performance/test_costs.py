"""The page of costs is what its program makes of what was measured."""

import json

from tests.infra.template import of_type, raw
from tests.performance.costs import MEASURED, PAGE, idle, on_lambda, page


def test_page_is_made_of_the_measured_durations_and_the_prices() -> None:
    assert PAGE.read_text() == page(json.loads(MEASURED.read_text())), "run: python -m tests.performance.costs"


def test_idle_costs_count_the_alarms_that_the_templates_have() -> None:
    for name in ("registry", "serving"):
        alarms = of_type(raw(name)["Resources"], "AWS::CloudWatch::Alarm").values()
        of_jobs, of_drift = (
            [each for each in alarms if each.get("Condition") == condition]
            for condition in ("TakesJobs", "LooksForDrift")
        )
        told = idle()[f"{name}.yaml"][1]
        assert f"{len(alarms) - len(of_jobs) - len(of_drift)} alarms" in told
        assert not of_jobs or f"With jobs {len(of_jobs)} alarms more, with DriftSchedule {len(of_drift)}" in told


def test_a_million_requests_cost_as_counted_by_hand() -> None:
    found = {"warm_seconds": 0.001, "cold_seconds": 0.5}
    # 1,000,000 × (1 ms + 1 % of 500 ms) × 1.7275 GiB × $0.0000166667, $0.20 + $1.00 for calls, 0.7 GB of logs
    assert round(on_lambda(1e6, 0.01, found), 3) == round(0.1728 + 1.2 + 0.35, 3)
