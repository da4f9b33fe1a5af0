"""`registry promote`: check a version, record the decision, serve it."""

from argparse import Namespace
from typing import Any

from brinery.commands.decision import OpenCheck, decide, decided_environment
from brinery.commands.environment import Connect, environment_of
from brinery.loading.model_process import ModelProcess
from brinery.promotion.promote import current
from brinery.promotion.records import history
from brinery.versions.catalog import find_version
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def run(
    store: Store, arguments: Namespace, open_check: OpenCheck = ModelProcess, connect: Connect = environment_of
) -> tuple[Any, str]:
    """The record of the promotion, or that there was nothing to do."""
    environment, asked = decided_environment(store, arguments, connect), Reference.parse(arguments.reference)
    with open_check() as check:
        known = history(store, asked.name)
        current(store, asked.name, environment)  # refused here, before the check takes its time
        published = find_version(store, asked)
        return decide(store, published, environment, arguments, "promote", check, known)
