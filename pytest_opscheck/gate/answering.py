"""Which wrong answers come from a server that is up: they are judged, and not waited for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from ..core.results import Result, Verdict
from ..inventory import Inventory
from .blind import target_of

_NOT_YET = (502, 503, 504)
"""What a proxy, or the server itself, says of one that has not come up yet."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The servers of http targets, by the targets' ids: `http.api` is at `api.example.com:443`."""

    servers: Mapping[str, str]

    @classmethod
    def of(cls, inventory: Inventory) -> Answering:
        """Return those of an inventory."""
        return cls({t.id: _server(t.keys) for t in inventory.targets if t.kind == "http"})

    def up(self, results: Iterable[Result]) -> frozenset[str]:
        """Return the results with a wrong status that is not for want of a start.

        Another path of the same server answers as expected: so it is up, and what this path says is meant.
        """
        asked = [each for each in results if each.check == "http.status"]
        well = {self.servers.get(target_of(each)) for each in asked if each.verdict is Verdict.OK}
        return frozenset(r.id for r in asked if self.servers.get(target_of(r)) in well and _is_meant(r))


def _server(keys: Any) -> str:
    url = keys.url
    return urlsplit(url.get_secret_value() if isinstance(url, SecretStr) else url).netloc.rpartition("@")[2]


def _is_meant(result: Result) -> bool:
    statuses = [m.value for m in result.measurements if m.breached]
    return result.verdict is Verdict.BREACH and bool(statuses) and not any(s in _NOT_YET for s in statuses)
