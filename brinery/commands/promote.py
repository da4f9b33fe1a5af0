"""`registry promote`: check a version, record the decision, serve it."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from brinery.commands.decision import OpenCheck, by, decide, decided_environment, settled, tell, warn
from brinery.commands.environment import Connect, environment_of
from brinery.errors import BrineryError, PromotionRefused, SettingInvalid
from brinery.formats.choice import AUTO, choose_format
from brinery.loading.model_process import ModelProcess
from brinery.output.progress import waiting
from brinery.output.table import figure_text
from brinery.promotion.chain import Records, pinned
from brinery.promotion.environment import Held, State
from brinery.promotion.promote import Decision, vetted
from brinery.tasks.task import AnyAnswers
from brinery.versions.catalog import vouched_version
from brinery.versions.manifest import Gate, Manifest
from brinery.versions.read import Published
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def run(
    store: Store, arguments: Namespace, open_check: OpenCheck = ModelProcess, connect: Connect = environment_of
) -> tuple[Any, str]:
    """The record of the promotion, or that there was nothing to do; of several stacks in their order."""
    stacks = arguments.stack or [None]
    results: list[Any] = []
    texts: list[str] = []
    for stack in stacks:
        one = Namespace(**{**vars(arguments), "stack": stack, "wait": arguments.wait or len(stacks) > 1})
        try:
            result, text = _one(store, one, open_check, connect)
        except BrineryError as exc:
            if not results:
                raise
            done = ", ".join(stacks[: len(results)])
            raise PromotionRefused(f"{exc}; before it, {done} took it, and nothing was tried after it") from exc
        results.append(result)
        texts.append(text)
    return (results[0], texts[0]) if len(stacks) == 1 else (results, "\n".join(texts))


def _one(store: Store, arguments: Namespace, open_check: OpenCheck, connect: Connect) -> tuple[Any, str]:
    asked, environment = Reference.parse(arguments.reference), decided_environment(store, arguments, connect)
    with open_check() as check:
        published = vouched_version(store, asked, trust_bucket=arguments.trust_bucket)
        held = settled(environment, asked.name)
        state = _state(held, published.reference, environment.name, arguments)
        record, odd = Records(store, asked.name, environment.name).live(held)
        if odd:
            warn(odd)
        decision = Decision(
            held=held,
            state=state,
            by=by(store, arguments),
            reason=arguments.reason,
            force=arguments.force,
            trust_bucket=not asked.pinned,
            measured=_measured(store, published, arguments) if arguments.rows else None,
        )
        if record is not None and not odd and record.state == state:
            vetted(store, published, decision, check)  # it may have been damaged since, or the rows may be new
            result = {"reference": record.to, "environment": environment.name, "changed": False}
            return result, f"{environment.name} serves {state} already"
        return decide(store, published, environment, decision, check, arguments.wait)


def _state(held: Held, reference: Reference, where: str, arguments: Namespace) -> State:
    """What is to be served, or to challenge what is served; a challenger stays until it is promoted or taken away.

    Raises:
        PromotionRefused: what is served, or what challenges it, was set by hand, and cannot be recorded.
        SettingInvalid: --share is of a challenger.
    """
    if arguments.challenger:
        if held.pin is None:
            raise PromotionRefused(f"{where} serves nothing that {reference} could challenge; promote a version first")
        champion = pinned(held.pin)
        if champion is None:
            raise PromotionRefused(f"{where} serves {held.pin}, which has no digest; promote it by its digest first")
        if champion == reference:
            raise PromotionRefused(f"{where} serves {reference}, which cannot challenge itself")
        return State(champion, reference, arguments.share or 0.0)
    if arguments.share is not None:
        raise SettingInvalid("--share is of a challenger; give --challenger, too")
    if arguments.no_challenger or held.challenger in (None, str(reference)):
        return State(reference)
    challenger = pinned(held.challenger)
    if challenger is None or held.share is None:
        raise PromotionRefused(
            f"the challenger of {where} was set by hand, to {held.challenger} for a share that is "
            f"{'none' if held.share is None else f'{held.share:g}'}; "
            "it needs a digest and a share from 0 to 1, or give --no-challenger"
        )
    return State(reference, challenger, held.share)


def _measured(store: Store, published: Published, arguments: Namespace) -> Gate:
    """The gate, held against the rows that are given, and the metrics on stderr."""
    try:
        from brinery.assessment.remeasure import remeasure  # needs more than promoting does
    except ModuleNotFoundError as exc:
        raise SettingInvalid(f"--rows needs the extra brinery[publish]: {exc.name} is not installed") from exc
    manifest = published.manifest
    chosen = choose_format(manifest, AUTO)
    with ModelProcess() as process:

        def answers(array: np.ndarray) -> AnyAnswers:
            return process.answers(store, published, chosen.name, array)

        target = arguments.target or str(manifest.spec.get("target", "target"))
        with waiting("measuring it again"):
            found, gate = remeasure(manifest, answers, arguments.rows, Path.cwd(), target)
    shown = ", ".join(
        f"{name} {figure_text(value)} (published: {_figure(manifest, name)})" for name, value in found.items()
    )
    tell(f"measured on {arguments.rows}: {shown}")
    return gate


def _figure(manifest: Manifest, name: str) -> str:
    return figure_text(manifest.metrics[name]) if name in manifest.metrics else "-"
