"""Reads opscheck.toml: text, TOML, variables, targets, expectations, in this order."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import zoneinfo
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from .._check import PAST, ZONE, Check
from ..catalogue import added_checks, kinds
from ..core.ladders import severity_of
from ..core.limits import SEVERITIES
from ..core.suites import SUITES, suite_problem
from ..core.units import LimitError
from ..core.visible import has_controls, plain
from ..settings import REPORTS, kinds_in
from .actions import refuse_unknown_conditions, refuse_unknown_pasts
from .asked import OFFLINE, Asked
from .document import parse, read, refuse_odd_place, shown_path
from .environment import Outside, expand
from .expectations import COMMON, Resolver
from .history import read_history, read_keep
from .including import Known, joined
from .limit_reader import ENTRY_KEYS
from .metrics import read_metrics
from .model import FAIL_AT, REPORTS_KEEP_S, Inventory, Suite
from .placeholders import fielded, refuse_odd_braces
from .positions import Key
from .problems import Fault, InventoryError, Problems, is_concerned, nearest
from .salvage import salvaged
from .seldom import channels_of, duties_of, excuses_of, exempt_of, gate_of, lists_of, mail_of
from .targets import in_every_suite, read_targets
from .vantages import read_vantages
from .written import Source, Written

GENERAL = ("name", "timezone", "runbook", "severities")
REPORT = ("keep", "mail", "metrics", "formats")
_BITS = 64


def load(
    file: Path,
    checks: Iterable[Check],
    environment: Mapping[str, str] | None = None,
    *,
    reports: Path | None = None,
    known: Known | None = None,
    asked: Asked = OFFLINE,
    assumes: bool = False,
) -> Inventory:
    """Read an inventory, of which `checks` are the shipped checks.

    reports: where its runs leave their reports, and with them the history; by default `reports/` beside the file.
    known: the texts and documents of its files that somebody has read already.
    asked: whether the lists that others own are asked for now; a run does that, once.
    assumes: whether variables that are not there are taken to be there, and right: what follows from them is no error.

    Raises InventoryError with every error that the file has, each with file, line and key.
    """
    checks, known = tuple(checks), known or {}
    shown = shown_path(file)
    refuse_odd_place(file)
    text, document = known.get(file) or (read(file, shown), None)
    problems = Problems(Written(Source(shown, text, file)), assumes=assumes)
    faults: list[Fault] = []
    try:
        document = parse(text, shown, document)
    except InventoryError as error:
        faults = [*error.faults]
        document = salvaged(text, problems)
    document, unread = joined(file, document, known, problems)
    if unread:
        faults += unread if faults else [*unread, *problems.faults()]
    inventory = _gathered(file, document, checks, problems, environment=environment, reports=reports, asked=asked)
    if faults:  # what else is wrong may follow from what could not be read
        raise InventoryError(faults, inventory, problems.wrong)
    problems.raise_any(inventory)
    return inventory


def _gathered(
    file: Path,
    document: dict[str, Any],
    checks: tuple[Check, ...],
    problems: Problems,
    *,
    environment: Mapping[str, str] | None,
    reports: Path | None,
    asked: Asked,
) -> Inventory:
    """Return what a document says, as far as it can be read; what can't be is noted."""
    checks = (*checks, *added_checks(kinds_in(document)))
    problems.names = _names(document, checks)
    document = _bounded(document, (), problems)
    refuse_odd_braces(document, problems)
    problems.written.fielded = fielded(document)
    variables = os.environ if environment is None else environment
    document = expand(document, Outside(variables, file.absolute().parent), problems)
    general = _general(document, problems)
    words = _words(general.get("severities", {}), checks, problems)
    name, timezone, runbook = (_text(general, key, problems) for key in ("name", "timezone", "runbook"))
    zone = _timezone(timezone, problems)
    suites = _suites(_table(document, "suites", problems), words, zone if "timezone" in general else None, problems)
    name = name or plain(file.resolve().parent.name)
    known_as = problems.redactor().text(name)
    history = read_history(document.get("history", {}), reports or file.parent / REPORTS, known_as, problems)
    report = _report(document, problems)
    reports_keep_s = read_keep(report, ("report",), REPORTS_KEEP_S, problems)
    metrics = read_metrics(report.get("metrics"), file.absolute().parent, problems)
    mail, formats = mail_of(report, file.absolute().parent, words, suites, problems)
    resolver = Resolver(checks, words, suites, {ZONE: zone, PAST: history}, problems)
    beside = reports or file.parent / REPORTS
    lists = lists_of(document, (file.absolute().parent, beside), asked, words, problems)
    vantages = read_vantages(document.get("vantage"), problems)
    targets, expectations = read_targets(document, lists, vantages, resolver, problems)
    is_open = any(each.source.is_open() for each in lists)
    if not (is_open or len(problems)):  # an expectation that is wrong itself is none that a condition could name
        refuse_unknown_conditions(expectations, problems)
        refuse_unknown_pasts(targets, expectations, history.keep_s, problems)
    windows, waivers = excuses_of(document, expectations, zoned="timezone" in general, problems=problems)
    channels = channels_of(document, words, suites, expectations, problems)
    duties = duties_of(document, words, problems)
    gate = gate_of(document, words, suites, [each.id for each in targets], problems)
    exempt = exempt_of(document, problems)
    inventory = Inventory(
        content=_digest(document, [each.digested for each in lists]),
        file=file,
        name=name,
        timezone=zone,
        runbook=runbook,
        severities=words,
        suites=suites,
        targets=tuple(targets),
        expectations=tuple(in_every_suite(expectations)),
        history=history,
        metrics=metrics,
        windows=windows,
        waivers=waivers,
        channels=channels,
        redactor=problems.redactor(),
        mail=mail,
        reports_keep_s=reports_keep_s,
        notes=tuple(resolver.notes),
        formats=formats,
        gate=gate,
        duties=duties,
        exempt=exempt,
        lists=lists,
        vantages=vantages,
        written=problems.written,
    )
    return _sure(inventory, problems.wrong) if len(problems) else inventory


def _sure(inventory: Inventory, wrong: Collection[Key]) -> Inventory:
    """Return an inventory without what an error may have changed: nobody is told through half an address."""

    def heartbeat(suite: Suite) -> str | None:
        return None if is_concerned(("suites", suite.name, "heartbeat"), wrong) else suite.heartbeat

    return dataclasses.replace(
        inventory,
        suites={name: dataclasses.replace(each, heartbeat=heartbeat(each)) for name, each in inventory.suites.items()},
        mail=None if is_concerned(("report", "mail"), wrong) else inventory.mail,
        channels=tuple(each for each in inventory.channels if not is_concerned(("notify", each.name), wrong)),
    )


def _digest(document: Mapping[str, Any], lists: object) -> str:
    """Return what tells an inventory from another one, or from itself in another environment."""
    text = json.dumps([document, lists] if lists else document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _names(document: Mapping[str, Any], checks: Iterable[Check]) -> frozenset[str]:
    """Return the words that are names rather than values: they stay readable where a secret is the same word."""
    found = {*kinds(), *SUITES, *(check.name for check in checks)}

    def visit(data: object) -> None:
        if isinstance(data, dict):
            found.update(data)
        for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
            visit(value)

    visit(document)
    return frozenset(found)


def _bounded(data: Any, path: Key, problems: Problems) -> Any:
    """Return a document without integers that TOML does not have; Python reads them, and then cannot write them."""
    if isinstance(data, dict):
        return {key: _bounded(value, (*path, key), problems) for key, value in data.items()}
    if isinstance(data, list):
        return [_bounded(value, (*path, index), problems) for index, value in enumerate(data)]
    if isinstance(data, int) and data.bit_length() > _BITS:
        problems.add(path, "the number is larger than anything that can be measured")
        return 0
    return data


def _table(document: Mapping[str, Any], key: str, problems: Problems) -> dict[str, Any]:
    found = document.get(key, {})
    if isinstance(found, dict):
        return found
    problems.add((key,), f"it must be a table: [{key}]")
    return {}


def _report(document: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    report = _table(document, "report", problems)
    for key in report:
        if key not in REPORT:
            problems.add(("report", key), f"unknown key; {nearest(key, REPORT)}")
    return report


def _general(document: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    general = _table(document, "opscheck", problems)
    for key in general:
        if key not in GENERAL:
            problems.add(("opscheck", key), f"unknown key; {nearest(key, GENERAL)}")
    return general


def _text(general: Mapping[str, Any], key: str, problems: Problems) -> str | None:
    found = general.get(key)
    if not (found is None or (isinstance(found, str) and found.strip())):
        problems.add(("opscheck", key), "it must be a non-empty text")
        return None
    if found is not None and has_controls(found):
        problems.add(
            ("opscheck", key), f"{found!r} contains a line break or another control character; write it on one line"
        )
        return None
    return found


def _timezone(name: str | None, problems: Problems) -> zoneinfo.ZoneInfo | dt.timezone:
    if name is None:
        local = dt.datetime.now().astimezone().tzinfo
        return local if isinstance(local, dt.timezone) else dt.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, zoneinfo.available_timezones())
        hint = hint if hint.startswith("did you mean") else "use for example 'Europe/Berlin' or 'UTC'"
        problems.add(("opscheck", "timezone"), f"unknown time zone {name!r}; {hint}")
        return dt.UTC


def _words(value: object, checks: Iterable[Check], problems: Problems) -> dict[str, str]:
    """Return the inventory's own words for P0 to P3."""
    path = ("opscheck", "severities")
    if not isinstance(value, dict):
        problems.add(path, 'it must be a table, for example { critical = "P0" }')
        return {}
    taken = {*COMMON, *ENTRY_KEYS, *(key for check in checks for key in check.keys)}
    words = {}
    for word, severity in value.items():
        if severity not in SEVERITIES:
            problems.add((*path, word), f"{severity!r} is not one of {', '.join(SEVERITIES)}")
        elif word in SEVERITIES and word != severity:
            problems.add((*path, word), f"{word} is already the name of a severity")
        elif word in taken:
            problems.add((*path, word), f"{word!r} is already a key of expectations; use another word")
        else:
            words[word] = severity
    return words


def _suites(
    tables: Mapping[str, Any],
    words: Mapping[str, str],
    zone: zoneinfo.ZoneInfo | dt.timezone | None,
    problems: Problems,
) -> dict[str, Suite]:
    suites = {name: Suite(name) for name in SUITES}
    for name, table in tables.items():
        path = ("suites", name)
        if problem := suite_problem(name):
            problems.add(path, problem)
        suites[name] = Suite(name)
        if not isinstance(table, dict):
            problems.add(path, f"it must be a table: [suites.{name}]")
            continue
        from .schedules import KEYS, read_timing

        for key in [key for key in table if key not in ("fail_at", *KEYS)]:
            problems.add((*path, key), f"unknown key; {nearest(key, ('fail_at', *KEYS))}")
        fail_at = FAIL_AT
        try:
            fail_at = severity_of(table.get("fail_at", FAIL_AT), words)
        except LimitError as error:
            problems.add((*path, "fail_at"), str(error))
        suites[name] = Suite(name, fail_at, **read_timing(table, path, zone, problems))
    return suites
