"""`opscheck run`: runs a suite, unless a run of it is under way; the run itself is pytest's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import random
import re
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import click

from ..core.results import NOTHING_JUDGED
from ..files import private
from ..inventory import Inventory, InventoryError
from ..settings import nearest_inventory
from ..starting import SIGNALS, pytest_command
from .options import Usage, known_suite, loaded, say

_OPTION = re.compile(r"--opscheck-[a-z-]+")
"""One of our options of pytest, each of which takes a value."""


_EXPRESSION = re.compile(r"-[vqsxl]*m")
"""pytest's `-m`, also behind short options that take no value, as in `-vm smoke`."""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--random-delay",
    metavar="TIME",
    help="Wait a random time of at most TIME before starting, for example 2m. For crontabs.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing where everything is well. For crontabs.")
@click.option("--through", metavar="ENGINE", help="Have workers run it, where they are: celery. See `opscheck worker`.")
@click.option("--shards", metavar="N", help="In how many parts, with --through.  [default: 1]")
@click.argument("suite")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(
    suite: str,
    arguments: tuple[str, ...],
    random_delay: str | None,
    through: str | None,
    shards: str | None,
    *,
    quiet: bool,
) -> None:
    """Run a suite, unless it is already running. ARGUMENTS are passed to pytest."""
    if any(map(_EXPRESSION.match, arguments)):
        raise Usage(f"`opscheck run {suite}` runs only that suite; leave -m out, or use `pytest -m EXPRESSION`")
    from .through import taken

    through, shards, arguments = taken(arguments, through, shards)
    arguments = _joined(arguments)
    file = _named_inventory(arguments)
    if through is not None:
        _through(through, suite, shards, arguments, file, random_delay=random_delay, quiet=quiet)
    inventory = loaded(file, refused=lambda error: _tell(error, suite))
    known_suite(inventory, suite)
    if random_delay is not None:
        _wait_a_little(random_delay)
    lock = _lock(file.absolute().parent / "reports" / suite, suite)
    command = pytest_command(suite, arguments)
    if (url := inventory.suites[suite].heartbeat) is not None:
        sys.exit(_with_heartbeat(command, url, inventory, suite, lock, quiet=quiet))
    if quiet:
        from ..delivery.child import started

        with started(command, lock, quiet=True) as child:
            sys.exit(child.wait())
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the new program can take them
    os.execv(command[0], command)  # noqa: S606 - no shell, no input


def _through(
    engine: str,
    suite: str,
    shards: str | None,
    arguments: tuple[str, ...],
    file: Path,
    *,
    random_delay: str | None,
    quiet: bool,
) -> NoReturn:
    """Have workers run a suite, and end with the status of the run."""
    from .through import Wanted

    wanted = Wanted.of(engine, suite, shards, arguments, file)
    inventory = wanted.inventory(lambda error: _tell(error, suite))
    if random_delay is not None:
        _wait_a_little(random_delay)
    lock = _lock(file.absolute().parent / "reports" / suite, suite)
    status = wanted.run(inventory, quiet=quiet)
    for each in lock:
        os.close(each)
    sys.exit(status)


def _with_heartbeat(
    command: list[str], url: str, inventory: Inventory, suite: str, lock: list[int], *, quiet: bool
) -> int:
    """Run a suite between two heartbeats, which change nothing of its exit status."""
    from ..delivery.heartbeat import around

    name = inventory.redactor.text(f"{suite} of {inventory.name} on {platform.node()}")
    status, faults = around(command, url, name, lock, quiet=quiet)
    for fault in faults:
        text = inventory.redactor.text(f"could not send the heartbeat: {fault}")
        say(f"{text}; the run itself is not affected", err=True)
    return status


def _wait_a_little(longest: str) -> None:
    from ..core.units import LimitError, parse_duration

    try:
        time.sleep(random.uniform(0, parse_duration(longest)))  # noqa: S311 - nobody gains by guessing it
    except LimitError as error:
        raise Usage(f"--random-delay: {error}") from None


def _joined(arguments: Iterable[str]) -> tuple[str, ...]:
    """Put each of our options and its value into one argument.

    pytest does not know them yet when it looks for its root directory: it would take a value that stands alone for a
    path to tests.
    """
    rest = iter(arguments)
    return tuple(
        f"{each}={value}" if _OPTION.fullmatch(each) and (value := next(rest, None)) is not None else each
        for each in rest
    )


def _named_inventory(arguments: Iterable[str]) -> Path:
    """Return the inventory that arguments for pytest name, the last one as pytest does, else the nearest one."""
    flag = "--opscheck-inventory="
    named = [argument.removeprefix(flag) for argument in arguments if argument.startswith(flag)]
    if named and not named[-1].strip():
        raise Usage(f"{flag[:-1]} is empty; give a file, or leave it out")
    return Path(named[-1]) if named else nearest_inventory()


def _tell(error: InventoryError, suite: str) -> None:
    """Tell of a run that does not begin those whom the inventory names: who has started it may not look."""
    from ..delivery import github
    from ..delivery.refusal import told

    github.refused(error)
    for line in told(error, suite):
        say(line, err=True)


def _lock(folder: Path, suite: str) -> list[int]:
    """Take the suite's lock, and return its open file, which pytest keeps; where another run holds it, say so and end.

    The kernel frees it when the process ends, however it does. Where there can be no lock the run begins all the same:
    what is broken out there is to be known, also with a full disk here.
    """
    try:
        private.make_folder(folder)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, private.FILE)
    except OSError as error:
        say(f"could not lock {suite}, so another run of it may be in progress: {error}", err=True)
        return []
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode(errors="replace").strip() or "unknown"
        say(f"{suite} is already running (process {holder}), so this run was not started", err=True)
        sys.exit(NOTHING_JUDGED)
    with contextlib.suppress(OSError):  # on a full disk it does not say whose it is
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    os.set_inheritable(lock, True)
    return [lock]
