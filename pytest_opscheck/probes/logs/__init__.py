"""Logs on a host, in files or the journal: how many of their lines match, in a window up to now; only counts travel."""

from __future__ import annotations

import datetime as dt
import math
import re
import zoneinfo
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from ...core.errors import UnknownError
from ...core.units import LimitError, parse_duration, rate_unit
from ...core.visible import typed
from .._files import OnHost, absolute, said_of
from .._kind import Kind, Output
from .._log_patterns import Pattern, extended
from .._types import Zone
from ._script import COUNT
from ._stamps import Stamps, doubts_of
from ._strptime import strptime


def _timezone(name: str) -> str:
    if name:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {name!r}; write for example UTC or Europe/Berlin") from None
    return name


def _unit(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z0-9:_.@\\*?\[\]-]+", name):
        raise ValueError(f"{name!r} is not a name of a systemd unit; write for example app-web")
    return name


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Path = Annotated[str, AfterValidator(absolute)]
Paths = Annotated[
    tuple[Path, ...],
    BeforeValidator(_several),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Log(OnHost):
    """A log: files, with those that they were rotated into, or the journal of a systemd unit."""

    path: Paths = Field(
        default=(),
        description="an absolute path; *, ? and [...] are shell wildcards; or several",
    )
    journal: Annotated[str, AfterValidator(_unit)] = Field(
        default="", description="in place of `path`: a systemd unit, whose messages in the journal are read"
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="", description="the zone of time stamps that name none, for example UTC; by default the host's"
    )

    stamp: Annotated[str, AfterValidator(strptime)] = Field(
        default="",
        description='the format of time stamps that are not recognized, for strptime: "%d.%m. %H:%M"',
    )

    @model_validator(mode="after")
    def _one_source(self) -> Log:
        if bool(self.path) == bool(self.journal):
            raise ValueError('set where it is, either path = "/var/log/app.log" or journal = "app-web"')
        if self.journal and self.timezone:
            raise ValueError("the journal's time stamps are of no zone; leave `timezone` out")
        if self.journal and self.stamp:
            raise ValueError("the journal knows when a message came; leave `stamp` out")
        return self


kind = Kind("logs", Log, "a log on a host: files, with those that they were rotated into, or a unit's journal")


@dataclass(frozen=True, slots=True)
class Count:
    """How many lines match, and as what: in the unit of the window, or none since a moment and for whole files.

    `least` and `most` differ where the time of some lines is not known, for which `doubt` gives the reason, and the
    file where that is not the log itself.
    """

    log: str
    pattern: str
    least: int
    most: int
    unit: str
    doubt: str | None = None

    @property
    def lines(self) -> int:
        """The number of lines. Raises UnknownError where only bounds of it are known."""
        if self.doubt is not None:
            raise UnknownError(self.doubt if self.doubt.startswith("/") else f"{self.log}: {self.doubt}")
        return self.least


def _since(text: str | None, info: ValidationInfo) -> str | None:
    if text is None:
        return None
    if info.data.get("window_s"):
        raise ValueError("a limit with a rate sets a window of its own; use a number, for example expect = 0")
    try:
        return text if text == "today" else f"{parse_duration(text):g}"
    except LimitError:
        raise ValueError(
            f"{text!r} is neither today nor a length of time; write for example 'today' or '30m'"
        ) from None


Since = Annotated[str | None, AfterValidator(_since)]
"""From when lines count: a length of time before now, or the last midnight in the inventory's time zone."""


def _args(
    target: Log,
    *,
    pattern: str,
    ignore: str,
    ignore_case: bool,
    window_s: int | None,
    since: str | None,
    zone: dt.tzinfo,
    not_before: float | None,
) -> tuple[str, ...]:
    now = dt.datetime.now(dt.UTC)
    midnight = dt.datetime.combine(now.astimezone(zone).date(), dt.time(), zone)
    seconds = float(since) if since and since != "today" else float(window_s or 0)
    if not_before is not None:
        own = (now - midnight).total_seconds() if since == "today" else seconds or math.inf
        since, seconds = None, min(own, now.timestamp() - not_before)
    start = midnight if since == "today" else now - dt.timedelta(seconds=seconds)
    local = ("", "", "")
    if target.timezone:
        stamped = zoneinfo.ZoneInfo(target.timezone)
        moments = (start, start + dt.timedelta(hours=1), now)
        then, soon, here = (_ahead(moment.astimezone(stamped)) for moment in moments)
        local = (then, soon.partition(" ")[0], here)
    began = str(int(start.timestamp())) if since == "today" else ""
    window = str(max(1, int(seconds))) if seconds else ""
    case = "-i" if ignore_case else ""
    patterns = [extended(each, ignore_case=ignore_case) for each in (pattern, ignore)]
    return (*patterns, case, window, began, *local, target.stamp, target.journal, *target.path)


def _ahead(moment: dt.datetime) -> str:
    """Return the seconds by which a zone is ahead of UTC, and its name."""
    return f"{int((moment.utcoffset() or dt.timedelta()).total_seconds())} {moment.tzname()}"


@kind.shell(COUNT, args=_args, timeout_s=60)
def count(
    output: Output,
    *,
    pattern: Pattern,
    ignore: Pattern = "",  # noqa: ARG001 - the script's
    ignore_case: bool = False,  # noqa: ARG001 - the script's
    window_s: int | None = None,
    since: Since = None,  # noqa: ARG001 - the script's
    zone: Zone,  # noqa: ARG001 - the script's
    not_before: float | None = None,  # noqa: ARG001 - the script's
) -> Count:
    """Lines that match `pattern` and not `ignore`: with a rate those of its window, with `since` those from then on.

    By the lines' own time stamps, or the journal's. The files that a log was rotated into (NAME.1, NAME-20261120.gz)
    are read too, where they reach into the window.
    """
    answers = said_of(output)
    _refuse_missing(answers)
    for what in answers.get("failed", ()):
        raise UnknownError(f"{what} could not be read to its end")
    if "count" not in answers or not (answers.get("read") or answers.get("whole")):
        raise UnknownError("the host did not say how many lines match")
    _require_rotated(answers)
    doubts = doubts_of(answers)
    lines = int(answers["count"][0])
    least = lines - sum(doubt.lines for doubt in doubts if doubt.counted)
    most = lines + sum(doubt.lines for doubt in doubts if not doubt.counted)
    log = ", ".join(answers["log"])
    why = str(doubts[0]).removeprefix(f"{log}: ") if doubts else None
    return Count(log, pattern, least, most, rate_unit(window_s), why)


def _require_rotated(answers: dict[str, list[str]]) -> None:
    """Raise UnknownError where a log may have been rotated within the window into a folder that can't be listed."""
    files = {stamps.file: stamps for stamps in map(Stamps.of, answers.get("read", ()))}
    for file in answers.get("unlisted", ()):
        stamps = files.get(file)
        if stamps is None or not stamps.stamped or stamps.first >= int(answers["start"][0]):
            folder = file.rpartition("/")[0] or "/"
            raise UnknownError(
                f"no permission to list {folder}, and {file} does not reach back to where counting begins: what it was "
                f"rotated into can't be seen; give the user of the host access: setfacl -m u:USER:rX {typed(folder)}"
            )


def _refuse_missing(answers: dict[str, list[str]]) -> None:
    """Raise UnknownError where there is no such log, or it can't be seen."""
    for path in answers.get("none", ()):
        if "/" not in path:
            raise UnknownError(f"neither the journal nor systemd knows a unit {path}; see systemctl list-units --all")
        if "folder" in answers:
            raise UnknownError(f"{answers['folder'][0]} is a folder; name the files in it")
        folder = re.split(r"[*?\[]", path)[0].rpartition("/")[0] or "/"
        raise UnknownError(f"{path}: there is no such file; look for it: ls -l {typed(folder)}")
    for user in answers.get("hidden", ()):
        raise UnknownError(
            f"no permission to read the journal; let the host's user: usermod -aG systemd-journal {typed(user)}"
        )
    if "unkept" in answers:
        raise UnknownError("there is no journal; check that systemd-journald runs: systemctl status systemd-journald")
