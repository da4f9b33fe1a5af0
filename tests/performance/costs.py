"""What serving a model costs a month: measured durations times list prices, written as docs/costs.md."""

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brinery.promotion.function import KEPT
from tests.conftest import ROOT

PAGE = ROOT / "docs/costs.md"
MEASURED = Path(__file__).with_name("costs.json")
HOURS = 730.0  # of a month
GIB = 1769 / 1024  # of memory that the function has
LOGGED_KB = 0.7  # a request: the platform's lines and the API's
REQUESTS = (1_000, 1_000_000)
COLD = {1_000: (1.0, 0.1), 1_000_000: (0.01, 0.001)}  # shares that are looked at

FARGATE = "Fargate, one task of 1 vCPU and 2 GB, with its load balancer"
REGION, AS_OF = "US East (N. Virginia)", "November 2026"
PRICES = {
    "Lambda, GiB-second, x86_64": 0.0000166667,
    "Lambda, GiB-second, arm64": 0.0000133334,
    "Lambda, request": 0.20 / 1e6,
    "Lambda, provisioned, GiB-second kept": 0.0000041667,
    "Lambda, provisioned, GiB-second used": 0.0000097222,
    "SnapStart, GiB-second of a kept version": 0.0000015046,
    "SnapStart, GiB restored": 0.0001397998,
    "HTTP API, request": 1.00 / 1e6,
    "CloudWatch, GB of logs": 0.50,
    "CloudWatch, alarm a month": 0.10,
    "CloudWatch, dashboard a month (an account's first three are free)": 3.00,
    "CloudWatch, custom metric a month": 0.30,
    "Fargate, vCPU-hour": 0.04048,
    "Fargate, GB-hour": 0.004445,
    "Application Load Balancer, hour": 0.0225,
    "Application Load Balancer, capacity unit-hour": 0.008,
    "Public IPv4 address, hour": 0.005,
    "SageMaker serverless, second at 2 GB": 0.00004,
    "SageMaker, GB of data in or out": 0.016,
    "SageMaker, ml.m5.large hour": 0.115,
    "EC2, t4g.small hour": 0.0168,
    "EBS, GB-month": 0.08,
}


def on_lambda(requests: float, cold: float, found: Any, kind: str = "x86_64") -> float:
    """Dollars a month of that many requests, of which a share starts cold; a cold start's init is billed, too."""
    seconds = billed(requests, cold, found)
    calls = requests * (PRICES["Lambda, request"] + PRICES["HTTP API, request"])
    return seconds * GIB * PRICES[f"Lambda, GiB-second, {kind}"] + calls + logs(requests)


def billed(requests: float, cold: float, found: Any) -> float:
    """Seconds, each call's as whole milliseconds."""
    return float(requests * (math.ceil(1000 * found["warm_seconds"]) / 1000 + cold * found["cold_seconds"]))


def logs(requests: float) -> float:
    return requests * LOGGED_KB / 1e6 * PRICES["CloudWatch, GB of logs"]


def with_snap_start(requests: float, cold: float, found: Any) -> float:
    """… with snapshots of so many versions kept; what a restore takes by itself was not measured and is left out."""
    kept = KEPT * GIB * HOURS * 3600 * PRICES["SnapStart, GiB-second of a kept version"]
    restored = requests * cold * GIB * PRICES["SnapStart, GiB restored"]
    return on_lambda(requests, 0, found) + kept + restored


def provisioned(requests: float, found: Any) -> float:
    """… with one environment kept started, that answers everything."""
    kept = GIB * HOURS * 3600 * PRICES["Lambda, provisioned, GiB-second kept"]
    used = billed(requests, 0, found) * GIB * PRICES["Lambda, provisioned, GiB-second used"]
    return kept + used + requests * (PRICES["Lambda, request"] + PRICES["HTTP API, request"]) + logs(requests)


def sagemaker_serverless(requests: float, cold: float, found: Any) -> float:
    """A serverless endpoint of 2 GB; its cold starts are taken to compute as long as Lambda's."""
    seconds = billed(requests, cold, found)
    data = requests * 1e-6 * PRICES["SageMaker, GB of data in or out"]  # a kilobyte a request
    return seconds * PRICES["SageMaker serverless, second at 2 GB"] + data + logs(requests)


def task_hour() -> float:
    """A task of 1 vCPU and 2 GB with an address."""
    return PRICES["Fargate, vCPU-hour"] + 2 * PRICES["Fargate, GB-hour"] + PRICES["Public IPv4 address, hour"]


def fixed() -> dict[str, float]:
    """What is paid by the hour, whatever it is asked."""
    balancer = PRICES["Application Load Balancer, hour"] + PRICES["Application Load Balancer, capacity unit-hour"]
    addresses = 2 * PRICES["Public IPv4 address, hour"]
    instance = PRICES["EC2, t4g.small hour"] + PRICES["Public IPv4 address, hour"]
    return {
        FARGATE: HOURS * (task_hour() + balancer + addresses),
        "SageMaker real-time, one ml.m5.large": HOURS * PRICES["SageMaker, ml.m5.large hour"],
        "EC2, one t4g.small with 8 GB of disk": HOURS * instance + 8 * PRICES["EBS, GB-month"],
    }


def idle() -> dict[str, tuple[float, str]]:
    """What the stacks cost a month while nobody asks anything, and of what that is."""
    task = 2 * PRICES["Fargate, vCPU-hour"] + 8 * PRICES["Fargate, GB-hour"] + PRICES["Public IPv4 address, hour"]
    looks = HOURS / 60 * task  # an hour's look takes the one minute that is billed at least
    alarm, metric = PRICES["CloudWatch, alarm a month"], PRICES["CloudWatch, custom metric a month"]
    dashboard = PRICES["CloudWatch, dashboard a month (an account's first three are free)"]
    return {
        "registry.yaml": (
            3 * alarm + metric + looks,
            f"3 alarms, 1 custom metric, and ${looks:.2f} for the task that looks each hour at what is due, of the "
            "one minute that is billed at least; pulling the image may make it two. Container Insights are off",
        ),
        "serving.yaml": (
            9 * alarm + dashboard,
            "9 alarms and the dashboard. Once it answers, 9 custom metrics and one a label up to 12 labels, "
            f"${metric:.2f} each; others exist once something fails. With jobs 5 alarms more, with DriftSchedule 1",
        ),
        "fargate.yaml": (
            fixed()[FARGATE] + HOURS * task_hour(),
            "two tasks, as it proposes, and the load balancer",
        ),
        "sagemaker.yaml": (0.0, "serverless; on an instance, its hours"),
    }


TEXT = """\
# Costs

Made by `uv run python -m tests.performance.costs` from durations that were measured here and from list prices; not an
invoice.

- **Measured** on {on}, on two shared cores, through AWS's runtime client and emulator: a model of 13 features in a
  local S3, the median of {pairs} rounds. On Lambda, 1,769 MB are one processor of another kind.
- A month has 730 hours, 1,769 MB are 1.7275 GiB, a call is billed in whole milliseconds, a request logs 0.7 kB and
  brings SageMaker a kilobyte of data; Fargate's row has three public addresses, EC2's one.
- **List prices** of {region}, {as_of}, in US dollars, without the free tier; typed in from public
  pages, so look them up before you rely on them. Nothing on this page was billed by AWS.

{measured}

## A month of requests, one row each

The function with its HTTP API and logs. A cold share of 100 % is a request now and then; 1 % and less, steady traffic.

{requests}

SnapStart is counted with {kept} versions kept, as `promote --wait` leaves, and without the time of a restore, which was
not measured. Provisioned concurrency is one environment that answers everything. SageMaker's cold starts are taken to
be as long as Lambda's. On arm64 the seconds cost a fifth less.

## From when on something else is cheaper

What is paid by the hour, and the requests from which on the function (ONNX, 1 % cold) costs as much:

{break_even}

One such task or instance is one place to fail, and has one machine's limit of requests a second.

## Idle

{idle}

Beside these: storage of images and versions, cents a month, and what training takes.

## The list prices

{prices}
"""


def page(measured: Any) -> str:
    """The page, in Markdown."""
    kinds = measured["kinds"]
    durations = [
        ["cold start to the first answer", *(f"{each['cold_seconds']:.2f} s" for each in kinds.values())],
        ["warm call", *(f"{1000 * each['warm_seconds']:.1f} ms" for each in kinds.values())],
    ]
    return TEXT.format(
        **{name: measured[name] for name in ("on", "pairs")},
        region=REGION,
        as_of=AS_OF,
        kept=KEPT,
        measured=table(["measured", *kinds], durations),
        requests=table(
            ["requests a month", "cold", *(f"Lambda, {kind}" for kind in kinds), *ALTERNATIVES], requests_rows(kinds)
        ),
        break_even=table(["instead", "a month", "requests a month", "a second"], break_even_rows(kinds["ONNX"])),
        idle=table(
            ["stack", "a month", "of what"],
            ([f"`{name}`", money(cost), what] for name, (cost, what) in idle().items()),
        ),
        prices=table(
            ["of", "US dollars"], ([name, f"{price:.10f}".rstrip("0").rstrip(".")] for name, price in PRICES.items())
        ),
    )


ALTERNATIVES = ("SnapStart, ONNX", "provisioned, ONNX", "SageMaker serverless, ONNX")


def requests_rows(kinds: Any) -> Iterable[list[str]]:
    for requests in REQUESTS:
        for cold in COLD[requests]:
            onnx = kinds["ONNX"]
            costs = [on_lambda(requests, cold, found) for found in kinds.values()]
            costs += [with_snap_start(requests, cold, onnx), provisioned(requests, onnx)]
            costs += [sagemaker_serverless(requests, cold, onnx)]
            yield [f"{requests:,}", f"{100 * cold:g} %", *map(money, costs)]


def break_even_rows(found: Any) -> Iterable[list[str]]:
    one = on_lambda(1, 0.01, found)
    for name, cost in fixed().items():
        yield [name, money(cost), f"{cost / one / 1e6:.1f} million", f"{cost / one / HOURS / 3600:.1f}"]


def money(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars >= 0.01 or dollars == 0 else f"${dollars:.4f}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    texts = ("of", "of what", "stack", "instead", "measured")
    lines = [heads, ["---" if head in texts else "--:" for head in heads], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measure(pairs: int) -> Any:
    """Durations of a cold start and of a warm call as they would be billed, by format."""
    from tests.performance.figures import interleaved
    from tests.performance.functions import brinery
    from tests.performance.models import WINE, registry_on_s3
    from tests.performance.runtime import event, running

    def run(function: Any) -> Any:
        def both() -> tuple[float, float]:
            with running(function) as runtime:
                cold = runtime.invoke(event())
                for _ in range(40):
                    runtime.invoke(event())
                return cold, statistics.median(runtime.reported()[-40:])

        return both

    with registry_on_s3() as registry:
        wine = registry.train("wine", WINE)
        runs = {
            "ONNX": run(brinery(registry, wine, "onnx")),
            "pickle": run(brinery(registry, wine, "sklearn")),
        }
        for each in runs.values():
            each()
        found = interleaved(pairs, runs)
    kinds = {
        name: {
            "cold_seconds": statistics.median(cold for cold, _ in each),
            "warm_seconds": statistics.median(warm for _, warm in each),
        }
        for name, each in found.items()
    }
    return {"on": f"{datetime.now(UTC):%Y-%m-%d}", "pairs": pairs, "kinds": kinds}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.performance.costs",
        description="Write docs/costs.md from the durations in tests/performance/costs.json and the prices in here.",
        epilog="example: python -m tests.performance.costs --measure",
    )
    parser.add_argument("--measure", action="store_true", help="measure the durations anew, in a few minutes")
    parser.add_argument("--pairs", type=int, default=9, metavar="N", help="interleaved rounds; default: 9")
    arguments = parser.parse_args(argv)
    if arguments.measure:
        MEASURED.write_text(json.dumps(measure(arguments.pairs), indent=2) + "\n")
    PAGE.write_text(page(json.loads(MEASURED.read_text())))
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
