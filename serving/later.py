"""`scipy.stats` later: scikit-learn imports it with everything, and few models ever use it."""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Any

NAME = "scipy.stats"
CALLED = ("gmean", "rankdata", "spearmanr")  # functions that scikit-learn imports by name, for fits and metrics
WAIT_SECONDS = 20.0  # for another thread that fills it, which may wait for a module that this one is importing
_lock = RLock()
_filling = False


def import_stats_later() -> None:
    """Have `scipy.stats` imported when something of it is used; call before scikit-learn is imported."""
    if NAME not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Later(ModuleType):
    """The module while it is empty: whatever is asked of it fills it, but for functions that are called later."""

    def __getattr__(self, name: str) -> Any:
        if name in CALLED and not _filling:
            return _called(self, name)
        return getattr(_filled(self), name)


class _Empty(Loader):
    """Leaves the module empty."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Later


class _Imported(Loader):
    """Leaves a module alone that was imported while it was looked for, and which would be run a second time."""

    def __init__(self, spec: ModuleSpec | None) -> None:
        self._spec = spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


class _Finder(MetaPathFinder):
    """Finds the module to be left empty, and fills it before one of its own modules is imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == NAME:
            spec = PathFinder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Empty(spec.loader)
            return spec
        if fullname.startswith(f"{NAME}.") and type(sys.modules.get(NAME)) is _Later and not _filling:
            _filled(sys.modules[NAME])
            if imported := sys.modules.get(fullname):  # whose own spec is what is loaded then, whatever is returned
                imported.__spec__ = ModuleSpec(fullname, _Imported(imported.__spec__))
                return imported.__spec__
        return None


def _called(module: ModuleType, name: str) -> Callable[..., Any]:
    """A function of the module, which is looked up when it is called."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(_filled(module), name)(*args, **kwargs)

    return call


def _filled(module: ModuleType) -> ModuleType:
    """The module with all that it has.

    Raises:
        AttributeError: it is being filled, and asked by its own code for what is not there yet, which is then imported.
    """
    if not _lock.acquire(timeout=WAIT_SECONDS):
        raise AttributeError(f"{NAME} is being imported")
    try:
        if type(module) is _Later:
            _fill(module)
    finally:
        _lock.release()
    return module


def _fill(module: ModuleType) -> None:
    global _filling
    if _filling:
        raise AttributeError(f"{NAME} is being imported")
    spec: Any = module.__spec__
    empty: _Empty = spec.loader
    _filling = True
    try:
        spec.loader = module.__loader__ = empty.loader
        empty.loader.exec_module(module)
        module.__class__ = ModuleType
    except BaseException:
        spec.loader = module.__loader__ = empty  # and so it is tried again
        raise
    finally:
        _filling = False
