"""The pages of lists: all models, a model's versions, what was looked at, and two versions to be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from brinery.output.table import figure_text, size_text
from brinery.site.facts import MOST, Figure, Promotion, Version, less_is_better
from brinery.site.pages.chart import NEWEST, metric_chart
from brinery.site.pages.render import render
from brinery.site.pages.table import Cell, Column, Table, cut

COLUMNS = 3  # metrics that have a column of their own
CHARTS = 6
MOST_PROMOTIONS = 50  # in a timeline
MOST_UNREADABLE = 100


@dataclass(frozen=True)
class ModelView:
    """What the pages show of one model; `marks` are words by the number of a version, the newest version is first."""

    name: str
    versions: tuple[Version, ...] = ()
    unreadable: tuple[tuple[int, str], ...] = ()
    marks: Mapping[int, str] = field(default_factory=dict)
    promotions: tuple[Promotion, ...] = ()
    history_note: str = ""
    notes: tuple[str, ...] = ()


def index_page(
    registry: str, models: Sequence[ModelView], looks: int, notes: Sequence[str], environment: str | None
) -> bytes:
    """All models, by their names."""
    columns = ["model", "newest", "live" if environment else "recorded", "trained", "gate", "main metric", "versions"]
    numbers = ("main metric", "versions")
    table = Table(
        "models", "models", [Column(name, name in numbers) for name in columns], [_model_row(each) for each in models]
    )
    count = sum(len(each.versions) for each in models)
    return render(
        "index.html",
        registry=registry,
        table=table,
        count=count,
        looks=looks,
        notes=notes,
        environment=environment,
    )


def _model_row(model: ModelView) -> list[Cell]:
    home = f"models/{model.name}/"
    broken = f"{len(model.unreadable)} cannot be read" if model.unreadable else ""
    if not model.versions:
        return [Cell(model.name, link=f"{home}index.html"), *[Cell()] * 5, Cell("0", small=broken, by=0)]
    newest = model.versions[0]
    marked = next(iter(model.marks.items()), None)
    return [
        Cell(model.name, small=cut(newest.description, 150), by=model.name, link=f"{home}index.html"),
        Cell(str(newest.number), by=newest.number, link=f"{home}{newest.number}.html"),
        Cell(str(marked[0]), by=marked[0], link=f"{home}{marked[0]}.html", badge=marked[1]) if marked else Cell(),
        _age(newest.trained_at),
        Cell(badge=newest.gate, by=newest.gate),
        _main_metric(newest),
        Cell(f"{len(model.versions):,}", small=broken, by=len(model.versions)),
    ]


def _age(moment: str) -> Cell:
    return Cell(moment.replace("T", " ")[:16], by=moment, moment=moment, small=moment[:10])


def _main_metric(version: Version) -> Cell:
    for name in version.metrics:
        value, low, high = version.metrics[name]
        span = "" if low is None or high is None else f", {figure_text(low, 3)} to {figure_text(high, 3)}"
        return Cell(figure_text(value), small=f"{cut(name, 30)}{span}", by=value)
    return Cell()


def model_page(registry: str, model: ModelView, looks: Table | None, environment: str | None) -> bytes:
    """A model's versions, its metrics over them, its promotions, and what was looked at."""
    drawn = model.versions[:NEWEST]
    metrics = list(dict.fromkeys(name for version in drawn for name in version.metrics))
    told = [name for name in metrics if all(_drawable(each.metrics[name]) for each in drawn if name in each.metrics)]
    given = {each.version: each for each in reversed(model.promotions)}
    numbers = {each.number for each in model.versions}
    newest = model.versions[0] if model.versions else None
    return render(
        "model.html",
        registry=registry,
        name=model.name,
        newest=newest,
        marked=[(number, mark) for number, mark in model.marks.items() if number in numbers],
        headline=list(newest.metrics.items())[:3] if newest else [],
        less=[name for name in metrics if less_is_better(name)],
        charts=[
            (name, metric_chart(name, model.versions, [each for each in given if each is not None]))
            for name in told[:CHARTS]
        ]
        if len(model.versions) > 1
        else [],
        drawn=NEWEST,
        table=_versions(model, metrics[:COLUMNS], given),
        unreadable=[(f"version {number}", why) for number, why in model.unreadable[:MOST_UNREADABLE]],
        promotions=model.promotions[:MOST_PROMOTIONS],
        more_promotions=max(0, len(model.promotions) - MOST_PROMOTIONS),
        numbers=numbers,
        history_note=model.history_note,
        notes=model.notes,
        looks=looks,
        environment=environment,
    )


def _drawable(figure: Figure) -> bool:
    """Whether it is of a size that a picture has room for."""
    return all(abs(each) < MOST for each in figure if each is not None)


def _versions(model: ModelView, metrics: Sequence[str], given: Mapping[int | None, Promotion]) -> Table:
    columns = [
        *(Column(name) for name in ("version", "promoted", "trained", "gate")),
        *(Column(cut(name, 40), True) for name in metrics),
        *(Column(name, name in ("rows", "size")) for name in ("rows", "data", "size", "commit", "formats")),
    ]
    rows = [_version_row(each, metrics, model.marks.get(each.number, ""), given) for each in model.versions]
    return Table("versions", "versions", columns, rows)


def _version_row(
    version: Version, metrics: Sequence[str], mark: str, given: Mapping[int | None, Promotion]
) -> list[Cell]:
    promotion = given.get(version.number)
    by = f"{promotion.at[:10]}, {cut(promotion.by, 40)}" if promotion else ""
    commit = (cut(version.commit, 80)[:8] if version.commit else "") + ("*" if version.dirty and version.commit else "")
    return [
        Cell(str(version.number), by=version.number, link=f"{version.number}.html"),
        Cell(badge=mark, small=by, by=promotion.at if promotion else mark),
        _age(version.trained_at),
        Cell(badge=version.gate, by=version.gate),
        *(_metric(version, name) for name in metrics),
        Cell(f"{version.rows:,}", by=version.rows),
        Cell(version.data[:8]),
        Cell(size_text(version.size), by=version.size),
        Cell(commit),
        Cell(", ".join(version.formats)),
    ]


def _metric(version: Version, name: str) -> Cell:
    if name not in version.metrics:
        return Cell()
    value, low, high = version.metrics[name]
    span = "" if low is None or high is None else f"{figure_text(low, 3)} to\u00a0{figure_text(high, 3)}"
    return Cell(figure_text(value), small=span, by=value)


def compare_page(registry: str, model: ModelView) -> bytes:
    """Two selects, and what the pages of the versions that they name tell."""
    metrics = {name for version in model.versions for name in version.metrics}
    data: dict[str, Any] = {
        "versions": [(each.number, model.marks.get(each.number, "")) for each in model.versions],
        "promoted": next(iter(model.marks), None),
        "less": sorted(filter(less_is_better, metrics)),
    }
    return render("compare.html", registry=registry, name=model.name, comparison=data)


def looks_page(registry: str, table: Table, notes: Sequence[str]) -> bytes:
    """What was looked at, of all models."""
    return render("looks.html", registry=registry, table=table, notes=notes)
