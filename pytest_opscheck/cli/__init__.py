"""The `opscheck` command: everything around a run. The run itself is pytest's."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import platform
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from .. import private
from ..inventory import FILE, Inventory, InventoryError, load, nearest
from ..plural import counted
from ..results import FAULT, NOTHING_JUDGED
from ..settings import suite_names
from ..starting import SIGNALS, pytest_command
from ..visible import plain, visible

USAGE = 4
"""pytest's exit status for wrong usage, which is also that of a wrong inventory."""

_OPTION = re.compile(r"--opscheck-[a-z-]+")
"""One of our options of pytest, each of which takes a value."""
_EXPRESSION = re.compile(r"-[vqsxl]*m")
"""pytest's `-m`, also behind short options that take no value, as in `-vm smoke`."""


def say(text: str, *, err: bool = False, nl: bool = True, fg: str | None = None) -> None:
    """Print text for people: whatever others have put into it steers no terminal."""
    shown = visible(text)
    click.echo(click.style(shown, fg=fg) if fg is not None else shown, err=err, nl=nl)


class _Usage(click.ClickException):
    exit_code = USAGE


class _Place(click.Path):
    """A file or folder; an empty text, which is that of a variable without a value, names none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and not value.strip():
            name = param.opts[0] if param is not None else "it"
            raise _Usage(f"{name} is empty; name {'a folder' if self.dir_okay else 'a file'}, or leave it out")
        return super().convert(value, param, ctx)


inventory_option = click.option(
    "--opscheck-inventory",
    "file",
    metavar="FILE",
    default=FILE,
    type=_Place(path_type=Path, dir_okay=False),
    help="The inventory.",
)
reports_option = click.option(
    "--opscheck-reports", "reports", metavar="DIR", type=_Place(path_type=Path), help="Where the reports are."
)
_file = click.argument("file", required=False, default=FILE, type=_Place(path_type=Path, dir_okay=False))


_ELSEWHERE = {
    "compliance": "compliance",
    "history": "history",
    "maintenance": "maintenance",
    "report": "report",
    "schedule": "schedule",
    "status": "schedule",
}
"""Commands and the modules in which they are, which are imported where they are asked for."""


class _Call(click.UsageError):
    exit_code = USAGE


@contextlib.contextmanager
def _mistakes() -> Iterator[None]:
    """Have a mistake in a call end with the exit status that the README has for it; click's own is 2."""
    try:
        yield
    except click.UsageError as error:
        raise _Call(error.format_message(), error.ctx) from None


class _Commands(click.Group):
    """The commands, wherever they are."""

    def make_context(self, *args: Any, **others: Any) -> click.Context:
        with _mistakes():
            return super().make_context(*args, **others)

    def invoke(self, ctx: click.Context) -> Any:
        with _mistakes():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f".{_ELSEWHERE[cmd_name]}", __package__)
        found: click.Command = getattr(module, cmd_name)
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-opscheck")
def main() -> None:
    """Operational checks: what a runbook expects, as pytest checks on real servers.

    \b
    opscheck init        look at this machine and write an inventory
    opscheck validate    is the inventory right?
    opscheck plan        what would be probed?
    pytest -m daily      run a suite
    opscheck history     what changed, and when?
    opscheck report      the newest run as text, or in Markdown
    opscheck schedule    let suites run by themselves
    opscheck status      when did they run, and what came of it?
    opscheck compliance  what was checked in a time, and what was missed?
    opscheck maintenance when is nobody told?
    """  # noqa: D301 - click's mark for lines that stay as they are


@main.command()
@click.argument("folder", required=False, default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Look at this machine and write opscheck.toml; one that is there stays as it is."""
    from .. import init as looking

    try:
        written = looking.write(folder)
    except FileExistsError as error:
        raise _Usage(f"{error.filename} is there already, and stays as it is; remove or rename it first") from None
    except OSError as error:
        reason = (error.strerror or "it can't be written").lower()
        raise _Usage(f"{folder}: {reason}; make the folder first, or name another") from None
    say(f"wrote {written}; look it over, then run: pytest -m daily")


@main.command()
@_file
def validate(file: Path) -> None:
    """Say what is wrong with an inventory, all of it at once. Nothing is probed."""
    _require_file(file, "validate", "an inventory is checked as a whole: opscheck validate")
    from ..quiet.waivers import ending
    from ..runbook import refuse_dead_links

    inventory = loaded(file)
    try:
        refuse_dead_links(inventory)
    except InventoryError as error:
        say(str(error), err=True)
        sys.exit(USAGE)
    targets, checks = counted(len(inventory.targets), "target"), counted(len(inventory.expectations), "check")
    say(f"{file}: right; {targets}, {checks}")
    for notice in (*ending(inventory.waivers, inventory.now().date()), *_warnings(inventory)):
        say(plain(inventory.redactor.text(notice)))


def _warnings(inventory: Inventory) -> Iterator[str]:
    """Yield what is not wrong with an inventory, and open to others: what they can read, and whom they can play."""
    from ..probes._trust import of_postgres
    from ..schedule.jobs import exposed

    for target in inventory.targets:
        if (said := target.keys.unverified()) is not None:
            yield f"{target.id}: {said}"
    if inventory.history.url and (said := of_postgres(inventory.history.url)) is not None:
        yield f"history: {said}"
    if (said := exposed(inventory)) is not None:
        yield said


@main.command()
@_file
@click.option("--suite", metavar="SUITE", help="Only what a run of this suite would probe.")
@click.option("--notify", is_flag=True, help="Show who would be told what instead. Nobody is.")
def plan(file: Path, suite: str | None, *, notify: bool) -> None:
    """Show what would be probed, contact by contact. Nothing is."""
    from .. import plan as probing
    from ..history import HistoryError
    from ..notify import plan as telling

    _require_file(file, "plan", f"say: opscheck plan --suite {file}")
    inventory = loaded(file)
    _known(inventory, suite)
    try:
        for line in (telling if notify else probing).lines(inventory, suite):
            say(inventory.redactor.text(line))
    except HistoryError as error:
        say(inventory.redactor.text(str(error)), err=True)
        sys.exit(FAULT)


@main.command()
def schema() -> None:
    """Print the JSON Schema of opscheck.toml, for editors; with the severity words of the inventory that is here."""
    from ..catalogue import checks
    from ..inventory.schema import schema as made

    words = loaded(Path(FILE)).severities if Path(FILE).exists() else ()
    say(json.dumps(made(checks(), tuple(words)), indent=2))


@main.command()
@click.option("--break", "broken", metavar="NAME", multiple=True, help="Make one of the stack's faults; see --faults.")
@click.option("--faults", is_flag=True, help="List the faults that can be made.")
def demo(broken: tuple[str, ...], *, faults: bool) -> None:
    """Start a small stack of real servers, run the daily suite on it, and stop it again.

    The exit status is that of the run: 1 with a fault.
    """
    from .. import demo as stack

    if faults:
        for name, text in stack.faults().items():
            say(f"{name:16}{text}")
        return
    for name in broken:
        if name not in stack.faults():
            raise _Usage(f"--break {name}: there is no such fault; {nearest(name, stack.faults())}")
    sys.exit(stack.run(broken))


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--random-delay", metavar="TIME", help="Start up to so much later, by chance: 2m. For crontabs.")
@click.argument("suite")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(suite: str, arguments: tuple[str, ...], random_delay: str | None) -> None:
    """Run a suite, unless a run of it is under way. ARGUMENTS go to pytest."""
    if any(map(_EXPRESSION.match, arguments)):
        raise _Usage(f"`opscheck run {suite}` runs that suite alone; leave -m out, or say `pytest -m EXPRESSION`")
    arguments = _joined(arguments)
    file = _named_inventory(arguments)
    inventory = loaded(file, refused=lambda error: _tell(error, suite))
    _known(inventory, suite)
    if random_delay is not None:
        _wait_a_little(random_delay)
    lock = _lock(file.absolute().parent / "reports" / suite, suite)
    command = pytest_command(suite, arguments)
    if (url := inventory.suites[suite].heartbeat) is None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the new program can take them
        os.execv(command[0], command)  # noqa: S606 - no shell, no input
    sys.exit(_with_heartbeat(command, url, inventory, suite, lock))


def _with_heartbeat(command: list[str], url: str, inventory: Inventory, suite: str, lock: list[int]) -> int:
    """Run a suite between two heartbeats, which change nothing of its exit status."""
    from ..delivery.heartbeat import around

    name = inventory.redactor.text(f"{suite} of {inventory.name} on {platform.node()}")
    status, faults = around(command, url, name, lock)
    for fault in faults:
        said = inventory.redactor.text(f"could not call the heartbeat, {fault}")
        say(f"{said}; the run stands as it is", err=True)
    return status


def _wait_a_little(longest: str) -> None:
    from ..units import LimitError, parse_duration

    try:
        time.sleep(random.uniform(0, parse_duration(longest)))  # noqa: S311 - nobody gains by guessing it
    except LimitError as error:
        raise _Usage(f"--random-delay: {error}") from None


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
    """Return the inventory that arguments for pytest name, the last one as pytest does, else the one in this folder."""
    flag = "--opscheck-inventory="
    named = [argument.removeprefix(flag) for argument in arguments if argument.startswith(flag)]
    if named and not named[-1].strip():
        raise _Usage(f"{flag[:-1]} is empty; name a file, or leave it out")
    return Path(named[-1] if named else FILE)


def _require_file(file: Path, command: str, for_suite: str) -> None:
    """Refuse an argument that names no file: it may well be meant as a suite."""
    if file.exists() or file.is_symlink():
        return
    if str(file) in suite_names(Path(FILE)):
        raise _Usage(f"{file} is a suite, and no file of that name is here; {for_suite}")
    raise _Usage(
        f"there is no file {file}; name the inventory: opscheck {command} FILE, or write one with `opscheck init`"
    )


def _tell(error: InventoryError, suite: str) -> None:
    """Tell of a run that does not begin those whom the inventory names: who has started it may not look."""
    from ..notify.refusal import told

    for said in told(error, suite):
        say(said, err=True)


def loaded(
    file: Path, reports: Path | None = None, refused: Callable[[InventoryError], object] = lambda _error: None
) -> Inventory:
    """Return an inventory; with errors in it, say them, have that told by `refused`, and end.

    reports: where the command line says that its reports are; else they are where pytest's settings say.
    """
    import pytest

    from ..catalogue import checks
    from ..settings import reports_setting

    try:
        return load(file, checks(), reports=reports or reports_setting(file.absolute().parent))
    except (InventoryError, pytest.UsageError) as error:
        say(str(error), err=True)
        if isinstance(error, InventoryError):
            refused(error)
        sys.exit(USAGE)


def known(file: Path, reports: Path | None) -> Inventory:
    """Return what can be read of an inventory, for what looks at past runs alone; where it has errors, say so.

    With an error in what says where these are, end.
    """
    found: list[Inventory] = []

    def read(error: InventoryError) -> None:
        if error.known is not None and not (error.concerns("history") or error.concerns("opscheck", "name")):
            found.append(error.known)

    try:
        return loaded(file, reports, read)
    except SystemExit:
        if not found:
            raise
    say("the inventory has these errors, and no run begins until they are fixed; what was recorded:", err=True)
    return found[0]


def _known(inventory: Inventory, suite: str | None) -> None:
    if suite is not None and suite not in inventory.suites:
        raise _Usage(f"there is no suite {suite!r}; {nearest(suite, inventory.suites)}")


def _lock(folder: Path, suite: str) -> list[int]:
    """Take the suite's lock, and return its open file, which pytest keeps; where another run holds it, say so and end.

    The kernel frees it when the process ends, however it does. Where there can be no lock the run begins all the same:
    what is broken out there is to be known, also with a full disk here.
    """
    try:
        private.make_folder(folder)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, private.FILE)
    except OSError as error:
        say(f"no lock for {suite}, so another run of it may be beside this one: {error}", err=True)
        return []
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode(errors="replace").strip() or "unknown"
        say(f"a run of {suite} is under way (process {holder}), so this one was not started", err=True)
        sys.exit(NOTHING_JUDGED)
    with contextlib.suppress(OSError):  # on a full disk it does not say whose it is
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    os.set_inheritable(lock, True)
    return [lock]
