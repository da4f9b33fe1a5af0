"""AWS profiles and SSO for people's commands, through boto3; serving takes its role's credentials without it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from brinery.errors import SettingInvalid

if TYPE_CHECKING:
    from obstore.store import S3CredentialProvider


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
