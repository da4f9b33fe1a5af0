"""Formats: one table of what a version may come as, and the choice of the one to load.

A new format is a module beside this one, with the functions of `Implementation`, and a row of the table.
"""

from collections.abc import Buffer
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, cast

from brinery.errors import FormatMissing, LibraryMismatch, ModelInvalid
from brinery.formats.predictor import Predictor
from brinery.versions.manifest import Artifact, Faithful, Manifest

AUTO = "auto"


class Implementation(Protocol):
    """What a format's module has; it is imported only to load, since it imports what the format needs."""

    def libraries(self) -> dict[str, str]:
        """The libraries that loading needs, by the versions that are installed here."""
        ...

    def check_libraries(self, manifest: Manifest, artifact: Artifact) -> None:
        """Raise LibraryMismatch where those that made the artifact do not fit those installed here."""
        ...

    def load(self, data: Buffer, manifest: Manifest) -> Predictor:
        """Load bytes whose digest has been checked; raise ModelInvalid where they do not load."""
        ...


@dataclass(frozen=True)
class Format:
    """One format: the file it is stored as, the module that it cannot run without, and who implements it.

    `modules` are the top-level modules that loading it may import, `runtimes` the serving images that have them.
    `runs_code` says that loading it runs what whoever made the file put there.
    """

    name: str
    file: str
    runtime: str
    module: str
    modules: frozenset[str]
    runtimes: tuple[str, ...]
    runs_code: bool

    @property
    def installed(self) -> bool:
        return find_spec(self.runtime) is not None

    def implementation(self) -> Implementation:
        """The format's module.

        Raises:
            ModelInvalid: what it needs cannot be imported here.
        """
        try:
            return cast(Implementation, import_module(self.module))
        except ImportError as exc:
            raise ModelInvalid(f"the libraries of format {self.name} cannot be imported here: {exc}") from exc

    def artifact(self, size: int, faithful: Faithful) -> Artifact:
        """The manifest's entry for a file of `size` bytes that was made here."""
        return Artifact(
            file=self.file,
            libraries=self.implementation().libraries(),
            modules=(self.runtime,),
            runtimes=self.runtimes,
            unpacked_size=size,
            faithful=faithful,
        )


# In the order of preference.
FORMATS = {
    each.name: each
    for each in (
        Format(
            name="onnx",
            file="model.onnx",
            runtime="onnxruntime",
            module="brinery.formats.onnx",
            modules=frozenset({"flatbuffers", "google", "onnxruntime", "packaging"}),
            runtimes=("onnx",),
            runs_code=False,
        ),
        Format(
            name="pickle",
            file="model.joblib",
            runtime="sklearn",
            module="brinery.formats.pickle",
            modules=frozenset({"cloudpickle", "joblib", "narwhals", "scipy", "sklearn", "threadpoolctl"}),
            runtimes=("sklearn",),
            runs_code=True,
        ),
    )
}


def choose_format(manifest: Manifest, wanted: str = AUTO) -> Format:
    """The format to load: the wanted one, or the first of the table that both version and environment have.

    Raises:
        FormatMissing: the version has no such artifact.
        LibraryMismatch: this environment cannot run it.
    """
    name = f"{manifest.name}:{manifest.version}"
    present = [fmt for fmt in FORMATS.values() if fmt.name in manifest.artifacts]
    if wanted == AUTO:
        for fmt in present:
            if fmt.installed:
                return fmt
        raise LibraryMismatch(
            f"{name} comes as {_names(manifest.artifacts)}, and this environment has none of "
            f"{_names(fmt.runtime for fmt in present) or 'what that needs'}"
        )
    if wanted not in FORMATS:
        raise FormatMissing(f"the format {wanted} is none that this code can load; it can load {_names(FORMATS)}")
    fmt = FORMATS[wanted]
    if fmt not in present:
        why = f" ({manifest.omitted[wanted]})" if wanted in manifest.omitted else ""
        raise FormatMissing(f"{name} has no {fmt.file}{why}; it has {_names(manifest.artifacts)}")
    if not fmt.installed:
        raise LibraryMismatch(f"the format {wanted} needs {fmt.runtime}, which is not installed here")
    return fmt


def _names(names: Any) -> str:
    return ", ".join(names)
