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

from brinery.errors import BrineryError
from brinery.formats.choice import FORMATS
from brinery.loading.load import load
from brinery.versions.read import Published, read_file, read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store

# Top-level modules of the serving images: those of their lock groups, and what they bring themselves.
ALLOWED = frozenset(
    """
    brinery serving
    annotated_doc annotated_types anyio click fastapi h11 httptools idna jiter mangum numpy obstore opentelemetry
    pydantic pydantic_core starlette typing_extensions typing_inspection uvicorn
    """.split()
).union(*(fmt.modules for fmt in FORMATS.values()))


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

    def __call__(self, store: Store, published: Published) -> str | None:
        """Read a version's stored files back and load them as serving would; the error as a sentence, or None.

        Raises:
            IntegrityError, StoreError: a stored file is not the one that the manifest lists, or cannot be read.
        """
        with tempfile.TemporaryDirectory() as folder:
            version = Path(folder, published.reference.folder)
            version.mkdir(parents=True)
            for name in published.manifest.files:
                (version / name).write_bytes(read_file(store, published, name))
            (version / "manifest.json").write_bytes(published.stored)
            return self._ask({"registry": Path(folder).as_uri(), "reference": str(published.reference)})

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
    for fmt in FORMATS.values():
        if fmt.installed:
            fmt.implementation()  # imported ahead

    answers, sys.stdout = sys.stdout, sys.stderr  # a model may print
    for line in sys.stdin:
        question: dict[str, Any] = json.loads(line)
        store, reference = open_store(question["registry"]), Reference.parse(question["reference"])
        error, name = None, ""
        try:
            for name in read_manifest(store, reference).manifest.artifacts:
                load(store, reference, format=name, require_pin=True)
        except BrineryError as exc:
            error = _sentence(name, exc)
        print(json.dumps({"error": error}), file=answers, flush=True)


def _sentence(format: str, exc: Exception) -> str:
    if isinstance(exc.__cause__, ModuleNotFoundError):
        return (
            f'its {format} needs the module "{exc.__cause__.name}", which the serving image does not have; '
            "build the model from scikit-learn's own classes, whatever function puts it together"
        )
    return str(exc)


if __name__ == "__main__":
    main()
