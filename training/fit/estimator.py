"""The estimator that a spec names, with those that stand within its parameters."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from brinery.assessment.assessor import ASSESSORS, Assessor
from brinery.assessment.gate import check_metrics
from brinery.assessment.metrics.table import BY_TASK
from brinery.errors import words_of
from training.errors import SpecInvalid
from training.fit.boosters import DEFAULTS, booster_class, check_stopping, is_booster, library, parameters
from training.spec import ESTIMATOR, ModelSpec

WITHIN = ("estimator", "params")
HINT = (
    '; one that it needs within goes into params as {"estimator": "sklearn.…", "params": {…}}, or a function of your '
    'own can make it: "module:function"'
)


def make_estimator(spec: ModelSpec, folder: Path = Path()) -> BaseEstimator:
    """The estimator of a spec, with its parameters; a factory of the user's own is looked for in `folder` too.

    Raises:
        SpecInvalid, GateInvalid: no such estimator or factory, no such parameter, or a key that is of another task.
    """
    making = _Making(folder, spec.random_state)
    estimator = making.make(spec.estimator, spec.params, "")
    assessor = next((each for each in ASSESSORS.values() if each.assesses(estimator)), None)
    if assessor is None:
        wanted = " or a ".join(each.estimators for each in ASSESSORS.values())
        raise SpecInvalid(f'estimator is "{spec.estimator}"; it must be a {wanted}')
    _check_task(spec, assessor)
    check_stopping(spec, estimator)
    known = parameters(estimator) if is_booster(estimator) else set(estimator.get_params())
    _check_names("search", spec.search or {}, known, spec.estimator)
    return estimator


@dataclass(frozen=True)
class _Making:
    """What all estimators of a spec share: where functions of one's own are, and the seed of those that take one."""

    folder: Path
    seed: int

    def make(self, name: str, params: Mapping[str, Any], at: str) -> Any:
        """One estimator, named and given parameters below `at`, such as `params.estimator.`."""
        kind = self._kind(name, f'{at}estimator is "{name}"')
        accepted = _accepted(kind)
        _check_names(f"{at}params", params, accepted, name)
        given = {key: self._built(value, f"{at}params.{key}") for key, value in params.items()}
        if "random_state" in (accepted or ()) or is_booster(kind):  # which take it among others that they do not name
            given.setdefault("random_state", self.seed)
        given = {**DEFAULTS.get(library(kind), {}), **given}
        try:
            estimator = kind(**given)
            estimator.get_params()
        except Exception as exc:  # a factory raises whatever it likes
            raise SpecInvalid(
                f'{at}estimator is "{name}", which cannot be made from '
                f"{', '.join(given) or 'no parameters'}: {words_of(exc)}"
                f"{'' if ':' in name else HINT}"
            ) from exc
        return estimator

    def _built(self, value: Any, at: str) -> Any:
        """A parameter's value, in which objects that name an estimator are one, alone, in lists, or named in pairs."""
        if isinstance(value, Mapping) and "estimator" in value:
            return self._within(value, at)
        if isinstance(value, list | tuple):
            built = [self._built(each, f"{at}.{place}") for place, each in enumerate(value)]
            is_pair = len(value) == 2 and isinstance(value[0], str) and built[1] is not value[1]
            return tuple(built) if is_pair or isinstance(value, tuple) else built
        return value

    def _within(self, value: Mapping[str, Any], at: str) -> Any:
        for key in value:
            if key not in WITHIN:
                raise SpecInvalid(f"{at}.{key} is not a known key; allowed are {', '.join(WITHIN)}")
        name, params = value["estimator"], value.get("params", {})
        if not isinstance(name, str) or not re.match(ESTIMATOR, name):
            raise SpecInvalid(
                f"{at}.estimator is {json.dumps(name)[:80]}; it must be a scikit-learn estimator by its dotted name, "
                'or "module:function" that returns one'
            )
        if not isinstance(params, Mapping):
            raise SpecInvalid(f"{at}.params is {json.dumps(params)[:80]}; it must be an object of parameters")
        return self.make(name, params, f"{at}.")

    def _kind(self, name: str, what: str) -> Callable[..., Any]:
        """The class, or the user's function; `what` begins the sentence that says that it is none."""
        booster = booster_class(name)
        if booster is not None:
            return booster  # type: ignore[no-any-return]
        own = ":" in name
        module, _, attribute = name.partition(":") if own else name.rpartition(".")
        folder = self.folder.resolve()
        if own and str(folder) not in sys.path:
            sys.path.append(str(folder))
        try:
            found = getattr(import_module(module), attribute)
        except Exception as exc:  # a module of the user's own raises whatever it likes
            why = f"{type(exc).__name__}: {words_of(exc)}"
            rest = (
                f", which cannot be imported from {folder}: {why}"
                if own
                else f"; {_shown(module)} has no such estimator"
            )
            raise SpecInvalid(what + rest) from exc
        if not (callable(found) if own else isinstance(found, type)):
            rest = "it must be a function that returns a classifier or a regressor"
            raise SpecInvalid(f"{what}; {rest if own else f'{_shown(module)} has no such estimator'}")
        return found  # type: ignore[no-any-return]


def _shown(module: str) -> str:
    package = module.partition(".")[0]
    return "scikit-learn" if package == "sklearn" else package


def _check_task(spec: ModelSpec, assessor: Assessor) -> None:
    """What a spec says beside its estimator must be of the same task."""
    check_metrics(spec.gate, assessor)
    own = [metric.name for metric in BY_TASK[assessor.kind]]
    if spec.scoring is not None and spec.scoring not in own:
        raise SpecInvalid(
            f"scoring is {spec.scoring}, no metric of a {assessor.estimators}; those are {', '.join(own)}"
        )
    if spec.class_weight is not None and assessor.kind != "classification":
        raise SpecInvalid(f"class_weight is given, and {spec.estimator} is a {assessor.estimators}; it has no classes")


def _accepted(kind: Callable[..., Any]) -> set[str] | None:
    """Names of the parameters; None where any name is taken."""
    if is_booster(kind):
        return parameters(kind)
    taken = signature(kind).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in taken):
        return None
    return {each.name for each in taken}


def _check_names(section: str, given: Iterable[str], known: set[str] | None, estimator: str) -> None:
    for key in given:
        if known is not None and key not in known:
            raise SpecInvalid(
                f"{section}.{key} is not a parameter of {estimator.rpartition('.')[2]}; "
                f"it has {', '.join(sorted(known)) or 'none'}"
            )
