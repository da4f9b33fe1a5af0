"""References: `wine:7`, or pinned to its manifest's digest, `wine:7@sha256:<64 hex>`; and the names of records."""

import re
from dataclasses import dataclass

from brinery.errors import ReferenceInvalid

NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
NAME_RULE = "1 to 63 lower-case letters and digits, with single '.', '_' or '-' between them"
VERSION = re.compile(r"([1-9][0-9]{0,5})(?:@sha256:([0-9a-f]{64}))?")
VERSION_RULE = "a number from 1 to 999999, or one with a digest, as in 7@sha256:<64 hex digits>"
RECORD = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{64}")
RECORD_RULE = "a time and a digest, as in 20261101T120000Z-<64 hex digits>"


def is_name(name: str) -> bool:
    """Whether `name` can name a model."""
    return isinstance(name, str) and len(name) <= 63 and NAME.fullmatch(name) is not None


def is_number(folder: str) -> bool:
    """Whether a folder is named as that of a version is."""
    return len(folder) == 6 and folder.isascii() and folder.isdigit() and folder != "000000"


def check_name(name: str) -> str:
    """Return `name` if it can name a model.

    Raises:
        ReferenceInvalid: it cannot; the message says what can.
    """
    if not is_name(name):
        raise ReferenceInvalid(f"model name {_shown(str(name))} is not valid; it must be {NAME_RULE}")
    return name


@dataclass(frozen=True)
class Reference:
    """One version of one model; pinned when it has a digest."""

    name: str
    version: int
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read `name:version[@sha256:digest]`.

        Raises:
            ReferenceInvalid: the text is not a reference.
        """
        name, colon, version = text.partition(":")
        check_name(name)
        if not colon:
            raise ReferenceInvalid(
                f"reference {_shown(text)} has no version; write {name}:VERSION, VERSION being {VERSION_RULE}"
            )
        return cls.of(name, version)

    @classmethod
    def of(cls, name: str, version: str) -> "Reference":
        """Combine a model's name with a version's text, `7` or `7@sha256:<64 hex>`.

        Raises:
            ReferenceInvalid: either part is malformed.
        """
        check_name(name)
        match = VERSION.fullmatch(version)
        if match is None:
            hint = " ('latest' is not a version: promoting is a decision)" if version == "latest" else ""
            hint = " (its digest is cut; give all of it, as the line to promote has it)" if "…" in version else hint
            raise ReferenceInvalid(f"version {_shown(version)} of {name} is not valid{hint}; it must be {VERSION_RULE}")
        return cls(name, int(match[1]), match[2])

    @property
    def pinned(self) -> bool:
        return self.digest is not None

    @property
    def version_text(self) -> str:
        """What follows the colon: the value of MODEL_VERSION."""
        return f"{self.version}@sha256:{self.digest}" if self.digest else str(self.version)

    @property
    def folder(self) -> str:
        return f"{self.name}/versions/{self.version:06d}"

    def __str__(self) -> str:
        return f"{self.name}:{self.version_text}"


def _shown(text: str) -> str:
    """ASCII form of untrusted text, cut short, safe for logs and answers."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")
