"""How many lines of containers' logs match: in a window, since a moment, or of the last ones."""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from ...core.errors import UnknownError
from ...core.patterns import PatternError
from ...core.units import LimitError, parse_duration, rate_unit
from .._kind import Output
from .._log_patterns import extended
from ._containers import Container, Stack
from ._engine import side_by_side
from ._logs import count_lines, opened
from ._shell import LINES, answered, portable, stack_of, tagged
from ._target import MAX_BYTES, Containers, Engine, kind, require_containers, where

LOGS_TIMEOUT_S = 120
LOGS_AT_ONCE = 4
"""Logs read side by side: the engine reads each with one processor, and counting here has one for all of them."""
_DAY = 86400
_SHOWN = 3
_WHOLE_S = 1
"""A host's clock is read in whole seconds."""


@dataclass(frozen=True, slots=True)
class LogLines:
    """How many lines of containers' logs matched a pattern.

    `unit` is that of the counts as limits say it: a rate such as /day, or none. `counts` are by container; `unread` are
    those of which the count is not known, each with the reason. `younger` are the containers that were made after the
    time from which on lines count: what they replaced took its log along. `by_container` says that each of them is to
    be judged by itself, because each has a time of its own.
    """

    pattern: str
    unit: str
    counts: tuple[tuple[str, int], ...]
    unread: tuple[tuple[str, str], ...]
    younger: tuple[str, ...] = ()
    by_container: bool = False

    @property
    def total(self) -> int:
        """All lines of all containers that could be read."""
        return sum(count for _, count in self.counts)

    @property
    def most(self) -> str:
        """The three containers that have most, with their counts; nothing where there is none."""
        worst = sorted((each for each in self.counts if each[1]), key=lambda each: (-each[1], each[0]))
        return _first([f"{name} {count}" for name, count in worst])

    @property
    def observed(self) -> str:
        """The total as a message says it, with the containers whose logs are shorter than what is asked for."""
        return f"{self.total}{self.unit}" + (f" (shorter logs: {_first(self.younger)})" if self.younger else "")


def _first(names: list[str] | tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    return text


Regex = Annotated[str, AfterValidator(_regex)]


def _since(value: Any, info: ValidationInfo) -> str:
    """Return from when on lines count, as the script takes it: `start`, `ago SECONDS`, or `at SECONDS` since 1970."""
    window = info.data.get("window_s")
    if window is not None:
        if value is not None or info.data.get("last") is not None:
            raise ValueError(
                "the limit is a rate, which says how far back lines count; here use a bare number, for example '== 0'"
            )
        return f"ago {window}"
    if value is None and info.data.get("last") is None:
        raise ValueError(
            "it does not say which lines count; use a rate, '== 0/day', or since = '4h', since = 'start', last = 100"
        )
    return "all" if value is None else "start" if value == "start" else _moment(value)


def _moment(value: Any) -> str:
    try:
        time = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value).strip())
    except ValueError:
        time = None
    if time is not None:
        if time.tzinfo is None:
            raise ValueError("this time has no zone; write for example 2026-11-20T09:00:00Z or ...T09:00:00-05:00")
        return f"at {time.timestamp():.6f}"
    try:
        return f"ago {parse_duration(value):.0f}"
    except LimitError:
        raise ValueError(
            f"{value!r} is not a time; use a length of time such as '4h', 'start' for the container's own, "
            "or a moment such as 2026-11-20T09:00:00Z"
        ) from None


Since = Annotated[str, BeforeValidator(_since)]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which lines count, and of which services."""

    pattern: str
    ignore: str | None
    ignore_case: bool
    services: tuple[str, ...]
    since: str
    last: int | None = None
    window_s: int | None = None
    not_before: float | None = None

    def __post_init__(self) -> None:
        """Count nothing from before a moment where that is asked for; what a container said since its start does."""
        how, _, number = self.since.partition(" ")
        if self.not_before is not None and how != "start":
            now = time.time()
            own = {"ago": lambda: float(number), "at": lambda: now - float(number), "all": lambda: math.inf}[how]()
            object.__setattr__(self, "since", f"ago {max(0, math.ceil(min(own, now - self.not_before)))}")

    def begin(self, container: Container, now: float) -> float:
        """Return from when on a container's lines count, in seconds since 1970."""
        how, _, number = self.since.partition(" ")
        if how == "start":
            return container.log_begin
        return {"ago": lambda: now - float(number), "at": lambda: float(number), "all": lambda: 0.0}[how]()

    def require_past(self, now: float) -> None:
        """Raise UnknownError where the time from which on lines count is yet to come."""
        how, _, number = self.since.partition(" ")
        if how == "at" and float(number) > now + _WHOLE_S:
            raise UnknownError("`since` lies in the future of the engine's clock: no line can be that new")

    def result(self, stack: Stack, now: float, counted: Mapping[str, int | str]) -> LogLines:
        """Put counts by container together; what has no count is unread, be it a container or a service without one."""
        require_containers(stack)
        containers = stack.of_services(self.services)
        counts, unread = (
            [],
            [(name, "it has no container") for name in self.services if not stack.of_services((name,))],
        )
        for container in containers:
            answer = counted.get(container.id, "its log was not counted")
            if isinstance(answer, int):
                counts.append((container.name, answer))
            else:
                unread.append((container.name, f"its log can't be read: {answer}"))
        by_time = self.since.startswith(("ago", "at"))
        younger = (each.name for each in containers if by_time and (each.created or 0) > self.begin(each, now))
        return LogLines(
            self.pattern,
            rate_unit(self.window_s),
            tuple(counts),
            tuple(unread),
            tuple(younger),
            by_container=self.since == "start",
        )


def _read(engine: Engine, wanted: _Wanted, timeout_s: float) -> LogLines:
    flags = re.IGNORECASE if wanted.ignore_case else re.NOFLAG
    pattern = re.compile(wanted.pattern, flags)
    ignore = re.compile(wanted.ignore, flags) if wanted.ignore is not None else None
    now = engine.now
    wanted.require_past(now)

    def counted(container: Container) -> int | str:
        begin = wanted.begin(container, now)
        log = opened(engine.client, container.id, since=begin, until=now, timeout_s=timeout_s, last=wanted.last)
        try:
            with log as read:
                return count_lines(read, tty=container.tty, pattern=pattern, ignore=ignore)
        except (UnknownError, PatternError) as error:
            return str(error)
        except TimeoutError:
            return f"it did not end within {timeout_s:g} s; set a longer `timeout`, or a shorter time for the lines"

    containers = engine.stack.of_services(wanted.services)
    answers = side_by_side(counted, containers, LOGS_AT_ONCE)
    return wanted.result(engine.stack, now, {each.id: answer for each, answer in zip(containers, answers, strict=True)})


def _args(target: Containers, wanted: _Wanted) -> tuple[str, ...]:
    dialect, pattern, ignore = _as_grep_takes(wanted)
    how, _, number = wanted.since.partition(" ")
    last = str(wanted.last or "all")
    case = "-i" if wanted.ignore_case else ""
    services = " ".join(wanted.services)
    return (how, number, last, case, dialect, pattern, ignore, services, *where(target))


def _as_grep_takes(wanted: _Wanted) -> tuple[str, str, str]:
    """Return the dialect in which a host's grep takes the patterns, and both as it takes them."""
    pattern, ignore = wanted.pattern, wanted.ignore or ""
    if portable(pattern) and portable(ignore):
        with suppress(ValueError):
            case = wanted.ignore_case
            return "-E", extended(pattern, ignore_case=case), extended(ignore, ignore_case=case)
    return "-P", pattern, ignore


def _counted_there(output: Output, wanted: _Wanted) -> LogLines:
    lines = answered(output)
    now = float(next(tagged(lines, "now"), ["0"])[0])
    if now:
        wanted.require_past(now)
    counts: dict[str, int | str] = {id_: int(count) for id_, count in tagged(lines, "count", 2)}
    counts |= {id_: why.removeprefix("Error response from daemon: ") for id_, why in tagged(lines, "unread", 2)}
    counts |= {id_: "docker logs broke off" for (id_,) in tagged(lines, "failed")}
    return wanted.result(stack_of(lines), now, counts)


@kind.probe(timeout_s=LOGS_TIMEOUT_S)
def errors(
    engine: Engine,
    *,
    window_s: int | None = None,
    pattern: Regex = "ERROR",
    ignore: Regex | None = None,
    ignore_case: bool = False,
    services: tuple[str, ...] = (),
    not_before: float | None = None,
    timeout_s: float,
) -> LogLines:
    """How many lines of the logs match, by the times at which the engine received them."""
    return _read(engine, _errors_wanted(window_s, pattern, ignore, ignore_case, services, not_before), timeout_s)


def _errors_wanted(  # noqa: PLR0917 - the probe's parameters
    window_s: int | None,
    pattern: str,
    ignore: str | None,
    ignore_case: bool,
    services: tuple[str, ...],
    not_before: float | None,
) -> _Wanted:
    seconds = window_s or _DAY
    since = f"ago {seconds}"
    return _Wanted(pattern, ignore, ignore_case, services, since, window_s=seconds, not_before=not_before)


def _errors_args(  # noqa: PLR0917 - the probe's parameters
    target: Containers,
    window_s: int | None,
    pattern: str,
    ignore: str | None,
    ignore_case: bool,
    services: tuple[str, ...],
    not_before: float | None,
) -> tuple[str, ...]:
    return _args(target, _errors_wanted(window_s, pattern, ignore, ignore_case, services, not_before))


@kind.through_host(errors, LINES, args=_errors_args, max_bytes=MAX_BYTES)
def _errors_there(output: Output, **params: Any) -> LogLines:
    """The same, counted on the host."""
    return _counted_there(output, _errors_wanted(**params))


@kind.probe(timeout_s=LOGS_TIMEOUT_S)
def logs(
    engine: Engine,
    *,
    window_s: int | None = None,
    pattern: Regex,
    ignore: Regex | None = None,
    ignore_case: bool = False,
    services: tuple[str, ...] = (),
    last: Annotated[int, Field(ge=1, le=1_000_000)] | None = None,
    since: Since = None,  # type: ignore[assignment]
    not_before: float | None = None,
    timeout_s: float,
) -> LogLines:
    """How many lines of the logs match: in a rate's window, `since` a time, or of the `last` ones of each container.

    `since` is a length of time up to now ("4h"), a moment with its zone (2026-11-20T09:00:00Z), or "start", the latest
    start of each container. The engine's time stamps count, not those in a line.
    """
    wanted = _Wanted(pattern, ignore, ignore_case, services, since, last, window_s, not_before)
    return _read(engine, wanted, timeout_s)


def _logs_args(  # noqa: PLR0917 - the probe's parameters
    target: Containers,
    window_s: int | None,
    pattern: str,
    ignore: str | None,
    ignore_case: bool,
    services: tuple[str, ...],
    last: int | None,
    since: str,
    not_before: float | None,
) -> tuple[str, ...]:
    return _args(target, _Wanted(pattern, ignore, ignore_case, services, since, last, window_s, not_before))


@kind.through_host(logs, LINES, args=_logs_args, max_bytes=MAX_BYTES)
def _logs_there(output: Output, **params: Any) -> LogLines:
    """The same, counted on the host."""
    return _counted_there(output, _Wanted(**params))
