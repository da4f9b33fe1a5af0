"""AWS's services: the clients, which are made when they are first used, and their errors as ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from brinery.errors import SettingInvalid, StoreUnavailable, words_of
from brinery.versions.profiles import aws_region

SECONDS = 3  # for a connection, and for an answer that is not waited for
TRIES = 3  # together less than a function has for a request, so that services that hang are a 503


def client(
    service: str,
    environ: Mapping[str, str],
    read_seconds: float = SECONDS,
    connect_seconds: float = SECONDS,
    tries: int = TRIES,
) -> Any:
    """boto3's client, by the standard AWS variables; importing it takes some 0.4 s of processor time.

    Raises:
        SettingInvalid: boto3 is not installed, or there is no region.
    """
    try:
        import boto3
        import botocore.config
        import botocore.exceptions
    except ImportError as exc:
        raise SettingInvalid(f"boto3 is not installed here; {service} needs it") from exc
    config = botocore.config.Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"total_max_attempts": tries, "mode": "standard"},
    )
    try:
        return boto3.session.Session(region_name=aws_region(environ)).client(service, config=config)
    except (botocore.exceptions.BotoCoreError, ValueError) as exc:
        raise SettingInvalid(f"{service} cannot be reached: {exc}") from exc


@contextmanager
def errors_of(doing: str) -> Iterator[None]:
    """Translate boto3's errors of what a job or a log asks for.

    Raises:
        StoreUnavailable: whatever was refused or not answered: worth another try, since nothing is done by halves.
    """
    import botocore.exceptions

    try:
        yield
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as exc:
        raise StoreUnavailable(f"{doing}: {words_of(exc)}") from exc
