"""Runs inside a function's own Python: `worker.py module.handler`, then a JSON line in for each line out.

In: {"event": text, "count": calls}. Out: {"seconds": of each call, "body": of the last answer}.
Needs nothing but the standard library.
"""

import json
import sys
from importlib import import_module
from time import perf_counter


def main() -> None:
    sys.path.insert(0, ".")
    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(import_module(module), name)
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        seconds = []
        for _ in range(asked["count"]):
            event = json.loads(asked["event"])  # the runtime client decodes each event anew; not timed
            started = perf_counter()
            answer = handler(event, None)
            seconds.append(perf_counter() - started)
            if answer["statusCode"] != 200:
                raise RuntimeError(f"the function answered {str(answer)[:400]}")
        print(json.dumps({"seconds": seconds, "body": answer["body"]}), file=answers, flush=True)


if __name__ == "__main__":
    main()
