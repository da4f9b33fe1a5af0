"""The filters of the card's templates."""

from brinery.assessment.card.templates import name

EVIL = '<script>alert("&")</script>'


def test_name_breaks_behind_its_separators_and_keeps_its_direction() -> None:
    assert name("a_b/c.d") == "<bdi>a_<wbr>b/<wbr>c.<wbr>d</bdi>"
    assert name(EVIL).startswith("<bdi>&lt;script&gt;") and "<script" not in name(EVIL)
