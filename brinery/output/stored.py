"""Stored pages: those that Brinery wrote to a bucket, whose writers may have put others there."""

import re

# As all pages of ours begin.
BEGIN = '<!doctype html>\n<html lang="en"><head>'
OWN = ('<meta charset="utf-8">', '<meta name="viewport" content="width=device-width, initial-scale=1">')
# A file that is opened has no server that says what it may do: it runs nothing and loads nothing.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">"
)
# What no page of ours has, and what could lead a reader elsewhere in spite of that policy.
LEADS = re.compile(r"<\s*/?\s*(?:meta|a|area|base|link|form|i?frame|frameset|object|embed)\b", re.IGNORECASE)


def contained(page: str) -> str | None:
    """A stored page with a policy before anything of it, or None where it is none of ours."""
    rest = page
    for tag in OWN:
        rest = rest.replace(tag, "", 1)
    if not page.startswith(BEGIN) or LEADS.search(rest):
        return None
    return page.replace(BEGIN, BEGIN + POLICY, 1)
