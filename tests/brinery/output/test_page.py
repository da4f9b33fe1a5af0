"""Pages: what is escaped, and what is HTML already."""

from brinery.output.page import page, section

EVIL = '<script>alert("&")</script>'
SHOWN = "&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;"


def test_page_escapes_its_title_and_description_and_leaves_sections_alone() -> None:
    made = page(EVIL, EVIL, ["<p>one</p>", "<p>two</p>"])
    assert made.count(SHOWN) == 3 and EVIL not in made
    assert "<p>one</p>\n<p>two</p>" in made
    assert "<script" not in made and "http" not in made.replace('charset="utf-8"', "")


def test_page_without_a_description_has_no_empty_paragraph() -> None:
    assert "<p>" not in page("t", "", [])


def test_table_has_a_heading_a_row_and_a_column() -> None:
    made = section("Models", ["model", "<gate>"], [("wine", EVIL), (EVIL, "passed")])
    assert '<th scope="col">model</th><th scope="col">&lt;gate&gt;</th>' in made
    assert f'<th scope="row">wine</th><td>{SHOWN}</td>' in made
    assert f'<th scope="row">{SHOWN}</th><td>passed</td>' in made
    assert "<table>" in made


def test_section_is_a_heading_and_a_table() -> None:
    assert section("A & B", ["x"], []).startswith('<h2>A &amp; B</h2>\n<div class="scroll" tabindex="0"><table><thead>')
