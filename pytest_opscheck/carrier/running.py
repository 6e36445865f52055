"""Runs a part as a worker is asked to: the ordinary command, as a process of its own, in a folder that goes with it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..answers.processes import MARK, kill, kill_marked
from ..core.vantage import VARIABLE
from ..files.marks import ALIVE, sweep_folders, take
from ..files.reading import content
from ..inventory.asked import FILE as LISTS
from ..starting import ENDS_WITH, pytest_command
from .messages import Order
from .signing import MOST_BYTES
from .signing import VARIABLE as KEY

_PREFIX = "opscheck-part-"
_SHOWN_LINES = 20
_MOST_SAID = 100_000
_LOOK_S = 0.1
_GRACE_S = 2.0
"""How long a run that is ended may take to leave nothing behind where it looks."""


class RefusedError(Exception):
    """A part that a worker does not run, or of which it has no results; the message says why."""


def results(order: Order, seconds: float, stop: threading.Event) -> dict[str, Any]:
    """Run a part, and return its results file.

    seconds: how long it may take; then it ends with all that it has started, and so it does when `stop` is set.

    Raises RefusedError where there are no results.
    """
    with _folder() as (folder, held), _worker_lives() as lives:
        command = _written(order, folder)
        output = folder / "output"
        with output.open("wb") as written:
            why = _ended(_started(command, order, folder, written, (lives, held)), seconds, stop)
        if why is not None:
            raise RefusedError(why)
        try:
            found = json.loads(content(folder / "results.json", MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            raise RefusedError(f"its run ended without results: {_last_lines(output)}") from None
        if not isinstance(found, dict):
            raise RefusedError("its run ended with results of another form")
        return found


def sweep() -> None:
    """Remove the folders of workers that were killed."""
    sweep_folders(_PREFIX)


@contextlib.contextmanager
def _folder() -> Iterator[tuple[Path, int]]:
    """Give a folder that this user alone can look into, and the open file by which it is held.

    The run holds it, too: where its worker was killed it still writes there for a moment, and nobody sweeps it away.
    """
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        held = take(Path(name, ALIVE))
        try:
            yield Path(name), held
        finally:
            os.close(held)


@contextlib.contextmanager
def _worker_lives() -> Iterator[int]:
    """Give the end of a pipe that a run is to watch: it closes with this process, however that ends."""
    its, ours = os.pipe()
    try:
        yield its
    finally:
        os.close(ours)
        os.close(its)


def _written(order: Order, folder: Path) -> list[str]:
    """Write what the run needs, and return its command.

    The folder has settings of pytest's of its own, or pytest would look for some in the folders above it.
    """
    inventory = folder / "inventory"
    for path, text in order.texts.items():
        file = inventory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / LISTS).write_text(json.dumps(order.lists), encoding="utf-8")
    arguments = (
        f"--opscheck-inventory={inventory / order.main}",
        f"--opscheck-carried={folder}",
        f"--opscheck-json={folder / 'results.json'}",
        f"--opscheck-reports={folder / 'reports'}",
        f"--opscheck-shard={order.of.shard}",
        f"--rootdir={folder}",
        "-q",
        "-p",
        "no:cacheprovider",
    )
    return pytest_command(order.suite, arguments)


def _started(
    command: list[str], order: Order, folder: Path, output: Any, kept: tuple[int, int]
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a run, which has no key: what it runs could give orders with it. Returns its mark, too.

    kept: the open files that the run keeps; by the first it knows that its worker lives.
    """
    mark = secrets.token_hex(16)
    environment = {name: value for name, value in os.environ.items() if name not in (KEY, VARIABLE)}
    environment |= {MARK: mark, ENDS_WITH: str(kept[0])}
    if order.of.vantage is not None:
        environment[VARIABLE] = order.of.vantage
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=kept,
        start_new_session=True,
    )
    return process, mark


def _ended(started: tuple[subprocess.Popen[bytes], str], seconds: float, stop: threading.Event) -> str | None:
    """Wait for a run to end, and end all that it has started; return why it was ended where that was so."""
    process, mark = started
    until, why = time.monotonic() + seconds, None
    try:
        while process.poll() is None and why is None:
            if time.monotonic() > until:
                why = "it was ended at its deadline"
            elif stop.wait(_LOOK_S):
                why = "its worker was asked to end"
        if why is not None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
    finally:
        kill(process)
        kill_marked(mark)
        process.wait()
    return why


def _last_lines(output: Path) -> str:
    with output.open("rb") as opened:
        opened.seek(max(output.stat().st_size - _MOST_SAID, 0))
        lines = opened.read(_MOST_SAID).decode("utf-8", "replace").strip().splitlines()
    return "\n".join(lines[-_SHOWN_LINES:]) or "it said nothing"
