"""Formats: one table of what a version may come as, and the choice of the one to load.

A new format is a module beside this one, with the functions of `Implementation`, and a row of the table.
"""

from collections.abc import Buffer, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from brinery.errors import FormatMissing, LibraryMismatch, ModelInvalid
from brinery.formats.predictor import Predictor
from brinery.formats.runtimes import BESIDE, missing_here, runtimes_with
from brinery.versions.manifest import Artifact, Encoding, Faithful, Manifest

AUTO = "auto"


class Implementation(Protocol):
    """What a format's module has; it is imported only to load, since it imports what the format needs."""

    def libraries(self, modules: Iterable[str]) -> dict[str, str]:
        """The libraries that loading needs, by the versions that are installed here, of a file with these modules."""
        ...

    def check_libraries(self, manifest: Manifest, artifact: Artifact) -> None:
        """Raise LibraryMismatch where those that made the artifact do not fit those installed here."""
        ...

    def load(self, data: Buffer, manifest: Manifest) -> Predictor:
        """Load bytes whose digest has been checked; raise ModelInvalid where they do not load."""
        ...


@dataclass(frozen=True)
class Format:
    """One format: the file it is stored as, the library that it cannot run without, and who implements it.

    `runtimes` are the serving images that may load it. `runs_code` says that loading it runs what whoever made the
    file put there.
    """

    name: str
    file: str
    library: str
    module: str
    runtimes: tuple[str, ...]
    runs_code: bool

    @property
    def installed(self) -> bool:
        return not missing_here([self.library])

    def implementation(self) -> Implementation:
        """The format's module.

        Raises:
            ModelInvalid: what it needs cannot be imported here.
        """
        try:
            return cast(Implementation, import_module(self.module))
        except ImportError as exc:
            raise ModelInvalid(f"the libraries of format {self.name} cannot be imported here: {exc}") from exc

    def artifact(
        self, size: int, faithful: Faithful, modules: Iterable[str] = (), encoding: Encoding = "identity"
    ) -> Artifact:
        """The manifest's entry for a file that was made here, and has `size` bytes before it is encoded.

        Args:
            modules: the top-level modules that the file itself refers to.
        """
        needed = {self.library, *modules} - BESIDE
        return Artifact(
            file=self.file,
            libraries=self.implementation().libraries(needed),
            modules=tuple(sorted(needed)),
            runtimes=runtimes_with(needed, self.runtimes),
            encoding=encoding,
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
            library="onnxruntime",
            module="brinery.formats.onnx",
            runtimes=("onnx",),
            runs_code=False,
        ),
        Format(
            name="pickle",
            file="model.joblib",
            library="sklearn",
            module="brinery.formats.pickle",
            runtimes=("sklearn", "full"),
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
        needs = []
        for fmt in present:
            missing = missing_here(manifest.artifacts[fmt.name].modules)
            if not missing:
                return fmt
            needs.append(f"its {fmt.name} needs {_names(missing)}")
        why = f"{' and '.join(needs)}, not installed here" if needs else "this code can load none of that"
        images = _images(artifact.runtimes for artifact in manifest.artifacts.values())
        raise LibraryMismatch(f"{name} comes as {_names(manifest.artifacts)}, and {why}{images}")
    if wanted not in FORMATS:
        raise FormatMissing(f"the format {wanted} is none that this code can load; it can load {_names(FORMATS)}")
    fmt = FORMATS[wanted]
    if fmt not in present:
        why = f" ({manifest.omitted[wanted]})" if wanted in manifest.omitted else ""
        raise FormatMissing(f"{name} has no {fmt.file}{why}; it has {_names(manifest.artifacts)}")
    artifact = manifest.artifacts[wanted]
    missing = missing_here(artifact.modules)
    if missing:
        raise LibraryMismatch(
            f"the format {wanted} of {name} needs {_names(missing)}, not installed here{_images([artifact.runtimes])}"
        )
    return fmt


def _images(runtimes: Iterable[Iterable[str]]) -> str:
    """Which images have what is missing, as the end of a sentence."""
    known = list(dict.fromkeys(f"RUNTIME={name}" for each in runtimes for name in each))
    return f"; serve it with the image of {' or '.join(known)}" if known else ""


def _names(names: Any) -> str:
    return ", ".join(names)
