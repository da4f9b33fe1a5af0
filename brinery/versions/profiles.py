"""The registry as people's commands open it: with AWS profiles and SSO, through boto3, which serving has no need of."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from brinery.errors import SettingInvalid
from brinery.versions.store import Store, open_store, registry_url

if TYPE_CHECKING:
    from obstore.store import S3CredentialProvider


def open_registry(url: str | None, folder: Path, *, create: bool = False) -> Store:
    """Open the registry at `url`, else at $MODEL_REGISTRY, else the folder `.registry` inside `folder`.

    Args:
        create: make a folder registry's folder where there is none.

    Raises:
        SettingInvalid: the URL is not one of a registry, its folder is not there, or AWS_PROFILE cannot be used.
    """
    if url is not None and not isinstance(url, str):
        raise SettingInvalid(f"the registry is {str(url)[:80]!r}; it must be a URL, such as file:///folder, as a text")
    found = registry_url(url or os.environ.get("MODEL_REGISTRY"), folder)
    return open_store(found, create=create, credentials=profile_credentials(os.environ))


def aws_region(environ: Mapping[str, str]) -> str | None:
    """The region, for boto3, which by itself looks at the second of these variables alone."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")


def profile_credentials(environ: Mapping[str, str]) -> "S3CredentialProvider | None":
    """Credentials of the profile that AWS_PROFILE names, or None where it names none.

    Raises:
        SettingInvalid: boto3 is not installed, or the profile does not exist or gives no credentials.
    """
    profile = environ.get("AWS_PROFILE")
    if not profile:
        return None
    try:
        import boto3
        import botocore.exceptions
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as exc:
        raise SettingInvalid(f"AWS_PROFILE is {ascii(profile)}, and boto3 is not installed here to read it") from exc
    try:
        return Boto3CredentialProvider(boto3.session.Session(profile_name=profile))
    except (botocore.exceptions.BotoCoreError, ValueError) as exc:
        raise SettingInvalid(f"AWS_PROFILE is {ascii(profile)}: {exc}") from exc
