"""models.json: which models to train, and how; refused key by key where it is not clear."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from registry import ReferenceInvalid, check_name
from training.errors import SpecInvalid

Metric = Literal["accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss"]
METRICS: tuple[Metric, ...] = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss")
SCHEMA_KEY = "$schema"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rule(_Part):
    """Limits of one metric on the held-out rows; both are inclusive."""

    min: float | None = Field(None, ge=0, le=1, description="a number from 0 to 1")
    max: float | None = Field(None, ge=0, description="a number, 0 or more")

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError('needs "min" or "max"')
        return self


class ModelSpec(_Part):
    """One entry of models.json. Field descriptions are what the error messages call allowed."""

    description: str = Field("", max_length=2000, description="a text of at most 2000 characters")
    data: str = Field(pattern=r"^sklearn:[a-z_]+$", description='"sklearn:NAME"')
    target: str = Field("target", min_length=1, description="a column's name")
    features: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = Field(
        None, description="a list of one or more columns' names"
    )
    estimator: str = Field(pattern=r"^sklearn(\.\w+)+$", description="a scikit-learn classifier by its dotted name")
    params: Mapping[str, Any] = Field({}, description="an object of the estimator's parameters")
    search: Mapping[str, Annotated[tuple[Any, ...], Field(strict=False, min_length=1)]] | None = Field(
        None, description="an object of parameters, each with a list of values to try"
    )
    test_size: float = Field(0.25, gt=0, lt=1, description="a share of the rows, above 0 and below 1")
    random_state: int = Field(0, ge=0, le=2**32 - 1, description="a whole number from 0 to 4294967295")
    gate: Mapping[Metric, Rule] = Field(
        {}, description=f'an object of metrics ({", ".join(METRICS)}), each with "min" or "max"'
    )

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        if self.features is not None:
            twice = [name for name in self.features if self.features.count(name) > 1]
            if twice:
                raise ValueError(f'names "{twice[0]}" twice in features')
            if self.target in self.features:
                raise ValueError(f'has its target "{self.target}" among its features')
        both = set(self.params) & set(self.search or {})
        if both:
            raise ValueError(f'has "{sorted(both)[0]}" in params and in search')
        return self


def read_specs(path: Path) -> dict[str, ModelSpec]:
    """The models that the file declares, by name, in its order.

    Raises:
        SpecInvalid: the file, the model, the key, the value and what is allowed, for the first fault.
    """
    try:
        raw = json.loads(
            path.read_bytes(),
            object_pairs_hook=_without_duplicates,
            parse_constant=_finite,
            parse_float=_finite,
        )
        json.dumps(raw, ensure_ascii=False).encode()  # a lone surrogate could not be stored
    except FileNotFoundError as exc:
        raise SpecInvalid(f"{path} does not exist; it declares the models to train") from exc
    except OSError as exc:
        raise SpecInvalid(f"{path} cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise SpecInvalid(f"{path} is not valid JSON: {exc}") from exc
    if not isinstance(raw, dict):
        raise SpecInvalid(f"{path} holds {_shown(raw)}; it must hold an object of models by name")
    raw.pop(SCHEMA_KEY, None)
    if not raw:
        raise SpecInvalid(f"{path} declares no model")
    return {name: _spec(path, name, entry) for name, entry in raw.items()}


def select(specs: Mapping[str, ModelSpec], names: Sequence[str]) -> dict[str, ModelSpec]:
    """The named models, or all where no name is given.

    Raises:
        SpecInvalid: a name that is not declared.
    """
    for name in names:
        if name not in specs:
            raise SpecInvalid(f"there is no model {_shown(name)} in models.json; it declares {', '.join(specs)}")
    return {name: spec for name, spec in specs.items() if name in names or not names}


def _spec(path: Path, name: str, entry: object) -> ModelSpec:
    try:
        check_name(name)
    except ReferenceInvalid as exc:
        raise SpecInvalid(f"{path}: {exc}") from exc
    if not isinstance(entry, dict):
        raise SpecInvalid(f"{path}: {name} is {_shown(entry)}; it must be an object")
    try:
        return ModelSpec.model_validate(entry)
    except ValidationError as exc:
        raise SpecInvalid(f"{path}: {_sentence(name, exc)}") from exc


def _sentence(name: str, exc: ValidationError) -> str:
    """The first fault as `model.key is VALUE; it must be …`."""
    error = exc.errors(include_url=False)[0]
    loc = [str(part) for part in error["loc"] if part != "[key]"]
    where = ".".join([name, *loc])
    if error["type"] == "missing":
        return f"{where} is missing; it must be {_rule(loc)}"
    if error["type"] == "extra_forbidden":
        owner = Rule if loc[0] == "gate" else ModelSpec
        return f"{where} is not a known key; allowed are {', '.join(owner.model_fields)}"
    if error["type"] == "value_error":
        return f"{where} {error['ctx']['error']}"
    return f"{where} is {_shown(error['input'])}; it must be {_rule(loc)}"


def _rule(loc: Sequence[str]) -> str:
    """What is allowed at a place, from the description of the innermost field on the way there."""
    fields = Rule.model_fields if loc[0] == "gate" and loc[-1] in Rule.model_fields else ModelSpec.model_fields
    key = loc[-1] if fields is Rule.model_fields else loc[0]
    return str(fields[key].description)


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
