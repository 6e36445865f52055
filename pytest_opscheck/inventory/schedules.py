"""When a suite runs by itself, how long it may take, and who is told that it did: the keys of [suites.NAME]."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..core.schedule import DAY, HOUR, LONGEST_S, WEEKDAYS, Schedule, shortest_gap_s
from ..core.secrets import address_parts
from ..core.units import LimitError, parse_time
from .positions import Key
from .problems import Problems, nearest

KEYS = ("at", "every", "days", "random_delay", "deadline", "heartbeat")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_LAST_DATE = 31
_SHORTEST_DELAY_S = 1.0
Zone = zoneinfo.ZoneInfo | dt.timezone


def read_timing(table: Mapping[str, Any], path: Key, zone: Zone | None, problems: Problems) -> dict[str, Any]:
    """Return a suite's fields of what its table says; `zone` is None where the inventory does not name one."""
    deadline_s = _duration(table, "deadline", path, problems)
    return {
        "schedule": _schedule(table, path, zone, deadline_s, problems),
        "deadline_s": deadline_s,
        "heartbeat": _heartbeat(table.get("heartbeat"), (*path, "heartbeat"), problems),
    }


def _schedule(
    table: Mapping[str, Any], path: Key, zone: Zone | None, deadline_s: float | None, problems: Problems
) -> Schedule | None:
    before = len(problems)
    if "at" not in table and "every" not in table:
        for key in ("days", "random_delay"):
            if key in table:
                problems.add((*path, key), 'it needs a schedule; add one: at = ["09:00"]')
        return None
    if "at" in table and "every" in table:
        problems.add((*path, "every"), "the suite already has times of the day; keep either `at` or `every`")
        return None
    times = _times(table["at"], (*path, "at"), problems) if "at" in table else ()
    every = HOUR
    if "every" in table:
        times, every = _every(table["every"], (*path, "every"), problems)
    if times and zone is None:
        key = "at" if "at" in table else "every"
        problems.add((*path, key), "the time zone is needed: timezone = 'Europe/Berlin' in [opscheck]")
    weekdays, dates = _days(table, path, problems)
    delay_s = _duration(table, "random_delay", path, problems) or 0.0
    gap_s = shortest_gap_s(times, every)
    if len(problems) > before:
        return None
    for key, seconds in (("random_delay", delay_s), ("deadline", deadline_s or 0.0)):
        if seconds > gap_s:
            problems.add((*path, key), "it is longer than the time between two runs")
    return Schedule(times, every, weekdays, dates, zone or dt.UTC, delay_s, deadline_s or min(LONGEST_S, gap_s))


def _times(value: object, path: Key, problems: Problems) -> tuple[int, ...]:
    texts = value if isinstance(value, list) else [value]
    found = []
    for text in texts:
        match = _TIME.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            problems.add(path, f"{text!r} is not a time of the day; use for example at = ['09:00', '18:00']")
        else:
            found.append(int(match[1]) * HOUR + int(match[2]))
    if not texts:
        problems.add(path, "it names no time; use for example at = ['09:00', '18:00'], or leave it out")
    return tuple(sorted(set(found)))


def _every(value: object, path: Key, problems: Problems) -> tuple[tuple[int, ...], int]:
    """Return the times of the day where it is due every few hours, else the minutes."""
    try:
        minutes, rest = divmod(parse_time(value), 60.0)
    except LimitError as error:
        problems.add(path, str(error).replace("'30s'", "'5m'"))
        return (), HOUR
    hours, minute = divmod(int(minutes), HOUR)
    if rest == 0 and 0 < minutes <= HOUR and HOUR % int(minutes) == 0:
        return (), int(minutes)
    if rest == 0 and minute == 0 and 0 < hours < DAY // HOUR and DAY % int(minutes) == 0:
        return tuple(range(0, DAY, int(minutes))), HOUR
    problems.add(
        path,
        f"{value!r} does not divide an hour or a day evenly; use 1m, 2m, 3m, 4m, 5m, 6m, "
        "10m, 12m, 15m, 20m, 30m, 1h, 2h, 3h, 4h, 6h, 8h or 12h, or times of the day: at = ['09:00']",
    )
    return (), HOUR


def _days(table: Mapping[str, Any], path: Key, problems: Problems) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the weekdays and the days of the month."""
    if "days" not in table:
        return (), ()
    path = (*path, "days")
    days = table["days"] if isinstance(table["days"], list) else [table["days"]]
    if "at" not in table:
        problems.add(path, "it needs times of the day: at = ['06:00']")
    if not days:
        problems.add(path, "it names no day; use for example ['mon', 'thu'] or [1, 15], or leave it out")
    weekdays = [WEEKDAYS.index(day) for day in days if isinstance(day, str) and day in WEEKDAYS]
    dates = [day for day in days if type(day) is int and 1 <= day <= _LAST_DATE]
    for day in days:
        if isinstance(day, str) and day not in WEEKDAYS:
            problems.add(path, f"{day!r} is not a weekday; {nearest(day, WEEKDAYS)}")
        elif not isinstance(day, str) and day not in dates:
            problems.add(path, f"{day!r} is not a day of a month; use for example [1, 15]")
    if weekdays and dates:
        problems.add(path, "weekdays and days of the month can't be combined; keep one, or add another suite")
    return tuple(sorted(set(weekdays))), tuple(sorted(set(dates)))


def _duration(table: Mapping[str, Any], key: str, path: Key, problems: Problems) -> float | None:
    if key not in table:
        return None
    try:
        found = parse_time(table[key])
    except LimitError as error:
        problems.add((*path, key), str(error).replace("'30s'", "'15m'"))
        return None
    if found < _SHORTEST_DELAY_S:
        problems.add((*path, key), f"{table[key]!r} is too short; use for example '15m'")
        return None
    return found


def _heartbeat(value: object, path: Key, problems: Problems) -> str | None:
    """Return the address; all of it is secret, for whoever knows it can say that the suite runs."""
    if value is None:
        return None
    text = value if isinstance(value, str) else ""
    if text:
        problems.keep_secret(path, *address_parts(text))
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        problems.add(path, "it is not an address; write https://hc-ping.com/UUID, or better '${HEARTBEAT_URL}'")
        return None
    return text


def timing_schema() -> dict[str, Any]:
    """Return the JSON Schema of these keys."""
    variable = {"$ref": "#/$defs/variable"}
    time = {"anyOf": [{"type": "string", "pattern": f"^{_TIME.pattern}$"}, variable]}
    day = {"anyOf": [{"enum": list(WEEKDAYS)}, {"type": "integer", "minimum": 1, "maximum": _LAST_DATE}, variable]}
    duration = {"$ref": "#/$defs/time"}
    address = {"anyOf": [{"type": "string", "pattern": "^https?://"}, variable]}
    return {
        "at": {"description": "the times of day at which it runs: 09:00", **_one_or_more(time)},
        "every": {"description": "how often it runs: 5m", **duration},
        "days": {"description": "the weekdays (mon) or days of the month (1) on which it runs", **_one_or_more(day)},
        "random_delay": {"description": "a random delay of at most this long: 2m", **duration},
        "deadline": {"description": "how long a run may take: 15m", **duration},
        "heartbeat": {"description": "called at start, success and failure: https://hc-ping.com/UUID", **address},
    }


def _one_or_more(table: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [table, {"type": "array", "minItems": 1, "items": table}]}
