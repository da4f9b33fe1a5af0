"""Pages from a bucket are shown where they are as ours, and led away by nothing in them."""

import pytest

from brinery.output.page import page
from brinery.output.stored import BEGIN, POLICY, contained

OURS = page("a title", "<a> and <meta> in words", ["<p>text</p>"])


def test_page_of_ours_is_shown_with_the_policy_first() -> None:
    assert contained(OURS) == OURS.replace(BEGIN, BEGIN + POLICY)


@pytest.mark.parametrize(
    "tag",
    [
        '<meta http-equiv="refresh" content="0;url=http://other.example">',
        '<META charset="utf-8">',
        '<a href="http://other.example">sign in</a>',
        '<svg><A xlink:href="http://other.example"><text>x</text></A></svg>',
        "<a\nhref=//other>",
        "<base href=//other>",
        "<form action=//other>",
        "<iframe src=//other>",
    ],
)
def test_page_that_could_lead_elsewhere_is_refused(tag: str) -> None:
    assert contained(OURS.replace("<p>", f"{tag}<p>")) is None
    assert contained(f"{BEGIN}{tag}hi") is None


def test_page_that_begins_otherwise_is_refused() -> None:
    assert contained(f" {OURS}") is None and contained(OURS.lower().replace("doctype", "DOCTYPE")) is None
