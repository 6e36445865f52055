"""The channels of an inventory: where alerts go, and which."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ..core.extensions import AddedWay
from ..core.humanize import seconds_text


class Way(StrEnum):
    """How a channel carries alerts; the word is its key in the inventory."""

    URL = "url"
    WEBHOOK = "webhook"
    FILE = "file"
    CHANNEL = "channel"
    """That of a package."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its address, and which alerts it takes.

    suites: only alerts from runs of these suites; None for all.
    again_s: after how many seconds a breach that goes on is told again; None for never.
    digest_s: what there is to tell goes as one message, at most once in this many seconds, 0 for once a run; None for a
    message each.
    added: how a package carries it, whose name then is the address.
    targets: what it is told of alone, by words such as tag:dc1; `elsewhere` are the results of other targets, by their
    ids, and as `@prod` by their names, for tests of the user's own.
    """

    name: str
    way: Way
    address: str = field(repr=False)
    severities: frozenset[str]
    suites: frozenset[str] | None = None
    again_s: float | None = None
    digest_s: float | None = None
    added: AddedWay | None = field(default=None, repr=False, compare=False)
    targets: tuple[str, ...] = ()
    elsewhere: frozenset[str] = field(default=frozenset(), repr=False)

    def __str__(self) -> str:
        ways = {Way.URL: "apprise", Way.CHANNEL: self.address}
        parts = [f"{self.name} ({ways.get(self.way, self.way)}): {', '.join(sorted(self.severities))}"]
        parts += [f"only {', '.join(sorted(self.suites))}"] if self.suites is not None else []
        parts += [f"only {', '.join(self.targets)}"] if self.targets else []
        parts += [f"again after {seconds_text(self.again_s)}"] if self.again_s is not None else []
        if self.digest_s is not None:
            parts.append(f"one message in {seconds_text(self.digest_s)}" if self.digest_s else "one message a run")
        return "; ".join(parts)

    def takes(self, suite: str | None) -> bool:
        """Tell whether it is told what a run of these suites finds, joined by `+`; named checks are not a suite."""
        return suite is not None and (self.suites is None or not self.suites.isdisjoint(suite.split("+")))

    def is_of(self, result_id: str) -> bool:
        """Tell whether a result is of the targets of which it is told, or of none that the inventory knows."""
        return result_id not in self.elsewhere and f"@{result_id.rpartition('@')[2]}" not in self.elsewhere
