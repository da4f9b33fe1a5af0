"""The `serve` command: the same app as a plain HTTP server."""

from time import perf_counter

_started = perf_counter()

from serving.startup import begin, deferred_models, finish

begin()

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from brinery.errors import SettingInvalid
from brinery.output.arguments import port
from brinery.output.write import say
from serving.loader import Loader, load_pinned
from serving.logs import configure
from serving.settings import read_settings

EXAMPLES = """\
examples:
  MODEL_NAME=wine MODEL_VERSION=1@sha256:… serve     serve one version on http://127.0.0.1:8080
  serve --host 0.0.0.0 --port 80                     … on every interface

The environment says what is served: MODEL_REGISTRY, MODEL_NAME, MODEL_VERSION, MODEL_RECORD,
CHALLENGER_VERSION, CHALLENGER_SHARE, REQUIRE_PIN, MODEL_FORMAT, MAX_ROWS, MAX_BODY_BYTES, LOG_LEVEL, CAPTURE;
docs/serve.md explains them.
"""

SWITCH_SECONDS = 0.001  # after which a large request's thread lets small ones go on; Python's own is 0.005
NOT_STARTED = 3  # the exit code where it cannot listen, as uvicorn has it
GRACE_SECONDS = 5  # for requests under way when the server is stopped


def main(argv: Sequence[str] | None = None, **bounds: float) -> int:
    """Serve until a signal; `bounds` are those of `serving.connection.Bounds` that shall be others."""
    parser = argparse.ArgumentParser(
        prog="serve",
        description="Serve the model version that the environment pins.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: 127.0.0.1")
    parser.add_argument("--port", type=port, help="port to listen on; default: $PORT, else 8080")
    arguments = parser.parse_args(argv)
    try:
        settings = read_settings(os.environ)
    except SettingInvalid as exc:
        say(f"serve: {exc}")
        return 1
    configure(settings.log_level)
    loader = Loader(lambda: load_pinned(settings))
    loader.start()

    with deferred_models():
        import uvicorn

        from serving.app import create_app
        from serving.challenger import open_challenger
        from serving.connection import Bounds, Connection

    limits = Bounds(**bounds)  # type: ignore[arg-type]
    challenger = open_challenger(settings)
    app = create_app(loader, settings, import_seconds=perf_counter() - _started, challenger=challenger)
    if challenger is not None:
        challenger.start()
    finish()
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        app,
        host=arguments.host,
        port=settings.port if arguments.port is None else arguments.port,
        log_level=settings.log_level.lower(),
        access_log=settings.log_level in ("DEBUG", "INFO"),  # whose lines would be made, and not written, at others
        http=partial(Connection, bounds=limits),  # type: ignore[arg-type]
        loop="asyncio",
        ws="none",
        lifespan="off",
        backlog=limits.connections // 2,  # so that a burst does not push out a request that has just come
        timeout_graceful_shutdown=GRACE_SECONDS,
    )

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await super().shutdown(sockets)
            app.state.end()

    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else NOT_STARTED


if __name__ == "__main__":
    sys.exit(main())
