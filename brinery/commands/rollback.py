"""`registry rollback`: serve what was served before."""

from argparse import Namespace
from typing import Any

from brinery.commands.decision import OpenCheck, by, decide, decided_environment, settled, warn
from brinery.commands.environment import Connect, environment_of
from brinery.loading.model_process import ModelProcess
from brinery.promotion.chain import Records
from brinery.promotion.promote import Decision
from brinery.versions.catalog import find_version
from brinery.versions.reference import check_name
from brinery.versions.store import Store


def run(
    store: Store, arguments: Namespace, open_check: OpenCheck = ModelProcess, connect: Connect = environment_of
) -> tuple[Any, str]:
    """The record of the rollback."""
    name, environment = check_name(arguments.model), decided_environment(store, arguments, connect)
    with open_check() as check:
        held = settled(environment, name)
        target, odd = Records(store, name, environment.name).back(held)
        if odd:
            warn(odd)
        decision = Decision(
            held=held,
            state=target.state,
            by=by(store, arguments),
            action="rollback",
            restores=target.restores,
            reason=arguments.reason,
            force=arguments.force,
        )
        published = find_version(store, target.state.reference)
        return decide(store, published, environment, decision, check, arguments.wait)
