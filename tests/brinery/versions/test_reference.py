import pytest

from brinery.errors import ReferenceInvalid
from brinery.versions.reference import Reference

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wine:7", Reference("wine", 7)),
        (f"wine:7@sha256:{DIGEST}", Reference("wine", 7, DIGEST)),
        ("wine-alcohol:999999", Reference("wine-alcohol", 999999)),
        ("a.b_c-d0:1", Reference("a.b_c-d0", 1)),
    ],
)
def test_reference_parses_and_prints_alike(text: str, expected: Reference) -> None:
    assert Reference.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "wine", "wine:", ":7", "wine:0", "wine:07", "wine:-1", "wine:1.0", "wine:1000000", "wine:latest"),
        *("wine:٧", "wine:7 ", " wine:7", "wine:7\n", "wine:7@", "wine:7@sha256:", f"wine:7@sha256:{DIGEST}0"),
        *(f"wine:7@sha256:{DIGEST.upper()}", f"wine:7@md5:{DIGEST}", f"wine:7@{DIGEST}"),
        *("../wine:7", "wine/../x:7", "/wine:7", "wine\x00:7", "Wine:7", "wíne:7", "wine\u202e:7", "\ud800:7"),
        *(".:7", "..:7", "-wine:7", "wine-:7", "wine..x:7", f"{'w' * 64}:7", "wine:../7", "wine:7/../8"),
    ],
)
def test_reference_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ReferenceInvalid) as caught:
        Reference.parse(text)
    assert str(caught.value).isascii()


def test_reference_without_version_says_what_to_write() -> None:
    with pytest.raises(ReferenceInvalid, match="reference 'wine' has no version; write wine:VERSION"):
        Reference.parse("wine")


def test_reference_latest_is_no_version() -> None:
    with pytest.raises(ReferenceInvalid, match="'latest' is not a version: promoting is a decision"):
        Reference.parse("wine:latest")
