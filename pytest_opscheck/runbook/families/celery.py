"""Celery and its broker: workers that answer, queues that are short."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..asks import Ask, Line, Step, TargetHint, grep_of
from ..quantities import read
from ..shell import Command

_QUEUE = re.compile(r"queue|length|backlog|warteschlange|file", re.IGNORECASE)


def target_of() -> TargetHint:
    """Return the broker: its address is left to the environment."""
    return TargetHint("celery", "celery", "tasks", {"broker": "${CELERY_BROKER_URL}"})


def asks(step: Step) -> Iterator[Ask]:
    """Yield what a step asks of Celery or RabbitMQ."""
    for command in step.line.commands:
        if is_celery(command):
            yield from _celery(step, command)
            return
        if command.program == "rabbitmqctl" and command.plain()[:1] == ("list_queues",):
            grep = grep_of(step.line)
            keys = {"queues": [grep.pattern]} if grep and re.fullmatch(r"[\w.-]+", grep.pattern) else {}
            look = "are they Celery's? Name the queues: queues = [...]"
            yield Ask("celery.queue_length", target_of(), "queue", keys=keys, needs_limit=True, sure=0.6, look=look)
            return


def is_celery(command: Command) -> bool:
    """Tell whether a command is Celery's own."""
    return command.program == "celery" or (command.program.startswith("python") and command.option("-m") == "celery")


def _celery(step: Step, command: Command) -> Iterator[Ask]:
    words = set(command.args)
    if "inspect" not in words and "status" not in words:
        return
    if (
        "active_queues" in words
        and _QUEUE.search(step.expected)
        and any(each.use == "limit" for each in read(step.expected))
    ):
        yield Ask(
            "celery.queue_length",
            target_of(),
            "queue",
            needs_limit=True,
            sure=0.8,
            look="by default the queue `celery`; name yours: queues = [...]",
        )
        return
    if words & {"reserved", "scheduled"} and _QUEUE.search(step.words):
        yield Ask("celery.queue_length", target_of(), "queue", needs_limit=True, sure=0.6)
        return
    yield Ask("celery.workers", target_of(), "workers", sure=0.85)
    if "active_queues" in words and _QUEUE.search(step.words):
        yield Ask("celery.queue_length", target_of(), "queue", needs_limit=True, sure=0.6)


def state(line: Line) -> Iterator[Ask]:
    """Yield the state that a command sets: the concurrency of workers."""
    for command in line.commands:
        if (
            is_celery(command)
            and "worker" in command.args
            and (number := command.option("--concurrency", "-c"))
            and number.isdigit()
        ):
            name = command.option("-n", "--hostname")
            pattern = f"{name.partition('@')[0]}@*" if name and "@" in name else "celery@*"
            yield Ask(
                "celery.concurrency", target_of(), keys={"workers": {pattern: int(number)}}, sure=0.6, subject=pattern
            )
