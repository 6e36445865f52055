"""The words of a result that every report for people shares: its verdict, what is not as expected, and the counts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from ..core.duty import Duty
from ..core.humanize import duration_text, seconds_text
from ..core.results import Excuse, Measurement, Result, Run, State, Verdict, summary
from ..core.visible import plain

MOST_LINES = 5
"""So many measurements of a result are shown; a host with a hundred full mounts says `and 95 more`."""
_LONGEST = 300
"""So many characters of an observed text are shown; the results file has all of it."""
_ORDER = (
    Verdict.OK,
    Verdict.BREACH,
    Verdict.UNKNOWN,
    Verdict.BLOCKED,
    Verdict.WAIVED,
    Verdict.MAINTENANCE,
)

_STATUS = {
    1: "The run failed",
    2: "The run was interrupted",
    3: "The checker itself failed",
    4: "The run could not start",
    5: "Nothing was judged",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is not as expected: what was observed, and what should have been.

    Where it is `unsure`, it could not be judged, and the severity is what is at stake.
    """

    severity: str
    observed: str
    expected: str
    unsure: bool = False


def word(result: Result) -> str:
    """Return a verdict as people read it. A breach that does not fail the run is a warning, or does not count yet."""
    if result.pending:
        return "PENDING"
    if result.verdict is Verdict.BREACH and not result.fails:
        return "WARNING"
    return str(result.verdict).upper()


def change(result: Result, now: dt.datetime) -> str:
    """Return in short how a result stands to those before it: `new`, `since 2 d`, `recovered`; nothing if as before."""
    if result.change is None:
        return ""
    if result.change.state is State.ONGOING:
        return f"since {duration_text(now - result.change.since)}"
    return str(result.change.state)


def duty(result: Result) -> str:
    """Return who answers for a result and by when; nothing where nobody says."""
    return owed(result.duty)


def owed(duty: Duty | None) -> str:
    """Return who answers and by when: `ops on call, within 1 h: overdue since 2026-11-20 09:00 EST`."""
    if duty is None:
        return ""
    within = f"within {seconds_text(duty.within_s)}" if duty.within_s else ""
    text = ", ".join(plain(part) for part in (duty.owner, within) if part)
    if duty.overdue_since is None:
        return text
    return f"{text}: overdue since {duty.overdue_since:%Y-%m-%d %H:%M %Z}".rstrip()


def is_new(result: Result) -> bool:
    """Tell whether a result that is not ok was ok before; what flaps is called so by the run that changes it."""
    return result.change is not None and result.change.state in (State.NEW, State.FLAPPING)


def parted(run: Run, worse: Container[str]) -> dict[str, list[Result]]:
    """Return what is not ok under the titles that it stands: the new first, then what is worse than the last time."""
    found: dict[str, list[Result]] = {"New": [], "Worse": [], "Still not ok": []}
    wrong = [result for result in run.results if result.verdict in (Verdict.BREACH, Verdict.UNKNOWN)]
    for result in wrong:
        found["New" if is_new(result) else "Worse" if result.id in worse else "Still not ok"].append(result)
    return {"Not ok": wrong} if found["Still not ok"] == wrong else found


def blocked_by(results: Iterable[Result], *, reasons: bool = False) -> list[str]:
    """Return by what checks are blocked, and how many, or with the reasons: `3 checks blocked by redis.reachable@x`."""
    blocked = [result for result in results if result.verdict is Verdict.BLOCKED]
    counted_by = Counter(
        r.message if reasons else f"blocked by {r.blocked_by or 'what it depends on'}" for r in blocked
    )
    return [f"{number} check{'s' if number > 1 else ''} {plain(text)}" for text, number in sorted(counted_by.items())]


def recovered(run: Run) -> str:
    """Return what is ok again, in one line: `recovered: host.disk@prod (after 2 d)`; nothing where nothing is."""
    found = recovered_ones(run)
    shown = [f"{r.id} ({after(r, run.started)})" for r in found[:MOST_LINES]]
    more = [f"and {len(found) - MOST_LINES} more"] if len(found) > MOST_LINES else []
    return f"recovered: {', '.join([*shown, *more])}" if found else ""


def recovered_ones(run: Run) -> list[Result]:
    """Return the results that are ok, and were not before."""
    return [result for result in run.results if result.change is not None and result.verdict is Verdict.OK]


def after(result: Result, now: dt.datetime) -> str:
    """Return how long a result that is ok again was not: `after 2 d`."""
    if result.change is None or result.change.state is State.FLAPPING:
        return "flapping"
    return f"after {duration_text(now - result.change.since)}"


def quiet(run: Run) -> list[str]:
    """Return what fails nothing though it is not ok, a line for each reason, and what the inventory wants looked at."""
    found: dict[str, list[str]] = {}
    for result in run.results:
        if result.quiet is not None:
            found.setdefault(_why_quiet(result.verdict, result.quiet), []).append(result.id)
    parts = [
        f"{reason}: {', '.join(ids[:MOST_LINES])}"
        + (f" and {len(ids) - MOST_LINES} more" if len(ids) > MOST_LINES else "")
        for reason, ids in found.items()
    ]
    return [plain(text) for text in (*parts, *run.notices)]


def _why_quiet(verdict: Verdict, quiet: Excuse) -> str:
    until = f" until {quiet.until[:16].replace('T', ' ')}" if quiet.until else ""
    if verdict is Verdict.WAIVED:
        ticket = f" ({quiet.ticket})" if quiet.ticket else ""
        return f"waived{until} by {quiet.who}: {quiet.why}{ticket}"
    by = f"{quiet.by}, by {quiet.who}" if quiet.who else quiet.by
    if verdict is not Verdict.MAINTENANCE:
        return f"alerts are off{until}: {quiet.why} ({by})"
    return f"in maintenance{until}: {quiet.why} ({by})"


def covers(result: Result) -> str:
    """Return the ids of the runbook's lines that a check stands for: ` [IF-09, FS-04]`, or nothing."""
    return f" [{', '.join(result.covers)}]" if result.covers else ""


def lines(result: Result) -> list[Line]:
    """Return what is not as expected, the worst first; the message where nothing was measured."""
    waived = result.verdict is Verdict.WAIVED
    bad = [m for m in result.measurements if m.counts or (waived and m.breached)] + [
        m for m in result.measurements if m.problem
    ]
    bad.sort(key=lambda m: m.breached or "P9")
    found = [line(measurement, result.severity) for measurement in bad[:MOST_LINES]]
    if not found:
        message = short(plain(result.message))
        return [Line(result.severity or "", message, "", result.verdict is Verdict.UNKNOWN)]
    more = len(bad) - MOST_LINES
    return [*found, Line("", f"and {more} more", "")] if more > 0 else found


def line(measurement: Measurement, severity: str | None = None) -> Line:
    """Return one measurement in words. `severity` is what is at stake where it could not be judged."""
    observed = measurement.problem or measurement.observed
    if measurement.subject:
        observed = f"{measurement.subject}{':' if measurement.problem else ''} {observed}"
    return Line(
        severity=measurement.breached or severity or "",
        observed=short(plain(observed)),
        expected=short(plain(measurement.expected)),
        unsure=bool(measurement.problem),
    )


def counts(run: Run) -> str:
    """Return a run's verdicts in one line: `opscheck daily: 40 ok, 2 breach (1 P1, 1 P3), 3 blocked`."""
    numbers = summary(run.results)
    parts = [f"{numbers[verdict]} {verdict}{_more(verdict, numbers, run)}" for verdict in _ORDER if numbers[verdict]]
    if not any(numbers[verdict] for verdict in (Verdict.OK, Verdict.BREACH, Verdict.UNKNOWN)):
        parts.append("nothing was judged")
    if run.not_run:
        parts.append(f"{run.not_run} not run")
    return f"opscheck {run.suite or 'checks'}: {', '.join(parts)}"


def _more(verdict: Verdict, numbers: Mapping[str, Mapping[str, int]], run: Run) -> str:
    if verdict is not Verdict.BREACH:
        return ""
    pending = sum(result.pending is not None for result in run.results)
    return by_severity(numbers) + (f", {pending} of them pending" if pending else "")


def by_severity(numbers: Mapping[str, Mapping[str, int]]) -> str:
    """Return how severe the breaches of a summary are: ` (1 P1, 1 P3)`."""
    text = ", ".join(f"{number} {severity}" for severity, number in numbers["by_severity"].items())
    return f" ({text})" if text else ""


def tone(run: Run) -> str:
    """Return the colour of the whole: green for exit status 0 alone, yellow where something still wants a look."""
    if run.exit_status:
        return "red"
    wants_a_look = run.not_run > 0 or any(result.verdict is not Verdict.OK for result in run.results)
    return "yellow" if wants_a_look else "green"


def headline(run: Run) -> str:
    """Return whether all is well, in a sentence, and how much of the suite was not looked at."""
    left = f"; {run.not_run} more did not run" if run.not_run else ""
    return _headline(run) + left


def _headline(run: Run) -> str:
    count = len(run.results)
    checks = f"{count} check{'' if count == 1 else 's'}"
    failing = [result.severity or "" for result in run.results if result.fails]
    status = _STATUS.get(run.exit_status, "The run failed")
    if failing:
        text = f"{len(failing)} of {checks} failed, worst {min(failing)}"
        return text if run.exit_status == 1 else f"{status}. {text}"
    if run.exit_status:
        return status
    rest = sum(result.verdict is not Verdict.OK for result in run.results)
    return f"{rest} of {checks} not ok, but none of them fails the run" if rest else f"All {checks} ok"


def when(run: Run) -> str:
    """Return when and from where a run saw what it says, how long it took, and its exit status."""
    started = run.started.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    return f"{started}, {run.duration_s:.1f} s, seen from {plain(run.vantage)}, exit status {run.exit_status}"


def short(text: str, longest: int = _LONGEST) -> str:
    """Return text, with its middle left out where it is too long: errors tend to say the cause at their end."""
    if len(text) <= longest:
        return text
    return f"{text[: longest * 2 // 3]} [...] {text[-longest // 3 :]}"
