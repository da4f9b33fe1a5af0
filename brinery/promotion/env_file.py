"""An environment file, such as the `.env` that compose reads: the environment of a server on one machine."""

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brinery.errors import EnvironmentFailed, PromotionRefused, ReferenceInvalid
from brinery.versions.reference import Reference

# A line that sets a variable: what comes before the value, the value with its quotes, what follows it.
LINE = re.compile(
    r"""^(?P<before>[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*)
    (?P<value>"(?:\\.|[^"\\])*"|'[^']*'|(?:[^\s#'"][^\r\n#'"]*?)?)
    (?P<after>[ \t]*(?:[ \t]\#[^\r\n]*)?\r?\n?)$""",
    re.VERBOSE,
)
# … and one that means to set one of the two, in whatever way.
MEANT = re.compile(r"[ \t]*(?:export[ \t]+)?(MODEL_NAME|MODEL_VERSION)[ \t]*[=:]")
# A value that begins with a quote may go on over many lines, to where the quote is closed.
OPEN = re.compile(r"""[ \t]*(?:export[ \t]+)?[\w.]+[ \t]*[=:][ \t]*(?P<quote>["'])""")
CLOSED = {'"': re.compile(r'(?<!\\)(?:\\\\)*"'), "'": re.compile("'")}


class EnvFile:
    """The file's `MODEL_NAME` and `MODEL_VERSION`; the last line that sets a variable counts."""

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
        values = {match["name"]: _unquoted(match["value"]) for match in self._settings(self._lines()).values()}
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

    def apply(self, reference: Reference) -> bool:
        """Set the two variables: one line each, all else as it was, replaced at once.

        Raises:
            EnvironmentFailed: the file cannot be written.
        """
        lines = self._lines()
        for name, value in (("MODEL_NAME", reference.name), ("MODEL_VERSION", reference.version_text)):
            lines = self._set(lines, name, value)
        text = "".join(lines)
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
        return True

    def _keep_owner_and_mode(self, temporary: str) -> None:
        try:
            before = self.path.stat()
        except FileNotFoundError:
            os.chmod(temporary, 0o644)
            return
        with suppress(PermissionError):  # only root may give a file away
            os.chown(temporary, before.st_uid, before.st_gid)
        os.chmod(temporary, stat.S_IMODE(before.st_mode))

    def _lines(self) -> list[str]:
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise EnvironmentFailed(f"{self.path} is not a file")
            return re.findall(r"[^\n]*\n|[^\n]+", self.path.read_bytes().decode("utf-8-sig"))
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as exc:
            raise EnvironmentFailed(f"{self.path} is not UTF-8 at byte {exc.start}") from exc
        except OSError as exc:
            raise EnvironmentFailed(f"{self.path} cannot be read: {exc.strerror}") from exc

    def _settings(self, lines: list[str]) -> dict[int, re.Match[str]]:
        """The lines that set a variable, by their indices; those inside a quoted value of many lines set none.

        Raises:
            EnvironmentFailed: a line means to set one of the two variables, and it is not clear to what.
        """
        found = {}
        quote = ""
        for number, line in enumerate(lines):
            opened = OPEN.match(line)
            if quote:
                quote = "" if CLOSED[quote].search(line) else quote
            elif match := LINE.match(line):
                found[number] = match
            elif opened and not CLOSED[opened["quote"]].search(line, opened.end()):
                quote = opened["quote"]
            elif MEANT.match(line):
                shown = ascii(line.strip()[:80])
                raise EnvironmentFailed(f"{self.path} line {number + 1} is {shown}; it must be NAME=VALUE")
        return found

    def _set(self, lines: list[str], name: str, value: str) -> list[str]:
        """Change the line that sets `name`, each of them where there are more, as readers differ; or add one."""
        setting = {number: match for number, match in self._settings(lines).items() if match["name"] == name}
        for number, match in setting.items():
            if _unquoted(match["value"]) != value:
                lines = [*lines[:number], f"{match['before']}{value}{match['after']}", *lines[number + 1 :]]
        if setting:
            return lines
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        if lines and not lines[-1].endswith("\n"):
            lines = [*lines[:-1], lines[-1] + end]
        return [*lines, f"{name}={value}{end}"]


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in ("'", '"') else value
