"""The commands that promote, roll back, and read the book of promotions."""

import argparse
import contextlib
import getpass
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from registry.env_file import EnvFile
from registry.errors import (
    ChainBroken,
    DigestMismatch,
    EnvironmentSilent,
    PromotionRefused,
    SettingInvalid,
    VersionMissing,
)
from registry.lookup import find_manifest
from registry.manifest import Manifest, utc_text
from registry.progress import progress
from registry.promote import Decision, conclude, current, promote, rollback_target, settle
from registry.promotions import Entry, Promotion, history, live, outcomes
from registry.reference import Reference, check_name
from registry.servable import ServingCheck
from registry.stack import Stack
from registry.store import Store
from registry.table import table

MODEL = "a model's name"
LONGEST_REASON = 1000
MOST_SHOWN = 80
AddCommand = Callable[[str, Callable[..., Any], str, str], argparse.ArgumentParser]


def add_promotion_commands(command: AddCommand) -> None:
    """Add promote, rollback, log and live to the `registry` command."""
    promoting = command(
        "promote", _promote, "check a version, record the decision, serve it", "registry promote wine:8 --env-file .env"
    )
    promoting.add_argument("reference", metavar="REF", help="as in wine:8 or wine:8@sha256:…")
    back = command("rollback", _rollback, "serve what was served before", "registry rollback wine --env-file .env")
    back.add_argument("model", metavar="MODEL", help=MODEL)
    for each, forced in (
        (promoting, "overrule a failed gate"),
        (back, "skip the load as serving would, not the hashes"),
    ):
        _add_where(each, required=True)
        each.add_argument("--reason", type=_reason, default="", metavar="TEXT", help="why, for the record")
        each.add_argument("--force", action="store_true", help=f"{forced}; needs --reason")
        each.add_argument("--wait", action="store_true", help="follow the stack's update and record its outcome")
    log = command("log", _log, "list every promotion of a model", "registry log wine --verify")
    log.add_argument("model", metavar="MODEL", help=MODEL)
    log.add_argument("--verify", action="store_true", help="check also that what was promoted is in the registry")
    _add_where(log, required=False, help="with --verify: check also that it is set to what the records say, ")
    at = command(
        "live", _live, "tell what was served, by the records alone", "registry live wine --at 2026-11-01T12:00Z"
    )
    at.add_argument("model", metavar="MODEL", help=MODEL)
    at.add_argument("--at", type=_moment, metavar="TIME", help="ISO 8601; without an offset, UTC; default: now")


def _add_where(command: argparse.ArgumentParser, *, required: bool, help: str = "") -> None:
    where = command.add_mutually_exclusive_group(required=required)
    where.add_argument(
        "--env-file", type=_path, metavar="FILE", help=f"{help}the file that compose reads, such as .env"
    )
    where.add_argument("--stack", type=_given, metavar="NAME", help=f"{help}a stack made of infra/template.yaml")


def registry_of_stack(arguments: argparse.Namespace) -> str | None:
    """The URL of the registry that the stack reads, where the command names a stack and that tells."""
    stack: str | None = getattr(arguments, "stack", None)
    return Stack(stack, os.environ).registry if stack else None


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
        before = rollback_target(known, environment.name, name, pinned)
        try:
            manifest, digest = find_manifest(store, before)
        except (VersionMissing, DigestMismatch) as exc:
            raise PromotionRefused(
                f"{environment.name} served {before} before, which is not in {store.url}: {exc}"
            ) from exc
        reference = Reference(manifest.name, manifest.version, digest)
        return _decide(store, manifest, reference, environment, arguments, "rollback", check, known)


def _decide(
    store: Store,
    manifest: Manifest,
    reference: Reference,
    environment: EnvFile | Stack,
    arguments: argparse.Namespace,
    action: str,
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
    entries = history(store, reference.name)
    if arguments.wait and isinstance(environment, Stack) and entry.record.number not in outcomes(entries):
        try:
            succeeded, detail = environment.wait(reference, _tell)
        except KeyboardInterrupt:
            raise EnvironmentSilent(
                f"interrupted; the update of {environment.name} goes on, and the next promotion records its outcome"
            ) from None
        conclude(store, entry, succeeded=succeeded, detail=detail)
        if not succeeded:
            raise PromotionRefused(f"{environment.name} does not serve {reference}: {detail}")
        entries = history(store, reference.name)
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
        lines.append(f"succeeded{': ' if outcome.detail else ''}{outcome.detail}")
    return _as_json(entry, outcomes(entries)) | {"changed": True}, "\n".join(lines)


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever reads may go away; the outcome is recorded all the same
        print(line, file=sys.stderr, flush=True)


def _log(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    entries = history(store, check_name(arguments.model))
    known = outcomes(entries)
    promotions = [entry for entry in entries if isinstance(entry.record.entry, Promotion)]
    found = [_as_json(entry, known) for entry in promotions]
    if arguments.verify:
        for each in found:
            find_manifest(store, Reference.parse(each["to"]))
        if arguments.env_file or arguments.stack:
            _check_last(store, entries, arguments)
    elif arguments.env_file or arguments.stack:
        raise SettingInvalid("--env-file and --stack go with --verify")
    if not found:
        return [], f"{arguments.model} was never promoted"
    head = ["RECORD", "WHEN", "ACTION", "FROM", "TO", "WHERE", "BY", "OUTCOME", "WHY"]
    rows = [
        [
            str(each["number"]),
            each["at"],
            each["action"] + (" (forced)" if each["forced"] else ""),
            _short(each["from"]),
            _short(each["to"]),
            each["environment"],
            each["by"],
            _cell(each["outcome"] + (f": {each['detail']}" if each["detail"] else "")),
            _cell(each["reason"] or "-"),
        ]
        for each in found
    ]
    lines = [table(head, rows)]
    if arguments.verify:
        count = f"{len(entries)} records, {len(found)} promotions with their outcomes"
        lines += ["", f"{count}, follow each other unaltered; the last one is sha256:{entries[-1].digest}"]
        if arguments.env_file or arguments.stack:
            lines.append(f"{arguments.env_file or arguments.stack} is set to what they say")
    return found, "\n".join(lines)


def _check_last(store: Store, entries: Sequence[Entry], arguments: argparse.Namespace) -> None:
    """Hold what an environment is set to against the records: the chain alone cannot tell that its end is missing."""
    environment = _where(store, arguments)
    pinned, recorded = environment.current(arguments.model), live(entries, environment.name)
    if pinned != recorded:
        raise ChainBroken(
            f"{environment.name} is set to {pinned or 'nothing'}, and by the records to {recorded or 'nothing'}: "
            "the last records are missing, or it was set without `registry promote`"
        )


def _live(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    entries = history(store, check_name(arguments.model))
    at: datetime | None = arguments.at
    last = {
        record.entry.environment: record.number
        for record, _ in entries
        if isinstance(record.entry, Promotion) and (at is None or record.at <= at)
    }
    found = {name: live(entries, name, at) for name in last}
    served = {name: str(reference) for name, reference in found.items() if reference is not None}
    when = f"at {utc_text(at)}" if at else "now"
    if not served:
        return {}, f"no record says that {arguments.model} was served anywhere {when}"
    known = outcomes(entries)
    rows = [[name, ref + ("" if last[name] in known else "  (outcome not recorded)")] for name, ref in served.items()]
    return served, table(["WHERE", f"SERVED {when.upper()}"], rows)


def _environment(store: Store, arguments: argparse.Namespace) -> EnvFile | Stack:
    if arguments.force and not arguments.reason:
        raise SettingInvalid("--force needs a --reason, which is recorded")
    return _where(store, arguments)


def _where(store: Store, arguments: argparse.Namespace) -> EnvFile | Stack:
    if arguments.stack:
        return Stack(arguments.stack, os.environ)
    return EnvFile(arguments.env_file, socket.gethostname() if store.url.startswith("s3:") else "")


def _decision(store: Store, arguments: argparse.Namespace, action: str) -> Decision:
    remote = bool(arguments.stack) or store.url.startswith("s3:")
    by = (_caller(os.environ) if remote else None) or _user_and_host()
    return Decision(by=by, action=action, reason=arguments.reason, forced=arguments.force)


def _caller(environ: Mapping[str, str]) -> str | None:
    """The ARN of who is calling, from STS; None where it does not answer, or where S3 alone is a local service."""
    if environ.get("AWS_ENDPOINT_URL_S3") and not (
        environ.get("AWS_ENDPOINT_URL_STS") or environ.get("AWS_ENDPOINT_URL")
    ):
        return None
    try:
        import boto3
        import botocore.config
        import botocore.exceptions
    except ImportError:
        return None
    try:
        config = botocore.config.Config(connect_timeout=3, read_timeout=3, retries={"total_max_attempts": 2})
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
        return str(boto3.client("sts", region_name=region, config=config).get_caller_identity()["Arn"])
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ValueError):
        return None


def _user_and_host() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _as_json(entry: Entry, known: Mapping[int, Any]) -> dict[str, Any]:
    record, promotion = entry.record, entry.record.entry
    assert isinstance(promotion, Promotion)  # noqa: S101
    outcome = known.get(record.number)
    return {
        "number": record.number,
        "at": utc_text(record.at),
        "action": promotion.action,
        "forced": promotion.forced,
        "from": promotion.was,
        "to": promotion.to,
        "environment": promotion.environment,
        "by": promotion.by,
        "reason": promotion.reason,
        "outcome": "not recorded" if outcome is None else "succeeded" if outcome.succeeded else "failed",
        "detail": outcome.detail if outcome else "",
        "sha256": entry.digest,
    }


def _short(reference: str | None) -> str:
    if reference is None:
        return "-"
    version, _, digest = reference.partition("@sha256:")
    return version + (f"@{digest[:8]}…" if digest else "")


def _cell(text: str) -> str:
    """A cell of a table; the whole text is in --json."""
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time, such as 2026-11-01T12:00Z") from exc


def _reason(text: str) -> str:
    """One line of text that can be shown anywhere."""
    line = " ".join(text.split())
    if not line.isprintable() or len(line) > LONGEST_REASON:
        raise argparse.ArgumentTypeError(f"it must be printable text of at most {LONGEST_REASON} characters")
    return line


def _given(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _path(text: str) -> Path:
    return Path(_given(text))
