"""Downloads over https, and what a URL may show of itself."""

import base64
import hashlib
import http.client
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Buffer
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from brinery.errors import DataInvalid
from brinery.tables.bounds import DOWNLOAD_SECONDS, read_bounded

TRIES = 3
TIMEOUT_SECONDS = 30.0
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


USER = re.compile(r"(^|/)[^/@]*:[^/@]*@")
SIGNED = re.compile(r"\?.*(sig|token|key|secret|passw|credential|expires).*", re.IGNORECASE | re.DOTALL)


def shown(address: str) -> str:
    """An address as it may be shown, however it is mistyped: what looks like a password or a signature is left out."""
    return SIGNED.sub("?…", USER.sub(r"\1…@", address))


def without_secrets(url: str) -> str:
    """A URL without user, password, query and fragment, any of which may let its reader in.

    Raises:
        ValueError: this is no URL.
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def download(where: str, url: str, pause: float = 1.0) -> tuple[Buffer, str]:
    """The bytes at an https URL and their sha256; faults that pass are tried again after `pause` seconds, and longer.

    The certificates of $SSL_CERT_FILE count where it is set. A user and password in the URL are sent as basic
    authentication, and not to where it redirects.

    Raises:
        DataInvalid: there is no such page, no host or no trust in it, or it redirects to what is not https.
    """
    request = _request(where, url)
    opener = urllib.request.build_opener(_OnlyHttps)
    for attempt in range(TRIES):
        last = attempt == TRIES - 1
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                expected = response.length
                data = read_bounded(where, response, "to download", seconds=DOWNLOAD_SECONDS)
                if len(data) < (expected or 0):
                    raise http.client.IncompleteRead(data, expected - len(data))
            return data, hashlib.sha256(data).hexdigest()
        except urllib.error.HTTPError as exc:
            exc.close()
            if last or exc.code not in TRANSIENT:
                raise DataInvalid(f"{where}: the server answered {exc.code} {_short(exc.reason)}") from None
        except (OSError, http.client.HTTPException) as exc:
            if last or not _passes(exc):
                raise DataInvalid(f"{where} cannot be read: {_short(getattr(exc, 'reason', exc))}") from None
        time.sleep(pause * 2**attempt)
    raise AssertionError("the last try returns or raises")


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https":
            fp.close()
            raise _Downgrade(f"it redirects to {urlsplit(newurl).scheme}, and only https is followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Downgrade(http.client.HTTPException):
    pass


def _request(where: str, url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    try:
        request = urllib.request.Request(bare)  # noqa: S310, since the scheme is https
        _ = parts.port
    except ValueError:
        raise DataInvalid(f"{where} is no URL that can be read") from None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    return request


def _passes(exc: BaseException) -> bool:
    """Whether trying again may help: a name, a certificate or a redirect stays as wrong as it is."""
    reason = getattr(exc, "reason", exc)
    return not isinstance(reason, ssl.SSLCertVerificationError | socket.gaierror | _Downgrade | http.client.InvalidURL)


def _short(reason: object) -> str:
    text = " ".join(str(reason).split()) or type(reason).__name__
    return text.encode("ascii", "backslashreplace").decode()[:200]
