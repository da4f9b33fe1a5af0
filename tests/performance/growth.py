"""How times grow with the rows of a request, features, classes, trees, sizes, versions, records and models."""

import argparse
import asyncio
import contextlib
import io
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from brinery.assessment.publish_fitted import publish_fitted
from brinery.commands.registry import main as registry
from brinery.loading.load import load
from brinery.output.svg import line, path, text
from brinery.output.table import table
from brinery.promotion.env_file import EnvFile
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.brinery.promotion.test_chain import chain_of
from tests.examples import example, publish_example, publish_files, tiny
from tests.performance.chart import STYLE
from tests.performance.environments import ROOT
from tests.performance.forests import forest_file, publish_forest
from tests.performance.models import ROW
from tests.performance.site_growth import put
from tests.serving.conftest import Context, event_v2, handling
from training.models_file import models_file
from training.runs import check_estimators
from training.spec import read_specs

PROGRAM = "growth"
LEAST_SECONDS, LEAST_CALLS, MOST_CALLS = 0.3, 3, 200
Seconds = Mapping[str, float]  # by what took them


@dataclass(frozen=True)
class Growth:
    """One chart: what grows, to which sizes, and what is measured at each."""

    of: str
    sizes: tuple[int, ...]
    measure: Callable[[Path, int], Seconds]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.performance.{PROGRAM}",
        description=f"{__doc__} Each is measured in this process, with a registry in a folder, and drawn in a chart; "
        "GROWS is the exponent between the two largest sizes: 0 stays the same, 1 is in proportion.",
    )
    names = [each.of for each in GROWTHS]
    parser.add_argument("--of", nargs="+", choices=names, default=names, metavar="WHAT", help="default: all")
    default = Path(__file__).with_name("growth.svg")
    parser.add_argument("--svg", type=Path, default=default, help=f"default: {default.relative_to(ROOT)}")
    arguments = parser.parse_args(argv)
    asyncio.set_event_loop(asyncio.new_event_loop())
    found: dict[str, dict[int, Seconds]] = {}
    rows: list[list[str]] = []
    for growth in GROWTHS:
        if growth.of not in arguments.of:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found[growth.of] = {}
            for size in growth.sizes:
                place = Path(folder, str(size))
                place.mkdir()
                with contextlib.redirect_stdout(io.StringIO()):  # lines of counts and of commands
                    found[growth.of][size] = growth.measure(place, size)
                print(f"{growth.of} {size:,}", file=sys.stderr)
        rows += _rows(growth.of, found[growth.of])
    print(table(["GROWING", "TAKES", "FROM", "TO", "GROWS"], rows))
    print(f"medians; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    arguments.svg.write_text(svg(found))
    return 0


def _rows(of: str, found: Mapping[int, Seconds]) -> Iterator[list[str]]:
    sizes = list(found)
    for what in found[sizes[0]]:
        first, before, last = (found[size][what] for size in (sizes[0], sizes[-2], sizes[-1]))
        exponent = math.log(last / before) / math.log(sizes[-1] / sizes[-2])
        ends = [f"{_amount(seconds)} at {size:,}" for size, seconds in ((sizes[0], first), (sizes[-1], last))]
        yield [of, what, *ends, f"n^{exponent:.2f}"]


def timed(call: Callable[[], object]) -> float:
    """The median of some calls, after one that is not counted unless it took long."""
    seconds = [_once(call)]
    if seconds[0] > LEAST_SECONDS * 10:
        return seconds[0]
    seconds.clear()
    while len(seconds) < LEAST_CALLS or (sum(seconds) < LEAST_SECONDS and len(seconds) < MOST_CALLS):
        seconds.append(_once(call))
    return statistics.median(seconds)


def _once(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _requests(store: Store, reference: Reference, rows: list[Any]) -> dict[str, float]:
    """The seconds of one request of these rows through the Lambda handler, by format."""
    found = {}
    event = event_v2(json.dumps({"data": rows}))
    for format in ("onnx", "pickle"):
        handler = handling(load(store, reference, format=format))
        answer = handler(event, Context())
        if answer["statusCode"] != 200:
            raise RuntimeError(f"{reference}: {answer['body'][:400]}")
        found[f"a request, {format}"] = timed(lambda handler=handler: handler(event, Context()))  # type: ignore[misc]
    return found


def _published(folder: Path, model: Any, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The seconds of publishing a fitted model, with all proofs, and of one row's request."""
    store = open_store(folder.as_uri(), create=True)
    references: list[Reference] = []
    seconds = _once(lambda: references.append(publish_fitted("grown", model, x, y, registry=store.url)))
    return {"publishing": seconds, **_requests(store, references[0], [x[0].tolist()])}


def _of_rows(folder: Path, count: int) -> Seconds:
    store = open_store(folder.as_uri(), create=True)
    return _requests(store, publish_example(store, "wine"), [ROW] * count)


def _of_features(folder: Path, count: int) -> Seconds:
    random = np.random.default_rng(0)
    x = random.normal(size=(400, count))
    y = (x[:, 0] > 0).astype(int)
    return _published(folder, LogisticRegression(max_iter=200).fit(x, y), x[:200], y[:200])


def _of_classes(folder: Path, count: int) -> Seconds:
    random = np.random.default_rng(0)
    y = np.arange(max(4 * count, 400)) % count
    x = random.normal(size=(len(y), 10)) + random.normal(size=(count, 10))[y] * 3
    return _published(folder, LogisticRegression(max_iter=30, tol=0.1).fit(x, y), x, y)


def _of_trees(folder: Path, count: int) -> Seconds:
    random = np.random.default_rng(0)
    x = random.normal(size=(1000, 10))
    y = (x[:, 0] + random.normal(size=1000) > 0).astype(int)
    return _published(folder, RandomForestClassifier(count, random_state=0, n_jobs=1).fit(x, y), x, y)


def _of_bytes(folder: Path, size: int) -> Seconds:
    store = open_store(folder.as_uri(), create=True)
    reference = publish_forest(store, "forest", forest_file(size))
    return {"a verified load, pickle": timed(lambda: load(store, reference, format="pickle"))}


def _of_versions(folder: Path, count: int) -> Seconds:
    store = open_store(folder.as_uri(), create=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: put(store, "wine", number), range(1, count)))
    references: list[Reference] = []
    described, files = example("wine")
    publishing = timed(lambda: references.append(publish_files(store, described, files)))
    return {
        "publishing": publishing,
        "loading": timed(lambda: load(store, references[-1])),
        "registry list": timed(lambda: _registry("list", "--registry", store.url)),
    }


def _of_records(folder: Path, count: int) -> Seconds:
    store = open_store((folder / "registry").as_uri(), create=True)
    versions = [publish_files(store, *tiny("wine")) for _ in range(2)]
    file, place = folder / ".env", ("--env-file", str(folder / ".env"), "--registry", store.url)
    held = chain_of(store, count, versions, EnvFile(file, "").name)
    version = (held.pin or "").partition(":")[2]

    def reset() -> None:
        file.write_text(f"MODEL_NAME=wine\nMODEL_VERSION={version}\nMODEL_RECORD={held.record}\n")

    def promote() -> None:
        reset()
        unchecked = {"open_check": lambda: nullcontext(lambda *_: None)}
        _registry("promote", str(versions[count % 2]), *place, **unchecked)

    reset()
    return {"registry log": timed(lambda: _registry("log", "wine", *place)), "registry promote": timed(promote)}


def _of_models(folder: Path, count: int) -> Seconds:
    spec = {"data": "sklearn:wine", "estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 0.5}}
    declared = folder / "models.json"
    declared.write_text(json.dumps({f"model-{number}": spec for number in range(count)}))
    file = models_file(declared, None, {})
    return {"train --check": timed(lambda: check_estimators(file, read_specs(file)))}


def _registry(*arguments: str, **collaborators: Any) -> None:
    if code := registry(arguments, **collaborators):
        raise RuntimeError(f"registry {' '.join(arguments)} ended with {code}")


GROWTHS = (
    Growth("rows of a request", (1, 10, 100, 1_000, 10_000), _of_rows),
    Growth("features", (10, 100, 1_000, 5_000), _of_features),
    Growth("classes", (2, 10, 100, 1_000), _of_classes),
    Growth("trees", (10, 100, 1_000), _of_trees),
    Growth("bytes of a model", (1_000, 1_000_000, 10_000_000, 100_000_000), _of_bytes),
    Growth("versions of a model", (1, 10, 100, 1_000, 10_000), _of_versions),
    Growth("records of promotions", (1, 10, 100, 1_000, 10_000), _of_records),
    Growth("models in one file", (1, 10, 100, 1_000), _of_models),
)

WIDTH, HEIGHT, COLUMNS, LEFT, RIGHT, TOP, BOTTOM = 360, 190, 2, 52, 12, 58, 26
CURVES = ("first", "second", "third")
COLOURS = """\
.first { stroke: #0969da } .second { stroke: #bc4c00; stroke-dasharray: 7 3 }
.third { stroke: #1a7f37; stroke-dasharray: 2 3 }
.curve { fill: none; stroke-width: 2 } .rule { stroke: #d0d7de; fill: none } .mid { text-anchor: middle }
text { font-size: 11px }
@media (prefers-color-scheme: dark) {
.first { stroke: #4493f8 } .second { stroke: #db6d28 } .third { stroke: #3fb950 } .rule { stroke: #3d444d } }"""


def svg(found: Mapping[str, Mapping[int, Seconds]]) -> str:
    """A small chart for each, time over size, both by powers of ten."""
    lines = -(-len(found) // COLUMNS)
    width, height = WIDTH * COLUMNS, HEIGHT * lines
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'role="img" aria-labelledby="title">',
        '<title id="title">Time over size: both axes by powers of ten</title>',
        f"<style>\n{STYLE}\n{COLOURS}\n</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>',
    ]
    for place, (of, sizes) in enumerate(found.items()):
        parts += _chart(of, sizes, place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT)
    return "\n".join([*parts, "</svg>", ""])


def _chart(of: str, found: Mapping[int, Seconds], x0: int, y0: int) -> Iterator[str]:
    every = [seconds for each in found.values() for seconds in each.values()]
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    first, last = math.log10(min(found)), math.log10(max(found))

    def x(size: float) -> float:
        return x0 + LEFT + (math.log10(size) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(seconds: float) -> float:
        return y0 + HEIGHT - BOTTOM - (math.log10(seconds) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    yield text(x0 + 12, y0 + 20, of[0].upper() + of[1:], "text name")
    at = x0 + 12.0
    for curve, what in zip(CURVES, next(iter(found.values())), strict=False):
        yield line(at, y0 + 34, at + 18, y0 + 34, f"curve {curve}")
        yield text(at + 22, y0 + 38, what, "quiet")
        at += 34 + 5.8 * len(what)
    for power in range(low, high + 1):
        yield line(x0 + LEFT, y(10.0**power), x0 + WIDTH - RIGHT, y(10.0**power), "rule")
        yield text(x0 + LEFT - 5, y(10.0**power) + 4, _amount(10.0**power), "quiet end")
    for size in found:
        yield text(x(size), y0 + HEIGHT - 8, _short(size), "quiet mid")
    for curve, what in zip(CURVES, next(iter(found.values())), strict=False):
        yield path(((x(size), y(seconds[what])) for size, seconds in found.items()), f"curve {curve}")


def _amount(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size * (1 - 1e-9):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _short(size: int) -> str:
    for letter, power in (("M", 1_000_000), ("k", 1_000)):
        if size >= power:
            return f"{size / power:g}{letter}"
    return str(size)


if __name__ == "__main__":
    sys.exit(main())
