"""`registry doctor`: whether a registry is what promotions and versions rely on, tried on the real store."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from brinery.commands.environment import Connect, environment_of
from brinery.errors import BrineryError, PromotionRefused
from brinery.output.table import table
from brinery.promotion.chain import Records
from brinery.promotion.environment import Environment
from brinery.promotion.records import folder
from brinery.versions.finding import Finding
from brinery.versions.promises import try_promises
from brinery.versions.reference import RECORD, is_name
from brinery.versions.store import Store
from brinery.versions.strays import find_strays, shown

MOST_READ = 10_000


def run(store: Store, arguments: Namespace, connect: Connect = environment_of) -> tuple[Any, str]:
    """Each check with what it found."""
    named = [Namespace(env_file=path, stack=None) for path in arguments.env_files]
    named += [Namespace(env_file=None, stack=stack) for stack in arguments.stacks]
    environments = [connect(store, each) for each in named]
    findings = [
        *try_promises(store),
        *find_strays(store),
        *_promotions(store, environments),
        *(found for each in environments for found in _of(each)),
    ]
    rows = [[finding.check, finding.state.upper(), finding.detail] for finding in findings]
    return [finding._asdict() for finding in findings], table(["CHECK", "STATE", "FOUND"], rows)


def exit_code(result: Any) -> int:
    """1 where something is not as it must be."""
    return int(any(finding["state"] == "bad" for finding in result))


def _of(environment: Environment) -> Iterator[Finding]:
    try:
        yield from environment.findings()
    except BrineryError as exc:
        yield Finding(environment.name, "unknown", str(exc))


def _promotions(store: Store, environments: list[Environment]) -> Iterator[Finding]:
    for name in filter(is_name, store.folders("_promotions")):
        paths = store.files(folder(name))
        names = {path.removeprefix(f"{folder(name)}/").removesuffix(".json") for path in paths}
        strange = sorted(each for each in names if not RECORD.fullmatch(each))
        if strange:
            yield Finding(f"{name}: records", "note", f"objects that are no records: {shown(strange)}")
        on_chains: set[str] = set()
        for environment in environments:
            try:
                held = environment.held(name)
                chain = Records(store, name, environment.name).chain(held, MOST_READ)
            except PromotionRefused:  # it serves another model
                continue
            except BrineryError as exc:
                yield Finding(f"{name}: chain", "bad", str(exc))
                continue
            on_chains |= {link.name for link in chain.links}
            found = f"{environment.name} leads to {len(chain.links)} record{'s'[: len(chain.links) != 1]}"
            yield Finding(
                f"{name}: chain", "bad" if chain.gap else "ok", found + (f"; {chain.gap}" if chain.gap else "")
            )
        off = sorted(names - on_chains - set(strange))
        if off:
            yield Finding(f"{name}: records", "note", f"no environment that was named leads to {shown(off)}")
