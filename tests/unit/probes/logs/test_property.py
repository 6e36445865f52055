"""Logs of which is known what they hold, in forms, zones, lines and files as they come: counted right, or unknown."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import lzma
import os
import tempfile
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pytest_opscheck.probes import UnknownError

from .log_files import counted

WINDOW_S = 3600
Form = Callable[[dt.datetime], str]


def _zone(name: str, form: str) -> Form:
    return lambda moment: moment.astimezone(zoneinfo.ZoneInfo(name)).strftime(form)


def _local(form: str) -> Form:
    return lambda moment: moment.astimezone().strftime(form)


KNOWN: dict[str, Form] = {
    "logging": _local("%Y-%m-%d %H:%M:%S,123"),
    "brackets": _local("[%Y-%m-%d %H:%M:%S.123456]"),
    "syslog": _local("%b %d %H:%M:%S host app[7]:"),
    "dots": _local("%d.%m.%Y %H:%M:%S"),
    "half days": _local("%m/%d/%Y %I:%M:%S %p"),
    "ctime": _local("[%a %b %d %H:%M:%S %Y]"),
    "UTC": _zone("UTC", "%Y-%m-%dT%H:%M:%SZ"),
    "access": _zone("UTC", "10.0.0.1 - - [%d/%b/%Y:%H:%M:%S +0000]"),
    "+05:30": _zone("Asia/Kolkata", "%Y-%m-%dT%H:%M:%S+05:30"),
    "-03": _zone("America/Sao_Paulo", "%Y-%m-%d %H:%M:%S.123 %Z [7]"),
    "JST": _zone("Asia/Tokyo", "%Y-%m-%d %H:%M:%S JST"),
    "seconds": lambda moment: f"{moment.timestamp():.3f}",
    "json": _zone("UTC", '{"level":"x","time":"%Y-%m-%dT%H:%M:%SZ"}'),
    "level first": _local("ERROR %Y-%m-%d %H:%M:%S,123"),
}
NOT_KNOWN: dict[str, Form] = {
    "no year": _local("%d.%m. %H:%M:%S"),
    "no date": _local("%H:%M:%S"),
    "another language": _local("%d Dez %Y %H:%M:%S"),
    "CST": _zone("America/Chicago", "%Y-%m-%d %H:%M:%S CST"),
    "IST": _zone("Asia/Kolkata", "%Y-%m-%d %H:%M:%S IST"),
    "east": _zone("Asia/Tokyo", "%Y-%m-%d %H:%M:%S"),
    "west": _zone("America/New_York", "%Y-%m-%d %H:%M:%S"),
    "tai64n": lambda moment: f"@{2**62 + 10 + int(moment.timestamp()):016x}00000000",
    "none": lambda _: "login",
}
FORMS = {**KNOWN, **NOT_KNOWN}
MORE = [
    "",
    "\n  at shop.Order.pay(Order.java:7) failed",
    '\nTraceback (most recent call last):\n  File "x.py", line 10\nValueError: failed',
    "\n\tvalue = (2025-01-01 00:00:00) failed",
    "\nDETAIL:  Key (day)=(2025-01-01 00:00:00) failed.\n  x",
]
NAMES = ["{0}.log.{1}", "{0}.{1}.log", "{0}.log-{2}", "{0}-{2}.log", "{0}__{2}_00-00-0{1}.log", "{0}.log.{2}.{1}"]
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@dataclass(frozen=True)
class Entry:
    """What one program writes at one moment, so many seconds ago."""

    seconds_ago: int
    form: str
    text: str
    more: str


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    """Draw what was logged, the oldest first: in one form, in several at once, or in another from some time on."""
    ages = draw(st.lists(st.integers(0, 4 * WINDOW_S).filter(lambda age: abs(age - WINDOW_S) > 30), max_size=12))
    forms = draw(st.lists(st.sampled_from(sorted(FORMS if draw(st.booleans()) else KNOWN)), min_size=1, max_size=3))
    if alone := {"east", "west"}.intersection(forms):  # what another zone writes can't be told from what is older
        forms = [alone.pop()]
    more = MORE[:1] if "none" in forms else MORE  # what belongs to a line without a stamp can't be told from the next
    changing = draw(st.booleans())
    entries = []
    for at, age in enumerate(sorted(ages, reverse=True)):
        form = forms[at * len(forms) // len(ages)] if changing else draw(st.sampled_from(forms))
        text = draw(
            st.sampled_from(["login failed", "all well", "sent to 2020-02-02 02:02:02 failed", "2 of 3 failed"])
        )
        entries.append(Entry(age, form, text, draw(st.sampled_from(more))))
    return entries


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    entries=logs(),
    cuts=st.sets(st.integers(1, 11), max_size=2),
    packing=st.tuples(st.sampled_from(NAMES), st.sampled_from(sorted(PACKED))),
    end=st.sampled_from(["\n", "\r\n"]),
    beside=st.booleans(),
)
def test_a_count_is_right_or_unknown(
    entries: list[Entry], cuts: set[int], packing: tuple[str, str], end: str, beside: bool
) -> None:
    now = dt.datetime.now(dt.UTC)
    name, packed = packing
    inside = [entry for entry in entries if entry.seconds_ago < WINDOW_S]
    truth = sum(
        line.endswith(("failed", "failed.")) for entry in inside for line in f"{entry.text}{entry.more}".split("\n")
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        parts = [entries[low:high] for low, high in zip((0, *sorted(cuts)), (*sorted(cuts), None), strict=True)]
        for number, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
            text = "".join(
                f"{FORMS[entry.form](now - dt.timedelta(seconds=entry.seconds_ago))} {entry.text}{entry.more}\n"
                for entry in part
            ).replace("\n", end)
            date = f"{now - dt.timedelta(days=number):%Y-%m-%d}"
            file = folder / ("app.log" if not number else name.format("app", number, date) + packed)
            file.write_bytes(PACKED[packed](text.encode()) if number else text.encode())
            written = now.timestamp() - (part[-1].seconds_ago if part else 0)
            os.utime(file, (written, written))
        if beside:
            (folder / "app-worker.log").write_text(f"{now:%Y-%m-%dT%H:%M:%SZ} failed\n" * 50)
        try:
            found = counted(folder / "app.log", window_s=WINDOW_S, pattern=r"failed\.?$")
        except UnknownError as error:
            assert "app" in str(error)  # noqa: PT017 - of whatever is said, the file is a part
            event("unknown")
            return
        assert found.least <= truth <= found.most
        event("right" if found.doubt is None else "between bounds")
        assert found.doubt is not None or found.lines == truth
