"""An environment file, such as the `.env` that compose reads: the environment of a server on one machine."""

import io
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brinery.errors import EnvironmentFailed, PromotionRefused, ReferenceInvalid
from brinery.versions.reference import Reference

NAMES = ("MODEL_NAME", "MODEL_VERSION")
# What every reader takes for NAME=VALUE of one of the two, and for the same value …
CLEAR = re.compile(
    r"""(?P<before>\s*(?:export[ \t]+)?(?P<name>MODEL_NAME|MODEL_VERSION)[ \t]*=[ \t]*)
    (?:"(?:\\.|[^"\\\r\n])*"|'[^'\r\n]*'|(?:[^\s#'"][^\r\n#'"]*?)?)
    (?P<after>[ \t]*(?:[ \t]\#[^\r\n]*)?\r?\n?)""",
    re.VERBOSE,
)
# … and what means to set one of them, in whatever way.
MEANT = re.compile(r"\s*(?:export[ \t]+)?(?:MODEL_NAME|MODEL_VERSION)[ \t]*[=:]")
# Compose reads `NAME: VALUE` too, and its quoted values may have many lines; the parser knows `=` alone.
COLON = re.compile(r"^([ \t]*(?:export[ \t]+)?[\w.]+[ \t]*):", re.MULTILINE)
# A part of the file's text; where it sets one of the two, how it is written and to what value.
Piece = tuple[str, re.Match[str] | None, str]


class EnvFile:
    """The file's `MODEL_NAME` and `MODEL_VERSION`; the last line that sets a variable counts."""

    registry = None  # (what the server reads is its own affair)

    def __init__(self, path: Path, host: str = "") -> None:
        """`host` tells files of one path apart where a registry is shared by many machines."""
        try:
            self.path = path.resolve()  # the file itself is replaced, not a link to it
            str(self.path).encode()
        except (OSError, RuntimeError, UnicodeEncodeError) as exc:
            raise EnvironmentFailed(f"{ascii(str(path))} cannot be the path of an environment file") from exc
        self.name = f"env-file {host}:{self.path}" if host else f"env-file {self.path}"

    def current(self, model: str) -> Reference | None:
        """What the file pins now; None where it pins nothing.

        Raises:
            PromotionRefused: the file serves another model.
            EnvironmentFailed: it cannot be read.
        """
        values = {clear["name"]: value for _, clear, value in self._pieces() if clear}
        other = values.get("MODEL_NAME", "")
        if other not in ("", model):
            raise PromotionRefused(
                f"{self.path} serves MODEL_NAME={other}, not {model}; name another file, or change that line"
            )
        try:
            return Reference.of(model, values["MODEL_VERSION"]) if values.get("MODEL_VERSION") else None
        except ReferenceInvalid:
            return None

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
            raise EnvironmentFailed(f"{self.path} cannot be written: {exc.strerror}") from exc
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def prepare(self, reference: Reference) -> Callable[[str], bool]:
        """See `apply`, which needs no preparation."""
        return lambda token: self.apply(reference)

    def follow(self, reference: Reference, report: Callable[[str], None]) -> None:
        """Nothing: `apply` has done all there is to do."""

    def next_step(self, store_url: str, ended: str | None) -> str:
        """How to make the server read the file again."""
        serve = "docker compose up -d serve" if store_url.startswith("s3:") else f"uv run --env-file {self.path} serve"
        return f"from {store_url}; it takes effect with the next `{serve}`"

    def apply(self, reference: Reference) -> bool:
        """Set the two variables on each line that sets them, as readers differ, or on a new one; all else stays.

        Raises:
            EnvironmentFailed: the file cannot be written.
        """
        values = dict(zip(NAMES, (reference.name, reference.version_text), strict=True))
        missing, text = list(NAMES), ""
        for piece, clear, value in self._pieces():
            missing = [name for name in missing if not clear or name != clear["name"]]
            changes = clear and value != values[clear["name"]]
            text += f"{clear['before']}{values[clear['name']]}{clear['after']}" if clear and changes else piece
        end = "\r\n" if re.match(r"[^\n]*\r\n", text) else "\n"
        for name in missing:
            text += ("" if not text or text.endswith("\n") else end) + f"{name}={values[name]}{end}"
        self._replace(text)
        return True

    def _replace(self, text: str) -> None:
        """Put a file with this text in the place of this one, at once."""
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                self._keep_owner_and_mode(temporary)
                os.replace(temporary, self.path)
            except BaseException:
                with suppress(FileNotFoundError):  # it has taken the file's place already
                    os.unlink(temporary)
                raise
        except OSError as exc:
            raise EnvironmentFailed(f"{self.path} cannot be written: {exc.strerror}") from exc

    def _keep_owner_and_mode(self, temporary: str) -> None:
        try:
            before = self.path.stat()
        except FileNotFoundError:
            os.chmod(temporary, 0o644)
            return
        with suppress(PermissionError):  # only root may give a file away
            os.chown(temporary, before.st_uid, before.st_gid)
        os.chmod(temporary, stat.S_IMODE(before.st_mode))

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

    def _pieces(self) -> list[Piece]:
        """The file's text in pieces: what is inside a quoted value of many lines sets nothing.

        Raises:
            EnvironmentFailed: a line means to set one of the two variables, and it is not clear to what.
        """
        try:
            from dotenv.parser import parse_stream
        except ImportError as exc:
            message = "python-dotenv, which reads environment files, is not installed here; install brinery[publish]"
            raise EnvironmentFailed(message) from exc
        text = self._text()
        pieces: list[Piece] = []
        start = 0
        for binding in parse_stream(io.StringIO(COLON.sub(r"\1=", text))):
            piece = text[start : start + len(binding.original.string)]
            start += len(piece)
            clear, value = CLEAR.fullmatch(piece), binding.value
            meant = MEANT.match(piece) or (binding.key in NAMES and value is not None)
            if meant and (clear is None or value is None):
                number = text.count("\n", 0, start - len(piece.lstrip())) + 1
                shown = ascii(piece.strip()[:80])
                raise EnvironmentFailed(f"{self.path} line {number} is {shown}; it must be NAME=VALUE")
            pieces.append((piece, clear, value or ""))
        return pieces
