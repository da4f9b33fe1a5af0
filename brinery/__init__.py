"""Brinery: versions of models that cannot change, verified before they are loaded.

A name is imported when it is first used, so that `import brinery` takes no time; the errors alone are there at once.
"""

from importlib import import_module
from typing import Any

from brinery import errors

_MODULES = {
    "Reference": "brinery.versions.reference",
    "Store": "brinery.versions.store",
    "load": "brinery.loading.by_name",
    "open_store": "brinery.versions.store",
    "publish_fitted": "brinery.assessment.publish_fitted",
    **{
        name: "brinery.errors"
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    },
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'brinery' has no attribute {name!r}")
    try:
        return getattr(import_module(_MODULES[name]), name)
    except ModuleNotFoundError as exc:
        if name != "publish_fitted":
            raise
        raise ImportError(
            f"brinery.publish_fitted needs {exc.name}, which is not installed here; install brinery[publish]"
        ) from exc


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
