"""What a step's command asks, whatever program it is; and the state that a command sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import guard
from .asks import Ask, Line, Step, in_container
from .families import backup, celery, django, docker, host, http, postgres, redis, tls

_FAMILIES: tuple[Callable[[Step], Iterator[Ask]], ...] = (
    http.asks,
    postgres.asks,
    redis.asks,
    celery.asks,
    tls.asks,
    backup.asks,
)
_STATES: tuple[Callable[[Line], Iterator[Ask]], ...] = (docker.state, redis.state, celery.state, host.state)


def asks(step: Step) -> list[Ask]:
    """Return what a step asks; nothing where its command changes something."""
    if guard.of_line(step.line).kind is guard.Kind.CHANGES or not step.line.commands:
        return []
    first = step.line.commands[0]
    families = (
        (*_FAMILIES, host.asks, docker.asks)
        if in_container(first) and first.program in host.READERS
        else (*_FAMILIES, docker.asks, host.asks)
    )
    for family in families:
        if found := list(family(step)):
            return found
    return list(django.on_host(step, first))


def state(line: Line) -> list[Ask]:
    """Return the state that a command sets: it may be what is expected, and is never a command to run."""
    return [ask for family in _STATES for ask in family(line)]
