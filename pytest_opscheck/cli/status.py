"""`opscheck status`: when each suite last ran, how that ended, and when it is due next."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..core.humanize import counted, duration_text
from ..core.results import FAULT, Run, summary
from ..core.visible import plain
from ..history import Announced, HistoryError, PastRun, Records, reading
from ..reports.phrases import counts
from .as_json import answering, json_option
from .options import inventory_option, known, reports_option, say
from .schedule import none_scheduled
from .timers import Job, jobs

OVERDUE = 1
_LOOKED_BACK = 50
"""So many runs are looked at for the newest one that was of the whole suite."""


@dataclass(frozen=True)
class _State:
    """How a suite that runs by itself is: its newest whole run, with its results, and since when a run is missing."""

    job: Job
    run: PastRun | None
    whole: Run | None
    missing: dt.datetime | None

    @property
    def word(self) -> str:
        """Whether it runs as it should."""
        return "never ran" if self.run is None else "overdue" if self.missing else "on time"


@click.command()
@inventory_option
@reports_option
@json_option
def status(file: Path, reports: Path | None, *, to_json: bool) -> None:
    """Show when each suite last ran, how it ended, and when it is due next.

    The exit status is 1 if a scheduled suite is overdue or never ran, or a run that was announced was not merged in
    time, 3 if the history can't be read.
    """
    with answering("status", wanted=to_json) as tell:
        inventory = known(file, reports)
        found = jobs(inventory)
        now = inventory.now()
        try:
            with reading(inventory.history) as records:
                states = [_state(job, records, now) for job in found]
                announced = [each for each in records.announced() if each.merged is None] if records is not None else []
        except HistoryError as error:
            say(inventory.redactor.text(str(error)), err=True)
            sys.exit(FAULT)
        if not found and not announced:
            none_scheduled(inventory)
        lost = [each.suite for each in announced if each.is_lost(now)]
        late = list(dict.fromkeys([*(state.job.suite.name for state in states if state.missing), *lost]))
        if to_json:
            document = {
                "suites": [_data(state, now) for state in states],
                "announced": [_due(each, now) for each in announced],
            }
            tell(inventory.redactor.data({**document, "overdue": late}))
            sys.exit(OVERDUE if late else 0)
    for state in states:
        for line in _lines(state, now):
            say(line, fg="red" if state.missing else None)
    for each in announced:
        say(_announced(each, now), fg="red" if each.is_lost(now) else None)
    if late:
        say(f"{counted(len(late), 'suite')} overdue: {', '.join(late)}", err=True)
        sys.exit(OVERDUE)


def _state(job: Job, records: Records | None, now: dt.datetime) -> _State:
    due = job.schedule.settled(now)
    run = _newest(records, job.suite.name, due) if records is not None else None
    if run is None or records is None:
        return _State(job, None, None, due)
    return _State(job, run, records.run(run.seq), due if run.started < due else None)


def _newest(records: Records, suite: str, due: dt.datetime) -> PastRun | None:
    """Return the newest whole run of a suite, be it beside others; without one since it was due, of it alone."""
    since = (run for run in records.runs(since=due) if suite in run.suite.split("+") and not run.narrowed)
    alone = (run for run in records.runs(suite, newest=_LOOKED_BACK) if not run.narrowed)
    return next(since, None) or next(alone, None)


def _lines(state: _State, now: dt.datetime) -> Iterator[str]:
    schedule = state.job.schedule
    zone = now.tzinfo
    yield f"{state.job.suite.name} ({schedule}): {'OVERDUE' if state.word == 'overdue' else state.word}"
    if state.run is not None:
        came = f"{plain(counts(state.whole)) if state.whole is not None else ''}, exit status {state.run.exit_status}"
        ago = duration_text(now - state.run.started)
        yield f"  last run {_said(state.run.started, zone)}, {ago} ago, on {plain(state.run.vantage)}: {came}"
    if state.missing is not None:
        yield f"  was due  {_said(state.missing, zone)}, and no complete run has started since"
    yield f"  next due {_said(schedule.following(now), zone)}"


def _announced(announced: Announced, now: dt.datetime) -> str:
    """Return what there is to say of a run that was announced, and of which nobody has made one run yet."""
    at, deadline = _said(announced.at, now.tzinfo), _said(announced.deadline, now.tzinfo)
    if announced.is_lost(now):
        return (
            f"{announced.suite}: LOST, announced {at} to be merged until {deadline}: opscheck merge {announced.suite}"
        )
    return f"{announced.suite}: announced {at}, to be merged until {deadline}"


def _due(announced: Announced, now: dt.datetime) -> dict[str, Any]:
    at, deadline = (moment.astimezone(now.tzinfo).isoformat() for moment in (announced.at, announced.deadline))
    return {"suite": announced.suite, "at": at, "deadline": deadline, "is_lost": announced.is_lost(now)}


def _data(state: _State, now: dt.datetime) -> dict[str, Any]:
    """Return the same as plain data."""
    zone, run = now.tzinfo, state.run
    return {
        "suite": state.job.suite.name,
        "schedule": str(state.job.schedule),
        "state": state.word,
        "last": _last(run, state.whole, zone) if run is not None else None,
        "missing_since": state.missing.astimezone(zone).isoformat() if state.missing is not None else None,
        "next_due": state.job.schedule.following(now).astimezone(zone).isoformat(),
    }


def _last(run: PastRun, whole: Run | None, zone: dt.tzinfo | None) -> dict[str, Any]:
    return {
        "id": run.id,
        "started": run.started.astimezone(zone).isoformat(),
        "finished": run.finished.astimezone(zone).isoformat(),
        "vantage": run.vantage,
        "exit_status": run.exit_status,
        "summary": summary(whole.results) if whole is not None else None,
    }


def _said(moment: dt.datetime, zone: dt.tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
