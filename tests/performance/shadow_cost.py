"""What a challenger costs that answers beside the champion: warm calls of the function with and without."""

import asyncio
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.versions.store import open_store
from serving.app import create_app
from serving.challenger import Challenger
from serving.invocation import make_handler
from serving.loader import Loader
from serving.settings import Settings
from tests.examples import publish_example
from tests.performance.figures import figure, interleaved, parser, report
from tests.performance.models import ROW
from tests.serving.conftest import Context, event_v2

PROGRAM = "shadow_cost"
SHARE = 1.10
CALLS = 2000


def main(argv: Sequence[str] | None = None) -> int:
    about = (
        "Processor time of a warm call of the Lambda handler, in process, one row of 13 features, both versions from "
        "ONNX: with a challenger that answers each row, too, against the same without one."
    )
    arguments = parser(PROGRAM, about, "", "--pairs 9").parse_args(argv)
    asyncio.set_event_loop(asyncio.new_event_loop())
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        store = open_store((Path(folder) / "registry").as_uri(), create=True)
        champion = load(store, publish_example(store, "wine"), profile=True)
        challenger = load(store, publish_example(store, "wine", rows=150))
        event = event_v2(json.dumps({"data": ROW}))

        def calling(challenged: bool) -> Callable[[], float]:
            rival = Challenger(lambda: challenger, 0.0) if challenged else None
            if rival is not None:
                rival.start()
                rival.wait(60)
            app = create_app(_loaded(champion), Settings("test:"), alone=True, challenger=rival)
            handler = make_handler(app)

            def call() -> float:
                begun = time.process_time()
                for _ in range(CALLS):
                    handler(event, Context())
                return (time.process_time() - begun) / CALLS * 1e6

            return call

        found = interleaved(arguments.pairs, {"challenged": calling(True), "alone": calling(False)})
    figures = [figure("a warm call, challenged : not", found["challenged"], found["alone"], "µs", SHARE)]
    report(PROGRAM, figures, arguments.json)
    return 0


def _loaded(model: VerifiedModel) -> Loader:
    loader = Loader(lambda: model)
    loader.start()
    loader.wait(60)
    return loader


if __name__ == "__main__":
    sys.exit(main())
