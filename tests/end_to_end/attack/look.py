"""What an attacker's pickle does: it looks for a secret wherever its user may look, and raises what it found."""

import glob
import os
import pathlib

SECRET = "-".join(("canary", "secret"))  # never as one text in the memory of the process that looks

found = {name: value for name, value in os.environ.items() if SECRET in value}
processes = [path for path in glob.glob("/proc/[0-9]*") if path != f"/proc/{os.getpid()}"]
home = glob.glob(os.path.expanduser("~/**"), recursive=True)
for path in [*glob.glob("/proc/[0-9]*/environ"), *glob.glob("/proc/[0-9]*/fd/*"), *home]:
    if f"/{os.getpid()}/" in path:
        continue
    try:
        text = os.readlink(path) if "/fd/" in path else pathlib.Path(path).read_bytes().decode("latin1")
        if SECRET in text:
            found[path] = "held it"
    except OSError:
        pass
for path in glob.glob("/proc/[0-9]*/mem"):
    if f"/{os.getpid()}/" in path:
        continue
    try:
        maps = pathlib.Path(path).with_name("maps").read_text().splitlines()
        with open(path, "rb", 0) as memory:
            for low, high in (line.split()[0].split("-") for line in maps if " rw" in line):
                memory.seek(int(low, 16))
                if SECRET.encode() in memory.read(int(high, 16) - int(low, 16)):
                    found[path] = "held it"
    except (OSError, OverflowError, ValueError):
        pass
raise RuntimeError(f"looked at {len(processes)} other processes, found {sorted(found) or 'nothing'}")
