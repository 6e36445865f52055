"""What other packages add beside kinds of targets, as values: formats of reports, and ways to carry alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .results import Run


class DeliveryError(Exception):
    """A channel did not take a message; the message says why, and may quote its address."""


@dataclass(frozen=True)
class ReportFormat:
    """A format of reports, which `[report] formats = ["NAME"]` asks for.

    `render(run)` returns a report of a run, in which secrets are masked; `suffix` ends the names of its files: `csv`.
    """

    name: str
    suffix: str
    render: Callable[[Run], str | bytes]
    api: int | None = None


@dataclass(frozen=True)
class Message:
    """What a channel is told: as text for people, and a document for each alert, as a webhook gets it."""

    title: str
    text: str
    documents: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ChannelType:
    """A way to carry alerts, which `[notify.X] channel = "NAME"` asks for; `keys` is the model of its own keys there.

    `send(keys, message)` raises DeliveryError where the message is not taken; it is then told again by the next run.
    """

    name: str
    keys: type[Any]
    send: Callable[[Any, Message], None]
    api: int | None = None


@dataclass(frozen=True)
class AddedWay:
    """A channel of an inventory that a package carries, with what the inventory says of it."""

    type: ChannelType
    keys: Any
