"""Headers that tell a browser what it may do with an answer."""

from base64 import b64encode
from hashlib import sha256

from brinery.output.page import STYLE

_OUR_STYLE = b64encode(sha256(STYLE.encode()).digest()).decode()
_ALONE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

# Of every answer: it is what its content-type says, and nothing else.
NOSNIFF = {"x-content-type-options": "nosniff"}
_OF_PAGES = {**NOSNIFF, "referrer-policy": "no-referrer"}
# Of our own pages: they have one style, load nothing and run nothing.
PAGE = {**_OF_PAGES, "content-security-policy": f"default-src 'none'; style-src 'sha256-{_OUR_STYLE}'; {_ALONE}"}
# Of the card, which is HTML by whoever trained: it runs nothing, loads nothing, and is of no origin.
CARD = {
    **_OF_PAGES,
    "content-security-policy": f"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; {_ALONE}",
}
