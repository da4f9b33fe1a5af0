"""The Lambda entry point: the model is fetched while the rest is imported, all in the init phase.

It is imported whatever happens, but under SnapStart, which would keep a process without a model.
"""

from time import perf_counter

_started = perf_counter()

import os

from serving.startup import begin, deferred_models, finish

begin()

from serving.loader import INIT_SECONDS, boot
from serving.snapshot import SNAPSHOT_SECONDS, is_taken, prepare

settings, loader = boot(os.environ)
loader.start()

with deferred_models():
    import asyncio

    from serving.app import create_app
    from serving.invocation import WaitsAlone, make_handler

challenger = None
if settings.challenger_version is not None:
    from serving.challenger import open_challenger

    challenger = open_challenger(settings)
snapshot = is_taken(os.environ)
limit = SNAPSHOT_SECONDS if snapshot else INIT_SECONDS
imported = perf_counter() - _started
app = create_app(loader, settings, import_seconds=imported, snapshot=snapshot, alone=True, challenger=challenger)
asyncio.set_event_loop(asyncio.SelectorEventLoop(WaitsAlone()))  # which Mangum runs the app on
handler = make_handler(app, app.state.after)
if snapshot:
    prepare(loader, settings.registry, limit - (perf_counter() - _started))
else:
    loader.wait(limit - (perf_counter() - _started))
if challenger is not None:
    challenger.start()
    challenger.wait(limit - (perf_counter() - _started))
finish()
