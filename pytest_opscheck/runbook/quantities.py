"""Numbers in a sentence: what they are compared with, in which unit, and what they are for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 600
"""So much of a sentence is read."""
_WORDS = {
    "<=": r"<=|≤|=<|at most|no (?:more|longer|later|older|higher|greater|larger) than"
    r"|not (?:more|longer|older|higher|greater) than|max(?:imum|imal|\.)?(?: of| von| de)?"
    r"|up to|höchstens|nicht (?:mehr|länger|älter|höher|größer) als|bis zu|au (?:plus"
    r"|maximum)|pas plus de|within|innerhalb von|en moins de",
    ">=": r">=|≥|=>|at least|no (?:less|fewer|lower) than|not (?:less|fewer|lower) than"
    r"|min(?:imum|destens|imal|\.)?(?: of| von| de)?"
    r"|mindestens|nicht weniger als|au (?:moins|minimum)|pas moins de",
    "<": r"<(?!=)|(?:less|fewer|lower|smaller|younger|shorter|newer|faster|sooner) than|below|under(?! load)|beneath"
    r"|(?:weniger|kleiner|jünger|kürzer|niedriger|geringer|schneller) als|unter|(?:moins"
    r"|plus récente?s?) de|moins d['\u2019]|inférieure?s? à|(?:en|au)[- ]dessous de|sous"
    r"|(?:drops?|falls?|goes|dips?) (?:below|under)|menos de",
    ">": r">(?!=)|(?:more|greater|higher|older|longer|larger|bigger|slower|later) than|above"
    r"|over(?! the)|exceed(?:s|ing|ed)?|beyond|surpass(?:es)?"
    r"|(?:mehr|größer|höher|länger|älter|langsamer) als|über(?!prüf)|(?:plus"
    r"|supérieure?s?) (?:de|à)|plus d['\u2019]|(?:en|au)[- ]dessus de|dépasse(?:nt)?|más de",
    "==": r"={1,2}(?![=>])|exactly|equals?(?: to)?|genau|exactement|égale? à",
}
_OPERATOR = "|".join(f"(?P<op{place}>{words})" for place, words in enumerate(_WORDS.values()))
_OPERATORS = tuple(_WORDS)
_NUMBER = r"\d{1,3}(?:[,.'\u202f\u00a0]\d{3})+(?![\d,.]\d)|\d+(?:[.,]\d+)?"
_UNITS = (
    ("%", r"%|percent|per cent|prozent|pour ?cent|pct"),
    ("ms", r"ms|msec|milli(?:seconds?|sekunden?|secondes?)"),
    ("GiB", r"gib|gi"),
    ("MiB", r"mib|mi"),
    ("KiB", r"kib|ki"),
    ("TB", r"tb"),
    ("GB", r"gb|gigabytes?|go"),
    ("MB", r"mb|megabytes?|mo"),
    ("kB", r"kb|kilobytes?"),
    ("s", r"s|sec|secs|seconds?|sekunden?|secondes?|sek"),
    ("m", r"m|min|mins|minutes?|minuten?"),
    ("h", r"h|hr|hrs|hours?|stunden?|heures?|std"),
    ("d", r"d|days?|tage?n?|jours?"),
    ("w", r"w|weeks?|wochen?|semaines?"),
    ("mo", r"months?|monate?n?"),
    ("y", r"years?|jahre?n?|ans?"),
    ("B", r"bytes?|octets"),
)
_UNIT = "|".join(f"(?P<u{place}>{words})" for place, (_, words) in enumerate(_UNITS))
_RATE = re.compile(
    r"(?:\s+(?!per\b|pro\b|par\b)[^\W\d][\w-]{1,24}){0,3}\s*(?:/|\bper |\ba |\ban |\beach |\bpro |\bje |\bpar )\s*"
    r"(?P<rate>s|sec(?:ond|onde)?|sekunde|min(?:ute)?|h|hour|heure|stunde|day|d|tag|jour)\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    rf"(?:(?<![\w.])(?:{_OPERATOR})\s*)?(?:(?:of|than|about|around|approx\.?|etwa|ca\.|environ|~|≈|a|an)\s*){{0,2}}"
    rf"(?P<before>(?<![\w.:/#-])|(?<=[<>=≤≥~(\[ ]))[*_`$]{{0,3}}(?P<number>{_NUMBER})"
    rf"(?:\s*(?:-|\u2013|—|to|bis"
    rf"|à)\s*(?P<high>{_NUMBER}))?(?P<plus>\+)?(?:[ \u202f\u00a0-]?(?:{_UNIT})(?![\w]))?(?P<plus2>\+)?",
    re.IGNORECASE,
)
_AFTER_MORE = re.compile(
    r"[\s\w]{0,20}?\b(?:or|oder|ou) (?:more|higher|above|greater|mehr|höher|plus)\b", re.IGNORECASE
)
_AFTER_LESS = re.compile(r"[\s\w]{0,20}?\b(?:or|oder|ou) (?:less|fewer|lower|below|weniger|moins)\b", re.IGNORECASE)
_NOT = re.compile(
    r"(?:\bno\b|\bnot\b|n['\u2019]t\b|\bnever\b|\bnothing\b|\bnobody\b|\bnone\b|\bneither\b|\bwithout\b|\bkein\w*|\bnicht\b|\bnie\b|\bnichts\b|\baucun\w*|\bjamais\b|\brien\b|\bne\b)",
    re.IGNORECASE,
)
_WINDOW = re.compile(
    r"(?:\b(?:last|past|previous|in|over|since|during|every|each|all|after|within|letzten?"
    r"|vergangenen?|seit|alle|jede\w*|dans|depuis|toutes les|dernières?|derniers|pendant"
    r"|für|for)"
    r"(?: the| les| den| der| une?)?(?: last| past| letzten| dernières?)?)\s*[<>≥]?=?\s*$",
    re.IGNORECASE,
)
_LASTING = re.compile(
    r"\b(?:for|during|over|lasting|während|für|seit|pendant|depuis)(?: at least| more than| over)?\s*[<>≥]?=?\s*$",
    re.IGNORECASE,
)
_NO_LIMIT_BEFORE = re.compile(
    r"(?:\b(?:port|ports|step|steps|issue|run|page|section|version|v|release|phase|level"
    r"|tier|tail|line|lines|top|first|http|code|status|errno|exit(?:s)?(?: code)?|rfc"
    r"|ticket|sev|p|#)[\s:=-]*|[:/#@§]|\bp)$",
    re.IGNORECASE,
)
_PERCENTILE_AFTER = re.compile(r"\s*(?:th|st|nd|rd)?[\s-]*percentile|^(?:st|nd|rd|th)\b|\.?\s*perzentil", re.IGNORECASE)
_TIME_AFTER = re.compile(r"^(?::\d\d|\s*(?:am|pm|a\.m\.|p\.m\.|uhr|o['\u2019]clock)\b|h\d\d\b|\.\d)", re.IGNORECASE)
_FREE = re.compile(
    r"\b(?:free|available|avail|left|remaining|headroom|idle|spare|frei\w*|verfügbar|übrig|libres?|disponibles?|restants?)\b",
    re.IGNORECASE,
)
_RATES = {"s": "/s", "m": "/min", "h": "/h", "d": "/day", "t": "/day", "j": "/day"}
_LONG = {"w": 7, "mo": 30, "y": 365}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a sentence.

    operator: `<`, `<=`, `>`, `>=`, `==`, or empty where nothing compares. unit: as limits write it, empty for a count.
    use: what it is for: limit, window (the last 24 hours), lasting (for 10 minutes), other (a port, a version, a time).
    """

    operator: str
    number: str
    unit: str
    start: int
    end: int
    use: str = "limit"
    high: str | None = None
    denied: bool = False
    """Whether the sentence says that this is not to be: `no query runs for more than`."""

    @property
    def text(self) -> str:
        """The number with its unit, as a limit has it."""
        return f"{self.number}{self.unit}"


def read(sentence: str) -> list[Quantity]:
    """Return the numbers of a sentence, in their order."""
    text = sentence[:LONGEST]
    return list(_found(text))


def _found(text: str) -> Iterator[Quantity]:
    for match in _QUANTITY.finditer(text):
        operator = next((_OPERATORS[place] for place in range(len(_OPERATORS)) if match[f"op{place}"]), "")
        start, end = match.start("number"), match.end()
        unit = next((_UNITS[place][0] for place in range(len(_UNITS)) if match[f"u{place}"]), "")
        number, high = _plain(match["number"]), _plain(match["high"]) if match["high"] else None
        number, high, unit = _shorter(number, high, unit)
        if unit == "" and (rate := _RATE.match(text, end)):
            unit = _RATES[rate["rate"][0].lower()]
        if match["plus"] or match["plus2"] or _AFTER_MORE.match(text, end):
            operator = operator or ">="
        elif _AFTER_LESS.match(text, end):
            operator = operator or "<="
        before = text[: match.start() if operator and not match["plus"] else start]
        denied = bool(operator) and _NOT.search(_clause(before)) is not None
        yield Quantity(
            operator, number, unit, match.start(), end, _use(text, match, before, operator, unit), high, denied
        )


def _plain(number: str) -> str:
    """Return a number as limits write it: 1,000 and 1.000 are a thousand, 0,5 is a half."""
    if re.fullmatch(r"\d{1,3}(?:[,'\u202f\u00a0]\d{3})+", number) or re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", number):
        return re.sub(r"\D", "", number)
    return number.replace(",", ".")


def _shorter(number: str, high: str | None, unit: str) -> tuple[str, str | None, str]:
    if unit not in _LONG:
        return number, high, unit
    days = [f"{float(each) * _LONG[unit]:g}" if each else each for each in (number, high)]
    return days[0] or number, days[1], "d"


def _clause(before: str) -> str:
    return re.split(r"[.;:!?,(]|\bbut\b|\bif\b", before)[-1]


def _use(text: str, match: re.Match[str], before: str, operator: str, unit: str) -> str:
    """Tell what a number is for."""
    after = text[match.end("number") : match.end("number") + 20]
    number_before = text[max(match.start("number") - 24, 0) : match.start("number")]
    if _PERCENTILE_AFTER.match(after) or _TIME_AFTER.match(text[match.end("number") :][:12]):
        return "other"
    if not operator and _NO_LIMIT_BEFORE.search(number_before):
        return "other"
    durations = unit in ("ms", "s", "m", "h", "d")
    if (
        durations
        and _LASTING.search(before)
        and not re.search(
            r"(?:run|take|hold|last|wait|retain|kept|keep|valid|good|gültig|valable)\w*\s+(?:\w+\s+)?for\b",
            before[-30:],
            re.IGNORECASE,
        )
    ):
        return "lasting"
    if durations and not operator and _WINDOW.search(before):
        return "window"
    return "limit"


def says_free(text: str) -> bool:
    """Tell whether a text speaks of what is free rather than of what is used."""
    return _FREE.search(text) is not None
