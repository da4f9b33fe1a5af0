"""The model process: it runs the code of models for commands and training, without their credentials.

It has what the serving image has. A question is a line of JSON, followed by the bytes of files and rows that the line
gives the sizes of; so is its answer. Files are verified before they are sent, and the answer decides nothing but what
was asked: whether a version loads, and what it says to rows.
"""

import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Buffer, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any, Self

import numpy as np

from brinery import errors
from brinery.errors import BrineryError, ModelInvalid
from brinery.loading import forked
from brinery.loading.isolation import close_this_process, environment
from brinery.tasks.task import AnyAnswers
from brinery.versions.manifest import GOLDEN, Manifest
from brinery.versions.read import Published, read_file
from brinery.versions.store import Store

SECONDS = 900.0  # of one question
MAX_LINE = 1024 * 1024
MANIFEST = "manifest.json"


@dataclass
class _Answer:
    told: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class ModelProcess:
    """The other process, started at once, so that its imports pass while other work is done."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Start it.

        Args:
            seconds: how long one question may take.
        """
        self._seconds = seconds
        self._imported: set[str] = set()  # runtimes whose modules the process may have imported
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
        try:
            answer = self._ask(store, published)
        except ModelInvalid as exc:
            return str(exc)
        error = answer.told.get("error")
        return None if error is None else str(error)

    def replay(self, store: Store, published: Published, format: str) -> None:
        """Load a version by one of its formats, and replay its golden rows.

        Raises:
            BrineryError: what `brinery.loading.load` raises; ModelInvalid, where the process ended.
        """
        _raise_told(self._ask(store, published, format))

    def answers(self, store: Store, published: Published, format: str, rows: np.ndarray) -> AnyAnswers:
        """A version's answers to rows, shape (rows, features), as the parser makes them.

        Raises:
            BrineryError: as of `replay`; ModelInvalid, where the answers are none.
        """
        answer = self._ask(store, published, format, rows)
        _raise_told(answer)
        try:
            return published.manifest.task.unpacked(answer.arrays, len(rows))
        except (KeyError, ValueError) as exc:
            raise ModelInvalid(f"{published.reference} gives no answers to the rows: {exc}") from exc

    def _ask(self, store: Store, published: Published, format: str = "", rows: np.ndarray | None = None) -> _Answer:
        files = {name: read_file(store, published, name) for name in _needed(published.manifest, format)}
        files[MANIFEST] = published.stored
        runtimes = _least(published.manifest, format)
        if self._process.poll() is not None or not self._imported <= runtimes:
            self._stop()
            self._process = self._start()
        self._imported = runtimes
        blob = b"" if rows is None else _as_bytes(rows)
        question = {
            "reference": str(published.reference),
            "format": format,
            "files": {name: memoryview(data).nbytes for name, data in files.items()},
            "rows": len(blob),
        }
        overdue = Timer(self._seconds, self._process.kill)
        overdue.start()
        try:
            return self._exchange(json.dumps(question).encode() + b"\n", [*files.values(), blob])
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):
            self._process.kill()
            code = self._process.wait()
            late = f" after {self._seconds:g} seconds" if overdue.finished.is_set() and code == -9 else ""
            raise ModelInvalid(
                f"the process that loads it as serving would ended with {code}{late}, perhaps for want of memory or of "
                f"room in {tempfile.gettempdir()}"
            ) from None
        finally:
            overdue.cancel()

    def _exchange(self, line: bytes, parts: Sequence[Buffer]) -> _Answer:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout  # noqa: S101  (both are pipes)
        for part in (line, *parts):
            stdin.write(part)
        stdin.flush()
        told = json.loads(stdout.readline(MAX_LINE))
        arrays = {}
        for name, (kind, shape) in told.pop("arrays", {}).items():
            dtype = np.dtype({"labels": np.int64, "numbers": np.float64}[kind])
            data = stdout.read(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
            arrays[name] = np.frombuffer(data, dtype=dtype).reshape(shape)
        return _Answer(told, arrays)

    def _start(self) -> "subprocess.Popen[bytes] | forked.Forked":
        close_this_process()
        if (ready := forked.take()) is not None:
            self._folder = ready.folder
            return ready
        self._folder = Path(tempfile.mkdtemp(prefix="brinery-"))
        # -P: nothing is imported from the folder that training was started in.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "brinery.loading.confined"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Threads of OpenBLAS would spin while libraries are imported, beside the process that asks.
            env={"OPENBLAS_NUM_THREADS": "1", **environment(self._folder)},
            cwd=self._folder,
            start_new_session=True,  # a Ctrl-C is for training, which ends this process itself
        )

    def _stop(self) -> None:
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)


def _needed(manifest: Manifest, format: str) -> Iterable[str]:
    """The files that loading by a format reads; without one, all that the version has."""
    if format not in manifest.artifacts:
        return manifest.files
    return manifest.artifacts[format].file, GOLDEN


def _least(manifest: Manifest, format: str) -> set[str]:
    """The runtimes beyond the usual whose modules loading by a format may import, or by all that the version has."""
    artifacts = [manifest.artifacts[format]] if format in manifest.artifacts else manifest.artifacts.values()
    return {artifact.runtimes[0] if artifact.runtimes else "" for artifact in artifacts} - {"onnx", "sklearn"}


def _as_bytes(rows: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, rows, allow_pickle=True)  # of texts and numbers that were checked; nothing is unpickled here
    return buffer.getvalue()


def _raise_told(answer: _Answer) -> None:
    """Raise the library's error that the process tells of."""
    if "error" in answer.told:
        kind = getattr(errors, str(answer.told.get("kind")), ModelInvalid)
        known = isinstance(kind, type) and issubclass(kind, BrineryError)
        raise (kind if known else ModelInvalid)(str(answer.told["error"])[:2000])
