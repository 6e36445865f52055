"""Tells every channel side by side, each with an end, and has the history remember what was told."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..core.errors import LAST_WORDS_S
from ..core.extensions import DeliveryError
from ..core.results import Run
from ..history import HistoryError, Notification, Past
from ..inventory import Inventory
from ..inventory.channels import Channel
from .alerts import Alert, digest_waits, due
from .destination import Destination, Finished
from .refused_result import over
from .transports import send

LONGEST_S = 30.0
"""How long all channels together may take: then the run ends, and what was not told is told by the next one."""
MOST_SINGLE = 10
"""So many alerts of one run a channel gets one by one; more go as one message."""
Known = Mapping[tuple[str, str], Notification]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one message; `problem` says why it was not taken. The channel's last one is its `end`."""

    channel: str
    told: tuple[Notification, ...] = ()
    problem: str | None = None
    end: bool = False


class Channels(Destination):
    """The channels of the inventory."""

    task = "alert the channels"

    def send(self, finished: Finished) -> list[str]:
        """Tell each what it is to be told of a run.

        Who asks a run to end waits for that: what can't be told so soon is told by the next run.
        """
        seconds = LAST_WORDS_S if finished.was_interrupted else LONGEST_S
        return tell(finished.inventory, finished.run, finished.past, seconds)


def planned(channels: Iterable[Channel], run: Run, known: Known) -> dict[Channel, list[Alert]]:
    """Return what each channel is to be told of a run now; `known` is what was told, by channel and result id."""
    found = {}
    for channel in channels:
        own = {result: told for (name, result), told in known.items() if name == channel.name}
        if channel.takes(run.suite) and not digest_waits(channel, own.values(), run.started):
            wrong = (result for result, told in own.items() if told.severity is not None)
            found[channel] = due(channel, [*run.results, *over(run, wrong)], own, run.started)
    return found


def tell(inventory: Inventory, run: Run, past: Past, seconds: float = LONGEST_S) -> list[str]:
    """Tell every channel what it is to be told of a run, and return what went wrong, a sentence each.

    What a channel has taken is remembered at once, so that it is told once; where this process is killed between the
    two it is told twice, but never lost. Without a history every breach is told each time.
    """
    faulty = past.fault is not None
    known = past.told()
    problems = [] if faulty or past.fault is None else [f"could not read which alerts were sent before: {past.fault}"]
    plans = {channel: alerts for channel, alerts in planned(inventory.channels, run, known).items() if alerts}
    outcomes: queue.Queue[Outcome] = queue.Queue()
    deliver = functools.partial(send, run=run, home=inventory.file.absolute().parent)
    for channel, alerts in plans.items():
        news = [(a, a.remembered(channel, run.started, known.get((channel.name, a.result.id)))) for a in alerts]
        work = (channel, news, deliver, outcomes)
        threading.Thread(target=_tell, args=work, name=f"opscheck-notify-{channel.name}", daemon=True).start()
    problems += _taken({channel.name for channel in plans}, outcomes, past, seconds)
    return [inventory.redactor.text(problem) for problem in problems]


def _taken(waiting: set[str], outcomes: queue.Queue[Outcome], past: Past, seconds: float) -> list[str]:
    """Take the channels' outcomes as they come, until all have ended or the time is over; return the problems."""
    end = time.monotonic() + seconds
    problems: list[str] = []
    remembers = past.fault is None
    while waiting:
        try:
            outcome = outcomes.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        if outcome.end:
            waiting.discard(outcome.channel)
        if outcome.problem is not None:
            problems.append(_failed(outcome.channel, outcome.problem))
        if outcome.told and remembers:
            try:
                past.remember(outcome.told)
            except HistoryError as error:
                remembers = False  # a history that hangs is waited for once
                problems.append(
                    f"could not record in the history that alerts were sent, so they will be sent again: {error}"
                )
    late = f"no answer within {seconds:g} s; check that its server is up"
    return problems + [_failed(name, late) for name in sorted(waiting)]


def _failed(channel: str, why: str) -> str:
    return f"could not alert {channel}, the next run will try again: {why}"


def _tell(
    channel: Channel,
    news: Sequence[tuple[Alert, Notification]],
    deliver: Callable[[Channel, Sequence[Alert]], None],
    outcomes: queue.Queue[Outcome],
) -> None:
    """Tell one channel, in a thread of its own. What it does not take ends it: the rest would fail likewise."""
    try:
        outcomes.put(Outcome(channel.name, tuple(told for alert, told in news if alert.silent)))
        loud = [(alert, told) for alert, told in news if not alert.silent]
        together = channel.digest_s is not None or len(loud) > MOST_SINGLE
        for message in [loud] if together and loud else [[each] for each in loud]:
            deliver(channel, [alert for alert, _ in message])
            outcomes.put(Outcome(channel.name, tuple(told for _, told in message)))
    except DeliveryError as error:
        outcomes.put(Outcome(channel.name, problem=str(error), end=True))
    except Exception as error:  # noqa: BLE001 - whatever a channel raises, the others are told, and the run ends
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        outcomes.put(Outcome(channel.name, problem=reason, end=True))
    else:
        outcomes.put(Outcome(channel.name, end=True))
