"""Reads opscheck.toml: text, TOML, variables, targets, expectations, in this order."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import re
import tomllib
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .._check import EVERY_SUITE, Check
from ..limits import SEVERITIES
from ..probes import Kind, kinds
from ..secrets import Redactor
from .environment import expand
from .expectations import Resolver, note_validation
from .lines import locate
from .model import DEPENDED_ON, FAIL_AT, SUITES, Expectation, Inventory, Named, Suite
from .problems import InventoryError, Problems, nearest

FILE = "opscheck.toml"
_GENERAL = ("name", "timezone", "runbook", "severities")
_TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


def suite_names(file: Path) -> tuple[str, ...]:
    """Return the suites that a file names and those that there always are; of a broken file only the latter."""
    try:
        own = tomllib.loads(file.read_text(encoding="utf-8")).get("suites", {})
    except (OSError, ValueError):
        own = {}
    return tuple(dict.fromkeys([*SUITES, *(own if isinstance(own, dict) else ())]))


def load(file: Path, checks: Iterable[Check], environment: Mapping[str, str] | None = None) -> Inventory:
    """Read an inventory, of which `checks` are the shipped checks.

    Raises InventoryError with every error that the file has, each with file, line and key.
    """
    problems = Problems(_shown(file))
    document = _parse(file, problems)
    document, secrets = expand(document, os.environ if environment is None else environment, problems)
    problems.redactor = Redactor.of(secrets)
    general = _table(document, "opscheck", problems)
    words = _words(general.get("severities", {}), problems)
    suites = _suites(_table(document, "suites", problems), words, problems)
    resolver = Resolver({check.id: check for check in checks}, words, suites, problems)
    targets, expectations = _targets(document, resolver, problems)
    inventory = Inventory(
        file=file,
        name=_text(general, "name", problems) or file.resolve().parent.name,
        timezone=_timezone(_text(general, "timezone", problems), problems),
        runbook=_text(general, "runbook", problems),
        severities=words,
        suites=suites,
        targets=tuple(targets),
        expectations=tuple(_in_every_suite(expectations)),
        redactor=problems.redactor,
    )
    _refuse_dangling_hosts(inventory, problems)
    problems.raise_any()
    return inventory


def _shown(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _parse(file: Path, problems: Problems) -> dict[str, Any]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InventoryError(
            f"{problems.file}: {error.strerror}; name the inventory with --opscheck-inventory, or write one with `opscheck init`"
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InventoryError(
            f"{problems.file}:{line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    try:
        document = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise InventoryError(_syntax_error(problems.file, text, str(error))) from None
    problems.lines = locate(text.replace("\r\n", "\n"))
    return document


def _syntax_error(file: str, text: str, message: str) -> str:
    match = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", message)
    if match is None:
        return f"{file}: {message}"
    line = int(match[1] or text.count("\n") + 1)
    message = message.replace(match[0], "")
    said = text.splitlines()[line - 1].strip() if line <= len(text.splitlines()) else ""
    key = re.split(r"[=#]", said)[0].strip()
    if "overwrite" in message or "Cannot declare" in message or "mutate" in message:
        message = "this key stands in the file twice; keep one of them"
    return f"{file}:{line}: {key + ': ' if key else ''}{message[0].lower() + message[1:]}"


def _table(document: Mapping[str, Any], key: str, problems: Problems) -> dict[str, Any]:
    found = document.get(key, {})
    if isinstance(found, dict):
        return found
    problems.add((key,), f"[{key}] is a table")
    return {}


def _text(general: Mapping[str, Any], key: str, problems: Problems) -> str | None:
    for unknown in general.keys() - set(_GENERAL) if key == "name" else ():
        problems.add(("opscheck", unknown), f"unknown key; {nearest(unknown, _GENERAL)}")
    found = general.get(key)
    if found is None or (isinstance(found, str) and found.strip()):
        return found
    problems.add(("opscheck", key), "it is a text that is not empty")
    return None


def _timezone(name: str | None, problems: Problems) -> zoneinfo.ZoneInfo | dt.timezone:
    if name is None:
        local = dt.datetime.now().astimezone().tzinfo
        return local if isinstance(local, dt.timezone) else dt.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        problems.add(("opscheck", "timezone"), f"unknown time zone {name!r}; {_near_zone(name, known)}")
        return dt.UTC


def _near_zone(name: str, known: set[str]) -> str:
    hint = nearest(name, known)
    return hint if hint.startswith("did you mean") else "say for example 'Europe/Berlin' or 'UTC'"


def _words(said: object, problems: Problems) -> dict[str, str]:
    path = ("opscheck", "severities")
    if not isinstance(said, dict):
        problems.add(path, 'severities is a table, for example { critical = "P0" }')
        return {}
    for word, severity in said.items():
        if severity not in SEVERITIES:
            problems.add((*path, word), f"{severity!r} is none of {', '.join(SEVERITIES)}")
        if word in SEVERITIES and word != severity:
            problems.add((*path, word), f"{word} is the name of a severity already")
    return {word: severity for word, severity in said.items() if severity in SEVERITIES}


def _suites(said: Mapping[str, Any], words: Mapping[str, str], problems: Problems) -> dict[str, Suite]:
    suites = {name: Suite(name) for name in SUITES}
    for name, table in said.items():
        path = ("suites", name)
        if not name.isidentifier():
            problems.add(path, f"{name!r} cannot be a pytest marker; use letters, digits and _")
        if not isinstance(table, dict):
            problems.add(path, f"[suites.{name}] is a table")
            continue
        for key in table.keys() - {"fail_at"}:
            problems.add((*path, key), f"unknown key; {nearest(key, ['fail_at'])}")
        fail_at = table.get("fail_at", FAIL_AT)
        fail_at = words.get(fail_at, fail_at) if isinstance(fail_at, str) else fail_at
        if fail_at not in SEVERITIES:
            problems.add((*path, "fail_at"), f"{fail_at!r} is no severity; use one of {', '.join([*SEVERITIES, *words])}")
            continue
        suites[name] = Suite(name, fail_at)
    return suites


def _targets(document: Mapping[str, Any], resolver: Resolver, problems: Problems) -> tuple[list[Named], list[Expectation]]:
    targets: list[Named] = []
    expectations: list[Expectation] = []
    for key, table in document.items():
        if key in ("opscheck", "suites"):
            continue
        if key not in kinds():
            problems.add((key,), f"unknown kind of target; {nearest(key, [*kinds(), 'opscheck', 'suites'])}")
            continue
        if not isinstance(table, dict) or not table or not all(isinstance(target, dict) for target in table.values()):
            problems.add((key,), f"a {key} has a name: [{key}.NAME]")
            continue
        for name, said in table.items():
            before = len(problems.found)
            target, found = _target(kinds()[key], name, said, resolver, problems)
            if target is not None:
                targets.append(target)
                expectations.extend(found)
                if not found and len(problems.found) == before:
                    hint = "every expectation is off" if said.get("expect") else "nothing is expected of it"
                    problems.add((key, name), f"{hint}, so nothing would be judged; say what is expected, or remove it")
    if not any(key in kinds() for key in document) and not problems.found:
        problems.add((), "there are no targets; add for example [host.local], or write a file with `opscheck init`")
    return targets, expectations


def _target(
    kind: Kind, name: str, said: Mapping[str, Any], resolver: Resolver, problems: Problems
) -> tuple[Named | None, list[Expectation]]:
    path = (kind.name, name)
    if not _TARGET_NAME.match(name):
        problems.add(path, f"{name!r} can't be a target's name; use letters, digits, '_', '-' and '.'")
    families = {check.name for check in resolver.checks.values() if check.kind == kind.name and check.family}
    keys = {key: value for key, value in said.items() if key not in families and key != "expect"}
    try:
        model = kind.target.model_validate(keys)
    except ValidationError as error:
        note_validation(error, problems, path, [*kind.target.model_fields, *families, "expect"])
        model = None
    target = Named(kind.name, name, model or kind.target.model_construct())
    questions = {family: said[family] for family in families if family in said}
    found = resolver.resolve(target, said.get("expect", {}), questions, path)
    return (target, found) if model is not None else (None, [])


def _in_every_suite(expectations: list[Expectation]) -> Iterator[Expectation]:
    """Put the checks on which others depend into every suite in which one of those runs: the target's, and its host's."""
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


def _refuse_dangling_hosts(inventory: Inventory, problems: Problems) -> None:
    hosts = [target.name for target in inventory.of_kind("host")]
    for target in inventory.targets:
        on = target.keys.host()
        if on and target.kind != "host" and on not in hosts:
            problems.add((target.kind, target.name, "on"), f"there is no [host.{on}]; {nearest(on, hosts)}")
