"""Tells of a run that did not begin, for its inventory has errors: those whom what can be read of it names."""

from __future__ import annotations

import importlib.metadata
import platform
import uuid
from collections.abc import Iterator

from ..core.humanize import counted
from ..core.results import Run, Verdict
from ..core.vantage import here
from ..history import HistoryError, Past
from ..inventory import Inventory, InventoryError
from ..reports.context import ReportContext
from .refused_result import STATUS, result_of


def told(error: InventoryError, suite: str) -> Iterator[str]:
    """Call the heartbeat's /fail, mail, and tell the channels; yields what could not be told, a sentence each."""
    from .heartbeat import Heartbeat

    inventory = error.known
    if inventory is None:
        yield "so only readers of this message will learn of it"
        return
    yield from _left_out(error, suite)
    run = _run(inventory, suite, str(error).splitlines())
    timing = inventory.suites.get(suite)
    heartbeat = Heartbeat(timing.heartbeat) if timing is not None and timing.heartbeat is not None else None
    if heartbeat is not None:
        name = f"{suite} of {run.inventory} on {platform.node()}"
        heartbeat.call("fail", f"{name}: exit status {STATUS}: {run.results[0].message}")
    yield from map(inventory.redactor.text, _mailed(inventory, run, str(error).splitlines()))
    yield from _alerted(
        inventory, run, knows_past=not (error.concerns("history") or error.concerns("opscheck", "name"))
    )
    if heartbeat is not None:
        heartbeat.wait()
        yield from (inventory.redactor.text(f"could not send the heartbeat: {fault}") for fault in heartbeat.faults)


def _left_out(error: InventoryError, suite: str) -> Iterator[str]:
    """Yield who is not told, for an error concerns where they are."""
    ways = (("heartbeat", ("suites", suite, "heartbeat")), ("mail", ("report", "mail")), ("channels", ("notify",)))
    wrong = [name for name, path in ways if error.concerns(*path)]
    if wrong:
        yield f"not notified because of these errors: {', '.join(wrong)}"


def _run(inventory: Inventory, suite: str, errors: list[str]) -> Run:
    """Return the run that was not to be, with the one result that it has."""
    more = f", and {counted(len(errors) - 1, 'error')} more" if len(errors) > 1 else ""
    message = f"nothing was probed, because the inventory has errors: {errors[0]}{more}"
    result = result_of(suite, Verdict.UNKNOWN, message)
    now = inventory.now()
    return Run(
        id=uuid.uuid4().hex,
        suite=suite,
        inventory=inventory.redactor.text(inventory.name),
        started=now,
        finished=now,
        vantage=here(),
        version=importlib.metadata.version("pytest-opscheck"),
        results=(result,),
        exit_status=STATUS,
        narrowed=True,
    )


def _mailed(inventory: Inventory, run: Run, errors: list[str]) -> Iterator[str]:
    if inventory.mail is None:
        return
    from ..reports.links import Links
    from ..reports.page import page
    from . import mail

    beside = ReportContext(problems=errors)
    if not mail.due(inventory.mail, run, beside, lambda: True):
        return
    folder = inventory.file.absolute().parent
    try:
        mail.deliver(
            inventory.mail, mail.message(inventory.mail, run, beside, page(run, Links(folder, folder), beside))
        )
    except mail.MailError as error:
        yield f"could not mail that: {error}"


def _alerted(inventory: Inventory, run: Run, *, knows_past: bool) -> list[str]:
    if not inventory.channels:
        return []
    from .notify import tell

    past = Past(inventory.history)
    if not knows_past:
        past.fault = HistoryError("its part of the inventory has an error")
    try:
        return tell(inventory, run, past)
    finally:
        past.close()
