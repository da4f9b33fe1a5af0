"""Requests to an HTTP API that asks for signatures, signed as the caller's credentials say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from brinery.errors import EnvironmentFailed
from brinery.promotion.failures import aws_errors

SERVICE = "execute-api"


@dataclass(frozen=True)
class Signer:
    """Signs by the credentials that boto3 finds, which are renewed as they end; `region` is the API's."""

    session: Any
    region: str

    @classmethod
    def connect(cls, url: str, region: str | None = None) -> Self:
        """The signer for the API at `url`, as the standard AWS variables and profiles say.

        Raises:
            EnvironmentFailed: boto3 is not installed, or there are no credentials, or no region.
        """
        try:
            import boto3
        except ImportError as exc:
            raise EnvironmentFailed("boto3 is not installed here; signing requests needs it") from exc
        with aws_errors(f"sign requests to {url}"):
            session = boto3.session.Session(region_name=region)
            if session.get_credentials() is None:
                raise EnvironmentFailed(f"cannot sign requests to {url}: there are no AWS credentials")
        host = (urlsplit(url).hostname or "").split(".")
        named = host[2] if host[1:2] == [SERVICE] else session.region_name
        if not named:
            raise EnvironmentFailed(f"cannot sign requests to {url}: no region is set, such as AWS_REGION=eu-central-1")
        return cls(session, named)

    def signed(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers, and those that sign all of the request.

        Raises:
            EnvironmentFailed, EnvironmentSilent: the credentials could not be renewed.
        """
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        with aws_errors("renew the credentials"):
            try:
                credentials = self.session.get_credentials().get_frozen_credentials()
            except RuntimeError as exc:  # botocore's, of credentials that have ended
                raise ValueError(str(exc)) from exc
            SigV4Auth(credentials, SERVICE, self.region).add_auth(request)
        return dict(request.headers.items())
