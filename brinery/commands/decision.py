"""What promote and rollback share: a decision is taken, carried out, followed and told."""

import contextlib
import os
from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from brinery.commands.environment import Connect
from brinery.commands.log import as_json
from brinery.errors import BrineryError, EnvironmentSilent, PromotionRefused, SettingInvalid
from brinery.formats.runtimes import DEFAULT, image_for
from brinery.output.progress import waiting
from brinery.output.write import say
from brinery.promotion.caller import caller, user_and_host
from brinery.promotion.chain import Link
from brinery.promotion.environment import Environment, Held, State
from brinery.promotion.promote import Check, Decision, promote
from brinery.versions.catalog import find_version
from brinery.versions.read import Published
from brinery.versions.store import Store

OpenCheck = Callable[[], AbstractContextManager[Check]]


def decided_environment(store: Store, arguments: Namespace, connect: Connect) -> Environment:
    """The environment that is to be set.

    Raises:
        SettingInvalid: something is to be overruled, and no reason is given.
        PromotionRefused: it reads another registry than this one.
    """
    if arguments.force and not arguments.reason:
        raise SettingInvalid("--force needs a --reason, which is recorded")
    environment = connect(store, arguments)
    reads = environment.registry
    if reads not in (None, store.url):
        told = f"{environment.name} reads {reads}, and this version is in {store.url}"
        if not arguments.force:
            raise PromotionRefused(f"{told}; unset MODEL_REGISTRY, or name it by --registry, or --force")
        warn(told)
    return environment


def settled(environment: Environment, model: str) -> Held:
    """What the environment holds.

    Raises:
        PromotionRefused: it cannot be changed now.
    """
    held = environment.held(model)
    if held.unsettled:
        raise PromotionRefused(held.unsettled)
    return held


def decide(
    store: Store, published: Published, environment: Environment, decision: Decision, check: Check, wait: bool
) -> tuple[Any, str]:
    """Promote a version, and tell what came of it; arguments and errors as of `promote`."""

    def check_shown(store: Store, published: Published) -> str | None:
        with waiting("loading it as serving would"):
            return check(store, published)

    link = promote(store, published, environment, decision, check_shown)
    ended = _followed(environment, link) if wait else None
    lines = [
        f"{environment.name}: {decision.held.text} -> {link.record.state}, record {link.name}",
        environment.next_step(store.url, ended),
        *_image(store, published, decision.state),
    ]
    return as_json(link) | {"changed": True}, "\n".join(lines)


def _image(store: Store, published: Published, state: State) -> list[str]:
    """Which image serves it, where that is not the usual one: the version, and the challenger where one can do both."""
    runtimes, challenger = published.manifest.runtimes, state.challenger
    if challenger is not None:
        other = state.reference if published.reference == challenger else challenger
        try:
            of_other = find_version(store, other).manifest.runtimes
        except BrineryError:  # it is left out, and the decision is carried out already
            of_other = runtimes
        both = [each for each in runtimes if each in of_other]
        if not both:
            ours = runtimes if published.reference == state.reference else of_other
            served = f"no image can serve both; that of RUNTIME={image_for(ours)} serves {state.reference}"
            return [f"{served}, and leaves the challenger out"]
        runtimes = tuple(both)
    image = image_for(runtimes)
    return [f"its image is that of RUNTIME={image}"] if image != DEFAULT else []


def by(store: Store, arguments: Namespace) -> str:
    """Who decides, for the record."""
    remote = bool(arguments.stack) or store.url.startswith("s3:")
    return (caller(os.environ) if remote else None) or user_and_host()


def warn(message: str) -> None:
    """A line on standard error; whoever reads may go away, and the decision is carried out all the same."""
    with contextlib.suppress(OSError):
        say(f"registry: warning: {message}")


def _followed(environment: Environment, link: Link) -> str | None:
    """How the promotion ended, where there was something to wait for."""
    try:
        end = environment.follow(link.name, tell)
    except KeyboardInterrupt:
        raise EnvironmentSilent(
            f"interrupted; the update of {environment.name} goes on, and `registry live` tells what came of it"
        ) from None
    if end is None:
        return None
    succeeded, detail = end
    if not succeeded:
        raise PromotionRefused(f"{environment.name} does not serve {link.record.state}: {detail}")
    return f"succeeded: {detail}"


def tell(line: str) -> None:
    """A line on standard error, which nobody need read."""
    with contextlib.suppress(OSError):
        say(line)
