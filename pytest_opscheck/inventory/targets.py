"""Reads the targets of an inventory: each by its kind, with what is expected of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from .. import packages
from .._check import EVERY_SUITE
from ..catalogue import kind_named, kinds
from ..core.suites import DEPENDED_ON, TABLES
from ..probes import Kind
from .expectations import Resolver
from .model import Expectation, InventoryTarget, name_problem
from .problems import Problems, nearest
from .validation import note_validation, secrets_of


def read_targets(
    document: Mapping[str, Any], resolver: Resolver, problems: Problems
) -> tuple[list[InventoryTarget], list[Expectation]]:
    """Return every target, and what is expected of each."""
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


def in_every_suite(expectations: list[Expectation]) -> Iterator[Expectation]:
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


def refuse_dangling_hosts(targets: Iterable[InventoryTarget], document: Mapping[str, Any], problems: Problems) -> None:
    """Note every target that is reached through a host that there is not."""
    said = document.get("host")
    hosts = list(said) if isinstance(said, dict) else []
    for target in targets:
        on = target.keys.host()
        if on and target.kind != "host" and on not in hosts:
            problems.add((target.kind, target.name, "on"), f"there is no [host.{on}]; {nearest(on, hosts)}")
