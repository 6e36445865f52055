"""`opscheck schedule` and `opscheck status`: suites are started by themselves, and it is seen whether they were."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NoReturn

import click

from ..core.results import FAULT
from ..inventory import Inventory
from ..inventory.environment import ENVIRONMENT
from .options import USAGE, inventory_option, loaded, say
from .timers import (
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

_BYTES: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape"}
"""Lines of others may be in any encoding, and come back as they were."""


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
        none_scheduled(inventory)
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


def none_scheduled(inventory: Inventory) -> NoReturn:
    """Say that nothing runs by itself, and end."""
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
        text = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise ScheduleError(f"{' '.join(_command(*words))}: {text}")


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
