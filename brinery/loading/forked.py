"""A model process that shares with the command that asks it what both import: their time and memory are spent once.

Whatever is forked has all that was in memory before. So the command starts again, in the same process and without its
secrets; it imports, forks, and only then takes its secrets back (`brinery.loading.ahead`). On Linux that can be done;
elsewhere, and for a second model process, `brinery.loading.model_process` starts one that imports for itself.
"""

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from fcntl import F_DUPFD, fcntl
from pathlib import Path
from subprocess import _args_from_interpreter_flags  # type: ignore[attr-defined]  # as multiprocessing does

from brinery.loading.isolation import OWN, environment

STOPS = {signal.SIGINT, signal.SIGTERM}
_forked: list["Forked"] = []


class Forked:
    """A process that was forked from this one, with what is used here of a `subprocess.Popen`."""

    def __init__(self, run: Callable[[], None], folder: Path) -> None:
        """Fork it.

        Args:
            run: what it does, with pipes of this process as its descriptors 0 and 1 and with no other.
            folder: its own, and removed after it.
        """
        self.folder = folder
        theirs, stdin = os.pipe()
        stdout, ours = os.pipe()
        gc.freeze()  # what both have is not written to by the collector, and so stays shared
        self._pid = os.fork()
        if self._pid == 0:
            _become(run, theirs, ours)
        os.close(theirs)
        os.close(ours)
        self.stdin, self.stdout = os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb")
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative where a signal ended it, or None while it runs."""
        return self._ended(os.WNOHANG)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        code = self._ended(0)
        assert code is not None  # noqa: S101  (it was waited for)
        return code

    def kill(self) -> None:
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)

    def communicate(self) -> None:
        """Close its pipes, and wait for its end."""
        for pipe in (self.stdin, self.stdout):
            with suppress(BrokenPipeError):
                pipe.close()
        self.wait()

    def _ended(self, options: int) -> int | None:
        if self._code is None:
            try:
                pid, status = os.waitpid(self._pid, options)
            except ChildProcessError:  # who started this process has told it not to be asked
                pid, status = self._pid, 0
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code


def take() -> Forked | None:
    """The process that was forked, for the first who asks."""
    return _forked.pop() if _forked else None


def start_again(command: str, modules: Sequence[str]) -> None:
    """Replace this process by the same command with a model process forked; return where that is done, or cannot be.

    Args:
        command: the function that is the command, as `module:function`; it gives the exit code.
        modules: what it imports of what a serving image has.
    """
    watched = sys.gettrace() is not None or any(map(sys.monitoring.get_tool, range(6)))  # by a debugger or profiler
    if _forked or watched or not sys.executable or not hasattr(os, "memfd_create"):
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # what comes is told to the one that knows what to do
    folder = Path(tempfile.mkdtemp(prefix="brinery-"))
    # Number 3 and above, as one that is closed here may be opened again as what is written to.
    with (
        suppress(OSError),
        os.fdopen(os.memfd_create("brinery")) as first,
        os.fdopen(fcntl(first, F_DUPFD, 3), "r+b") as kept,
    ):
        environ = {name: value for name, value in os.environ.items() if name}
        kept.write(json.dumps({"environ": environ, "path": sys.path, "argv": sys.argv}).encode())
        kept.seek(0)
        told = [str(kept.fileno()), str(folder), ",".join(modules), command]
        # -P: nothing is imported from the folder that it was started in. The command's own arguments are for `ps`.
        options = [*_args_from_interpreter_flags(), "-P", "-m", "brinery.loading.ahead"]
        shown = [sys.executable, *options, *told, *sys.argv[1:]]
        os.execve(sys.executable, shown, environment(folder))  # noqa: S606  (it is no shell's work)
    shutil.rmtree(folder, ignore_errors=True)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def fork(run: Callable[[], None], folder: Path) -> None:
    """Fork the model process that the first who asks takes."""
    _forked.append(Forked(run, folder))


def take_back(kept: int) -> None:
    """Take back what this process knew before it started again, whose descriptor is closed.

    Raises:
        KeyboardInterrupt: somebody asked meanwhile that it ends.
    """
    with os.fdopen(kept, "rb") as file:
        known = json.loads(file.read())
    sys.path[:], sys.argv[:] = known["path"], known["argv"]
    for name in OWN:
        os.environ.pop(name, None)
    os.environ.update(known["environ"])
    tempfile.tempdir = None
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # process 1 of a container would ignore it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def _become(run: Callable[[], None], stdin: int, stdout: int) -> None:
    """Be the forked process; does not return."""
    try:
        os.setsid()  # a Ctrl-C is for the command, which ends this process itself
        for number in STOPS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        nothing = os.open(os.devnull, os.O_RDWR)
        above = [fcntl(each, F_DUPFD, 3) for each in (stdin, stdout, nothing)]  # where none of the three was open
        for target, source in enumerate(above):
            os.dup2(source, target)
        for each in os.listdir("/proc/self/fd"):
            if int(each) > 2:
                with suppress(OSError):
                    os.close(int(each))
        run()
        os._exit(0)
    finally:
        os._exit(1)
