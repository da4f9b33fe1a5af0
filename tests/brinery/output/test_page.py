"""Pages: what is escaped, and what is HTML already."""

from brinery.output.page import Html, html, name, page, section, table, two

EVIL = '<script>alert("&")</script>'
SHOWN = "&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;"


def test_text_is_escaped_once() -> None:
    assert html(EVIL) == SHOWN
    assert html(html(EVIL)) == SHOWN
    assert html(Html("<b>x</b>")) == "<b>x</b>"


def test_name_breaks_behind_its_separators_and_keeps_its_direction() -> None:
    assert name("a_b/c.d") == "<bdi>a_<wbr>b/<wbr>c.<wbr>d</bdi>"
    assert name(EVIL).startswith("<bdi>&lt;script&gt;") and "<script" not in name(EVIL)


def test_cell_of_two_lines_has_one_where_there_is_no_second() -> None:
    assert two("a<", "b<") == "a&lt;<small>b&lt;</small>"
    assert two("a<", "") == "a&lt;"


def test_page_escapes_its_title_and_description_and_leaves_sections_alone() -> None:
    made = page(EVIL, EVIL, ["<p>one</p>", "<p>two</p>"], style=".own { color: red }")
    assert made.count(SHOWN) == 3 and EVIL not in made
    assert "<p>one</p>\n<p>two</p>" in made and ".own { color: red }</style>" in made
    assert "<script" not in made and "http" not in made.replace('charset="utf-8"', "")


def test_page_without_a_description_has_no_empty_paragraph() -> None:
    assert "<p>" not in page("t", "", [])


def test_table_has_a_heading_a_row_and_a_column() -> None:
    made = table(["model", "<gate>"], [("wine", EVIL), (Html("<b>x</b>"), "passed")])
    assert '<th scope="col">model</th><th scope="col">&lt;gate&gt;</th>' in made
    assert f'<th scope="row">wine</th><td>{SHOWN}</td>' in made
    assert '<th scope="row"><b>x</b></th><td>passed</td>' in made
    assert "<table>" in made


def test_table_without_a_head_is_of_facts_unless_it_has_a_class_of_its_own() -> None:
    assert '<table class="facts"><tbody>' in table([], [("rows", "178")])
    assert '<table class="own"><tbody>' in table([], [("rows", "178")], css="own")


def test_section_is_a_heading_and_a_table() -> None:
    assert section("A & B", ["x"], []).startswith('<h2>A &amp; B</h2>\n<div class="scroll"><table><thead>')
