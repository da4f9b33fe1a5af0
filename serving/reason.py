"""Reasons: what a public answer tells of an error; its own text, which may name the registry, goes to the log."""

import logging

from brinery.errors import (
    AccessDenied,
    BrineryError,
    FormatMissing,
    IntegrityError,
    LibraryMismatch,
    PinRequired,
    ReferenceInvalid,
    SchemaUnknown,
    SettingInvalid,
    StoreError,
    VersionMissing,
)

KIND = "integrity"  # of an error that an alarm asks about: who can write to the registry?
REASONS: dict[type, str] = {
    SettingInvalid: "a variable of the server has a value that is not allowed; the log says which",
    ReferenceInvalid: "MODEL_NAME or MODEL_VERSION is not valid; the log says why",
    PinRequired: "MODEL_VERSION has no digest, which this server demands; set it to a version such as 7@sha256:…",
    VersionMissing: "the version is not in the registry; the log says which",
    StoreError: "the registry cannot be read; the log says why",
    AccessDenied: "the registry refuses access; the log says why",
    IntegrityError: "the model could not be verified; the log says why",
    SchemaUnknown: "the model was published by a newer release than this server; the log says more",
    LibraryMismatch: "the model was made with other libraries than this server has; the log says which",
    FormatMissing: "the version has no file that this server can load; the log says why",
    BrineryError: "the model could not be loaded; the log says why",
}

log = logging.getLogger("brinery.serving")


class NotSet(SettingInvalid):
    """A variable that must be set; `reason` says so, and names nothing that only the log may."""

    def __init__(self, text: str, reason: str) -> None:
        self.reason = reason
        super().__init__(text)


def reason_of(error: BrineryError) -> str:
    """One sentence for whoever asks, the same for all errors of a kind."""
    if isinstance(error, NotSet):
        return error.reason
    return next(REASONS[kind] for kind in type(error).__mro__ if kind in REASONS)


def log_error(error: Exception) -> None:
    """Write the error's own text to the log, marked where it is one of integrity."""
    if not isinstance(error, BrineryError):
        log.error("an unexpected error", exc_info=error, extra={"error": type(error).__name__})
        return
    kind = KIND if isinstance(error, IntegrityError) else None
    log.error("%s", error, extra={"error": type(error).__name__, "kind": kind})
