"""Headers that tell a browser what it may do with an answer."""

from base64 import b64encode
from hashlib import sha256

_ALONE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

# Of every answer: it is what its content-type says, and nothing else.
NOSNIFF = {"x-content-type-options": "nosniff"}
_OF_PAGES = {**NOSNIFF, "referrer-policy": "no-referrer"}
# Of the card, which is HTML by whoever trained: it runs nothing, loads nothing, and is of no origin.
CARD = {
    **_OF_PAGES,
    "content-security-policy": f"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; {_ALONE}",
}


def page_headers(style: str, script: str) -> dict[str, str]:
    """Of our own page: it is styled by this, runs this, loads nothing, and asks nobody but its server."""
    policy = (
        f"default-src 'none'; style-src {_hashed(style)}; script-src {_hashed(script)}; connect-src 'self'; {_ALONE}"
    )
    return {**_OF_PAGES, "content-security-policy": policy}


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
