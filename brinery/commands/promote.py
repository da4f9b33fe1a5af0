"""`registry promote`: check a version, record the decision, serve it."""

from argparse import Namespace
from typing import Any

from brinery.commands.decision import OpenCheck, by, decide, decided_environment, settled, warn
from brinery.commands.environment import Connect, environment_of
from brinery.loading.model_process import ModelProcess
from brinery.promotion.chain import Records
from brinery.promotion.promote import Decision
from brinery.versions.catalog import vouched_version
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def run(
    store: Store, arguments: Namespace, open_check: OpenCheck = ModelProcess, connect: Connect = environment_of
) -> tuple[Any, str]:
    """The record of the promotion, or that there was nothing to do."""
    asked, environment = Reference.parse(arguments.reference), decided_environment(store, arguments, connect)
    with open_check() as check:
        published = vouched_version(store, asked, trust_bucket=arguments.trust_bucket)
        held = settled(environment, asked.name)
        record, odd = Records(store, asked.name, environment.name).live(held)
        if odd:
            warn(odd)
        elif record is not None and record.to == str(published.reference):
            result = {"reference": record.to, "environment": environment.name, "changed": False}
            return result, f"{environment.name} serves {record.to} already"
        decision = Decision(
            held=held,
            by=by(store, arguments),
            reason=arguments.reason,
            force=arguments.force,
            trust_bucket=not asked.pinned,
        )
        return decide(store, published, environment, decision, check, arguments.wait)
