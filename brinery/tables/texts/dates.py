"""Dates as people write them: which texts are some, and the formats of `strptime` that read them."""

import re
from collections.abc import Iterator, Sequence

from brinery.rows.dates import days_of_text
from brinery.rows.written import parsed, sample_of

ISO_START = re.compile(r"\d{4}-\d\d-\d\d")
ORDERS = (
    *(f"{order[0]}{sep}{order[1]}{sep}{order[2]}" for sep in "/.-" for order in ("dmY", "mdY", "Ymd", "dmy", "mdy")),
    *(f"d{sep}{month}{sep}{year}" for sep in (" ", "-", "/", ".", ". ", "") for month in "bB" for year in "Yy"),
    *(f"{order}{sep}Y" for sep in (", ", " ") for order in ("b d", "B d", "d b", "d B")),
    *("b. d, Y", "d b. Y", "Y b d", "Y B d", "Y-b-d", "Ymd"),
    *("Y-m", "Y/m", "m/Y", "m-Y", *(f"{month}{sep}Y" for sep in (" ", "-", "/", ", ") for month in "bB")),
    *("Y b", "Y B", "Y-b", "b-y", "b y", "B-y"),
)
TIME = r"\d{1,2}:\d\d(?P<seconds>:\d\d(?P<fraction>\.\d{1,6})?)?(?P<half> ?[AaPp][Mm])?|\d{6}"
WRITTEN = re.compile(
    r"((?P<weekday>(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*)(?P<comma>,? ))?(?P<days>.*?\d.*?)"
    rf"((?P<before>, | at |[ T])(?P<time>{TIME})(?P<offset> ?([+-]\d\d:?\d\d|Z|UTC|GMT))?(?P<year> \d{{4}})?)?"
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (  # in English, German, French, Spanish, Portuguese, Italian and Dutch, without abbreviations that are words
    r"(jan(uary?|uari|v|vier|eiro)?|ene(ro)?|gennaio|jän(ner)?|feb(ruary?|ruari|rero|braio)?|fév(r|rier)?|fev(ereiro)?|"
    r"mar(ch|s|zo|ço)?|märz|mrz|maart|mrt|apr(il|ile)?|avr(il)?|abr(il)?|may(o)?|mai(o)?|maggio|mei|jun[ei]?|juin|junio|"
    r"junho|giugno|jul[yi]?|juil(let)?|julio|julho|luglio|aug(ust|ustus)?|août|agosto|sept?(ember|embre|iembre)?|"
    r"set(iembre|embro|tembre)|oct(ober|obre|ubre)?|okt(ober)?|outubro|ottobre|nov(ember|embre|iembre|embro)?|"
    r"dec(ember|embre)?|dez(ember|embro)?|déc(embre)?|dic(iembre|embre)?)\.?"
)
YEAR = r"(1[89]|2[01])\d\d"
TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?( ?[ap]\.?m\.?)?", re.IGNORECASE)
WITHOUT_FORMAT = (
    re.compile(rf"{YEAR}-\d\d-\d\d[ T]\d\d:\d\d.{{1,40}}"),  # as where a zone is named
    re.compile(rf"{YEAR}[ -]?(W\d\d(-?\d)?|Q[1-4])|(W\d\d|Q[1-4])[ /-]?{YEAR}", re.IGNORECASE),
    re.compile(
        rf"([a-zà-ü]+,? )?\d{{1,2}}(st|nd|rd|th|er|\.)?([ ./-]|(?<=[a-z]) of | de ){MONTHS}([ /-]|, ?| de )?({YEAR})?"
        r"(,? \d{1,2}:\d\d.{0,12})?",
        re.IGNORECASE,
    ),
    re.compile(rf"([a-zà-ü]+,? )?{MONTHS}[ /-]\d{{1,2}}(st|nd|rd|th)?(,? {YEAR}.{{0,15}})?", re.IGNORECASE),
    re.compile(rf"{MONTHS}( de)?[ /-]{YEAR}", re.IGNORECASE),
)
TWO_NUMBERS = re.compile(r"\d+[-/]\d+")
SAMPLES = 20  # texts that formats are taken from
SEASON = re.compile(r"\d\d(\d\d)[-/](\d\d)")


def _shape(text: str) -> str:
    """A text with 9 for each run of digits, and A for each of letters."""
    return re.sub(r"[^\W\d_]+", "A", re.sub(r"\d+", "9", text))


def _by_shape() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for order in ORDERS:
        form = re.sub(r"([A-Za-z])", r"%\1", order)
        found.setdefault(_shape(sample_of(form)), []).append(form)
    return found


FORMATS = _by_shape()


def is_iso(text: str) -> bool:
    """Whether it is an ISO 8601 date or date-time."""
    if not ISO_START.match(text):
        return False
    try:
        days_of_text(text)
    except ValueError:
        return False
    return True


def looks_like_numbers(form: str) -> bool:
    """Whether dates of a format could be read as numbers, as those of 20240328 or 2024.03."""
    return re.fullmatch(r"[\d.,]+", sample_of(form)) is not None


def is_date_to_people(text: str) -> bool:
    """Whether a person takes it for a date or a time of day: three numbers, a year, a month's name or a time in it."""
    return (
        next(_formats(text), None) is not None
        or TIME_OF_DAY.fullmatch(text) is not None
        or any(pattern.fullmatch(text) for pattern in WITHOUT_FORMAT)
    )


def are_seasons(texts: Sequence[str]) -> bool:
    """Whether all could be pairs of years, such as 2010-11, and not months."""
    found = [SEASON.fullmatch(text.strip()) for text in texts]
    return all(each and (int(each[1]) + 1) % 100 == int(each[2]) for each in found)


def formats_of(texts: Sequence[str]) -> list[str]:
    """The formats by which all of the texts are dates."""
    bare = [text.strip() for text in texts]
    forms = dict.fromkeys(form for text in bare[:SAMPLES] for form in _formats(text))
    return [form for form in forms if all(parsed(text, form) for text in bare)]


def formats_of_digits(texts: Sequence[str]) -> str | None:
    """The format by which all of the texts are days of eight digits, or None."""
    for form in ("%Y%m%d", "%d%m%Y", "%m%d%Y"):
        if all(len(text.strip()) == 8 and parsed(text.strip(), form) for text in texts):
            return form
    return None


def _formats(text: str) -> Iterator[str]:
    """The formats of `strptime` by which a text is a date with its year."""
    found = WRITTEN.fullmatch(text)
    if found is None:
        return
    days = found["days"] + (found["year"] or "")
    if TWO_NUMBERS.fullmatch(days) and not re.search(rf"\b{YEAR}\b", days):
        return
    for form in FORMATS.get(_shape(days), ()):
        if parsed(days, form):
            whole = _whole(form, found)
            if parsed(text, whole):
                yield whole


def _whole(form: str, found: re.Match[str]) -> str:
    """The format of a whole text by that of its days."""
    if found["weekday"]:
        form = f"%{'A' if found['weekday'] in WEEKDAYS else 'a'}{found['comma']}{form}"
    if not found["time"]:
        return form
    time = "%H%M%S"
    if ":" in found["time"]:
        time = "%I:%M" if found["half"] else "%H:%M"
        time += ":%S" if found["seconds"] else ""
        time += ".%f" if found["fraction"] else ""
        time += found["half"].replace(found["half"].strip(), "%p") if found["half"] else ""
    offset = found["offset"] or ""
    time = found["before"] + time + (offset if offset.strip() in ("UTC", "GMT") else re.sub(r"\S+", "%z", offset))
    return form.removesuffix(" %Y") + time + " %Y" if found["year"] else form + time
