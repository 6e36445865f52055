"""What a run will ask, as a value: its readings, sorted into contacts. It is shown, or gathered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from .core.humanize import counted
from .core.vantage import DEFAULT
from .core.visible import plain
from .inventory import Expectation, Inventory, InventoryTarget
from .probes import Probe

HERE = "local://"
"""How this machine's own shell is reached."""


@dataclass(frozen=True)
class Request:
    """One reading that is needed, and how long it may take."""

    target: InventoryTarget
    probe: Probe
    params: Mapping[str, Any]
    timeout_s: float

    @classmethod
    def of(cls, expectation: Expectation) -> Request:
        """Return the reading that an expectation needs."""
        return cls(expectation.target, expectation.check.probe, expectation.asked, expectation.timeout_s)

    @cached_property
    def key(self) -> str:
        """The same for two checks that need the same reading."""
        return f"{self.target.id} {self.probe.name} {sorted(self.params.items())!r} {self.timeout_s}"

    @property
    def is_through_host(self) -> bool:
        """Whether it comes through a host's shell rather than a connection of its own."""
        probe = self.probe
        return probe.shell is not None and (probe.read is None or self.target.keys.host() is not None)


@dataclass(frozen=True)
class Contact:
    """One contact, and all that is asked in it: with a target for its direct probes, or with a host.

    host: the host whose shell is asked, by its name, whatever the kind of the targets on it; empty for this machine,
    None for a connection of the target's own. spec: how to get there.
    """

    name: str
    requests: tuple[Request, ...]
    host: str | None = None
    spec: str = HERE


@dataclass(frozen=True)
class Plan:
    """The contacts of a run: those of the bulk, and those of the latency lane, which are made when all else is done."""

    bulk: tuple[Contact, ...] = ()
    latency: tuple[Contact, ...] = ()

    @classmethod
    def of(cls, readings: Iterable[Request], hosts: Mapping[str, str]) -> Plan:
        """Sort readings into contacts: each once, whoever needs it. `hosts` are the hosts' specs by name."""
        lanes: tuple[dict[str, Contact], dict[str, Contact]] = ({}, {})
        requests: dict[str, list[Request]] = {}
        this_machine = _this_machine(hosts)
        for request in {request.key: request for request in readings}.values():
            contact = _contact(request, hosts, this_machine)
            is_alone = request.probe.latency and contact.host is None
            lanes[is_alone].setdefault(contact.name, contact)
            requests.setdefault(f"{is_alone} {contact.name}", []).append(request)

        def made(is_alone: bool) -> tuple[Contact, ...]:
            found = sorted(lanes[is_alone].values(), key=lambda contact: contact.name)
            return tuple(Contact(c.name, tuple(requests[f"{is_alone} {c.name}"]), c.host, c.spec) for c in found)

        return cls(made(False), made(True))

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """All of them."""
        return self.bulk + self.latency


def _contact(request: Request, hosts: Mapping[str, str], this_machine: str) -> Contact:
    """Return the contact in which a reading is made, with nothing asked of it yet."""
    target = request.target
    if not request.is_through_host:
        return Contact(target.id, ())
    host = target.name if target.kind == "host" else target.keys.host() or this_machine
    return Contact(f"host.{host}", (), host, hosts.get(host, HERE))


def contact_names(inventory: Inventory) -> dict[str, str]:
    """Return in which contact each expectation's reading is made, by the expectations' ids."""
    hosts = inventory.hosts
    this_machine = _this_machine(hosts)
    return {each.id: _contact(Request.of(each), hosts, this_machine).name for each in inventory.expectations}


def _this_machine(hosts: Mapping[str, str]) -> str:
    """Return the host target that is this machine, empty where none is."""
    return min((name for name, spec in hosts.items() if spec == HERE), default="")


def lines(inventory: Inventory, suite: str | None = None, only: Collection[str] | None = None) -> Iterator[str]:
    """Yield the plan of a suite's run, or of all that the inventory expects, as people read it.

    only: the ids of the targets that it is narrowed to.
    """
    plan, by_key = _planned(inventory, suite, only)
    expectations = [each for found in by_key.values() for each in found]
    width = max((len(e.id) for e in expectations), default=0)
    suites_of = cache(lambda suites: ", ".join(name for name in inventory.suites if name in suites))
    for number, contact in enumerate(plan.contacts):
        yield f"{_named(contact)} ({'when everything else is done' if number >= len(plan.bulk) else _way(contact)})"
        for request in contact.requests:
            for expectation in by_key[request.key]:
                suites = suites_of(expectation.suites)
                yield f"  {expectation.id:{width}}  {_expected(expectation)}  [{suites}]"
    counts = ((len(expectations), "check"), (len(by_key), "reading"), (len(plan.contacts), "contact"))
    yield ", ".join(counted(number, word) for number, word in counts)


def to_json(inventory: Inventory, suite: str | None, only: Collection[str] | None) -> dict[str, Any]:
    """Return the same as plain data, for programs."""
    plan, by_key = _planned(inventory, suite, only)
    contacts = [
        {
            "name": _named(contact),
            "way": _way(contact),
            "lane": "latency" if number >= len(plan.bulk) else "bulk",
            "checks": [_check(each) for request in contact.requests for each in by_key[request.key]],
        }
        for number, contact in enumerate(plan.contacts)
    ]
    return {"checks": sum(map(len, by_key.values())), "readings": len(by_key), "contacts": contacts}


def _check(expectation: Expectation) -> dict[str, Any]:
    lasting = expectation.lasting
    return {
        "id": expectation.id,
        "check": expectation.check_id,
        "target": expectation.target.name,
        "limits": [ladder.texts() for ladder in expectation.limits.ladders] if expectation.limits is not None else [],
        "expected": _expected(expectation),
        "severity": expectation.severity,
        "suites": list(expectation.suites),
        "timeout_s": expectation.timeout_s,
        "counts": None if lasting is None else f"{'after' if lasting.seconds is not None else 'in'} {lasting}",
    }


def _planned(
    inventory: Inventory, suite: str | None, only: Collection[str] | None
) -> tuple[Plan, dict[str, list[Expectation]]]:
    """Return a plan, and what is expected of each of its readings."""
    expectations = [e for e in inventory.expectations if suite is None or suite in e.suites]
    expectations = [e for e in expectations if only is None or e.target.id in only]
    by_key: dict[str, list[Expectation]] = {}
    requests = [Request.of(expectation) for expectation in expectations]
    for request, expectation in zip(requests, expectations, strict=True):
        by_key.setdefault(request.key, []).append(expectation)
    return Plan.of(requests, inventory.hosts), by_key


def _named(contact: Contact) -> str:
    return contact.name if contact.name != "host." else "this machine"


def _way(contact: Contact) -> str:
    """Return how a contact is made."""
    target = contact.requests[0].target
    if (known := target.keys.known()) is not None:
        return known
    way = f"{plain(contact.spec)}, one script" if contact.host is not None else "one connection"
    return way if target.vantage == DEFAULT else f"{way}, from {target.vantage}"


def _expected(expectation: Expectation) -> str:
    """Return what is expected; of `reachable` in words, for its limit only names what answers."""
    reachable = expectation.check.name == "reachable"
    expected = f"{expectation.severity} is reached" if reachable else plain(str(expectation.limits or "on"))
    if (lasting := expectation.lasting) is None:
        return expected
    return f"{expected}, counts {'after' if lasting.seconds is not None else 'in'} {lasting}"
