"""Brings a run that is decided to people: each destination takes the finished run, and returns its problems.

A new destination is a module here, and a line in `destinations`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

from ..core.errors import HurriedError
from ..inventory import Inventory
from ..reports import github
from .destination import Destination, Finished, not_written
from .status import StatusPage

Waiting = Callable[[], AbstractContextManager[None]]


def destinations(
    inventory: Inventory, written: Destination, named: Destination | None, uncaptured: Waiting
) -> Iterator[Destination]:
    """Yield to whom a run goes, in this order: what is told names the reports, so they are written first.

    written: the reports of a suite; named: the results file that the command line names; uncaptured: gives standard
    error back, where pytest has taken it.
    """
    if named is not None:
        yield named
    yield written
    yield StatusPage()
    if inventory.mail is not None:
        from .mail import Mailed

        yield Mailed(inventory.mail)
    if inventory.channels:
        from .notify import Channels

        yield Channels()
    if inventory.metrics:
        from .metrics import Exported

        yield Exported()
    if github.is_here():
        from .github import Annotations, Outputs

        yield Annotations(uncaptured)
        yield Outputs()


def send(finished: Finished, to: Iterable[Destination], problems: list[str], waiting: Waiting) -> None:
    """Bring a run to its destinations; what goes wrong is added to `problems`, and none keeps the others from theirs.

    waiting: inside of it HurriedError is raised once the run was asked to end, and there is no time left.
    """
    for destination in to:
        try:
            if destination.task is None:
                found = list(destination.send(finished.with_problems(problems)))
            else:
                with waiting():
                    found = list(destination.send(finished.with_problems(problems)))
        except HurriedError:
            found = [f"could not {destination.task} before the run, which was asked to end, ended"]
        except OSError as error:
            found = [not_written(error)]
        problems += [problem for problem in found if problem not in problems]
