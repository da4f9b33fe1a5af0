"""The check before publishing and before promotion: a process that has what the serving image has loads a version.

`python -m brinery.loading.servable` is that process. It reads one JSON object a line, `{"registry", "reference"}`,
runs the verified load in every format that the version has, and answers with one: `{"error": null or a sentence}`.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from brinery.errors import RegistryError
from brinery.loading.load import ARTIFACTS, load
from brinery.versions.manifest import Manifest
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store

# Top-level modules of the serving image: those of its lock groups, and what it brings itself.
ALLOWED = frozenset(
    """
    brinery serving
    annotated_doc annotated_types anyio click fastapi h11 httptools idna mangum numpy obstore opentelemetry pydantic
    pydantic_core starlette typing_extensions typing_inspection uvicorn
    cloudpickle joblib narwhals scipy sklearn threadpoolctl
    flatbuffers google onnxruntime packaging
    """.split()
)


class OnlyServing(MetaPathFinder):
    """Refuses every module that the serving image does not have."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top in ALLOWED or top in sys.stdlib_module_names or top.startswith("_sysconfigdata_"):
            return None
        raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


class ServingCheck:
    """The other process, started at once, so that its imports pass while other work is done."""

    def __init__(self) -> None:
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()

    def __call__(self, store: Store, manifest: Manifest, reference: Reference) -> str | None:
        """Read a version's stored files back and load them as serving would; the error as a sentence, or None.

        Raises:
            IntegrityError, StoreError: a stored file is not the one that the manifest lists, or cannot be read.
        """
        with tempfile.TemporaryDirectory() as folder:
            version = Path(folder, reference.folder)
            version.mkdir(parents=True)
            for name in manifest.files:
                (version / name).write_bytes(read_file(store, manifest, name))
            (version / "manifest.json").write_bytes(manifest.to_bytes())
            return self._ask({"registry": Path(folder).as_uri(), "reference": str(reference)})

    def _ask(self, question: dict[str, str]) -> str | None:
        if self._process.poll() is not None:
            self._stop()
            self._process = self._start()
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout  # noqa: S101  (both are pipes)
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
        answer = stdout.readline()
        if not answer:
            code = self._process.wait()
            return f"the process that loads it as serving would ended with {code}, perhaps for want of memory"
        return json.loads(answer)["error"]  # type: ignore[no-any-return]

    def _start(self) -> "subprocess.Popen[str]":
        # -P: nothing is imported from the folder that training was started in.
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "brinery.loading.servable"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "ORT_DISABLE_TELEMETRY": "1"},
            start_new_session=True,  # a Ctrl-C is for training, which ends this process itself
        )

    def _stop(self) -> None:
        self._process.kill()
        self._process.communicate()


def main() -> None:
    sys.meta_path.insert(0, OnlyServing())
    from brinery.formats import onnx, pickle  # noqa: F401  (imported ahead)

    answers, sys.stdout = sys.stdout, sys.stderr  # a model may print
    for line in sys.stdin:
        question: dict[str, Any] = json.loads(line)
        store, reference = open_store(question["registry"]), Reference.parse(question["reference"])
        error = None
        try:
            files = load(store, reference, format="pickle", require_pin=True).manifest.files
            for fmt, file in ARTIFACTS.items():
                if file in files and fmt != "pickle":
                    load(store, reference, format=fmt, require_pin=True)  # type: ignore[arg-type]
        except RegistryError as exc:
            error = _sentence(exc)
        print(json.dumps({"error": error}), file=answers, flush=True)


def _sentence(exc: Exception) -> str:
    if isinstance(exc.__cause__, ModuleNotFoundError):
        return (
            f'its pickle needs the module "{exc.__cause__.name}", which the serving image does not have; '
            "build the model from scikit-learn's own classes, whatever function puts it together"
        )
    return str(exc)


if __name__ == "__main__":
    main()
