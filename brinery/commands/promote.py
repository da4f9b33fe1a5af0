"""The commands that promote and roll back."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from brinery.commands.log import AddCommand, entry_as_json
from brinery.errors import (
    DigestMismatch,
    EnvironmentSilent,
    PromotionRefused,
    SettingInvalid,
    VersionMissing,
)
from brinery.loading.servable import ServingCheck
from brinery.output.progress import progress
from brinery.promotion.caller import caller, user_and_host
from brinery.promotion.env_file import EnvFile
from brinery.promotion.environment import add_environment, environment_of
from brinery.promotion.promote import Decision, conclude, current, promote, rollback_target, settle
from brinery.promotion.records import Action, Entry, Promotion, history, outcomes
from brinery.promotion.stack import Stack
from brinery.versions.catalog import find_manifest
from brinery.versions.manifest import Manifest
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store

LONGEST_REASON = 1000


def add_promotion_commands(command: AddCommand) -> None:
    """Add promote and rollback to the `registry` command."""
    promoting = command(
        "promote", _promote, "check a version, record the decision, serve it", "registry promote wine:8 --env-file .env"
    )
    promoting.add_argument("reference", metavar="REF", help="as in wine:8 or wine:8@sha256:…")
    back = command("rollback", _rollback, "serve what was served before", "registry rollback wine --env-file .env")
    back.add_argument("model", metavar="MODEL", help="a model's name")
    for each, forced in (
        (promoting, "overrule a failed gate"),
        (back, "skip the load as serving would, not the hashes"),
    ):
        add_environment(each, required=True)
        each.add_argument("--reason", type=_reason, default="", metavar="TEXT", help="why, for the record")
        each.add_argument("--force", action="store_true", help=f"{forced}; needs --reason")
        each.add_argument("--wait", action="store_true", help="follow the stack's update and record its outcome")


def _promote(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    environment, asked = _environment(store, arguments), Reference.parse(arguments.reference)
    with ServingCheck() as check:
        known = history(store, asked.name)
        current(store, asked.name, environment)  # refused here, before the check takes its time
        manifest, digest = find_manifest(store, asked)
        reference = Reference(manifest.name, manifest.version, digest)
        return _decide(store, manifest, reference, environment, arguments, "promote", check, known)


def _rollback(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    name, environment = check_name(arguments.model), _environment(store, arguments)
    with ServingCheck() as check:
        with environment.exclusive():
            pinned = current(store, name, environment)
            known = settle(store, history(store, name), environment.name, pinned)
        before = rollback_target(known, environment.name, name, pinned, lambda reference: _is_there(store, reference))
        manifest, digest = find_manifest(store, before)
        reference = Reference(manifest.name, manifest.version, digest)
        return _decide(store, manifest, reference, environment, arguments, "rollback", check, known)


def _decide(
    store: Store,
    manifest: Manifest,
    reference: Reference,
    environment: EnvFile | Stack,
    arguments: argparse.Namespace,
    action: Action,
    check: ServingCheck,
    known: Sequence[Entry],
) -> tuple[Any, str]:
    if isinstance(environment, Stack) and environment.registry not in (None, store.url):
        print(
            f"registry: warning: stack {environment.stack} reads {environment.registry}, "
            f"and this version is in {store.url}",
            file=sys.stderr,
        )

    def check_shown(store: Store, manifest: Manifest, reference: Reference) -> str | None:
        (error,) = [check(store, manifest, reference) for _ in progress([check], "loading it as serving would")]
        return error

    decision = _decision(store, arguments, action)
    entry = promote(store, manifest, reference, environment, decision, check_shown, known)
    if entry is None:
        result = {"reference": str(reference), "environment": environment.name, "changed": False}
        return result, f"{environment.name} serves {reference} already"
    entries = history(store, reference.name, known)
    if arguments.wait and isinstance(environment, Stack) and environment.updating:
        try:
            succeeded, detail = environment.wait(reference, _tell)
        except KeyboardInterrupt:
            raise EnvironmentSilent(
                f"interrupted; the update of {environment.name} goes on, and the next promotion records its outcome"
            ) from None
        entries = conclude(store, entry, entries, succeeded=succeeded, detail=detail)
        if not succeeded:
            raise PromotionRefused(f"{environment.name} does not serve {reference}: {detail}")
    outcome = outcomes(entries).get(entry.record.number)
    was = entry.record.entry.was if isinstance(entry.record.entry, Promotion) else None
    lines = [f"{environment.name}: {was or 'nothing'} -> {reference}, record {entry.record.number}"]
    if isinstance(environment, EnvFile):
        serve = (
            "docker compose up -d serve"
            if store.url.startswith("s3:")
            else f"uv run --env-file {environment.path} serve"
        )
        lines.append(f"from {store.url}; it takes effect with the next `{serve}`")
    elif outcome is None:
        lines.append("the update has begun; --wait would have followed it to its end")
    else:
        ended = "succeeded" if outcome.succeeded else "failed"
        lines.append(f"{ended}: {outcome.detail}" if outcome.detail else ended)
    return entry_as_json(entry, outcomes(entries)) | {"changed": True}, "\n".join(lines)


def _is_there(store: Store, reference: Reference) -> bool:
    try:
        find_manifest(store, reference)
    except (VersionMissing, DigestMismatch):
        return False
    return True


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever reads may go away; the outcome is recorded all the same
        print(line, file=sys.stderr, flush=True)


def _environment(store: Store, arguments: argparse.Namespace) -> EnvFile | Stack:
    if arguments.force and not arguments.reason:
        raise SettingInvalid("--force needs a --reason, which is recorded")
    return environment_of(store, arguments)


def _decision(store: Store, arguments: argparse.Namespace, action: Action) -> Decision:
    remote = bool(arguments.stack) or store.url.startswith("s3:")
    by = (caller(os.environ) if remote else None) or user_and_host()
    return Decision(by=by, action=action, reason=arguments.reason, forced=arguments.force)


def _reason(text: str) -> str:
    """One line of text that can be shown anywhere."""
    line = " ".join(text.split())
    if not line.isprintable() or len(line) > LONGEST_REASON:
        raise argparse.ArgumentTypeError(f"it must be printable text of at most {LONGEST_REASON} characters")
    return line
