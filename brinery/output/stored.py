"""Stored pages: those that Brinery wrote to a bucket, whose writers may have put others there."""

# As all pages of ours begin.
BEGIN = '<!doctype html>\n<html lang="en"><head>'
# A file that is opened has no server that says what it may do: it runs nothing and loads nothing.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">"
)
OWN_TAGS = 2  # of <meta: charset and viewport; another one could lead to another page


def contained(page: str) -> str | None:
    """A stored page with a policy before anything of it, or None where it is none of ours."""
    if not page.startswith(BEGIN) or page.lower().count("<meta") > OWN_TAGS:
        return None
    return page.replace(BEGIN, BEGIN + POLICY, 1)
