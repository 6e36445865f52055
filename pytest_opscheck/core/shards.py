"""Shards: which part of a run another process, or another machine, has."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MOST = 1000
SHARDS = "shards"
"""The folder beside the reports of a suite in which the results of its shards are until they are merged."""


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One of the parts of a run, numbered from 1 on. Each contact is in exactly one, whatever else there is."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, contact: str) -> bool:
        """Tell whether a contact is in this part: a host with all that is on it, or a target by itself."""
        digest = hashlib.sha256(contact.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1


def parse_shard(text: str) -> Shard:
    """Parse `3/8`. Raises ValueError."""
    match = re.fullmatch(r"\s*(\d{1,4})\s*/\s*(\d{1,4})\s*", text)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of <= MOST:
        raise ValueError(f"{text!r} is not a shard; the third of eight is 3/8, and there may be {MOST}")
    return Shard(number, of)


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A part of a run: one shard of what is looked at from one vantage point, None where an inventory has none."""

    vantage: str | None
    shard: Shard

    def __str__(self) -> str:
        """For example `shard 3/8`, `vantage dmz`, or `vantage dmz, shard 3/8`."""
        shard = [f"shard {self.shard}"] if self.shard.of > 1 or self.vantage is None else []
        return ", ".join([*([f"vantage {self.vantage}"] if self.vantage is not None else []), *shard])

    @property
    def within(self) -> str:
        """What a result says of it: `shard 3/8`, `vantage dmz` or `shard 3/8 from dmz`."""
        if self.vantage is None or self.shard.of == 1:
            return str(self)
        return f"shard {self.shard} from {self.vantage}"

    def holds(self, vantage: str, contact: str) -> bool:
        """Tell whether a contact is in this part."""
        return self.vantage in (None, vantage) and self.shard.holds(contact)
