"""Where a look was blind: cut off from all other machines, or without the server that observes what was deployed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from ..core.results import Result, Run, Verdict
from ..inventory import Inventory, InventoryTarget
from ..probes._trust import is_elsewhere

_OBSERVERS = ("prometheus",)
"""The kinds of servers that measure others: where one is gone, that is no fault of what it measures."""
_KNOWS_CONNECTIONS = ("http", "metrics")
"""The kinds that tell no connection from one that stays mute."""
_SILENT = re.compile(
    r"no connection within|no route|network is (?:unreachable|down)|host is down|can't be resolved|name resolution"
    r"|name or service|not known|timed? ?out|timeout expired|not logged in within",
    re.IGNORECASE,
)
_MUTE = re.compile(r"no answer within", re.IGNORECASE)
_HERE = ("local://", "docker://", "podman://")
_CONNINFO_HOST = re.compile(r"(?:^|\s)host(?:addr)?\s*=\s*'?([^\s',]+)")


def elsewhere(inventory: Inventory) -> Iterator[str]:
    """Yield the targets that are reached over the network, by their ids: `http.api`."""
    yield from (target.id for target in inventory.targets if _is_elsewhere(target, inventory.hosts))


def observers(inventory: Inventory) -> Iterator[str]:
    """Yield the targets that only tell of others."""
    yield from (target.id for target in inventory.targets if target.kind in _OBSERVERS)


def _is_elsewhere(target: InventoryTarget, hosts: Any) -> bool:
    host = target.name if target.kind == "host" else target.keys.host()
    if host is not None:
        return not hosts.get(host, _HERE[0]).startswith(_HERE)
    return any(map(is_elsewhere, machines(target.keys)))


def machines(keys: object) -> Iterator[str]:
    """Yield the machines that a target's keys name."""
    for name in ("address", "url", "dsn", "broker"):
        address = getattr(keys, name, None)
        text = address.get_secret_value() if isinstance(address, SecretStr) else address
        if isinstance(text, str) and text:
            yield machine_of(text)


def machine_of(text: str) -> str:
    """Return the machine of an address, `host:443`, of a URL, or of PostgreSQL's `host=... dbname=...`."""
    if (found := _CONNINFO_HOST.search(text)) is not None:
        return found[1]
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""


def without_blindness(look: Run, elsewhere: Collection[str], observers: Collection[str]) -> Run:
    """Return a look in which what it could not see is unknown, and no breach."""
    results = tuple(_observed(result, observers) for result in look.results)
    reached = [
        result for result in look.results if result.check.endswith(".reachable") and target_of(result) in elsewhere
    ]
    silent = [result.id for result in reached if _is_silent(result)]
    if not silent or len(silent) < len(reached):
        return replace(look, results=results)
    return replace(look, results=tuple(_cut_off(result) if result.id in silent else result for result in results))


def _observed(result: Result, observers: Collection[str]) -> Result:
    is_gone = (
        target_of(result) in observers and result.check.endswith(".reachable") and result.verdict is Verdict.BREACH
    )
    why = f"{result.message}; what it measures is unknown"
    return replace(result, verdict=Verdict.UNKNOWN, message=why, fails=False) if is_gone else result


def target_of(result: Result) -> str:
    """Return the id of a result's target, which itself says no kind: `http.api`."""
    return f"{result.check.partition('.')[0]}.{result.target}"


def _is_silent(result: Result) -> bool:
    if result.verdict is not Verdict.BREACH:
        return False
    tells = result.check.partition(".")[0] in _KNOWS_CONNECTIONS
    return bool(_SILENT.search(result.message) or (not tells and _MUTE.search(result.message)))


def _cut_off(result: Result) -> Result:
    why = f"{result.message}; nothing on another machine answers, which may be the network of this machine"
    return replace(result, verdict=Verdict.UNKNOWN, message=why, fails=False)
