"""When lines of log files were written: by stamps of any form, or unknown; never silently as the line before."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .log_files import ago, told, write

Form = Callable[[dt.datetime], str]


def _in(zone: str, form: str) -> Form:
    return lambda moment: moment.astimezone(zoneinfo.ZoneInfo(zone)).strftime(form)


def _either(form: str, *words: str) -> Form:
    """Return a form in which something else changes from line to line, as levels and addresses do."""
    return lambda moment: form.format(words[moment.minute % len(words)], t=moment)


def _of(form: str) -> Form:
    return lambda moment: form.format(t=moment)


FORMS: dict[str, Form] = {
    "hour padded": lambda t: f"{t:%Y-%m-%d} {t.hour:2}:{t:%M:%S} 0 [ERROR]",
    "a.m.": lambda t: f"{t:%Y-%m-%d %I:%M:%S} {'a.m.' if t.hour < 12 else 'p.m.'} x",
    "java.util.logging": lambda t: f"{t:%b} {t.day}, {t:%Y %I:%M:%S %p} org.apache.X",
    "java 20": lambda t: f"{t:%b} {t.day}, {t:%Y, %I:%M:%S}\u202f{t:%p} x",
    "long month": lambda t: f"{t:%B} {t.day}, {t:%Y} at {t:%I:%M:%S %p} x",
    "day, month, year": _of("{t:%d.%m.%Y %H:%M:%S} x"),
    "short year": _of("{t:%d.%m.%y %H:%M:%S} x"),
    "dense": _of("{t:%Y%m%dT%H%M%S} x"),
    "dense with blank": _of("{t:%Y%m%d %H:%M:%S} x"),
    "digits": _of("{t:%Y%m%d%H%M%S} x"),
    "mysql 5.5": lambda t: f"{t:%y%m%d} {t.hour:2}:{t:%M:%S} [ERROR] x",
    "no seconds": _of("{t:%Y-%m-%d %H:%M} x"),
    "comma": _of("{t:%Y-%m-%d, %H:%M:%S} x"),
    "svlogd": _of("{t:%Y-%m-%d_%H:%M:%S}.12345 x"),
    "db2": _of("{t:%Y-%m-%d-%H.%M.%S}.123456 x"),
    "php": _in("UTC", "[%d-%b-%Y %H:%M:%S UTC] PHP x"),
    "named": _of("{t:%d-%b-%Y %H:%M:%S}.123 x"),
    "erlang": _of("=ERROR REPORT==== {t:%d-%b-%Y::%H:%M:%S} ==="),
    "mail": _in("UTC", "%a, %d %b %Y %H:%M:%S +0000 x"),
    "javascript": _in("Africa/Algiers", "%a %b %d %Y %H:%M:%S GMT+0100 (CET) x"),
    "date": _in("Europe/Berlin", "%a %b %d %H:%M:%S %Z %Y x"),
    "cisco": _of("{t:%b %d %Y %H:%M:%S}: %ASA x"),
    "glog": _of("E{t:%m%d %H:%M:%S}.123456    7 f.go:1] x"),
    "glog with year": _of("I{t:%Y%m%d %H:%M:%S}.123456    7 f.go:1] x"),
    "redis 2": _of("[77] {t:%d %b %H:%M:%S}.123 # x"),
    "rfc 3164": lambda t: f"<34>{t:%b} {t.day:2} {t:%H:%M:%S} host x",
    "rfc 5424": _in("UTC", "<165>1 %Y-%m-%dT%H:%M:%S.003Z host x"),
    "balancer": _in("UTC", "https %Y-%m-%dT%H:%M:%S.003Z app x"),
    "level first": _either("[{}] {t:%Y-%m-%d %H:%M:%S},123 x", "INFO ", "ERROR"),
    "level to the right": _either("{} {t:%Y-%m-%d %H:%M:%S},123 x", " INFO", "ERROR"),
    "thread first": _either("WARN [main {}] {t:%Y-%m-%d %H:%M:%S},123 x", "7", "pool 12"),
    "logfmt": _in("UTC", 'time="%Y-%m-%dT%H:%M:%SZ" level=error msg=x'),
    "logfmt, time later": _in("UTC", "level=error host=tsx ts=%Y-%m-%dT%H:%M:%S.1Z msg=x"),
    "docker's json": _in(
        "UTC", '{"log":"2020-01-01 00:00:00 ts=2020-01-01T00:00:00Z x","stream":"stdout","time":"%Y-%m-%dT%H:%M:%S.1Z"}'
    ),
    "json, message first": _in("UTC", '{"msg":"due 2020-01-01 00:00:00","v":30,"time": "%Y-%m-%dT%H:%M:%SZ"}'),
    "mongodb": _in("UTC", '{"t":{"$date":"%Y-%m-%dT%H:%M:%S.123+00:00"},"s":"I"}'),
    "pino": lambda t: f'{{"level":30,"time":{t.timestamp() * 1000:.0f},"msg":"x"}}',
    "uwsgi": _either("[pid: 7|app: 0|req: {}/2] 10.0.0.1 () {{40 vars}} [{t:%a %b %d %H:%M:%S %Y}] GET /", "7", "812"),
    "access": lambda t: (
        f"{('10.0.0.1', '::1', '10.0.0.1, 10.0.0.2')[t.minute % 3]} - {('-', 'bob')[t.minute % 2]} "
        + _in("UTC", "[%d/%b/%Y:%H:%M:%S +0000] GET /?since=2020-01-01T00:00:00Z")(t)
    ),
    "colour": _of("\033[32m{t:%Y-%m-%d %H:%M:%S}\033[0m x"),
    "colour of the level": _either("\033[{}mWARN\033[0m {t:%Y-%m-%d %H:%M:%S} x", "31", "1;33"),
    "compose": _of("web-1  | {t:%Y-%m-%d %H:%M:%S} x"),
    "-03": _in("America/Sao_Paulo", "%Y-%m-%d %H:%M:%S.123 %Z [7] x"),
    "EST": lambda t: f"{t.astimezone(dt.timezone(dt.timedelta(hours=-5))):%Y-%m-%d %H:%M:%S}.123 EST [7] x",
    "+0545": _in("Asia/Kathmandu", "%Y-%m-%dT%H:%M:%S%z x"),
    "+05:30": _in("Asia/Kolkata", "%Y-%m-%dT%H:%M:%S+05:30 x"),
    "+09": _in("Asia/Tokyo", "%Y-%m-%d %H:%M:%S+09 x"),
    "microseconds": lambda t: f"{t.timestamp() * 1e6:.0f} x",
    "a method, no zone": _of("{t:%Y-%m-%d %H:%M:%S} POST /x"),
}
ORDERS: dict[str, Form] = {
    "of the united states": _of("{t:%m/%d/%Y %I:%M:%S %p} x"),
    "of europe": _of("{t:%d/%m/%Y %H:%M:%S} x"),
    "of spark": _of("{t:%y/%m/%d %H:%M:%S} INFO x"),
}
UNKNOWN: dict[str, Form] = {
    "CST is Chicago or Shanghai": lambda t: _in("UTC", "%Y-%m-%d %H:%M:%S CST x")(t - dt.timedelta(hours=6)),
    "IST is India or Israel": lambda t: _in("UTC", "%Y-%m-%d %H:%M:%S IST x")(t + dt.timedelta(hours=5.5)),
    "a zone or a number": _of("{t:%Y-%m-%d %H:%M:%S} -10 degrees"),
    "tai64n": lambda t: f"@{2**62 + 10 + int(t.timestamp()):016x}00000000 x",
    "no date": _of("{t:%H:%M:%S} x"),
    "no year": _of("{t:%d.%m. %H:%M} x"),
    "characters": _of("{t:%Y年%m月%d日 %H:%M:%S} x"),
    "december in german": lambda t: f"{t.day} Dez {t:%Y %H:%M:%S} x",
    "december in french": lambda t: f"{t.day} déc. {t:%Y %H:%M:%S} x",
    "may in french": lambda t: f"[{t:%d/Mai/%Y:%H:%M:%S}] x",
    "month 13": lambda t: f"{t:%Y}-13-{t:%d %H:%M:%S} x",
    "hour 33": lambda t: f"{t:%Y-%m-%d} 33:{t:%M:%S} x",
}
SAID: dict[str, tuple[str, Form]] = {
    "no year": ("%d.%m. %H:%M", UNKNOWN["no year"]),
    "brackets": ("(%Hh%M %d-%b)", _of("ERR ({t:%Hh%M %d-%b}) x")),
    "day of the year": ("%Y.%j %H:%M:%S", _of("{t:%Y.%j %H:%M:%S} x")),
    "half days": ("%d.%m.%y %I:%M %p", _of("{t:%d.%m.%y %I:%M %p} x")),
    "zone": ("%d|%m|%Y|%T%z", _in("Asia/Tokyo", "%d|%m|%Y|%H:%M:%S%z x")),
    "characters": ("%Y年%m月%d日 %H:%M:%S", UNKNOWN["characters"]),
    "seconds": ("t=%s", lambda t: f"a t={t.timestamp():.3f} x"),
    "an order": ("%d/%m/%y %H:%M", _of("{t:%d/%m/%y %H:%M} x")),
}


def lines_in(tmp_path: Path, form: Form, **said: Any) -> int | str:
    """Return what is counted where two of four lines were written within the hour."""
    lines = [f"{form(ago(hours))} failed" for hours in (30, 1.2, 0.5, 0.05)]
    return told(write(tmp_path / "x.log", *lines), **said)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_known(tmp_path: Path, form: str) -> None:
    assert lines_in(tmp_path, FORMS[form]) == 2


@pytest.mark.parametrize("form", ORDERS)
def test_an_order_of_numbers_is_known_or_may_be_several(tmp_path: Path, form: str) -> None:
    found = lines_in(tmp_path, ORDERS[form])
    assert found == 2 or "can be read in several ways" in str(found)


@pytest.mark.parametrize("form", UNKNOWN)
def test_what_is_not_understood_is_unknown(tmp_path: Path, form: str) -> None:
    found = str(lines_in(tmp_path, UNKNOWN[form]))
    assert "no line has a time stamp" in found or "can be read in several ways" in found
    assert "line " in found
    assert "stamp = " in found or "timezone = " in found


@pytest.mark.parametrize("form", SAID)
def test_a_form_that_is_said_is_understood(tmp_path: Path, form: str) -> None:
    stamp, made = SAID[form]
    assert lines_in(tmp_path, made, stamp=stamp) == 2


def test_a_zone_that_is_said_tells_what_its_letters_mean(tmp_path: Path) -> None:
    form = _in("America/Chicago", "%Y-%m-%d %H:%M:%S %Z x")
    assert lines_in(tmp_path, form, timezone="America/Chicago") == 2


@pytest.mark.parametrize("minute", [7, 14, 23, 59])
def test_an_hour_is_not_a_year(tmp_path: Path, minute: int) -> None:
    old, new = ago(30).replace(minute=minute), ago(0.1)
    file = write(tmp_path / "x.log", *(f"[77] {t:%d %b %H:%M:%S}.123 # failed" for t in (old, new)))
    assert told(file) == 1


def iso(hours: float) -> str:
    return f"{ago(hours):%Y-%m-%d %H:%M:%S}"


def syslog(hours: float) -> str:
    return f"{ago(hours):%b} {ago(hours).day:2} {ago(hours):%H:%M:%S} host app:"


def utc(hours: float) -> str:
    return _in("UTC", "%Y-%m-%dT%H:%M:%SZ")(ago(hours))


def access(hours: float) -> str:
    return _in("UTC", "10.0.0.1 - - [%d/%b/%Y:%H:%M:%S +0000]")(ago(hours))


def dotted(hours: float) -> str:
    return f"{ago(hours):%d.%m. %H:%M}"


UNKNOWN_WHY = {
    "tail": "after the last time stamp that is known",
    "head": "before the first time stamp",
    "gap": "a time stamp is not understood",
    "order": "older time stamps stand behind newer ones",
    "shift": "before it was last written to; set the zone",
    "ahead": "after it was last written to; set the zone",
    "year": "say no year, and are of more than one",
}


def files() -> dict[str, tuple[int | str, list[str]]]:
    """Return files by what is odd about them, and what is counted. Their lines are of the hours before this call."""
    return {
        "several forms": (3, [f"{each} failed" for each in (iso(30), syslog(0.9), iso(0.5), f"[{utc(0.2)}]")]),
        "another form from the middle on": (2, [f"{each} failed" for each in (syslog(30), utc(0.5), utc(0.1))]),
        "text, then JSON": (
            2,
            [f"{iso(30)} failed", *(f'{{"v":1,"time":"{utc(h)}","m":"failed"}}' for h in (0.5, 0.1))],
        ),
        "JSON, then text": (2, [f'{{"time":"{utc(30)}","m":"failed"}}', f"{iso(0.5)} failed", f"{iso(0.1)} failed"]),
        "two programs": (
            3,
            [f"{each} failed" for each in (access(30), f"{ago(0.6):%Y/%m/%d %H:%M:%S} [error]", access(0.5), iso(0.1))],
        ),
        "two zones": (
            2,
            [f"{ago(0.9).astimezone(dt.timezone(dt.timedelta(hours=9))).isoformat()} failed", f"{utc(0.5)} failed"],
        ),
        "a date in the first line": (
            1,
            ["*** run before: 2020-01-01 10:00:00 ***", f"{iso(30)} failed", f"{iso(0.1)} failed"],
        ),
        "a date in an address": (1, [f"{iso(0.2)} GET /?from=2020-01-01T00:00:00Z failed"]),
        "a traceback before the window": (
            0,
            [f"{iso(30)} x", "Traceback:", "  failed", "E: failed", "DETAIL:  (2025-01-01 00:00:00) failed", iso(0.1)],
        ),
        "a traceback in the window": (
            2,
            [f"{iso(0.5)} ERROR", "DETAIL:  Key (day)=(2025-01-01 00:00:00) failed", "E: failed", f"{iso(0.1)} x"],
        ),
        "byte order mark": (1, [f"\ufeff{iso(0.1)} failed"]),
        "lines that are not known before the window": (0, ["failed", f"{dotted(6)} failed", iso(5), iso(0.1)]),
        "lines that are not known in the window": (1, [f"{iso(0.5)} x", f"{dotted(0.3)} failed", f"{iso(0.1)} x"]),
        "nothing that matches is not known": (0, [f"{iso(30)} started", "well", f"{dotted(0.5)} well", iso(0.1)]),
        "a banner alone is known": ("tail", [f"{iso(30)} started", "login failed"]),
        "another form and no way back": (
            "tail",
            [f"{iso(30)} failed", *[f"ERROR {iso(h)} failed" for h in (0.5, 0.1)]],
        ),
        "no banner": ("head", [*["failed"] * 1500, f"{iso(0.1)} x"]),
        "one not understood": ("gap", [f"{iso(30)} x", f"{dotted(0.5)} failed", f"{iso(0.1)} x"]),
        "what belongs to one not understood": (
            "gap",
            [f"{iso(30)} x", f"{dotted(0.5)} x", "  failed", f"{iso(0.1)} x"],
        ),
        "two banners": ("gap", [f"{iso(30)} started", "login failed", "login failed", f"{iso(0.1)} started"]),
        "two banners far apart": ("gap", [f"{iso(30)} started", *["login failed", " x"] * 300, f"{iso(0.1)} started"]),
        "dates of rows": ("order", [f"{iso(0.3)} query", "2020-01-01 00:00:00 | failed"]),
        "half a day that is not said": ("shift", [f"{iso(13)} failed", f"{iso(12.3)} failed"]),
        "another zone": ("shift", [f"{iso(5)} failed", f"{iso(3)} failed"]),
        "another zone, east": ("ahead", [f"{iso(-4)} failed", f"{iso(-5)} failed"]),
        "no year, and more than one": ("year", [f"{syslog(0.2)} failed", f"{syslog(1440)} x", f"{syslog(0.1)} x"]),
    }


@pytest.mark.parametrize("case", files())
def test_a_file_is_counted_or_unknown(tmp_path: Path, case: str) -> None:
    expected, lines = files()[case]
    found = told(write(tmp_path / "x.log", *lines))
    if isinstance(expected, int):
        assert found == expected
    else:
        assert UNKNOWN_WHY[expected] in str(found)


def test_a_file_that_was_not_written_to_has_no_lines_of_the_window(tmp_path: Path) -> None:
    assert told(write(tmp_path / "x.log", "failed", written=ago(30))) == 0
    assert told(write(tmp_path / "y.log", f"{iso(30)} x", "Traceback: failed", written=ago(30))) == 0
    assert told(write(tmp_path / "z.log", f"{iso(0.2)} x", "Traceback: failed", written=ago(0.2))) == 1
