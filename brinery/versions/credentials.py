"""Credentials of a container, from an endpoint that wants a token from the environment, as under Lambda's SnapStart.

obstore asks such an endpoint by itself where a file holds the token, and not where a variable does.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from time import sleep
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ValidationError

from brinery.errors import CredentialsUnavailable

if TYPE_CHECKING:
    from obstore.store import S3Credential

URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - the name of a variable
# Where one of these is set, obstore has its own way, which comes first.
OTHERS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
# Of ECS and EKS, beside the loopback addresses: elsewhere the token does not travel in the clear.
HOSTS = ("localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23")
TRIES = 3
SECONDS = 2.0
PAUSE = 0.2
MOST_BYTES = 64 * 1024


def container_credentials(environ: Mapping[str, str]) -> "ContainerCredentials | None":
    """What asks the container's endpoint, or None where the environment names none with a token, or another way."""
    if not (environ.get(URI) and environ.get(TOKEN)) or any(environ.get(name) for name in OTHERS):
        return None
    return ContainerCredentials(environ)


class _Given(BaseModel):
    """The endpoint's answer."""

    AccessKeyId: str
    SecretAccessKey: str
    Token: str
    Expiration: datetime


class ContainerCredentials:
    """A credential provider of obstore, which calls it anew five minutes before the credentials end."""

    def __init__(
        self, environ: Mapping[str, str], pause: Callable[[float], None] = sleep, seconds: float = SECONDS
    ) -> None:
        """A provider that reads the two variables at every call: they are others in a process that was restored.

        Args:
            pause: waits for some seconds.
            seconds: how long to wait for a connection, and for each piece of the answer.
        """
        self._environ = environ
        self._pause = pause
        self._seconds = seconds

    def __call__(self) -> "S3Credential":
        """Ask the endpoint, and again after faults that pass.

        Raises:
            CredentialsUnavailable: it may not be asked, does not answer, refuses, or answers something else.
        """
        address = address_of(self._environ.get(URI, ""))
        failed = ""
        for attempt in range(TRIES):
            if attempt:
                self._pause(PAUSE)
            try:
                status, body = _ask(address, self._environ.get(TOKEN, ""), self._seconds)
            except (OSError, HTTPException) as exc:
                failed = f"does not answer: {type(exc).__name__}: {exc}"
                continue
            if status == 200:
                return _credential(body)
            failed = f"answers {status}"
            if status < 500 and status != 429:
                break
        raise CredentialsUnavailable(f"the endpoint of credentials that {URI} names {failed}")


def address_of(uri: str) -> SplitResult:
    """The parts of a URI that may be asked: by https, or on this machine and at the addresses of ECS and EKS.

    Raises:
        CredentialsUnavailable: it is another.
    """
    try:
        parts = urlsplit(uri)
        allowed = (
            uri.isascii()
            and parts.port != 0
            and (parts.scheme == "https" or (parts.scheme == "http" and _is_near(parts.hostname)))
        )
    except ValueError:
        allowed = False
    if not allowed or not parts.hostname:
        raise CredentialsUnavailable(
            f"{URI} is {ascii(uri)}; it must begin with https://, or with http:// and a loopback address or one of "
            + ", ".join(HOSTS)
        )
    return parts


def _is_near(host: str | None) -> bool:
    try:
        return host in HOSTS or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _ask(address: SplitResult, token: str, seconds: float) -> tuple[int, bytes]:
    """The status and the body, of which no more is read than an answer may have."""
    if not (token.isascii() and token.isprintable()):
        raise CredentialsUnavailable(f"{TOKEN} holds letters that no header can")
    connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = connect(address.hostname or "", address.port, timeout=seconds)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    try:
        connection.request("GET", path, headers={"Accept": "application/json", "Authorization": token})
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES)
    finally:
        connection.close()


def _credential(body: bytes) -> "S3Credential":
    try:
        given = _Given.model_validate_json(body)
    except ValidationError:  # whose text would show the credentials
        raise CredentialsUnavailable(
            f"the endpoint of credentials that {URI} names answers no JSON of at most {MOST_BYTES} bytes "
            "with the texts AccessKeyId, SecretAccessKey and Token, and the time Expiration"
        ) from None
    end = given.Expiration
    return {
        "access_key_id": given.AccessKeyId,
        "secret_access_key": given.SecretAccessKey,
        "token": given.Token,
        "expires_at": end if end.tzinfo else end.replace(tzinfo=UTC),
    }
