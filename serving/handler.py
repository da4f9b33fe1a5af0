"""The Lambda entry point: the model is fetched while the rest is imported, all in the init phase."""

from time import perf_counter

_started = perf_counter()

import os

from serving.startup import begin, deferred_models, finish

begin()

from serving.loader import INIT_SECONDS, boot

settings, loader = boot(os.environ)
loader.start()

with deferred_models():
    from serving.app import create_app
    from serving.invocation import make_handler

handler = make_handler(create_app(loader, settings, import_seconds=perf_counter() - _started))
loader.wait(INIT_SECONDS - (perf_counter() - _started))
finish()
