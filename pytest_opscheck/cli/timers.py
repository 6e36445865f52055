"""How a suite is started by itself, as systemd's units and crontabs say it: files, as text, and where they belong."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import pwd
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.schedule import HOUR, WEEKDAYS, Schedule, clock
from ..core.visible import has_controls, plain
from ..inventory import Inventory, Suite
from ..inventory.environment import ENVIRONMENT

GRACE_S = 300
"""What a run whose deadline is over has left for its reports, its history and those it tells, until it is ended."""
_LAST_S = 60
"""What it has left to write its reports then, until it is killed."""
_OTHERS = 0o006
SYSTEM = Path("/etc/systemd/system")
_LONGEST_WORD = 60
"""So much of an inventory's name stands in those of its units, which systemd bounds."""
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class ScheduleError(Exception):
    """The suites can't be started by themselves in this way; the message says why, and what to do."""


@dataclass(frozen=True)
class Job:
    """A suite that runs by itself."""

    inventory: Inventory
    suite: Suite

    @property
    def schedule(self) -> Schedule:
        """When."""
        assert self.suite.schedule is not None  # noqa: S101 - only such suites are jobs
        return self.suite.schedule

    @property
    def name(self) -> str:
        """What its units are called."""
        return f"{prefix(self.inventory)}{self.suite.name}"

    @property
    def ends_s(self) -> int:
        """After how many seconds it is ended from outside, where its own deadline did not."""
        return int(self.schedule.deadline_s) + GRACE_S


@dataclass(frozen=True)
class File:
    """A file to write."""

    path: Path
    text: str

    @property
    def is_there(self) -> bool:
        """Whether it is there already, just so."""
        try:
            return self.path.read_text(encoding="utf-8") == self.text
        except (OSError, UnicodeDecodeError):
            return False


def exposed(inventory: Inventory) -> str | None:
    """Say that others can read the variables of an inventory, or write them; None where they can't."""
    file = _file(inventory).parent / ENVIRONMENT
    try:
        mode = file.stat().st_mode
    except OSError:
        return None
    if not mode & _OTHERS:
        return None
    quoted = shlex.quote(str(file))
    return f"other users can access {file}, which holds the inventory's variables, secrets included: chmod 600 {quoted}"


def jobs(inventory: Inventory) -> list[Job]:
    """Return the suites that run by themselves, in the inventory's order."""
    return [Job(inventory, suite) for suite in inventory.suites.values() if suite.schedule is not None]


def prefix(inventory: Inventory) -> str:
    """Return how the names of an inventory's units begin: with its name, and a few characters for where it is."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", inventory.redactor.text(inventory.name))
    word = name[:_LONGEST_WORD].strip("-").lower()
    place = hashlib.sha256(os.fsencode(_file(inventory))).hexdigest()[:6]
    return f"opscheck-{word or 'inventory'}-{place}-"


def _file(inventory: Inventory) -> Path:
    return inventory.file.absolute()


def _said(word: str) -> str:
    """Return a path as it can stand in a line of a unit or crontab. Raises ScheduleError where it would end that."""
    if has_controls(word):
        raise ScheduleError(
            f"{word!r} can't be written into a unit or a crontab: it contains a line break, another control "
            "character or bytes that are not UTF-8; rename that folder or file"
        )
    return word


def command() -> str:
    """Return the path of this `opscheck`, which is started again: beside the Python that runs it."""
    beside = Path(sys.executable).with_name("opscheck")
    found = str(beside) if beside.exists() else shutil.which("opscheck")
    if found is None:
        raise ScheduleError(
            f"the `opscheck` command was not found beside {sys.executable}; install pytest-opscheck there"
        )
    return _said(found)


# systemd


def units_folder() -> Path:
    """Return where units belong: those of the machine for root, else those of this user."""
    if os.geteuid() == 0:
        return SYSTEM
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"


def units(job: Job, folder: Path) -> list[File]:
    """Return a suite's timer and the service that it starts."""
    return [
        File(folder / f"{job.name}.service", "\n".join([*_head(job), *_service(job)]) + "\n"),
        File(folder / f"{job.name}.timer", "\n".join([*_head(job), *_timer(job)]) + "\n"),
    ]


def _head(job: Job) -> Iterator[str]:
    yield head(job.inventory)
    name = plain(job.inventory.redactor.text(job.inventory.name))
    yield "[Unit]"
    yield f"Description=Operational checks of {_unit(name)}: {job.suite.name}"


def head(inventory: Inventory) -> str:
    """Return the first line of a unit, by which it is known whose it is."""
    return f"# {_mark(inventory)}; `opscheck schedule --install` overwrites it."


def _mark(inventory: Inventory) -> str:
    return f"Written by `opscheck schedule` for {_said(str(_file(inventory)))}"


def _service(job: Job) -> Iterator[str]:
    file = Path(_said(str(_file(job.inventory))))
    folder = file.parent
    yield "Wants=network-online.target"
    yield "After=network-online.target"
    yield ""
    yield "[Service]"
    yield "Type=oneshot"
    if (user := owner(folder)) is not None:
        yield f"User={user}"
    yield f"WorkingDirectory={_unit(str(folder))}/"  # a space or backslash at a line's end means something else
    yield f"EnvironmentFile=-{_unit(_no_pattern(str(folder)))}/{ENVIRONMENT}"
    words = ["run", job.suite.name, f"--opscheck-inventory={file}"]
    yield f"ExecStart={' '.join([_program(command()), *map(_argument, words)])}"
    # A run that has said what is broken has done its work; one whose call, inventory or reports are at fault has not.
    yield "SuccessExitStatus=1"
    yield f"TimeoutStartSec={job.ends_s}"  # of a oneshot service, RuntimeMaxSec says nothing
    yield "KillSignal=SIGINT"  # at which pytest still writes its reports
    yield f"TimeoutStopSec={_LAST_S}"


def owner(folder: Path) -> str | None:
    """Return as whom root lets the checks run: the owner of the folder, whose code they are; None for this user."""
    owner = folder.stat().st_uid
    if os.geteuid() != 0 or owner == 0:
        return None
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)
    return name if _USER.fullmatch(name) else str(owner)


def _timer(job: Job) -> Iterator[str]:
    schedule = job.schedule
    yield ""
    yield "[Timer]"
    for moment in calendar(schedule):
        yield f"OnCalendar={moment}"
    yield f"RandomizedDelaySec={schedule.delay_s:g}"
    yield "AccuracySec=1s"
    yield "Persistent=true"
    yield ""
    yield "[Install]"
    yield "WantedBy=timers.target"


def calendar(schedule: Schedule) -> Iterator[str]:
    """Yield when a suite is due, as systemd says it.

    Minutes are those of UTC: in a zone whose clocks go back, systemd leaves the repeated hour out.
    """
    if not schedule.times:
        yield f"*-*-* *:00/{schedule.every}:00 UTC" if schedule.every < HOUR else "*-*-* *:00:00 UTC"
        return
    days = ",".join(WEEKDAYS[day].title() for day in schedule.weekdays)
    dates = ",".join(f"{date:02}" for date in schedule.dates) or "*"
    for time in schedule.times:
        yield f"{days + ' ' if days else ''}*-*-{dates} {clock(time)}:00 {schedule.zone}"


def _unit(text: str) -> str:
    """Return text as a unit's value has it: systemd puts nothing in the place of %."""
    return _said(text).replace("%", "%%")


def _no_pattern(path: str) -> str:
    """Return a path where systemd takes patterns, so that it is just that path."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


def _program(path: str) -> str:
    """Return the program that ExecStart names. Raises ScheduleError for a path that systemd refuses there."""
    if re.search(r"['\"\\]", path):
        raise ScheduleError(
            f"systemd can't start a program whose path contains quotes or backslashes: {path!r}; install "
            "pytest-opscheck into another folder, or use --crontab"
        )
    return _quoted(_unit(path))


def _argument(word: str) -> str:
    """Return another word of ExecStart, in which systemd would also put variables."""
    escaped = _unit(word).replace("\\", "\\\\").replace('"', '\\"')
    return _quoted(escaped.replace("$", "$$"))


def _quoted(escaped: str) -> str:
    return escaped if re.fullmatch(r"[\w./=@:+%-]+", escaped) else f'"{escaped}"'


# cron


def crontab(inventory: Inventory, found: list[Job], zone_of_machine: dt.tzinfo | None = None) -> str:
    """Return the lines of a crontab, between two that mark them.

    Raises ScheduleError where cron goes by another clock than the inventory: it knows only the machine's.
    """
    for job in found:
        if job.schedule.times:
            _require_same_clock(job.schedule.zone, zone_of_machine)
    begin, end = _marks(inventory)
    return "\n".join([begin, *(line for job in found for line in _lines(job)), end]) + "\n"


def merged(there: str, ours: str, inventory: Inventory) -> str:
    """Return a crontab with an inventory's lines in the place of those that it had, else at its end."""
    begin, end = _marks(inventory)
    lines = there.removesuffix("\n").split("\n")
    if begin in lines and end in lines[lines.index(begin) :]:
        first = lines.index(begin)
        last = lines.index(end, first)
        lines[first : last + 1] = ours.removesuffix("\n").split("\n")
        return "\n".join(lines) + "\n"
    return (there if there.endswith("\n") or not there else there + "\n") + ours


def _marks(inventory: Inventory) -> tuple[str, str]:
    return f"# {_mark(inventory)}, which overwrites them: begin", f"# {_mark(inventory)}: end"


def _lines(job: Job) -> Iterator[str]:
    """Yield a line for each minute of the hour at which a suite is due."""
    schedule, run = job.schedule, _command_line(job)
    if not schedule.times:
        yield f"{f'*/{schedule.every}' if schedule.every < HOUR else '0'} * * * * {run}"
    dates = ",".join(map(str, schedule.dates)) or "*"
    days = ",".join(WEEKDAYS[day] for day in schedule.weekdays) or "*"
    for minute in sorted({time % HOUR for time in schedule.times}):
        hours = ",".join(str(time // HOUR) for time in schedule.times if time % HOUR == minute)
        yield f"{minute} {hours} {dates} * {days} {run}"


def _command_line(job: Job) -> str:
    file = _file(job.inventory)
    delay = [f"--random-delay={job.schedule.delay_s:g}s"] if job.schedule.delay_s else []
    words = [command(), "run", "-q", *delay, job.suite.name, f"--opscheck-inventory={file}"]
    ends_s = job.ends_s + int(job.schedule.delay_s)
    environment = f"{{ [ ! -e {ENVIRONMENT} ] || {{ set -a; . ./{ENVIRONMENT}; set +a; }}; }}"
    run = f"exec timeout -s INT -k {_LAST_S} {ends_s} {shlex.join(words)}"
    return _for_cron(f"cd {shlex.quote(str(file.parent))} && {environment} && {run}")


def _for_cron(line: str) -> str:
    """Return a shell's line as cron has it: a bare % ends the command there, and some take a backslash from a pair.

    So no backslash stands in front of another one, or of a %: between the two the shell's quotes end and begin.
    """
    return re.sub(r"\\(?=[\\%])", r"\\''", _said(line)).replace("%", r"\%")


def _require_same_clock(zone: dt.tzinfo, machine: dt.tzinfo | None) -> None:
    begin = dt.datetime.now(dt.UTC)
    for days in range(0, 366, 7):
        moment = begin + dt.timedelta(days=days)
        if moment.astimezone(machine).utcoffset() != moment.astimezone(zone).utcoffset():
            raise ScheduleError(
                f"cron uses the machine's time zone, which is not {zone}; use systemd timers, which take the "
                f"zone, or set the machine's: timedatectl set-timezone {zone}"
            )
