"""Shows what a run would probe, contact by contact, without any."""

from __future__ import annotations

from collections.abc import Iterator

from .core.humanize import counted
from .core.visible import plain
from .gather.dispatcher import HostUnit, Request, units
from .inventory import Expectation, Inventory


def lines(inventory: Inventory, suite: str | None = None) -> Iterator[str]:
    """Yield the plan of a suite's run, or of all that the inventory expects."""
    expectations = [e for e in inventory.expectations if suite is None or suite in e.suites]
    by_key: dict[str, list[Expectation]] = {}
    for expectation in expectations:
        by_key.setdefault(Request.of(expectation).key, []).append(expectation)
    hosts = {target.name: target.keys.connect for target in inventory.of_kind("host")}  # type: ignore[attr-defined]
    bulk, quiet = units((Request.of(e) for e in expectations), hosts)
    width = max((len(e.id) for e in expectations), default=0)
    for unit in bulk + quiet:
        spec = plain(hosts.get(unit.host, "local://")) if isinstance(unit, HostUnit) else None
        way = f"{spec}, one script" if spec is not None else "one connection"
        if unit.requests[0].target.keys.past() is not None:
            way = "past runs, no contact"
        name = unit.name if unit.name != "host." else "this machine"
        yield f"{name} ({'when everything else is done' if unit in quiet else way})"
        for request in unit.requests:
            for expectation in by_key[request.key]:
                suites = ", ".join(name for name in inventory.suites if name in expectation.suites)
                yield f"  {expectation.id:{width}}  {_expected(expectation)}  [{suites}]"
    counts = ((len(expectations), "check"), (len(by_key), "reading"), (len(bulk + quiet), "contact"))
    yield ", ".join(counted(number, word) for number, word in counts)


def _expected(expectation: Expectation) -> str:
    """Return what is expected; of `reachable` in words, for its limit only names what answers."""
    reachable = expectation.check.name == "reachable"
    said = f"{expectation.severity} is reached" if reachable else plain(str(expectation.limits or "on"))
    if (lasting := expectation.lasting) is None:
        return said
    return f"{said}, counts {'after' if lasting.seconds is not None else 'in'} {lasting}"
