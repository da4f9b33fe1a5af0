"""The environment, read once by the entry points into a frozen object."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brinery.errors import SettingInvalid
from brinery.formats.choice import AUTO, FORMATS
from brinery.jobs.settings import JobSettings, job_settings
from brinery.versions.reference import RECORD
from brinery.versions.store import registry_url

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SHARE = re.compile(r"[0-9]{1,9}(\.[0-9]{0,20})?|\.[0-9]{1,20}")
LOG_GROUP = re.compile(r"[A-Za-z0-9_./#-]{1,512}")
MEGABYTE = 1024 * 1024
SWITCHES = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}


@dataclass(frozen=True)
class Settings:
    """What the serving image is told; an empty variable counts as unset."""

    registry: str
    model_name: str | None = None
    model_version: str | None = None
    model_record: str | None = None
    challenger_version: str | None = None
    challenger_share: float = 0.0
    require_pin: bool = False
    model_format: str = AUTO
    max_rows: int = 10_000
    max_body_bytes: int = 5 * 1024 * 1024
    log_level: str = "INFO"
    port: int = 8080
    jobs: JobSettings | None = None
    service: str | None = None  # what its metrics are of
    capture: float = 0.0  # share of requests that are logged with rows and answers …
    capture_log_group: str | None = None  # … in this log group, else on standard output
    collector: str | None = None  # where traces go


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read what the table of docs/serve.md lists, from MODEL_REGISTRY to PORT.

    Raises:
        SettingInvalid: the variable, its value and what is allowed.
    """
    batch = _batch_bytes(environ)
    return Settings(
        registry=registry_url(environ.get("MODEL_REGISTRY"), Path.cwd()),
        model_name=environ.get("MODEL_NAME") or None,
        model_version=environ.get("MODEL_VERSION") or None,
        model_record=_record(environ),
        challenger_version=environ.get("CHALLENGER_VERSION") or None,
        challenger_share=_share(environ, "CHALLENGER_SHARE"),
        require_pin=SWITCHES[_one_of(environ, "REQUIRE_PIN", "off", tuple(SWITCHES))],
        model_format=_one_of(environ, "MODEL_FORMAT", AUTO, (AUTO, *sorted(FORMATS, reverse=True))),
        max_rows=_positive(environ, "MAX_ROWS", batch or 10_000),
        max_body_bytes=_positive(environ, "MAX_BODY_BYTES", batch or 5 * MEGABYTE),
        log_level=_one_of(environ, "LOG_LEVEL", "INFO", LEVELS),
        port=_positive(environ, "PORT", 8080, 65535),
        jobs=job_settings(environ),
        collector=environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        service=environ.get("AWS_LAMBDA_FUNCTION_NAME") or None,
        capture=_share(environ, "CAPTURE"),
        capture_log_group=_log_group(environ),
    )


def _batch_bytes(environ: Mapping[str, str]) -> int:
    """The largest body that a transform job of SageMaker sends, in bytes, which holds no more rows; 0 in no such job.

    Source: Amazon SageMaker Developer Guide, use your own inference code with batch transform.
    """
    if environ.get("SAGEMAKER_BATCH") != "true":
        return 0
    told = environ.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "")
    return MEGABYTE * (int(told) if told.isascii() and told.isdigit() and 0 < len(told) < 4 and int(told) else 5)


def _record(environ: Mapping[str, str]) -> str | None:
    value = environ.get("MODEL_RECORD") or None
    if value is not None and not RECORD.fullmatch(value):
        raise SettingInvalid(f"MODEL_RECORD is {ascii(value)}; it must be the name of a record, as `promote` sets it")
    return value


def _share(environ: Mapping[str, str], variable: str) -> float:
    value = environ.get(variable) or "0"
    if not (SHARE.fullmatch(value) and float(value) <= 1):
        raise SettingInvalid(f"{variable} is {ascii(value)}; it must be a number from 0 to 1")
    return float(value)


def _log_group(environ: Mapping[str, str]) -> str | None:
    value = environ.get("CAPTURE_LOG_GROUP") or None
    if value is not None and not LOG_GROUP.fullmatch(value):
        raise SettingInvalid(f"CAPTURE_LOG_GROUP is {ascii(value)}; it must be the name of a log group in CloudWatch")
    return value


def _one_of(environ: Mapping[str, str], variable: str, default: str, allowed: tuple[str, ...]) -> str:
    value = environ.get(variable) or default
    for choice in allowed:
        if value.lower() == choice.lower():
            return choice
    raise SettingInvalid(f"{variable} is {ascii(value)}; it must be one of {', '.join(allowed)}")


def _positive(environ: Mapping[str, str], variable: str, default: int, most: int = 999_999_999) -> int:
    value = environ.get(variable) or str(default)
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and 0 < int(value) <= most):
        raise SettingInvalid(f"{variable} is {ascii(value)}; it must be a whole number from 1 to {most}")
    return int(value)
