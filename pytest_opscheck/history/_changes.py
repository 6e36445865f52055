"""How results stand to those before them: new, ongoing, recovered or flapping; and which breach does not count yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.humanize import duration_text
from ..core.pending import Lasting
from ..core.results import Change, Result, State, Verdict

WRONG = (Verdict.BREACH, Verdict.UNKNOWN)
LOOKED_BACK = 9
"""So many results before this one are looked at to tell whether a check flaps."""
FLAPS = 4
"""How many changes between ok and not ok within a check's last results make it flap."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A past result, as much of it as the next one is compared with.

    `changed` says whether it was new, recovered or flapping. `wrong_since` is when its check began to be not ok, None
    where it is ok; a blocked result leaves it as it was.
    """

    started: dt.datetime
    verdict: Verdict
    severity: str | None
    changed: bool
    wrong_since: dt.datetime | None


def compared(results: Iterable[Result], past: Mapping[str, Sequence[Outcome]], now: dt.datetime) -> tuple[Result, ...]:
    """Return results that say how they stand to those before them. `past` has these by id, the newest first."""
    return tuple(replace(result, change=change_of(result, past.get(result.id, ()), now)) for result in results)


def change_of(result: Result, past: Sequence[Outcome], now: dt.datetime) -> Change | None:
    """Return how a result stands to those before it; None where it is ok as before, or could not be judged at all."""
    before = past[0].wrong_since if past else None
    if result.verdict in WRONG:
        if before is not None:
            return Change(State.ONGOING, before.astimezone(now.tzinfo))
    elif result.verdict is not Verdict.OK or before is None:
        return None
    changes = [outcome.started for outcome in past[:LOOKED_BACK] if outcome.changed]
    if len(changes) + 1 >= FLAPS:
        return Change(State.FLAPPING, changes[-1].astimezone(now.tzinfo))
    return Change(State.NEW, now) if before is None else Change(State.RECOVERED, before.astimezone(now.tzinfo))


def worse(results: Iterable[Result], past: Mapping[str, Sequence[Outcome]]) -> dict[str, str]:
    """Return what was not ok the last time and is more severe now, by id, with the severity that it had then."""
    found = {}
    for result in results:
        last = next((each for each in past.get(result.id, ()) if each.verdict in (*WRONG, Verdict.OK)), None)
        if last is None or last.severity is None or result.severity is None:
            continue
        if {last.verdict, result.verdict} <= set(WRONG) and result.severity < last.severity:
            found[result.id] = last.severity
    return found


def pending(limit: Lasting, past: Sequence[Outcome], now: dt.datetime) -> str | None:
    """Return why a breach does not count yet, None where it does.

    Where no earlier result is known it counts: nothing would ever tell that it has lasted, on a machine whose history
    is thrown away after each run.
    """
    judged = [outcome for outcome in past if outcome.verdict in (*WRONG, Verdict.OK)]
    if not judged:
        return None
    if limit.seconds is not None:
        lasts = now - (past[0].wrong_since or now)
        return (
            None
            if lasts.total_seconds() >= limit.seconds
            else f"counts after {limit}, has lasted {duration_text(lasts)}"
        )
    recent = judged[: limit.within - 1]
    # What was unknown may have been a breach: a red that lasts becomes one, however often nobody could tell.
    wrong = 1 + sum(outcome.verdict in WRONG for outcome in recent)
    return None if wrong >= limit.times else f"counts in {limit} runs, is in {wrong} of {len(recent) + 1}"
