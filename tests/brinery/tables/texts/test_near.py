"""Columns that are numbers or dates to people and spelled in no way that is known: refused, or read; others are not."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from brinery.rows.feature import Kind
from tests.brinery.tables.reading import Found, read_bytes

DAYS = [date(2024, 1, 5) + timedelta(days=37 * i) for i in range(24)]
NAMES = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()
UNITS = ("kg", "g", "lb", "oz", "ml", "l")


def read_column(folder: Path, cells: list[str], **spelling: Any) -> Found:
    """Read a file of 240 rows, with a column "c" and one of texts."""
    rows = "".join(f"{cell};{'uv'[i % 2]}\n" for i, cell in enumerate(cells * (240 // len(cells))))
    return read_bytes(folder, f"c;t\n{rows}".encode(), **spelling)


def days(form: str) -> list[str]:
    return [day.strftime(form) for day in DAYS]


def numbers(form: str) -> list[str]:
    return [form.format(i) for i in range(11, 35)]


# By name: the cells, what is to be done about them, and a format that the sentence names and that reads them.
REFUSED_DATES: dict[str, tuple[list[str], str | None]] = {
    "months": (days("%Y-%m"), "%Y-%m"),
    "months by name": (days("%b %Y"), "%b %Y"),
    "months by long names": (days("%B %Y"), "%B %Y"),
    "months in front": (days("%m/%Y"), "%m/%Y"),
    "offsets behind": (days("%d/%m/%Y 13:05:00 +0200"), "%d/%m/%Y %H:%M:%S %z"),
    "UTC behind": (days("%d/%m/%Y 13:05:00 UTC"), "%d/%m/%Y %H:%M:%S UTC"),
    "ISO 8601 without marks": (days("%Y%m%dT100000"), "%Y%m%dT%H%M%S"),
    "weekdays": (days("%A, %d %B %Y"), "%A, %d %B %Y"),
    "as C writes them": (days("%a %b %d 10:00:00 %Y"), "%a %b %d %H:%M:%S %Y"),
    "as HTTP writes them": (days("%a, %d %b %Y 10:00:00 GMT"), "%a, %d %b %Y %H:%M:%S GMT"),
    "halves of days": (days("%m/%d/%Y 01:05 PM"), "%m/%d/%Y %I:%M %p"),
    "American": (days("%B %d, %Y"), "%B %d, %Y"),
    "of databases": (days("%d%b%Y"), "%d%b%Y"),
    "of Excel": (days("%b-%y"), "%b-%y"),
    "German": ([f"{day.day}. {NAMES[day.month - 1]} {day.year}" for day in DAYS], None),
    "Spanish": ([f"{1 + i % 28} de enero de 2024" for i in range(24)], None),
    "without a year": (days("%d-%b"), None),
    "weeks": (days("%G-W%V"), None),
    "quarters": ([f"{day.year} Q{1 + day.month // 4}" for day in DAYS], None),
    "times of day": ([f"{1 + i % 12}:{10 + i} PM" for i in range(24)], None),
    "times of 24 hours": ([f"{i:02}:{10 + i}" for i in range(24)], None),
    "zones by name": (days("%Y-%m-%d 10:00:00 Europe/Berlin"), None),
    "what is not seen": ([f"{day}\u200b" for day in days("%Y-%m-%d")], None),
}


@pytest.mark.parametrize("name", REFUSED_DATES)
def test_column_of_dates_is_refused_and_the_hint_works(tmp_path: Path, name: str) -> None:
    cells, form = REFUSED_DATES[name]
    problem = read_column(tmp_path, cells).problems["c"]
    assert "which look like dates; " in problem and 'or name it in kinds as "category"' in problem
    hinted = re.search(r'"dates": "([^"]+)"', problem)
    assert (hinted and hinted[1]) == form
    if form is not None:
        found = read_column(tmp_path, cells, dates=form)
        assert not found.problems and pd.api.types.is_datetime64_any_dtype(found.frame["c"])
    assert read_column(tmp_path, cells, kinds={"c": "category"}).frame["c"].tolist()[:24] == cells


REFUSED_NUMBERS: dict[str, tuple[list[str], str]] = {
    "dollars of a country": (numbers("C${}"), "without the currency"),
    "rupees": (numbers("Rs. {}"), "without the currency"),
    "krona": (numbers("{} kr"), "without the currency"),
    "lakhs": (numbers("{},34,567"), '"thousands": ","'),
    "vulgar fractions": (numbers("{}½"), "write the fractions as decimals"),
    "footnotes": (numbers("{} [1]"), "without the marks of footnotes"),
    "underscores": (numbers("{}_002"), "without underscores"),
    "what is not seen": (numbers("{}\u200b"), "take out the character U+200B"),
    "many units": ([f"{i} {UNITS[i % 6]}" for i in range(11, 35)], "without the unit"),
    "Arabic digits": (["١٢", "١٣", "١٤"], "with the digits 0 to 9"),
    "full-width digits": (["１２", "１３", "１４,５"], "with the digits 0 to 9"),
    "typographic apostrophes": (numbers("{}’215"), '"thousands": "\'"'),
}


@pytest.mark.parametrize("name", REFUSED_NUMBERS)
def test_column_of_numbers_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    cells, do = REFUSED_NUMBERS[name]
    problem = read_column(tmp_path, cells).problems["c"]
    assert "which look like numbers; " in problem and do in problem and 'or name it in kinds as "category"' in problem


READ: dict[str, tuple[list[str], dict[str, Any], list[Any]]] = {
    "lakhs": (["18,34,567", "1,234", "12"], {"thousands": ","}, [1834567, 1234, 12]),
    "typographic apostrophes": (["15’215", "1'215", "7"], {"thousands": "'"}, [15215, 1215, 7]),
}


@pytest.mark.parametrize("name", READ)
def test_column_is_read_as_the_hint_says(tmp_path: Path, name: str) -> None:
    cells, spelling, expected = READ[name]
    assert read_column(tmp_path, cells, **spelling).frame["c"].tolist()[:3] == expected


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d 10:00:00 UTC", "%Y-%m-%d 10:00 GMT", "%Y-%m-%dT10:00:00.5 +0200", "%Y-%m-%d 10:00:00 -08:00"]
)
def test_offset_behind_a_blank_is_read(tmp_path: Path, form: str) -> None:
    found = read_column(tmp_path, days(form))
    assert not found.problems and found.frame["c"].tolist()[:24] == days(form)


CATEGORIES: dict[str, list[str]] = {
    "bands": ["18-25", "26-35", "36-45", "46+"],
    "bands of few": ["0-5", "5-10", "10-15"],
    "seasons": ["2018-2019", "2019-2020", "2020-2021"],
    "seasons in short": ["2009-10", "2010-11", "2011-12"],
    "seasons that are no months": ["2009/10", "2010/11", "2015/16", "2019/20"],
    "products": ["A12", "B7", "C3"],
    "products behind": ["12A", "7B", "3C"],
    "seats": [f"{i}{letter}" for i in range(1, 21) for letter in "ABCDEF"],
    "seats across": [f"{i}{letter}" for i in range(1, 21) for letter in "ACDEFGHJK"[:6]],
    "versions": ["1.2.3", "1.2.4", "2.0.0"],
    "months": ["March", "April", "May"],
    "months in short": ["Jan", "Feb", "Mar"],
    "months in names": ["May Smith", "April Jones", "June Lee"],
    "words that begin as months": ["Mars 5b", "Marathon 2024", "Decor 5"],
    "generations": ["Gen 1", "Gen 2", "Gen 3"],
    "models": ["Model 3", "5 Series", "911 Turbo"],
    "flights": ["LH 400", "BA 12", "AF 1"],
    "cases": ["2024-001", "2024-002", "2024-113"],
    "numbers of five parts": ["1-5001", "12-5002", "3-9003"],
    "days without a year": ["01-05", "6/1", "7/4"],
    "shapes": ["16:9", "4:3", "21:9"],
    "quarters": ["Q1", "Q2", "Q3", "Q4"],
    "weekdays": ["Mon", "Tue", "Wed"],
    "addresses": ["192.168.1.1", "10.0.0.1", "10.0.0.2"],
    "telephones": ["555-123-4567", "555-123-9999", "1-800-555"],
    "social security": ["555-12-1234", "123-45-6789"],
    "places": ["1st", "2nd", "3rd", "4th"],
    "years and more": ["2024A", "2023B", "2022C"],
    "ranges": ["10 to 20", "20 to 30"],
    "not visible": ["red\u200b", "green", "blue"],
}


@pytest.mark.parametrize("name", CATEGORIES)
def test_codes_bands_and_words_stay_categories(tmp_path: Path, name: str) -> None:
    cells = CATEGORIES[name]
    found = read_column(tmp_path, cells)
    assert found.problems == {}
    assert found.frame["c"].tolist()[: len(cells)] == cells


@pytest.mark.parametrize("kind", ["category", None])
def test_target_of_dates_is_kept_as_it_is_written(tmp_path: Path, kind: Kind | None) -> None:
    kinds = {"c": kind} if kind else {}
    for form in ("%Y-%m", "%b %Y"):
        assert read_column(tmp_path, days(form), target="c", kinds=kinds).frame["c"].tolist()[:24] == days(form)
