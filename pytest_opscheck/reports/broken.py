"""What is not ok now, and since when: by the newest whole run of each suite, the newest word of each check."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.duty import Duty
from ..core.humanize import duration_text
from ..core.limits import SEVERITIES
from ..core.results import Verdict
from ..history import Standing
from .phrases import owed, short
from .plot import said_at

_LONGEST = 200
_WRONG = (Verdict.BREACH, Verdict.UNKNOWN)
_MOST_SLOW = 10
_LEAST_S = 0.05


@dataclass(frozen=True, slots=True)
class Broken:
    """A check that is not ok. `lasts` is for how long, `since` from when on."""

    id: str
    target: str
    severity: str
    word: str
    since: str
    lasts: str
    message: str
    duty: str
    is_overdue: bool
    link: str | None


@dataclass(frozen=True, slots=True)
class BrokenTarget:
    """A target of which something is not ok: how many checks, by severity in the order of `SEVERITIES`."""

    name: str
    counts: tuple[int, ...]
    since: str


@dataclass(frozen=True, slots=True)
class SlowTarget:
    """A target, and what of it took longest."""

    name: str
    took: str
    check: str


def newest_words(standings: Iterable[Standing]) -> list[Standing]:
    """Return what was said last of each check."""
    found: dict[str, Standing] = {}
    for each in standings:
        if each.id not in found or found[each.id].seq < each.seq:
            found[each.id] = each
    return list(found.values())


def broken(
    words: Iterable[Standing],
    abouts: Mapping[int, Mapping[str, Any]],
    now: dt.datetime,
    link: Callable[[Standing], str | None],
) -> tuple[Broken, ...]:
    """Return what is not ok, the worst first, then what has lasted longest."""
    wrong = sorted(
        (each for each in words if each.verdict in _WRONG),
        key=lambda each: (each.pending is not None, each.severity or "P0", each.wrong_since or now, each.id),
    )
    return tuple(_broken(each, abouts.get(each.about, {}), now, link(each)) for each in wrong)


def _broken(each: Standing, about: Mapping[str, Any], now: dt.datetime, link: str | None) -> Broken:
    since = each.wrong_since or now
    duty = Duty.from_json(about["duty"]) if about.get("duty") else None
    if duty is not None:
        duty = duty.of(since.astimezone(now.tzinfo), now)
    return Broken(
        id=each.id,
        target=target_of(each.id),
        severity=each.severity or "",
        word="pending" if each.pending else str(each.verdict),
        since=said_at(since, now.tzinfo),
        lasts=duration_text(now - since),
        message=short(each.message, _LONGEST),
        duty=owed(duty),
        is_overdue=duty is not None and duty.overdue_since is not None,
        link=link,
    )


def by_target(found: Iterable[Broken]) -> tuple[BrokenTarget, ...]:
    """Return the targets of what is not ok, those with the worst first."""
    groups: dict[str, list[Broken]] = {}
    for each in found:
        groups.setdefault(each.target, []).append(each)
    made = [BrokenTarget(name, _counted(group), min(each.since for each in group)) for name, group in groups.items()]
    return tuple(sorted(made, key=lambda target: ([-count for count in target.counts], target.name)))


def _counted(group: Iterable[Broken]) -> tuple[int, ...]:
    numbers = Counter(each.severity for each in group)
    return tuple(numbers[severity] for severity in SEVERITIES)


def slowest(words: Iterable[Standing]) -> tuple[SlowTarget, ...]:
    """Return the targets whose slowest reading took longest."""
    found: dict[str, tuple[float, str]] = {}
    for each in words:
        took = (each.duration_s, each.id.partition("@")[0])
        found[target_of(each.id)] = max(took, found.get(target_of(each.id), took))
    slow = sorted(((took, name) for name, took in found.items() if took[0] >= _LEAST_S), reverse=True)
    return tuple(SlowTarget(name, f"{took:.2f} s", check) for (took, check), name in slow[:_MOST_SLOW])


def target_of(result: str) -> str:
    """Return the target of a result, by its id: `host.prod` of `host.disk@prod`."""
    check, _, target = result.rpartition("@")
    kind = check.partition(".")[0]
    return kind if target == "-" else f"{kind}.{target}"
