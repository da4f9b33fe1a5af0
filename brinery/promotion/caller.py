"""Who runs a command, for the records."""

import getpass
import os
import socket
from collections.abc import Mapping

from brinery.versions.profiles import aws_region


def caller(environ: Mapping[str, str]) -> str | None:
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
        return str(boto3.client("sts", region_name=aws_region(environ), config=config).get_caller_identity()["Arn"])
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ValueError):
        return None


def user_and_host() -> str:
    """The user of this machine, as in `ann@laptop`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
