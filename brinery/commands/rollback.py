"""`registry rollback`: serve what was served before."""

from argparse import Namespace
from typing import Any

from brinery.commands.decision import OpenCheck, decide, decided_environment
from brinery.commands.environment import Connect, environment_of
from brinery.errors import DigestMismatch, VersionMissing
from brinery.loading.model_process import ModelProcess
from brinery.promotion.promote import current, rollback_target, settle
from brinery.promotion.records import history
from brinery.versions.catalog import find_version
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store


def run(
    store: Store, arguments: Namespace, open_check: OpenCheck = ModelProcess, connect: Connect = environment_of
) -> tuple[Any, str]:
    """The record of the rollback."""
    name, environment = check_name(arguments.model), decided_environment(store, arguments, connect)
    with open_check() as check:
        with environment.exclusive():
            pinned = current(store, name, environment)
            known = settle(store, history(store, name), environment.name, pinned)
        before = rollback_target(known, environment.name, name, pinned, lambda reference: _is_there(store, reference))
        published = find_version(store, before)
        return decide(store, published, environment, arguments, "rollback", check, known)


def _is_there(store: Store, reference: Reference) -> bool:
    try:
        find_version(store, reference)
    except (VersionMissing, DigestMismatch):
        return False
    return True
