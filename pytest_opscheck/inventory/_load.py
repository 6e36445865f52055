"""Reads opscheck.toml: text, TOML, variables, targets, expectations, in this order."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import zoneinfo
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .. import packages
from .._check import EVERY_SUITE, PAST, ZONE, Check
from ..catalogue import added_checks, kind_named, kinds
from ..core.limits import SEVERITIES, severity_of
from ..core.suites import DEPENDED_ON, SUITES, TABLES, suite_problem
from ..core.units import LimitError
from ..core.visible import has_controls, plain
from ..probes import Kind
from ..settings import REPORTS
from .actions import refuse_unknown_conditions, refuse_unknown_pasts
from .document import parse, read, refuse_odd_place, shown_path
from .environment import expand
from .expectations import COMMON, Resolver
from .history import read_history, read_keep
from .limit_reader import ENTRY_KEYS
from .metrics import read_metrics
from .model import FAIL_AT, REPORTS_KEEP_S, Expectation, Inventory, InventoryTarget, Suite, name_problem
from .positions import Key
from .problems import InventoryError, Problems, is_concerned, nearest
from .salvage import salvaged
from .seldom import channels_of, duties_of, excuses_of, gate_of, mail_of
from .validation import note_validation, secrets_of

GENERAL = ("name", "timezone", "runbook", "severities")
REPORT = ("keep", "mail", "metrics", "formats")
_BITS = 64


def load(
    file: Path,
    checks: Iterable[Check],
    environment: Mapping[str, str] | None = None,
    *,
    reports: Path | None = None,
    known: tuple[str, dict[str, Any]] | None = None,
) -> Inventory:
    """Read an inventory, of which `checks` are the shipped checks.

    reports: where its runs leave their reports, and with them the history; by default `reports/` beside the file.
    known: its text and its document, where somebody has read them already.

    Raises InventoryError with every error that the file has, each with file, line and key.
    """
    checks = tuple(checks)
    shown = shown_path(file)
    refuse_odd_place(file)
    text, document = known or (read(file, shown), None)
    try:
        document, problems = parse(text, shown, document), Problems(shown, text)
    except InventoryError as error:
        problems = Problems(shown, text)
        document = salvaged(text, problems)
        salvage = _gathered(file, document, checks, problems, environment=environment, reports=reports)
        raise InventoryError(str(error), salvage, problems.wrong) from None
    inventory = _gathered(file, document, checks, problems, environment=environment, reports=reports)
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
) -> Inventory:
    """Return what a document says, as far as it can be read; what can't be is noted."""
    checks = (*checks, *added_checks(document))
    problems.names = _names(document, checks)
    document = _bounded(document, (), problems)
    document = expand(document, os.environ if environment is None else environment, problems)
    general = _general(document, problems)
    words = _words(general.get("severities", {}), checks, problems)
    name, timezone, runbook = (_text(general, key, problems) for key in ("name", "timezone", "runbook"))
    zone = _timezone(timezone, problems)
    suites = _suites(_table(document, "suites", problems), words, zone if timezone else None, problems)
    name = name or plain(file.resolve().parent.name)
    known_as = problems.redactor().text(name)
    history = read_history(document.get("history", {}), reports or file.parent / REPORTS, known_as, problems)
    report = _report(document, problems)
    reports_keep_s = read_keep(report, ("report",), REPORTS_KEEP_S, problems)
    metrics = read_metrics(report.get("metrics"), file.absolute().parent, problems)
    mail, formats = mail_of(report, file.absolute().parent, words, suites, problems)
    resolver = Resolver(checks, words, suites, {ZONE: zone, PAST: history}, problems)
    targets, expectations = _targets(document, resolver, problems)
    _refuse_dangling_hosts(targets, document, problems)
    if not len(problems):  # an expectation that is wrong itself is none that a condition could name
        refuse_unknown_conditions(expectations, problems)
        refuse_unknown_pasts(targets, expectations, history.keep_s, problems)
    windows, waivers = excuses_of(document, expectations, zoned=timezone is not None, problems=problems)
    channels = channels_of(document, words, suites, problems)
    duties = duties_of(document, words, problems)
    gate = gate_of(document, words, suites, [each.id for each in targets], problems)
    inventory = Inventory(
        digest=_digest(file, document),
        file=file,
        name=name,
        timezone=zone,
        runbook=runbook,
        severities=words,
        suites=suites,
        targets=tuple(targets),
        expectations=tuple(_in_every_suite(expectations)),
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


def _digest(file: Path, document: Mapping[str, Any]) -> str:
    """Return what tells an inventory from another one, or from itself in another environment."""
    text = json.dumps([str(file.resolve()), document], sort_keys=True, default=str)
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


def _words(said: object, checks: Iterable[Check], problems: Problems) -> dict[str, str]:
    """Return the inventory's own words for P0 to P3."""
    path = ("opscheck", "severities")
    if not isinstance(said, dict):
        problems.add(path, 'it must be a table, for example { critical = "P0" }')
        return {}
    taken = {*COMMON, *ENTRY_KEYS, *(key for check in checks for key in check.keys)}
    words = {}
    for word, severity in said.items():
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
    said: Mapping[str, Any],
    words: Mapping[str, str],
    zone: zoneinfo.ZoneInfo | dt.timezone | None,
    problems: Problems,
) -> dict[str, Suite]:
    suites = {name: Suite(name) for name in SUITES}
    for name, table in said.items():
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


def _targets(
    document: Mapping[str, Any], resolver: Resolver, problems: Problems
) -> tuple[list[InventoryTarget], list[Expectation]]:
    targets: list[InventoryTarget] = []
    expectations: list[Expectation] = []
    for key, table in document.items():
        if key in TABLES:
            continue
        if (kind := _kind(key, problems)) is None:
            continue
        if not isinstance(table, dict) or not table:
            problems.add((key,), f"a {key} needs a name: [{key}.NAME]")
            continue
        for name, said in table.items():
            if not isinstance(said, dict):
                problems.add((key, name), f"a {key} needs a name: [{key}.NAME]")
                continue
            target, found = _target(kind, name, said, resolver, problems)
            targets += [target] if target is not None else []
            expectations += found
    if not document.keys() - TABLES:
        problems.add(
            (), "there are no targets; add one, for example [host.local], or create the file with `opscheck init`"
        )
    return targets, expectations


def _kind(name: str, problems: Problems) -> Kind | None:
    """Return a kind of target; one that there is not, or that can't be used, is noted."""
    try:
        return kind_named(name)
    except KeyError:
        known = [*kinds(), *packages.installed(packages.KINDS), *TABLES]
        problems.add((name,), f"unknown kind of target; {nearest(name, known)}")
    except packages.PackageError as error:
        problems.add((name,), str(error))
    return None


def _target(
    kind: Kind, name: str, said: Mapping[str, Any], resolver: Resolver, problems: Problems
) -> tuple[InventoryTarget | None, list[Expectation]]:
    path = (kind.name, name)
    before = len(problems)
    if problem := name_problem(name):
        problems.add(path, problem)
    families = {check.name for check in resolver.checks if check.kind == kind.name and check.family}
    keys = {key: value for key, value in said.items() if key not in families and key != "expect"}
    try:
        model = kind.target.model_validate(keys)
        problems.keep_secret(path, *secrets_of(model))
    except ValidationError as error:
        note_validation(error, problems, path, keys, [*kind.target.model_fields, *families, "expect"])
        model = None
    target = InventoryTarget(kind.name, name, model or kind.target.model_construct())
    questions = {key: value for key, value in said.items() if key in families}
    found = resolver.resolve(target, said.get("expect"), questions, path)
    if not found and len(problems) == before:
        hint = "every expectation is off" if "expect" in said else "it has no expectations"
        problems.add(path, f"{hint}, so nothing would be judged; add an expectation, or remove it")
    return (target, found) if model is not None else (None, [])


def _in_every_suite(expectations: list[Expectation]) -> Iterator[Expectation]:
    """Put the checks that others depend on into every suite in which one of those runs: the target's, its host's."""
    needed: dict[tuple[str, str], set[str]] = {}
    for expectation in expectations:
        target = expectation.target
        for name in ((target.kind, target.name), ("host", target.keys.host() or "")):
            needed.setdefault(name, set()).update(expectation.suites)
    for expectation in expectations:
        if EVERY_SUITE not in expectation.suites:
            yield expectation
            continue
        suites = needed[expectation.target.kind, expectation.target.name] - {EVERY_SUITE} | set(DEPENDED_ON)
        yield dataclasses.replace(expectation, suites=tuple(sorted(suites)))


def _refuse_dangling_hosts(targets: Iterable[InventoryTarget], document: Mapping[str, Any], problems: Problems) -> None:
    said = document.get("host")
    hosts = list(said) if isinstance(said, dict) else []
    for target in targets:
        on = target.keys.host()
        if on and target.kind != "host" and on not in hosts:
            problems.add((target.kind, target.name, "on"), f"there is no [host.{on}]; {nearest(on, hosts)}")
