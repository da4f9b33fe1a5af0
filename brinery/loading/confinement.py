"""Confinement: a process gives up what it does not need, by Landlock, for good and for all that it starts.

It can no longer look into processes that began before (their environment, descriptors and memory), nor signal them, nor
reach anything in the home folders but where Python's modules are, nor open a connection of TCP; and root keeps none of
its capabilities. Linux does so from 5.13 on; what a later one added, such as connections (6.7) and signals (6.12), is
given up where it can be.

Source: Linux's <linux/landlock.h>.
"""

import ctypes
import os
import pwd
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, on every processor
VERSION, PATH_BENEATH, NO_NEW_PRIVILEGES = 1, 1, 38
CAPABILITIES = 0x20080522  # the third version of <linux/capability.h>, of 64 bits
FILES = {1: 13, 2: 14, 3: 15, 5: 16}  # the first so many bits of what can be done to files, by version
OF_A_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # the rest is of folders
READING = 1 << 0 | 1 << 2 | 1 << 3
CONNECTIONS, OUTSIDE = 3, 3  # binding and connecting; abstract sockets and signals
HOMES = ("/home", "/root")
NEEDED = ("brinery", "numpy")


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("connections", ctypes.c_uint64), ("outside", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def confine(own: Path) -> bool:
    """Give up all that was named above; whether this system can do it.

    Only the calling thread gives it up: call it while there is no other.

    Args:
        own: a folder that may be read and written, wherever it is.
    """
    version = _call(CREATE_RULESET, None, 0, VERSION) if sys.platform == "linux" else -1
    if version < 1:
        return False
    every = (1 << FILES[max(each for each in FILES if each <= version)]) - 1
    rules = _Rules(every, CONNECTIONS if version >= 4 else 0, OUTSIDE if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _call(CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    try:
        hidden = _hidden()
        for path in _others(Path("/"), hidden):
            _allow(ruleset, path, every)
        for path in _modules():
            _allow(ruleset, path, READING & every)
        _allow(ruleset, own, every)
        ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        _drop_capabilities()
        return _call(RESTRICT_SELF, ruleset, 0, 0) == 0
    finally:
        os.close(ruleset)


def _drop_capabilities() -> None:
    """Those of root, some of which open other processes in spite of all rules."""
    none = (ctypes.c_uint32 * 6)()
    ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(CAPABILITIES, 0), none)


def _hidden() -> list[Path]:
    """The home folders, this user's and others'; none where modules are linked from one, which would be lost."""
    homes = {Path(each) for each in HOMES}
    with suppress(KeyError):  # a user without an entry
        homes.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    hidden = [home for home in homes if home.is_dir() and len(home.parts) > 1]
    origins = [Path(spec.origin).resolve() for name in NEEDED if (spec := find_spec(name)) and spec.origin]
    known = _modules()
    lost = [each for each in origins if _is_in(each, hidden) and not _is_in(each, known)]
    return [] if lost else hidden


def _modules() -> list[Path]:
    """Where Python and its modules are; of a checkout, the library alone."""
    checkout = Path(__file__).resolve().parents[2]
    entries = {Path(each).resolve() for each in (sys.prefix, sys.base_prefix, *filter(None, sys.path))}
    if (checkout / "pyproject.toml").is_file():
        entries.discard(checkout)
    return [*entries, checkout / "brinery"]


def _others(folder: Path, hidden: Sequence[Path]) -> Iterator[Path]:
    """All below a folder but what is hidden, by the fewest paths."""
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if path in hidden:
                continue
            if any(home.is_relative_to(path) for home in hidden):
                yield from _others(path, hidden)
            else:
                yield path


def _allow(ruleset: int, path: Path, allowed: int) -> None:
    with suppress(OSError):
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            kept = allowed if path.is_dir() else allowed & OF_A_FILE
            _call(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(_Beneath(kept, handle)), 0)
        finally:
            os.close(handle)


def _is_in(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _call(*arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(*arguments))
