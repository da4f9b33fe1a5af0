"""models.json: which models to train, and how; refused key by key where it is not clear."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, get_args

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from brinery.assessment.metrics.table import NAMES
from brinery.assessment.rules import RULES, GateSpec, MetricName, Strict
from brinery.errors import ReferenceInvalid
from brinery.rows.feature import Kind, Unknown
from brinery.rows.written import Decimal, Thousands
from brinery.tables.spelling import Own
from brinery.versions.reference import check_name
from training.errors import SpecInvalid
from training.kinds import (
    DATE_RULE,
    DECIMAL_RULE,
    MISSING_RULE,
    THOUSANDS_RULE,
    UNKNOWN_RULE,
    DateFormat,
    KindSpec,
    MissingTexts,
)
from training.models_file import ModelsFile

ESTIMATOR = r"^((sklearn|xgboost|lightgbm)(\.\w+)+|[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*)$"
SCHEMA_KEY = "$schema"
FOLDS = 5
LONGEST_SECONDS = 7 * 24 * 3600


class ModelSpec(Strict):
    """One entry of models.json. Field descriptions are what the error messages call allowed."""

    description: str = Field("", max_length=2000, description="a text of at most 2000 characters")
    data: str = Field(
        min_length=1,
        description='"sklearn:NAME", a path, or an s3:// or https:// URL, of CSV or Parquet',
    )
    target: str = Field("target", min_length=1, description="a column's name")
    features: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = Field(
        None, description="a list of one or more columns' names"
    )
    exclude: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="a list of columns' names to leave out"
    )
    kinds: Mapping[str, Kind | KindSpec] = Field(
        {},
        description=f"an object of columns, each with its kind ({', '.join(get_args(Kind))}), "
        'or an object such as {"kind": "date", "format": "%d/%m/%Y"}, {"kind": "number", "decimal": ",", "thousands": '
        '".", "missing": ["?"]} or {"unknown_categories": "accept"}',
    )
    unknown_categories: Unknown = Field("refuse", description=UNKNOWN_RULE)
    missing: MissingTexts = Field((), description=MISSING_RULE)
    decimal: Decimal = Field(".", description=DECIMAL_RULE)
    thousands: Thousands | None = Field(None, description=THOUSANDS_RULE)
    dates: DateFormat | None = Field(None, description=DATE_RULE)
    drop_missing_target: bool = Field(False, description="true or false: whether rows without a target are left out")
    estimator: str = Field(
        pattern=ESTIMATOR,
        description="a classifier or regressor of scikit-learn, XGBoost or LightGBM by its dotted name, such as "
        '"xgboost.XGBClassifier", or "module:function" that returns one',
    )
    scale: bool | Literal["auto"] = Field("auto", description='true, false or "auto"')
    params: Mapping[str, Any] = Field(
        {},
        description="an object of the estimator's parameters, in which another one is an object such as "
        '{"estimator": "sklearn.…", "params": {…}}',
    )
    early_stopping: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="a whole number of rounds, from 1 to 10000, after which XGBoost or LightGBM stop where a tenth of "
        "the training rows is answered no better",
    )
    class_weight: Literal["balanced"] | Mapping[str, Annotated[float, Field(gt=0)]] | None = Field(
        None, description='"balanced", or an object of classes, each with a weight above 0'
    )
    search: Mapping[str, Annotated[tuple[Any, ...], Field(strict=False, min_length=1)]] | None = Field(
        None, description="an object of parameters, each with a list of values to try"
    )
    trials: int | None = Field(
        None, ge=2, description="a whole number, 2 or more: how many combinations a halving random search begins with"
    )
    scoring: MetricName | None = Field(
        None,
        description=f"what a search goes by, one of {', '.join(NAMES)}; accuracy or rmse where it is not said",
    )
    threshold: Literal["accuracy", "balanced_accuracy", "macro_f1"] | Annotated[float, Field(gt=0, lt=1)] | None = (
        Field(
            None,
            description="a probability above 0 and below 1 from which on the second of two classes is answered, or the "
            "metric that it is tuned by: accuracy, balanced_accuracy or macro_f1",
        )
    )
    interval: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="a share above 0 and below 1, such as 0.9: how often an answer shall hold the truth",
    )
    test_size: float = Field(0.25, gt=0, lt=1, description="a share of the rows, above 0 and below 1")
    cv: int | None = Field(None, ge=2, le=100, description="a whole number of folds, from 2 to 100")
    random_state: int = Field(0, ge=0, le=2**32 - 1, description="a whole number from 0 to 4294967295")
    gate: GateSpec = Field(
        GateSpec(), description=f'an object of metrics ({", ".join(NAMES)}), each with "min" or "max"'
    )
    time_limit: int | None = Field(
        None, ge=1, le=LONGEST_SECONDS, description=f"a whole number of seconds, from 1 to {LONGEST_SECONDS}"
    )
    schedule: str | None = Field(None, description='a cron line of five fields in UTC, such as "0 3 * * *"')

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        if self.features is not None:
            twice = [name for name in self.features if self.features.count(name) > 1]
            if twice:
                raise ValueError(f'names "{twice[0]}" twice in features')
            if self.target in self.features:
                raise ValueError(f'has its target "{self.target}" among its features')
            if self.exclude:
                raise ValueError("has features and exclude; only one of them can choose the columns")
        if self.target in self.exclude:
            raise ValueError(f'has its target "{self.target}" among the excluded columns')
        both = set(self.params) & set(self.search or {})
        if both:
            raise ValueError(f'has "{sorted(both)[0]}" in params and in search')
        for key in ("trials", "scoring"):
            if getattr(self, key) is not None and self.search is None:
                raise ValueError(f"has {key} and no search")
        return self

    @model_validator(mode="after")
    def _folds_hold_out(self) -> Self:
        if self.cv is not None and "test_size" in self.model_fields_set:
            raise ValueError("has cv and test_size; metrics come from the folds or from held-out rows")
        if self.cv is not None and isinstance(self.threshold, str):
            raise ValueError("has cv and a threshold to be tuned, on rows that the folds measure; use test_size")
        if self.cv is not None and self.interval is not None:
            raise ValueError("has cv and interval, which needs rows that no model was fitted on; use test_size")
        if self.cv is not None and self.gate.no_worse_than_promoted:
            raise ValueError(
                "has cv and gate.no_worse_than_promoted, which needs rows that no model was fitted on; use test_size"
            )
        return self

    @model_validator(mode="after")
    def _target_has_its_categories(self) -> Self:
        kind = self.kinds.get(self.target)
        if self.declared_kinds.get(self.target) == "text":
            raise ValueError(f'calls its target "{self.target}" text in kinds; of texts to answer the kind is category')
        if isinstance(kind, KindSpec) and kind.unknown_categories is not None:
            raise ValueError(f'has unknown_categories of its target "{self.target}"; only features have them')
        return self

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError(
                f'has "{self.decimal}" as decimal and as thousands; say both marks, such as "decimal": ",", '
                '"thousands": "."'
            )
        for name, own in self.own.items():
            if own.thousands is not None and own.thousands == (own.decimal or self.decimal):
                raise ValueError(
                    f'has "{own.thousands}" as decimal and as thousands of "{name}" in kinds; say both marks there, '
                    'such as "decimal": ",", "thousands": "."'
                )
        return self

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, line: str | None) -> str | None:
        if line is not None:
            try:
                if len(line.split()) != 5:
                    raise CronSimError("it has not five fields")
                CronSim(line, datetime(2000, 1, 1, tzinfo=UTC))
            except CronSimError as exc:
                raise PydanticCustomError("cron", "{reason}", {"reason": str(exc)}) from exc
        return line

    @property
    def declared_kinds(self) -> dict[str, Kind]:
        """The kinds that are named, without how dates are written."""
        found = {name: kind if isinstance(kind, str) else kind.kind for name, kind in self.kinds.items()}
        return {name: kind for name, kind in found.items() if kind is not None}

    def accepts_unknown(self, column: str) -> bool:
        """Whether a column takes categories that the data do not have."""
        kind = self.kinds.get(column)
        own = kind.unknown_categories if isinstance(kind, KindSpec) else None
        return (own or self.unknown_categories) == "accept"

    @property
    def own(self) -> dict[str, Own]:
        """How single columns are written otherwise than the file."""
        return {name: kind.own for name, kind in self.kinds.items() if isinstance(kind, KindSpec)}


MODELS: Mapping[str, type[BaseModel]] = {"gate": GateSpec, **RULES}
OBJECT = "KindSpec]"  # how the object that a kind may be ends in the place of a fault
UNION_TAGS = ("literal[", "dict[")


def read_specs(file: ModelsFile) -> dict[str, ModelSpec]:
    """The models that the file declares, by name, in its order.

    Raises:
        SpecInvalid: the file, the model, the key, the value and what is allowed, for the first fault.
    """
    try:
        raw = json.loads(
            file.data,
            object_pairs_hook=_without_duplicates,
            parse_constant=_finite,
            parse_float=_finite,
        )
        json.dumps(raw, ensure_ascii=False).encode()  # a lone surrogate could not be stored
    except (ValueError, RecursionError) as exc:
        raise SpecInvalid(f"{file.shown} is not valid JSON: {exc}") from exc
    if not isinstance(raw, dict):
        raise SpecInvalid(f"{file.shown} holds {_shown(raw)}; it must hold an object of models by name")
    raw.pop(SCHEMA_KEY, None)
    if not raw:
        raise SpecInvalid(f"{file.shown} declares no model")
    return {name: _spec(file, name, entry) for name, entry in raw.items()}


def select(file: ModelsFile, specs: Mapping[str, ModelSpec], names: Sequence[str]) -> dict[str, ModelSpec]:
    """The named models, or all that the file declares where no name is given.

    Raises:
        SpecInvalid: a name that is not declared.
    """
    for name in names:
        if name not in specs:
            raise SpecInvalid(f"there is no model {_shown(name)} in {file.shown}; it declares {', '.join(specs)}")
    return {name: spec for name, spec in specs.items() if name in names or not names}


def _spec(file: ModelsFile, name: str, entry: object) -> ModelSpec:
    try:
        check_name(name)
    except ReferenceInvalid as exc:
        raise SpecInvalid(f"{file.shown}: {exc}") from exc
    if not isinstance(entry, dict):
        raise SpecInvalid(f"{file.shown}: {name} is {_shown(entry)}; it must be an object")
    try:
        return ModelSpec.model_validate(entry)
    except ValidationError as exc:
        raise SpecInvalid(f"{file.shown}: {_sentence(name, exc)}") from exc


def _sentence(name: str, exc: ValidationError) -> str:
    """The first fault as `model.key is VALUE; it must be …`."""
    errors = exc.errors(include_url=False)
    error = errors[0]
    if isinstance(error["input"], dict):  # which may be a kind: what is wrong within says more than that it is no name
        within = (each for each in errors if each["loc"][:2] == error["loc"][:2] and OBJECT in str(each["loc"]))
        error = next(within, error)
    loc, model, rule = _place([str(part) for part in error["loc"]])
    where = ".".join([name, *loc])
    if error["type"] == "missing":
        return f"{where} is missing; it must be {rule}"
    if error["type"] == "extra_forbidden":
        return f"{where} is not a known key; allowed are {', '.join(model.model_fields)}"
    if error["type"] == "value_error":
        return f"{where} {error['ctx']['error']}"
    why = f", and {error['msg']}" if error["type"] == "format" else ""
    return f"{where} is {_shown(error['input'])}{why}; it must be {rule}"


def _place(loc: Sequence[str]) -> tuple[list[str], type[BaseModel], str]:
    """Where a fault is, the model whose keys are allowed there, and what the innermost described field allows."""
    shown: list[str] = []
    rule = ""
    model: type[BaseModel] | None = ModelSpec
    owner: type[BaseModel] = ModelSpec
    for part in loc:
        if part == "[key]" or part.startswith(UNION_TAGS):
            continue
        if part.endswith(OBJECT):
            model = KindSpec
            continue
        shown.append(part)
        field = None if model is None else model.model_fields.get(part)
        if model is not None:
            owner = model
        if field is not None:
            rule = field.description or rule
        model = MODELS.get(part) if model is not None else None
    return shown, owner, rule


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f'the key "{key}" stands there twice')
    return dict(pairs)
