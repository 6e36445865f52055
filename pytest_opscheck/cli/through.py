"""`opscheck run --through celery`: has workers run the parts of a suite, and makes one run of what they bring."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from ..core.results import INTERRUPTED
from ..starting import SIGNALS
from .options import Usage, known_suite, loaded, say

if TYPE_CHECKING:
    from ..carrier.driving import Driver
    from ..history import Announced
    from ..inventory import Inventory, InventoryError

_ENGINES = ("celery",)
_OPTIONS = ("inventory", "reports", "json")
_TEST_FILE = re.compile(r"test_.*\.py|.*_test\.py")
_SKIPPED = ("build", "dist", "node_modules", "venv", "reports")
_QUIET = ("-q", "--quiet")
_LEAVE_S = 4.0
"""How long the broker may take to give back what nobody has taken, where the run is to end."""


class _StoppedError(Exception):
    """Somebody has asked the run to end."""


def taken(
    arguments: tuple[str, ...], through: str | None, shards: str | None
) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return what arguments for pytest say of an engine and of shards, and the others."""
    through, arguments = _option(arguments, "--through", through)
    if through is not None:
        shards, arguments = _option(arguments, "--shards", shards)
    elif shards is not None:
        raise Usage("--shards is for runs through workers: add --through celery, or use --opscheck-shard for one part")
    return through, shards, arguments


def _option(arguments: tuple[str, ...], name: str, value: str | None) -> tuple[str | None, tuple[str, ...]]:
    rest, found = [], iter(arguments)
    for each in found:
        if each == name:
            value = next(found, "")
        elif each.startswith(f"{name}="):
            value = each.partition("=")[2]
        else:
            rest.append(each)
    return value, tuple(rest)


@dataclass(frozen=True)
class Wanted:
    """A run through workers, as it was asked for."""

    suite: str
    shards: int
    file: Path
    reports: Path | None
    named: Path | None
    quiet: bool = False

    @classmethod
    def of(cls, engine: str, suite: str, shards: str | None, arguments: tuple[str, ...], file: Path) -> Self:
        """Read what was asked for; what workers could not do is refused."""
        if engine not in _ENGINES:
            raise Usage(f"--through {engine or '(nothing)'}: there is no such engine; there is {', '.join(_ENGINES)}")
        if shards is not None and not (shards.isdecimal() and 1 <= int(shards) <= 1000):  # noqa: PLR2004
            raise Usage(f"--shards {shards}: it is a number from 1 to 1000")
        flags = tuple(f"--opscheck-{each}=" for each in _OPTIONS)
        for each in arguments:
            if each not in _QUIET and not each.startswith(flags):
                raise Usage(
                    f"{each}: workers run whole parts of a suite, so arguments of pytest have no place in a run "
                    f"through {engine}; there are {', '.join(flag[:-1] for flag in flags)}, --shards and -q"
                )
        places = {flag: each.removeprefix(flag) for each in arguments for flag in flags if each.startswith(flag)}
        reports, named = (Path(places[flag]) if flag in places else None for flag in flags[1:])
        return cls(suite, int(shards or 1), file, reports, named, bool(set(_QUIET).intersection(arguments)))

    def inventory(self, refused: Callable[[InventoryError], object]) -> Inventory:
        """Return the inventory; without the variables that are the workers' alone."""
        from ..inventory.asked import AS_A_RUN
        from ..inventory.carried import is_named, lacking_here

        inventory = loaded(self.file, self.reports, refused, asked=AS_A_RUN, assumes=True)
        known_suite(inventory, self.suite)
        if found := lacking_here(inventory):
            lines = "\n".join(found)
            raise Usage(f"where a run is started, what says who is told and what is due has to be known:\n{lines}")
        if not is_named(inventory):
            raise Usage(
                f"{inventory.written.main.shown} has no name, and workers have no folder to call it by; add to it:\n"
                f'[opscheck]\nname = "{inventory.name}"'
            )
        if (own := _own_test(inventory.file.absolute().parent, self.suite)) is not None:
            raise Usage(
                f"{own} has tests of {self.suite}, and workers run the shipped checks alone; move it to a folder of "
                f"its own, and run it there: pytest -m {self.suite}"
            )
        return inventory

    def run(self, inventory: Inventory, *, quiet: bool) -> int:
        """Have workers run it, bring the run to everybody, and return its exit status."""
        from ..carrier.driving import driver_of
        from ..carrier.parts import Sent
        from ..carrier.signing import CarrierError
        from ..core.shards import Part, Shard
        from .announce import begin_heartbeat, planned, told, until

        quiet = quiet or self.quiet
        tell: Callable[[str], object] = (lambda _: None) if quiet else say
        announced = planned(inventory, self.suite, self.shards, None)
        parts = {
            part: Sent(part)
            for vantage, of in announced.parts.items()
            for part in (Part(vantage or None, Shard(number, of)) for number in range(1, of + 1))
        }
        deadline = announced.deadline.timestamp()
        try:
            driver = driver_of(
                inventory, self.suite, parts, deadline, say=_shown(inventory, tell), environment=os.environ
            )
        except CarrierError as error:
            raise Usage(str(error)) from None
        announced = _noted(inventory, announced)
        tell(f"{self.suite} is announced: {told(announced)}; it ends at {until(announced)} at the latest")
        begin_heartbeat(inventory, announced)
        with _stoppable(driver):
            driver.drive()
            driver.take_back()
        return self._merged(inventory, driver, announced, quiet=quiet)

    def _merged(self, inventory: Inventory, driver: Driver, announced: Announced, *, quiet: bool) -> int:
        from ..delivery.merging import Brought, merged, wanted_by
        from ..history import Past
        from ..settings import reports_setting
        from .merge import delivered

        # An order holds what this machine knows of the inventory: by that its results are those of this inventory.
        brought = [
            Brought(None, replace(each.run, digest=inventory.fingerprint), part)
            for part, each in driver.parts.sent.items()
            if each.run is not None
        ]
        past = Past(inventory.history)
        wanted = wanted_by(inventory, announced, None)
        run = merged(inventory, self.suite, brought, wanted, past, reasons=driver.parts.reasons(time.monotonic()))
        folder = (self.reports or reports_setting(self.file.absolute().parent)) / self.suite
        noted = announced if announced.number else None
        return delivered(run, inventory, past, folder, named=self.named, announced=noted, quiet=quiet)


def _own_test(folder: Path, suite: str) -> Path | None:
    """Return a file in which somebody has marked tests of their own as a suite's, where pytest would look for it."""
    marked = re.compile(rf"\bmark\.{re.escape(suite)}\b")
    for place, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if not _is_skipped(Path(place, each))]
        for file in (Path(place, name) for name in files if _TEST_FILE.fullmatch(name)):
            with contextlib.suppress(OSError):
                if marked.search(file.read_text(encoding="utf-8", errors="replace")):
                    return file.relative_to(folder)
    return None


def _is_skipped(folder: Path) -> bool:
    """Tell whether pytest does not look into a folder by itself."""
    return folder.name.startswith(".") or folder.name in _SKIPPED or (folder / "pyvenv.cfg").exists()


def _shown(inventory: Inventory, tell: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: tell(inventory.redactor.text(text))


def _noted(inventory: Inventory, announced: Announced) -> Announced:
    """Write down that the run is to come; where that can't be done, it runs all the same, and says so."""
    from ..history import HistoryError
    from .announce import noted

    try:
        return noted(inventory, announced)
    except HistoryError as error:
        say(inventory.redactor.text(f"could not announce the run: {error}"), err=True)
        return announced


@contextlib.contextmanager
def _stoppable(driver: Driver) -> Iterator[None]:
    """Have signals end what is driven: what workers have begun ends by its deadline, and nothing is merged."""

    def stop(number: int, _frame: object) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise _StoppedError(signal.Signals(number).name)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    except _StoppedError as error:
        say(f"ended by {error}: nothing is merged, and workers end what they have begun", err=True)
        _end(driver)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(driver: Driver) -> NoReturn:
    """End with the status of a run that was asked to, whatever the broker does."""
    killer = threading.Timer(_LEAVE_S, os._exit, (INTERRUPTED,))
    killer.daemon = True
    killer.start()
    driver.take_back()
    os._exit(INTERRUPTED)
