"""An environment file, such as the `.env` that compose reads: the environment of a server on one machine."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brinery.errors import EnvironmentFailed, PromotionRefused
from brinery.promotion.env_text import NAMES, values_of, with_values
from brinery.promotion.environment import Change, Held, State, challenge
from brinery.versions.finding import Finding


class EnvFile:
    """The file's `MODEL_NAME`, `MODEL_VERSION`, `MODEL_RECORD`, `CHALLENGER_VERSION` and `CHALLENGER_SHARE`."""

    registry = None  # (what the server reads is its own affair)

    def __init__(self, path: Path, host: str = "", serve: str = "") -> None:
        """`host` tells files of one path apart where many machines share a registry; `serve` is what reads it anew."""
        try:
            self.path = path.resolve()  # the file itself is replaced, not a link to it
            str(self.path).encode()
        except (OSError, RuntimeError, UnicodeEncodeError) as exc:
            raise EnvironmentFailed(f"{ascii(str(path))} cannot be the path of an environment file") from exc
        self.name = f"env-file {host}:{self.path}" if host else f"env-file {self.path}"
        self._serve = serve

    def held(self, model: str) -> Held:
        """What the file holds now.

        Raises:
            PromotionRefused: the file serves another model.
            EnvironmentFailed: it cannot be read, or a line of it may mean anything.
        """
        values = values_of(self._text(), self.path)
        other = values.get("MODEL_NAME", "")
        if other not in ("", model):
            raise PromotionRefused(
                f"{self.path} serves MODEL_NAME={other}, not {model}; name another file, or change that line"
            )
        pin = values.get("MODEL_VERSION")
        challenger, share = challenge(model, values.get("CHALLENGER_VERSION"), values.get("CHALLENGER_SHARE"))
        record = values.get("MODEL_RECORD") or None
        return Held(f"{model}:{pin}" if pin else None, record, challenger=challenger, share=share)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait until no other promotion of a file in this folder is under way; a process that dies holds up nobody."""
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        try:
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as exc:
            raise self._unwritable(exc) from exc
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def prepare(self, state: State) -> Change:
        """What sets all of them at once.

        Raises:
            EnvironmentFailed: the file is read-only, or not one that compose can read. The change itself raises it
                where the file cannot be written, or is no longer what it was: an editor's lines are not lost.
        """
        text = self._text()

        def with_record(record: str) -> str:
            pin = (state.reference.name, state.reference.version_text, record)
            values = dict(zip(NAMES, (*pin, state.challenger_text, state.share_text), strict=True))
            return with_values(text, values, self.path)

        with_record("record")
        if self.path.exists() and not (self.path.stat().st_mode & 0o222 and os.access(self.path, os.W_OK)):
            raise EnvironmentFailed(f"{self.path} is read-only")

        def change(record: str) -> None:
            if self._text() != text:
                raise EnvironmentFailed(f"{self.path} was changed meanwhile, and is left as it is; promote again")
            self._replace(with_record(record))

        return change

    def follow(self, record: str, report: Callable[[str], None]) -> None:
        """Nothing: the change has done all there is to do."""

    def findings(self) -> Iterator[Finding]:
        """Nothing: a file is what it holds."""
        return iter(())

    def next_step(self, store_url: str, ended: str | None) -> str:
        """How to make the server read the file again."""
        return f"from {store_url}; it takes effect with the next start of its server" + (
            f": {self._serve}" if self._serve else ""
        )

    def _replace(self, text: str) -> None:
        """Put a file with this text in the place of this one, at once.

        Until then it has no name where the system can do so: what is killed meanwhile leaves no copy.
        """
        temporary = self.path.with_name(f".{self.path.name}.promoting")
        try:
            temporary.unlink(missing_ok=True)  # of one that was killed in the very moment
            try:
                handle, is_named = _new_file(temporary)
                with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                    self._keep_owner_and_mode(handle)
                    file.write(text)
                    file.flush()
                    os.fsync(handle)
                    if not is_named:
                        os.link(f"/proc/self/fd/{handle}", temporary, src_dir_fd=handle)
                os.replace(temporary, self.path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def _keep_owner_and_mode(self, handle: int) -> None:
        try:
            before = self.path.stat()
        except FileNotFoundError:
            os.chmod(handle, 0o644)
            return
        with suppress(PermissionError):  # only root may give a file away
            os.chown(handle, before.st_uid, before.st_gid)
        os.chmod(handle, stat.S_IMODE(before.st_mode))

    def _text(self) -> str:
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise EnvironmentFailed(f"{self.path} is not a file")
            return self.path.read_bytes().decode().lstrip("\ufeff")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as exc:
            raise EnvironmentFailed(f"{self.path} is not UTF-8 at byte {exc.start}") from exc
        except OSError as exc:
            raise EnvironmentFailed(f"{self.path} cannot be read: {exc.strerror}") from exc

    def _unwritable(self, exc: OSError) -> EnvironmentFailed:
        return EnvironmentFailed(f"{self.path} cannot be written: {exc.strerror}")


def _new_file(temporary: Path) -> tuple[int, bool]:
    """A new file, open for writing, and whether it has that name; else it has none yet."""
    with suppress(AttributeError, OSError):  # not on Linux, or a file system that cannot
        handle = os.open(temporary.parent, os.O_TMPFILE | os.O_WRONLY, 0o600)
        return handle, False
    return os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), True
