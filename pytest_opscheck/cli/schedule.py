"""`opscheck schedule` and `opscheck status`: suites are started by themselves, and it is seen whether they were."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from ..core.humanize import counted, duration_text
from ..core.results import FAULT
from ..core.visible import plain
from ..history import Announced, HistoryError, PastRun, Records, reading
from ..inventory import Inventory
from ..reports.phrases import counts
from .options import USAGE, inventory_option, known, loaded, reports_option, say
from .timers import (
    ENVIRONMENT,
    File,
    Job,
    ScheduleError,
    crontab,
    exposed,
    head,
    jobs,
    merged,
    owner,
    units,
    units_folder,
)

OVERDUE = 1
_BYTES: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape"}
"""Lines of others may be in any encoding, and come back as they were."""
_LOOKED_BACK = 50
"""So many runs are looked at for the newest one that was of the whole suite."""


@click.command()
@click.option("--crontab", "for_cron", is_flag=True, help="Use a crontab instead of systemd timers.")
@click.option("--install", is_flag=True, help="Write what is shown, and start it.")
@inventory_option
def schedule(file: Path, *, for_cron: bool, install: bool) -> None:
    """Show systemd timers, or a crontab, for suites with a schedule: `at` or `every` in [suites.NAME].

    --install writes and starts them: in /etc/systemd/system for root, as user units for others. Installing again
    changes nothing.
    """
    inventory = loaded(file)
    found = jobs(inventory)
    if not found and not install:
        _none(inventory)
    if (warning := exposed(inventory)) is not None:
        say(warning, err=True)
    try:
        if for_cron:
            _crontab(inventory, found, install=install)
        else:
            _units(inventory, found, install=install)
    except ScheduleError as error:
        say(str(error), err=True)
        sys.exit(USAGE)
    except OSError as error:
        say(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(FAULT)
    if (
        install
        and any("${" in source.text for source in inventory.written.sources)
        and not (file.absolute().parent / ENVIRONMENT).exists()
    ):
        say(
            f"the inventory uses variables, and scheduled runs have no values for them: write {ENVIRONMENT} beside it, "
            "one NAME=value a line, readable only by you",
            err=True,
        )


def _none(inventory: Inventory) -> NoReturn:
    say(f"no suite of {inventory.file} has a schedule; add one, for example [suites.daily] at = '09:00'", err=True)
    sys.exit(USAGE)


# systemd


def _units(inventory: Inventory, found: list[Job], *, install: bool) -> None:
    folder = units_folder()
    files = [each for job in found for each in units(job, folder)]
    for each in files:
        say(f"# {each.path}\n{each.text}")
    if not install:
        return
    if shutil.which("systemctl") is None:
        raise ScheduleError("systemctl was not found; use --crontab on a machine without systemd")
    folder.mkdir(parents=True, exist_ok=True)
    stale = _stale(inventory, folder, files)
    _forget(stale)
    changed = [each for each in files if not each.is_there]
    for each in changed:
        _write(each)
        say(f"wrote {each.path}")
    if changed or stale:
        _systemctl("daemon-reload")
    started = _start([f"{job.name}.timer" for job in found], {each.path.name for each in changed})
    if not (changed or stale or started):
        say("nothing changed: everything is installed and running")
    if found and os.geteuid() != 0:
        say("user units stop when the user logs out, unless root has run: loginctl enable-linger USER")


def _start(timers: Iterable[str], changed: Collection[str]) -> bool:
    """Start the timers that do not run yet, and those that were changed anew; tell whether there were any."""
    started = False
    for timer in timers:
        runs = _is("is-enabled", timer) and _is("is-active", timer)
        if runs and timer not in changed:
            continue
        _systemctl(*(["restart"] if runs else ["enable", "--now"]), timer)
        say(f"started {timer}")
        started = True
    return started


def _stale(inventory: Inventory, folder: Path, files: Iterable[File]) -> list[Path]:
    """Return the units that were written for this inventory, whatever its name was, and that it has no more."""
    ours = {each.path for each in files}
    there = sorted(path for path in folder.glob("opscheck-*") if path.suffix in (".timer", ".service"))
    return [path for path in there if path not in ours and _first_line(path) == head(inventory)]


def _first_line(path: Path) -> str:
    return path.read_bytes().partition(b"\n")[0].decode(errors="replace")


def _forget(stale: Iterable[Path]) -> None:
    for path in stale:
        if path.suffix == ".timer":
            _systemctl("disable", "--now", path.name)
    for path in stale:
        path.unlink()
        say(f"removed {path}: it is no longer in the inventory")


def _write(file: File) -> None:
    draft = file.path.with_name(f".{file.path.name}.{os.getpid()}")
    draft.write_text(file.text, encoding="utf-8")
    draft.replace(file.path)


def _command(*words: str) -> list[str]:
    return ["systemctl", *(["--user"] if os.geteuid() != 0 else []), *words]


def _is(question: str, unit: str) -> bool:
    done = subprocess.run(_command(question, "--quiet", unit), capture_output=True, check=False)  # noqa: S603 - our own
    return done.returncode == 0


def _systemctl(*words: str) -> None:
    done = subprocess.run(_command(*words), capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise ScheduleError(f"{' '.join(_command(*words))}: {said}")


# cron


def _crontab(inventory: Inventory, found: list[Job], *, install: bool) -> None:
    ours = crontab(inventory, found)
    say(ours, nl=False)
    if not install:
        return
    if shutil.which("crontab") is None:
        raise ScheduleError("crontab was not found; install cron, or leave --crontab out to use systemd timers")
    whose = owner(inventory.file.absolute().parent)
    there = _there(whose)
    wanted = merged(there, ours, inventory)
    if wanted == there:
        say("nothing changed: everything is installed")
        return
    done = _command_of(whose, "-", input=wanted)
    if done.returncode != 0:
        raise ScheduleError(f"crontab: {' '.join(done.stderr.split())}")
    say(f"wrote it to {f'the crontab of {whose}' if whose else 'your crontab'}; other entries are unchanged")


def _there(whose: str | None) -> str:
    """Return somebody's crontab; none is an empty one."""
    done = _command_of(whose, "-l")
    if done.returncode != 0 and "no crontab" not in done.stderr:
        raise ScheduleError(f"crontab -l: {' '.join(done.stderr.split())}")
    return done.stdout if done.returncode == 0 else ""


def _command_of(whose: str | None, word: str, **given: Any) -> subprocess.CompletedProcess[str]:
    """Run crontab as somebody, None for this user: what root schedules runs as whose project it is, as with systemd."""
    command = ["crontab", *(["-u", whose] if whose else []), word]
    return subprocess.run(command, capture_output=True, check=False, **_BYTES, **given)  # noqa: S603 - our own words


# status


@dataclass(frozen=True)
class _State:
    """How a suite that runs by itself is: its newest whole run, what that said, and since when a run is missing."""

    job: Job
    run: PastRun | None
    said: str
    missing: dt.datetime | None


@click.command()
@inventory_option
@reports_option
def status(file: Path, reports: Path | None) -> None:
    """Show when each suite last ran, how it ended, and when it is due next.

    The exit status is 1 if a scheduled suite is overdue or never ran, or a run that was announced was not merged in
    time, 3 if the history can't be read.
    """
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
    for state in states:
        for line in _lines(state, now):
            say(line, fg="red" if state.missing else None)
    if not found and not announced:
        _none(inventory)
    for each in announced:
        say(_announced(each, now), fg="red" if each.is_lost(now) else None)
    lost = [each.suite for each in announced if each.is_lost(now)]
    if late := list(dict.fromkeys([*(state.job.suite.name for state in states if state.missing), *lost])):
        say(f"{counted(len(late), 'suite')} overdue: {', '.join(late)}", err=True)
        sys.exit(OVERDUE)


def _state(job: Job, records: Records | None, now: dt.datetime) -> _State:
    due = job.schedule.settled(now)
    run = _newest(records, job.suite.name, due) if records is not None else None
    if run is None or records is None:
        return _State(job, None, "", due)
    whole = records.run(run.seq)
    said = plain(counts(whole)) if whole is not None else ""
    return _State(job, run, f"{said}, exit status {run.exit_status}", due if run.started < due else None)


def _newest(records: Records, suite: str, due: dt.datetime) -> PastRun | None:
    """Return the newest whole run of a suite, be it beside others; without one since it was due, of it alone."""
    since = (run for run in records.runs(since=due) if suite in run.suite.split("+") and not run.narrowed)
    alone = (run for run in records.runs(suite, newest=_LOOKED_BACK) if not run.narrowed)
    return next(since, None) or next(alone, None)


def _lines(state: _State, now: dt.datetime) -> Iterator[str]:
    schedule = state.job.schedule
    zone = now.tzinfo
    late = "never ran" if state.run is None else "OVERDUE" if state.missing else "on time"
    yield f"{state.job.suite.name} ({schedule}): {late}"
    if state.run is not None:
        ago = duration_text(now - state.run.started)
        yield f"  last run {_said(state.run.started, zone)}, {ago} ago, on {plain(state.run.vantage)}: {state.said}"
    if state.missing is not None:
        yield f"  was due  {_said(state.missing, zone)}, and no complete run has started since"
    yield f"  next due {_said(schedule.following(now), zone)}"


def _announced(said: Announced, now: dt.datetime) -> str:
    """Return what there is to say of a run that was announced, and of which nobody has made one run yet."""
    at, deadline = _said(said.at, now.tzinfo), _said(said.deadline, now.tzinfo)
    if said.is_lost(now):
        return f"{said.suite}: LOST, announced {at} to be merged until {deadline}: opscheck merge {said.suite}"
    return f"{said.suite}: announced {at}, to be merged until {deadline}"


def _said(moment: dt.datetime, zone: dt.tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
