"""Shows the demo: starts the shop, breaks what was asked for, runs `pytest -m daily` on it, and stops everything."""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from ..inventory import FILE
from ..starting import SIGNALS
from .faults import FAULTS
from .processes import DemoError
from .stack import Stack

Handler = Callable[[int, FrameType | None], object] | signal.Handlers
USAGE_ERROR = 4
_GRACE_S = 10.0
_PART = re.compile(r"^# --- .*\((?P<part>\w+)\)$", re.MULTILINE)


def run(break_names: Sequence[str] = (), *, also: str = "", again: str = "opscheck demo --break {}") -> int:
    """Run the demo in the current folder, whose `reports/` gets the reports, and return pytest's exit status.

    `also` is text that is put at the end of the inventory, for targets that the caller has started;
    `again` is the command that starts the demo with a fault.
    """
    try:
        reports = _reports_folder()
        with signals_end_us(), _folder() as folder:
            stack = Stack(folder)
            try:
                _refuse_unknown(break_names, stack)
                _start(stack)
                _break(stack, break_names)
                status = _pytest(stack, reports, inventory(stack) + also)
            finally:
                with _handling(signal.SIGINT, signal.SIG_IGN):  # a second Ctrl-C would leave servers behind
                    stack.processes.stop_all()
    except DemoError as error:
        click.echo(f"opscheck demo: {error}", err=True)
        return USAGE_ERROR
    except KeyboardInterrupt:
        click.echo("\nStopped everything.", err=True)
        return 128 + signal.SIGINT
    _say("Everything has been stopped.")
    if status in (0, 1):
        _say("Report: reports/daily/latest.html. Inventory: reports/demo.toml")
    if status == 0 and not break_names:
        *others, last = (name for name, fault in FAULTS.items() if stack.has(fault.needs))
        _say(f"For a failing run: {again.format(last)}; other faults are {', '.join(others)}")
    return status


def for_make(broken: Sequence[str], status: int) -> int:
    """Return the exit status of a demo under make, which calls every one but 0 an error of its own.

    It is 0 where the demo showed what it was asked to show: with a fault, that is a red run.
    """
    if not broken or status not in (0, 1):
        return status
    if status == 1:
        _say("The run failed, as it should: pytest's exit status is 1.")
        return 0
    click.echo(f"The run passed, although this was broken: {', '.join(broken)}", err=True)
    return 1


def inventory(stack: Stack) -> str:
    """Return the inventory of those parts of the shop that run here."""
    text = importlib.resources.files(__package__).joinpath("inventory.toml").read_text(encoding="utf-8")
    words = {
        "API_PORT": stack.ports["api"],
        "METRICS_PORT": stack.ports["metrics"],
        "CA": stack.authority.file,
        "LOG": stack.log,
        "BACKUPS": stack.backups,
    }
    for word, value in words.items():
        text = text.replace(f"@{word}@", str(value))
    headings = list(_PART.finditer(text))
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    parts = [text[h.start() : end] for h, end in zip(headings, ends, strict=True) if stack.has(h["part"])]
    return text[: headings[0].start()] + "".join(parts)


def _refuse_unknown(names: Sequence[str], stack: Stack) -> None:
    if unknown := [name for name in names if name not in FAULTS]:
        raise DemoError(f"there is nothing to break named {unknown[0]!r}; choose from {', '.join(FAULTS)}")
    for name in names:
        if not stack.has(FAULTS[name].needs):
            raise DemoError(f"{name!r} needs something that is missing here: {'; '.join(stack.missing.values())}")


def _reports_folder() -> Path:
    folder = Path("reports").absolute()
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DemoError(
            f"the reports would go to {folder}: {error.strerror}; change to a folder that you can write to"
        ) from None
    if not os.access(folder, os.W_OK):
        raise DemoError(f"{folder} can't be written; change to a folder that you can write to")
    return folder


def _start(stack: Stack) -> None:
    started = time.monotonic()
    for part, why in stack.missing.items():
        _say(f"Left out, with everything that depends on it: {part} ({why})")
    _say(f"Starting a small shop in {stack.folder}: {', '.join(stack.parts())} ...")
    stack.start()
    _say(f"It is running, after {time.monotonic() - started:.1f} s.")


def _break(stack: Stack, names: Sequence[str]) -> None:
    for name, fault in FAULTS.items():
        if name in names:
            fault.make(stack)
            _say(f"Broken on purpose: {fault.title}.")


def _pytest(stack: Stack, reports: Path, text: str) -> int:
    """Run the daily suite of a project that stands in the shop's folder."""
    project = stack.folder / "project"
    project.mkdir()
    (project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for file in (project / FILE, reports / "demo.toml"):
        file.write_text(text, encoding="utf-8")
    _say("$ pytest -m daily")
    command = [sys.executable, "-m", "pytest", "-m", "daily", "-p", "no:cacheprovider", f"--opscheck-reports={reports}"]
    with _handling(signal.SIGINT, lambda *_: None):
        # Ctrl-C reaches pytest as well, which says how far it came; only then is the shop stopped.
        process = subprocess.Popen(command, cwd=project, env={**os.environ, **stack.env})  # noqa: S603 - pytest itself
        try:
            return process.wait()
        except KeyboardInterrupt:
            _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have pytest end in its own order, by force where it does not."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()  # before pytest writes to the same place


@contextmanager
def signals_end_us() -> Iterator[None]:
    """End in good order, with nothing left running, where the terminal closes or somebody ends us."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with contextlib.ExitStack() as stack:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                stack.enter_context(_handling(number, end))
        yield


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="opscheck-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _handling(number: signal.Signals, handler: Handler) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)
