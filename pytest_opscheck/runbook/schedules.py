"""Times at which something is done, as texts say them: backups every night, windows for maintenance, time zones."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .asks import Ask, TargetHint, named
from .families import backup

_CLOCK = r"(\d{1,2})(?:[:h.](\d{2}))?\s*(a\.?m\.?|p\.?m\.?|uhr)?"
_AT = re.compile(rf"\b(?:at|um|à|@|a las)\s+{_CLOCK}\b", re.IGNORECASE)
_RANGE = re.compile(rf"\b{_CLOCK}\s*(?:-|\u2013|to|until|bis|à|and)\s*{_CLOCK}", re.IGNORECASE)
_EVERY_DAY = re.compile(
    r"\b(?:daily|every (?:day|night)|each (?:day|night)|nightly|jede nacht|jeden tag"
    r"|täglich|chaque (?:nuit|jour)|tous les jours|quotidien\w*)\b",
    re.IGNORECASE,
)
_WINDOW = re.compile(
    r"\b(?:maintenance|wartung\w*|patch(?:ing|day)?|window|wartungsfenster|entretien)\b", re.IGNORECASE
)
_DAYS = (
    ("MO", r"mon(?:day)?s?|montags?|lundis?"),
    ("TU", r"tue(?:sday)?s?|dienstags?|mardis?"),
    ("WE", r"wed(?:nesday)?s?|mittwochs?|mercredis?"),
    ("TH", r"thu(?:rsday)?s?|donnerstags?|jeudis?"),
    ("FR", r"fri(?:day)?s?|freitags?|vendredis?"),
    ("SA", r"sat(?:urday)?s?|samstags?|samedis?"),
    ("SU", r"sun(?:day)?s?|sonntags?|dimanches?"),
)
_DAY = re.compile("|".join(rf"\b(?P<{name}>{words})\b" for name, words in _DAYS), re.IGNORECASE)
_ORDINALS = (1, 2, 3, 4, -1)
_ORDINAL = re.compile(
    r"\b(?:(?P<n0>first|1st|ersten?|premier)|(?P<n1>second|2nd|zweiten?|deuxième)|(?P<n2>third|3rd|dritten?|troisième)|(?P<n3>fourth|4th|vierten?)|(?P<n4>last|letzten?|dernier))\b",
    re.IGNORECASE,
)
_QUARTER = re.compile(r"\b(?:quarter(?:ly)?|quartal\w*|trimestr\w*)\b", re.IGNORECASE)
_ZONES = (
    (r"\b(?:E[SD]?T|US Eastern|Eastern time|New York)\b", "America/New_York"),
    (r"\b(?:P[SD]T|Pacific time)\b", "America/Los_Angeles"),
    (r"\b(?:C[SD]T|Central time)\b", "America/Chicago"),
    (r"\bUTC\b|\bGMT\b", "UTC"),
    (r"\b(?:CES?T|MES?Z)\b", "Europe/Berlin"),
    (r"\bJST\b", "Asia/Tokyo"),
    (r"\bIST\b", "Asia/Kolkata"),
    (r"\bAES?T\b", "Australia/Sydney"),
)
_HOUR = re.compile(r"\b(\d{1,2})(?::(\d{2}))?\s*(a\.?m\b|p\.?m\b|uhr\b)|\b(\d{1,2}):(\d{2})\b", re.IGNORECASE)
_PART_OF_DAY = re.compile(
    r"\b(?:morning|evening|midday|noon|afternoon|start of day|end of day|morgen|abend|matin|soir)\b", re.IGNORECASE
)
_TIMES = "the times at which `opscheck schedule` runs the suite"
_NOON = 12


def time_zone(text: str) -> str | None:
    """Return the time zone that a text names, by its abbreviation behind a time."""
    if not re.search(r"\d\s*(?:am|pm|uhr)?\s*[A-Z]{2,4}\b|\b(?:US Eastern|New York)\b", text):
        return None
    return next((zone for words, zone in _ZONES if re.search(words, text)), None)


def asks(text: str, title: str = "") -> Iterator[Ask]:
    """Yield what a text says of times: when backups are due, when maintenance is."""
    if backup.is_backup(f"{text} {title}") and _EVERY_DAY.search(text) and (at := _AT.search(text)):
        yield Ask(
            "backup.on_time", backup.unnamed(), keys={"at": _clock(at[1], at[2], at[3])}, sure=0.8, subject="on time"
        )
    yield from window(text, title)


def of_heading(title: str) -> Iterator[Ask]:
    """Yield what a heading says of times: a window for maintenance, or when what is below it is done every day."""
    yield from window(title)
    time = _HOUR.search(title)
    if time is None or (not _EVERY_DAY.search(title) and not _PART_OF_DAY.search(title)) or _WINDOW.search(title):
        return
    hour, minute, half = (time[1], time[2], time[3]) if time[1] else (time[4], time[5], None)
    target = TargetHint("suites", "daily", "daily", {})
    yield Ask("suites", target, keys={"at": [_clock(hour, minute, half)]}, sure=0.7, look=_TIMES)


def window(text: str, title: str = "") -> Iterator[Ask]:
    """Yield a window for maintenance: on which days, and from when to when."""
    if (
        not _WINDOW.search(f"{text} {title}")
        or not (day := _DAY.search(text))
        or not (times := _RANGE.search(text, day.end()) or _RANGE.search(text))
    ):
        return
    first, last = _clock(times[1], times[2], times[3] or times[6]), _clock(times[4], times[5], times[6])
    if first == last:
        return
    weekday = next(name for name, _ in _DAYS if day[name])
    around = f"{text} {title}"
    rule, name = f"FREQ=WEEKLY;BYDAY={weekday}", "week"
    if _QUARTER.search(around):
        rule, name = f"FREQ=MONTHLY;BYMONTH=1,4,7,10;BYDAY=1{weekday}", "quarter"
    elif ordinal := _ORDINAL.search(around):
        number = next(number for number in _ORDINALS if ordinal[f"n{_ORDINALS.index(number)}"])
        rule, name = f"FREQ=MONTHLY;BYDAY={number}{weekday}", "month"
    keys = {"rule": rule, "at": f"{first}-{last}", "why": "maintenance"}
    yield Ask("maintenance", TargetHint("maintenance", name, named(name), {}), keys=keys, sure=0.8, subject=name)


def _clock(hour: str, minute: str | None, half: str | None) -> str:
    number = int(hour) % 24
    if half and half.lower().startswith("p") and number < _NOON:
        number += _NOON
    elif half and half.lower().startswith("a") and number == _NOON:
        number = 0
    return f"{number:02d}:{int(minute or 0) % 60:02d}"
