from html.parser import HTMLParser

from registry import Feature
from tests.examples import content
from training.card import render_card


def test_card_escapes_what_it_shows() -> None:
    evil = "<script>alert(1)</script>"
    features = (Feature(name=evil, kind="category", categories=(evil, "&")),)
    page = render_card(content("x", features, (evil, "b"), description=evil))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 3


def test_card_is_one_file_that_needs_no_other() -> None:
    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert not {"src", "href"} & {name for name, _ in attrs}

    features = (Feature(name="x", kind="number", minimum=0, maximum=1),)
    Links().feed(render_card(content("x", features, (0, 1))))
