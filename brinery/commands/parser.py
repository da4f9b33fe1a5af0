"""The options of every `registry` subcommand. Its module, of the same name, is imported only when it runs."""

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brinery.output.arguments import port
from brinery.promotion.environment import SHARE

EXAMPLES = """\
examples:
  registry list                                  every version of every model
  registry list wine --json                      one model's versions, as JSON
  registry list wine --env-file .env             … with a mark at the one that is served
  registry show wine:7                           what version 7 is and how to serve it
  registry card wine:8 --open                    its model card in a browser, before it is promoted
  registry diff wine:7 wine:8                    what changed between two versions
  registry verify wine:7@sha256:…                hash everything again and replay the golden rows
  registry publish churn model.joblib --rows held_out.csv --target churned
                                                 a model that was fitted elsewhere becomes a version
  registry publish iris iris.onnx --rows held_out.csv --target species --classes setosa,versicolor,virginica
                                                 … from PyTorch, Keras, CatBoost or whatever exports ONNX
  registry promote wine:8@sha256:… --env-file .env
                                                 check it, record the decision, and set what compose serves
  registry promote wine:8@sha256:… --stack prod --wait
                                                 … what a stack on AWS serves, and follow it to the end
  registry promote wine:8@sha256:… --stack test --stack prod
                                                 … of several stacks, each only where the one before took it
  registry promote wine:8@sha256:… --env-file .env --challenger --share 0.1
                                                 … beside what is served, for a tenth of the requests
  registry rollback wine --env-file .env         back to what was served before
  registry log wine --env-file .env              the promotions that led there: when, who, from, to, why
  registry log                                   how many promotions of each model are recorded
  registry live wine --env-file .env --at 2026-11-01T12:00Z
                                                 what was served then
  registry doctor --env-file .env                whether the store keeps its promises, and what does not belong there
  registry jobs --stale 1 --send-again           jobs that have been queued for an hour, once more into the queue
  registry drift wine --log serve.log            whether what is served still looks like what training saw
  registry drift wine --log-group /aws/lambda/prod-serving --since 24h --page drift.html
                                                 … by the last day of a function, and as a page
  registry drift wine --run s3://out/run-12      … by the rows of a batch
  registry challenge wine --log serve.log        how a challenger compares, and whether that is enough to decide
  registry quality wine --log serve.log --labels labels.csv
                                                 how good answers were whose labels came later
  registry answered 8f507cfc-… --log serve.log --replay
                                                 which version answered what, and whether it would again
  registry site --open                           all models and versions in a browser, following the registry
  registry site --out s3://pages/models --runs s3://work/drift
                                                 … as files that need no server, with what drift pages say
  registry open --stack prod                     a stack's API in a browser, by requests that are signed as you

The registry is $MODEL_REGISTRY, else that of the stack, else the folder .registry here; --registry URL names another.
"""

REF = "as in wine:7 or wine:7@sha256:…"
STACK = "a stack made of infra/serving.yaml"
LONGEST_REASON = 1000


def make_parser() -> argparse.ArgumentParser:
    """What reads the command's arguments; `command` is the subcommand's name."""
    parser = argparse.ArgumentParser(
        prog="registry",
        description="Look at the versions in a registry, and promote them.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--registry", metavar="URL", help="s3://BUCKET[/PREFIX] or file:///FOLDER")
    common.add_argument("--json", action="store_true", help="print JSON, for machines")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, (help, example, add_options) in COMMANDS.items():
        epilog = f"example: registry {name} {example}"
        add_options(commands.add_parser(name, parents=[common], help=help, description=help, epilog=epilog))
    return parser


def _list(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", nargs="?", metavar="MODEL", help="a model's name; without it, all")
    command.add_argument("--all", action="store_true", help="show also older versions, of which each is read")
    _environment(command, required=False, what="whose version is marked as live")


def _reference(command: argparse.ArgumentParser) -> None:
    command.add_argument("reference", metavar="REF", help=REF)


def _show(command: argparse.ArgumentParser) -> None:
    command.add_argument("reference", metavar="REF", help=f"{REF}; or wine, for its newest version")


def _card(command: argparse.ArgumentParser) -> None:
    _reference(command)
    command.add_argument("--open", action="store_true", help="show it in a browser, in place of printing it")


def _verify(command: argparse.ArgumentParser) -> None:
    _reference(command)
    _trust(command)


def _trust(command: argparse.ArgumentParser) -> None:
    command.add_argument("--trust-bucket", action="store_true", help="load pickles that no digest vouches for")


def _diff(command: argparse.ArgumentParser) -> None:
    command.add_argument("before", metavar="REF", help=REF)
    command.add_argument("after", metavar="REF", help="the other one")
    _trust(command)


def _promote(command: argparse.ArgumentParser) -> None:
    _reference(command)
    _decision(command, "overrule a failed gate", several=True)
    against = command.add_mutually_exclusive_group()
    against.add_argument(
        "--challenger",
        action="store_true",
        help="have it challenge what is served, which stays: it answers unseen beside that, or --share of the requests",
    )
    against.add_argument("--no-challenger", action="store_true", help="end the challenge that there may be")
    command.add_argument(
        "--share", type=_share, metavar="SHARE", help="of requests that the challenger answers, from 0 to 1; default: 0"
    )
    command.add_argument(
        "--trust-bucket",
        action="store_true",
        help="take the digest that the bucket offers, where REF has none; recorded",
    )
    command.add_argument(
        "--rows", type=_given, metavar="FILE", help="measure it again on these rows, and hold its gate against that"
    )
    command.add_argument("--target", type=_given, metavar="COLUMN", help="the labels in FILE; default: as of training")


def _publish(command: argparse.ArgumentParser) -> None:
    _model(command)
    command.add_argument(
        "file",
        type=_path,
        metavar="FILE",
        help="a pickle of a fitted estimator, which loading runs, or an ONNX file, which is data",
    )
    command.add_argument("--rows", type=_given, required=True, metavar="DATA", help="held-out rows, CSV or Parquet")
    command.add_argument("--target", type=_given, required=True, metavar="COLUMN", help="the truth in DATA")
    command.add_argument("--train-rows", type=_given, metavar="DATA", help="the rows that it was fitted on")
    command.add_argument(
        "--gate", type=_rules, default={}, metavar="JSON", help='what it must reach: \'{"accuracy": {"min": 0.9}}\''
    )
    command.add_argument(
        "--classes",
        type=_classes,
        metavar="NAMES",
        help="what an ONNX file answers, in the order of its outputs: setosa,versicolor,virginica, or a JSON list; "
        "needed where neither file nor target says it",
    )
    command.add_argument("--interval", type=float, metavar="SHARE", help="how often an answer shall hold the truth")
    command.add_argument("--baseline", type=_given, metavar="REF", help="what no_worse_than_promoted compares with")
    command.add_argument("--description", default="", metavar="TEXT", help="what the model is for")


def _rules(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"it is not JSON: {exc}") from exc


def _classes(text: str) -> Any:
    return _rules(text) if text.startswith("[") else [each.strip() for each in _given(text).split(",")]


def _rollback(command: argparse.ArgumentParser) -> None:
    _model(command)
    _decision(command, "skip the load as serving would, not the hashes")


def _log(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", nargs="?", metavar="MODEL", help="a model's name; without one, all are counted")
    _environment(command, required=False, what="whose promotions are followed from the record that it holds")


def _live(command: argparse.ArgumentParser) -> None:
    _model(command)
    _environment(command)
    command.add_argument("--at", type=_moment, metavar="TIME", help="ISO 8601; without an offset, UTC; default: now")


def _doctor(command: argparse.ArgumentParser) -> None:
    named = "whose chain of records is followed; as often as there are such"
    command.add_argument(
        "--env-file", type=_path, action="append", default=[], dest="env_files", metavar="FILE", help=f"a file {named}"
    )
    command.add_argument(
        "--stack", type=_given, action="append", default=[], dest="stacks", metavar="NAME", help=f"a stack {named}"
    )


def _open(command: argparse.ArgumentParser) -> None:
    command.add_argument("--stack", type=_given, required=True, metavar="NAME", help=STACK)
    command.add_argument("--port", type=port, default=8088, metavar="PORT", help="on 127.0.0.1; default: 8088")


def _site(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out",
        type=_given,
        default="registry-site",
        metavar="PLACE",
        help="a folder, or s3://BUCKET[/PREFIX], where the pages go; default: registry-site",
    )
    command.add_argument(
        "--runs",
        type=_given,
        nargs="+",
        default=[],
        metavar="PLACE",
        help="folders, or s3://BUCKET[/PREFIX], with pages of drift and quality and runs of `score`, which are listed",
    )
    command.add_argument(
        "--open", action="store_true", help="serve the pages on 127.0.0.1, and follow the registry until Ctrl-C"
    )
    command.add_argument("--port", type=port, metavar="PORT", help="of --open; default: any that is free")
    _environment(command, required=False, what="whose version is marked as live")


def _jobs(command: argparse.ArgumentParser) -> None:
    command.add_argument("job", nargs="?", type=_given, metavar="JOB", help="the id of one; without it, all")
    where = "whose jobs are meant; default: those that $JOBS_QUEUE_URL, $JOBS_TABLE and $WORK_URL name"
    command.add_argument("--stack", type=_given, metavar="NAME", help=f"a stack {where}")
    command.add_argument(
        "--stale", type=_hours, metavar="HOURS", help="those that are queued for longer, which the queue may have lost"
    )
    command.add_argument(
        "--send-again",
        action="store_true",
        help="send the message of JOB, or of all that are stale, again: no harm is done",
    )


def _drift(command: argparse.ArgumentParser) -> None:
    _model(command)
    _logs(command).add_argument(
        "--run", type=_given, nargs="+", metavar="OUT", help="runs of `score`, by where they lie"
    )
    _told(command, "the version that is looked at; default: that of the newest line")


def _told(command: argparse.ArgumentParser, against: str) -> None:
    """Options of what is looked at, and of how else it is told."""
    command.add_argument("--against", type=_given, metavar="REF", help=against)
    command.add_argument("--page", type=_given, metavar="FILE", help="write a page, too; or s3://BUCKET/FOLDER")
    command.add_argument(
        "--metrics",
        type=_given,
        metavar="SERVICE",
        help="print what CloudWatch takes for metrics of that service on standard error, too",
    )


def _share(text: str) -> float:
    if not SHARE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{ascii(text)} is no share of requests; it must be from 0 to 1, such as 0.1")
    return float(text)


def _challenge(command: argparse.ArgumentParser) -> None:
    _model(command)
    _logs(command)
    command.add_argument(
        "--within",
        type=_within,
        default=0.02,
        metavar="SHARE",
        help="of the answers that may differ for the two to count as alike; default: 0.02",
    )


def _within(text: str) -> float:
    if not SHARE.fullmatch(text) or not 0 < float(text) < 1:
        raise argparse.ArgumentTypeError(f"{ascii(text)} is no share of answers above 0 and below 1, such as 0.02")
    return float(text)


def _quality(command: argparse.ArgumentParser) -> None:
    _model(command)
    _logs(command)
    command.add_argument(
        "--labels",
        type=_given,
        metavar="DATA",
        help="CSV or Parquet with the columns id and label: what rows really were; without it quality is estimated",
    )
    _told(command, "the version that is looked at; default: all in the window")


def _answered(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "request", type=_given, metavar="REQUEST_ID", help="as X-Request-Id of the answer says it, or the caller's own"
    )
    _logs(command)
    command.add_argument(
        "--replay",
        action="store_true",
        help="answer the same rows again by the version that answered; 3 where it differs",
    )


def _logs(command: argparse.ArgumentParser) -> Any:
    """Options that say which lines are looked at; the group of those that say where they are, of which one is given."""
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--log", type=_path, nargs="+", metavar="FILE", help="what serving printed, whatever is between")
    where.add_argument("--log-group", type=_given, nargs="+", metavar="NAME", help="log groups in CloudWatch")
    command.add_argument("--since", type=_ago, metavar="TIME", help="how far back: 90m, 24h, 7d; default: all there is")
    return where


def _ago(text: str) -> float:
    """Hours."""
    hours = {"m": 1 / 60, "h": 1.0, "d": 24.0}
    number, unit = text[:-1], text[-1:]
    if unit not in hours or not (number.isascii() and number.isdigit() and len(number) < 6 and int(number)):
        raise argparse.ArgumentTypeError(f"{ascii(text)} is no length of time, such as 90m, 24h or 7d")
    return int(number) * hours[unit]


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 <= hours <= 24 * 3650:
        raise argparse.ArgumentTypeError(f"{ascii(text)} is no number of hours, such as 1")
    return hours


def _model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="a model's name")


def _decision(command: argparse.ArgumentParser, forced: str, several: bool = False) -> None:
    _environment(command, several)
    command.add_argument("--reason", type=_reason, default="", metavar="TEXT", help="why, for the record")
    command.add_argument("--force", action="store_true", help=f"{forced}; needs --reason")
    command.add_argument("--wait", action="store_true", help="follow the stack's update to its end")


def _environment(
    command: argparse.ArgumentParser, several: bool = False, required: bool = True, what: str = ""
) -> None:
    """Options that name one environment, and `what` it is named for, or several stacks: `stack` is then a list."""
    about = f", {what}" if what else ""
    where = command.add_mutually_exclusive_group(required=required)
    where.add_argument(
        "--env-file", type=_path, metavar="FILE", help=f"the file that compose reads, such as .env{about}"
    )
    if several:
        more = "; as often as there are stacks, of which each waits for the one before, up to the first that fails"
        where.add_argument("--stack", type=_given, action="append", metavar="NAME", help=STACK + more)
    else:
        where.add_argument("--stack", type=_given, metavar="NAME", help=STACK + about)


def _given(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _path(text: str) -> Path:
    return Path(_given(text))


def _reason(text: str) -> str:
    """One line of text that can be shown anywhere."""
    line = " ".join(text.split())
    if not line.isprintable() or len(line) > LONGEST_REASON:
        raise argparse.ArgumentTypeError(f"it must be printable text of at most {LONGEST_REASON} characters")
    return line


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time, such as 2026-11-01T12:00Z") from exc


# What each is for, an example, and what adds its options.
COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "list": ("list versions, the newest first", "wine", _list),
    "show": ("show what a version is, or the newest of a model", "wine:7", _show),
    "card": ("print the model card of a version, or show it in a browser", "wine:7 --open", _card),
    "verify": ("hash all files of a version again and replay its golden rows", "wine:7@sha256:…", _verify),
    "diff": ("show what changed between two versions", "wine:7 wine:8", _diff),
    "publish": (
        "publish a model that was fitted elsewhere",
        "churn model.joblib --rows held_out.csv --target churned; "
        "registry publish iris iris.onnx --rows held_out.csv --target species --classes setosa,versicolor,virginica",
        _publish,
    ),
    "promote": ("check a version, record the decision, serve it", "wine:8@sha256:… --env-file .env", _promote),
    "rollback": ("serve what was served before", "wine --env-file .env", _rollback),
    "log": ("list the promotions that led to what is served", "wine --env-file .env", _log),
    "doctor": (
        "try what a registry relies on, and look for what is not of it",
        "--registry s3://models --env-file .env",
        _doctor,
    ),
    "jobs": ("list and show jobs, and send them again", "--stale 1 --stack prod", _jobs),
    "drift": (
        "tell whether what is served still looks like what training saw; exit code 3 where it does not",
        "wine --log serve.log --page drift.html",
        _drift,
    ),
    "challenge": (
        "tell how the challenger's answers compare with those of what is served, and whether that is enough to decide",
        "wine --log serve.log",
        _challenge,
    ),
    "quality": (
        "tell how good answers were whose labels came later; exit code 3 where they are worse",
        "wine --log serve.log --labels labels.csv --page quality.html",
        _quality,
    ),
    "answered": (
        "tell which version answered a captured request, to what and with what",
        "8f507cfc-… --log serve.log --replay",
        _answered,
    ),
    "site": (
        "write pages of all models, versions, promotions and comparisons, which need no server, or open them",
        "--open; registry site --out s3://pages/models --runs s3://work/drift --stack prod",
        _site,
    ),
    "open": ("a stack's API in a browser, by requests that are signed as you", "--stack prod", _open),
    "live": ("tell what is served, or was at a time", "wine --env-file .env --at 2026-11-01T12:00Z", _live),
}
