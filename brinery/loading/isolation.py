"""Isolation: what keeps a process that runs a model's code away from the secrets of the one that asks it.

A pickle runs whatever it holds. So it is run by a process that inherits no credentials, and cannot read them from its
parent. What else of its user it may reach is in `brinery.loading.confinement`.
"""

import contextlib
import ctypes
import os
import re
import resource
import signal
import site
import sys
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4  # of Linux's <sys/prctl.h>
KEPT = re.compile(
    r"LANG|LC_\w+|TZ|LD_LIBRARY_PATH|LD_PRELOAD|MALLOC_\w+|PYTHON\w+"
    r"|(OMP|GOMP|KMP|MKL|OPENBLAS|NPY|NUMPY|SCIPY|SKLEARN|SCIKIT_LEARN|JOBLIB)_\w+"  # what libraries read when imported
)
SECRET = re.compile(r"AWS_\w*|\w*(TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE|AUTH)\w*", re.IGNORECASE)
MEMORY_SHARE = 0.9  # of what the machine or the container has
MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def close_this_process() -> None:
    """Let no other process of this user read this one's environment and memory, where the system can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_with_parent(parent: int | None = None) -> None:
    """Have this process killed when the thread that started it ends, however that is, where the system can (Linux).

    Args:
        parent: the id of the process that started it, which may have ended before this was called.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


@contextlib.contextmanager
def secrets_hidden() -> Iterator[None]:
    """Keep variables that look like secrets from the processes that are started meanwhile, such as workers of a fit."""
    hidden = {name: value for name, value in os.environ.items() if SECRET.fullmatch(name)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


OWN = ("HOME", "TMPDIR", "PYTHONPATH", "PYTHONUSERBASE")  # variables that the other process has otherwise


def environment(folder: Path) -> dict[str, str]:
    """All that the other process gets to know: where modules are, how texts are read, and a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name) and not SECRET.fullmatch(name)}
    # What is relative, or empty, would be the folder that this process was started in.
    absolute = [each for each in kept.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(each)]
    path = os.pathsep.join([str(Path(__file__).parents[2]), *absolute])
    own = dict.fromkeys(("HOME", "TMPDIR"), str(folder))
    users = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
    return {**kept, **own, **users, "ORT_DISABLE_TELEMETRY": "1", "PYTHONPATH": path}


def limit_this_process() -> None:
    """Bound what this process can take: memory, of which it is the first to lose, and no dump of its memory on disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        most = int(memory() * MEMORY_SHARE)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")


def memory() -> int:
    """Bytes of memory that there are for the processes here."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in MEMORY_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            found.append(int(Path(path).read_text()))
    return min(found)
