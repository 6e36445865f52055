"""Findings put together: what several lines say of one check of one target becomes one proposal, or a contradiction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .asks import Ask, TargetHint, Todo
from .direction import Rung
from .statements import Finding, Statement

SURE, LIKELY = 0.8, 0.5
"""From here on a proposal is active as it stands, and from here on with something to look at."""
_OPEN_LIMIT = 0.4
_RECENT = 8
"""A statement that asks twice for one check does so with hardly anything between."""
_RATED = ("docker.errors",)


@dataclass
class Entry:
    """A proposal: one check of one target, with the statements that ask for it.

    limits: by severity, None where the check's own is meant. contradictions: of one severity, what different lines say.
    """

    check: str
    target: TargetHint
    name: str | None
    keys: dict[str, Any] = field(default_factory=dict)
    limits: dict[str | None, Rung] = field(default_factory=dict)
    contradictions: dict[str | None, list[Rung]] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    suites: list[str] = field(default_factory=list)
    sure: float = 0.0
    active: bool = True
    needs_limit: bool = False
    subject: str = ""
    refused: str = ""
    """Why the inventory does not take it."""

    @property
    def id(self) -> str:
        """For example `host.disk`, `docker.logs.slow_query`."""
        return f"{self.check}.{self.name}" if self.name else self.check

    @property
    def anchor(self) -> str | None:
        """The anchor of the first statement that has one."""
        return next((each.anchor for each in self.statements if each.anchor), None)

    @property
    def status(self) -> str:
        """`active`, `look` (active, with something to look at), or `off` (commented out)."""
        if not self.active or self.refused or self.sure < LIKELY:
            return "off"
        return "active" if self.sure >= SURE and not self.looks else "look"


def put_together(findings: Iterable[Finding]) -> list[Entry]:
    """Return the proposals of findings, in the order in which they are first said."""
    found = list(findings)
    entries: dict[tuple[Any, ...], Entry] = {}
    for finding in found:
        if not finding.merges_only:
            _merge(entries, finding)
    for finding in found:
        if finding.merges_only:
            _merge(entries, finding, only=True)
    made = [_settled(entry) for entry in _without_shadows(entries)]
    return sorted(made, key=lambda entry: min((each.file, each.line) for each in entry.statements))


def _key(ask: Ask, *, active: bool) -> tuple[Any, ...]:
    place = (
        (ask.name, ask.keys.get("path"), str(ask.keys.get("sql", "")), str(ask.keys.get("services", "")))
        if ask.name
        else ()
    )
    url = (str(ask.keys["url"]),) if "url" in ask.keys else ()
    return (ask.check, ask.target.kind, ask.target.identity, place, url, active)


def _merge(entries: dict[tuple[Any, ...], Entry], finding: Finding, *, only: bool = False) -> None:
    ask = finding.ask
    active = finding.active and not (finding.rungs and ask.sure < LIKELY)  # what is unsure contradicts nothing
    key = _key(ask, active=active)
    if only and key not in entries:
        key = next((each for each in entries if each[0] == ask.check and each[-1] == active), key)
    if key not in entries:
        sure = 0.45 if only else ask.sure
        entries[key] = Entry(ask.check, ask.target, ask.name, active=active, needs_limit=ask.needs_limit, sure=sure)
    entry = entries[key]
    _add(entry, finding)


_OF_ALL = ("docker.up", "docker.healthy")
"""Who names no service means all of them, and so those that another statement names."""


def _add(entry: Entry, finding: Finding) -> None:
    ask = finding.ask
    if entry.check in _OF_ALL and entry.statements and ("services" in entry.keys) != ("services" in ask.keys):
        entry.keys.pop("services", None)
        ask = replace(ask, keys={key: value for key, value in ask.keys.items() if key != "services"})
    for statement in (finding.statement, *finding.also):
        if not any(each is statement for each in entry.statements[-_RECENT:]):
            entry.statements.append(statement)
    entry.subject = " ".join(dict.fromkeys([*entry.subject.split(), *ask.subject.split()]))
    entry.keys = _united(entry.keys, ask.keys)
    if ask.look and ask.look not in entry.looks:
        entry.looks.append(ask.look)
    if finding.suite and finding.suite not in entry.suites:
        entry.suites.append(finding.suite)
    if finding.lasting and entry.check not in ("http.p95", "http.latency"):
        entry.keys.setdefault("for", finding.lasting)
    entry.sure = max(
        entry.sure, min(ask.sure + (0.1 if finding.rungs and all(each.sure for each in finding.rungs) else 0.0), 0.95)
    )
    for rung in (*finding.rungs, *(Rung(severity, limit, finding.statement.line) for severity, limit in ask.limits)):
        _limit(entry, _rated(rung, entry))


def _rated(rung: Rung, entry: Entry) -> Rung:
    """Return a limit of a count as one of a rate, where the check takes nothing else."""
    if entry.check not in _RATED or "/" in rung.limit:
        return rung
    rate = next((word for word in entry.subject.split() if word.startswith("/")), "/day")
    return replace(rung, limit=f"{rung.limit}{rate}")


def _limit(entry: Entry, rung: Rung) -> None:
    contradicting = [each.limit for each in entry.contradictions.get(rung.severity, ())]
    there = entry.limits.get(rung.severity)
    if there is None and not contradicting:
        entry.limits[rung.severity] = rung
    elif there is not None and there.limit != rung.limit and rung.severity is None and there.alarm is not rung.alarm:
        _alarmed(entry, *((rung, there) if rung.alarm else (there, rung)))
    elif there is not None and there.limit != rung.limit:
        entry.contradictions[rung.severity] = [there, rung]
        del entry.limits[rung.severity]
    elif contradicting and rung.limit not in contradicting:
        entry.contradictions[rung.severity].append(rung)


def _alarmed(entry: Entry, alarm: Rung, normal: Rung) -> None:
    """Note what is normal and what raises an alarm, neither with a severity: the alarm is a warning."""
    entry.limits[None] = normal
    _limit(entry, replace(alarm, severity="P2"))


def _united(there: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys of both: lists and tables hold what either has, of a single value the first stays."""
    made = dict(there)
    for key, value in new.items():
        old = made.get(key)
        if old is None or (isinstance(old, Todo) and not isinstance(value, Todo)):
            made[key] = value
        elif isinstance(old, list) and isinstance(value, list):
            made[key] = _list(old, value)
        elif isinstance(old, dict) and isinstance(value, dict):
            made[key] = _united(old, value)
    return made


def _list(old: list[Any], new: list[Any]) -> list[Any]:
    both = [*old, *(each for each in new if each not in old)]
    known = [each for each in both if not isinstance(each, Todo)]
    tables = [each for each in known if isinstance(each, dict)]
    if len(tables) > 1:  # the variables of several services
        united: dict[str, Any] = {}
        for table in tables:
            united = _united(united, table)
        return [united]
    return known or both


def _without_shadows(entries: Mapping[tuple[Any, ...], Entry]) -> list[Entry]:
    """Return the entries without those that are commented out and say nothing that an active one does not say."""
    kept = []
    for key, entry in entries.items():
        twin = entries.get((*key[:-1], True)) if not entry.active else None
        if twin is not None and _says_less(entry, twin):
            twin.statements += [each for each in entry.statements if each not in twin.statements]
            continue
        kept.append(entry)
    return kept


def _says_less(entry: Entry, twin: Entry) -> bool:
    """Tell whether another entry says all that an entry says."""
    limits = [each.limit for each in twin.limits.values()]
    if entry.contradictions or not all(rung.limit in limits for rung in entry.limits.values()):
        return False
    return all(_holds(twin.keys.get(key), value) for key, value in entry.keys.items())


def _holds(there: Any, value: Any) -> bool:
    if isinstance(there, list) and isinstance(value, list):
        return all(each in there for each in value)
    if isinstance(there, dict) and isinstance(value, dict):
        return all(_holds(there.get(key), each) for key, each in value.items())
    return bool(there == value) or isinstance(value, Todo)


def _settled(entry: Entry) -> Entry:
    """Return an entry with its keys and limits as the inventory has them."""
    _of_tables(entry)
    _without_repeats(entry)
    if entry.needs_limit and not entry.limits and not entry.contradictions and not carries(entry):
        entry.sure = min(entry.sure, _OPEN_LIMIT)
    if entry.check == "docker.exec" and isinstance(entry.keys.get("run"), Todo):
        entry.sure = min(entry.sure, _OPEN_LIMIT)
    return entry


_CARRIED = {
    "docker.env": "names",
    "docker.replicas": "services",
    "docker.limits": "services",
    "http.json": "paths",
    "redis.keys_matching": "patterns",
    "celery.concurrency": "workers",
    "postgres.rows": "tables",
    "dns.records": "records",
    "host.file": "oldest",
}


def carries(entry: Entry) -> bool:
    """Tell whether the keys of an entry hold limits of their own."""
    return entry.check in _CARRIED and bool(entry.keys.get(_CARRIED[entry.check]))


def _of_tables(entry: Entry) -> None:
    """Put limits where they belong that are not the check's own: those of the rows or the size of a table."""
    if entry.check == "postgres.rows" and entry.subject:
        limit = next((rung.limit for rung in entry.limits.values()), "> 0")
        tables = dict(entry.keys.get("tables", {}))
        tables |= {name: limit for name in entry.subject.split() if name not in tables}
        entry.keys["tables"] = tables
        entry.limits, entry.contradictions = {}, {}
    elif entry.check == "postgres.table_size" and len(entry.subject.split()) == 1 and entry.limits:
        entry.keys["tables"] = {entry.subject: next(rung.limit for rung in entry.limits.values())}
        entry.limits = {}


def _without_repeats(entry: Entry) -> None:
    """Drop the limit without a severity where one with a severity says the same number."""
    bare = entry.limits.get(None)
    if bare is None:
        return
    numbers = [rung.limit.split(" ", 1)[1] for severity, rung in entry.limits.items() if severity is not None]
    if bare.limit.split(" ", 1)[1] in numbers:
        del entry.limits[None]
    elif "P3" in {*entry.limits, *entry.contradictions}:
        entry.looks.append(f"line {bare.line} says {bare.limit} as well")
        del entry.limits[None]


def by_severity(entry: Entry, default: str) -> dict[str, str | Todo]:
    """Return limits by severity; one without has the check's own, or the least severe where there are others."""
    limits: dict[str | None, str | Todo] = {severity: rung.limit for severity, rung in entry.limits.items()}
    for severity, rungs in entry.contradictions.items():
        lines = " or ".join(f"{rung.limit} (line {rung.line})" for rung in rungs)
        limits[severity] = Todo(f"which one? {lines}", rungs[0].limit)
    if None in limits:
        others = [severity for severity in limits if severity is not None]
        limits[default if not others else "P3"] = limits.pop(None)
    return {severity: limits[severity] for severity in sorted(limits, key=str, reverse=True)}  # type: ignore[misc]
