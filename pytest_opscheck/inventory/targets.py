"""Reads the targets of an inventory: each by its kind, with what is expected of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from .._check import EVERY_SUITE
from ..core.suites import DEPENDED_ON, TABLES, TAGS
from .absent import fitted
from .environment import keep_secrets
from .expectations import Resolver
from .groups import Composed, Composer
from .model import Expectation, InventoryTarget, name_problem
from .positions import Key
from .problems import Problems, nearest
from .validation import note_validation, secrets_of
from .vantages import FROM, Spread, read_from, refuse_unused

if TYPE_CHECKING:
    from .sources import Listed

_GROUPS = ("group", "source")


def read_targets(
    document: Mapping[str, Any],
    lists: Collection[Listed],
    vantages: Collection[str],
    resolver: Resolver,
    problems: Problems,
) -> tuple[list[InventoryTarget], list[Expectation]]:
    """Return every target, and what is expected of each."""
    places_of: dict[InventoryTarget, tuple[str, ...] | None] = {}
    expectations: list[Expectation] = []
    names, hosts = set(), []
    note = partial(keep_secrets, problems=problems)
    composer = Composer(document, resolver.families, problems, note, lists={each.name: each.members for each in lists})
    for each in composer.targets():
        target, found = _target(each, resolver, problems)
        seen_from = each.table.get(FROM)
        places = read_from(seen_from, (*each.path, FROM), vantages, problems) if seen_from is not None else None
        if target is not None:
            places_of[target] = places
        expectations += found
        names.add(each.name)
        hosts += [each.name] if each.kind.name == "host" else []
    for listed in lists:
        composer.notes += [listed.note] if listed.note is not None else []
        listed.source.listed(composer.listed.get(listed.name, ()))
        places_of[source := InventoryTarget("source", listed.name, listed.source)] = None
        expectations += resolver.resolve(source, None, {}, ("source", listed.name))
    resolver.notes.extend(composer.notes)
    problems.names = names.union(problems.names)
    if not document.keys() - (set(TABLES) - {*_GROUPS}):
        problems.add(
            (), "there are no targets; add one, for example [host.local], or create the file with `opscheck init`"
        )
    is_open = any(listed.source.is_open() for listed in lists)
    if not is_open and not any(path and path[0] in _GROUPS for path in problems.wrong):
        # else the host may be one that is not known yet
        _refuse_dangling_hosts(places_of, hosts, problems)
    if not vantages:
        return list(places_of), expectations
    spread = Spread(places_of, problems)
    targets = list(spread.targets())
    if not (is_open or len(problems)):
        refuse_unused(vantages, targets, problems)
    return targets, list(spread.expectations(expectations))


def _target(
    composed: Composed, resolver: Resolver, problems: Problems
) -> tuple[InventoryTarget | None, list[Expectation]]:
    path, before = composed.path, len(problems)
    if problem := name_problem(composed.name):
        problems.add(path, problem)
    families = resolver.families(composed.kind.name)
    beside = {*families, "expect", TAGS, FROM}
    model = _model(
        composed, {key: value for key, value in composed.table.items() if key not in beside}, families, problems
    )
    tags = _tags(composed.table.get(TAGS), (*path, TAGS), problems)
    target = InventoryTarget(composed.kind.name, composed.name, model or composed.kind.target.model_construct(), tags)
    questions = {key: value for key, value in composed.table.items() if key in families}
    found = resolver.resolve(target, composed.table.get("expect"), questions, path)
    if not found and len(problems) == before:
        hint = "every expectation is off" if "expect" in composed.table else "it has no expectations"
        problems.add(path, f"{hint}, so nothing would be judged; add an expectation, or remove it")
    return (target, found) if model is not None else (None, [])


def _model(composed: Composed, keys: dict[str, Any], families: Collection[str], problems: Problems) -> Any:
    """Return a target's own keys, None where anything is wrong with them."""
    try:
        model = composed.kind.target.model_validate(keys)
    except ValidationError as error:
        if problems.assumes and (made := fitted(composed.kind.target, keys, error)) is not None:
            return made
        choices = [*composed.kind.target.model_fields, *families, "expect", TAGS, FROM]
        note_validation(error, problems, composed.path, keys, choices)
        return None
    problems.keep_secret(composed.path, *secrets_of(model, name=composed.name))
    return model


def _tags(value: object, path: Key, problems: Problems) -> tuple[str, ...]:
    """Return a target's tags."""
    if value is None:
        return ()
    if not isinstance(value, list) or not value or not all(isinstance(tag, str) for tag in value):
        problems.add(path, 'it must be a list of at least one tag, for example ["prod", "dc1"]')
        return ()
    for place, tag in enumerate(value):
        if name_problem(tag):
            problems.add(
                (*path, place),
                f"{tag!r} can't be a tag; use letters, digits, '_', '-' and '.', a letter or digit first",
            )
    return tuple(dict.fromkeys(value))


def in_every_suite(expectations: list[Expectation]) -> Iterator[Expectation]:
    """Put the checks that others depend on into every suite in which one of those runs: the target's, its host's."""
    needed: dict[tuple[str, str], set[str]] = {}
    for expectation in expectations:
        target = expectation.target
        for name in ((target.kind, target.name), ("host", target.keys.host() or "")):
            needed.setdefault(name, set()).update(expectation.suites)
    for source in {each.target for each in expectations if each.target.keys.members()}:
        told = (needed.get((kind, name), set()) for kind, _, name in (m.partition(".") for m in source.keys.members()))
        needed[source.kind, source.name] = set().union(*told)
    for expectation in expectations:
        if EVERY_SUITE not in expectation.suites:
            yield expectation
            continue
        suites = needed[expectation.target.kind, expectation.target.name] - {EVERY_SUITE} | set(DEPENDED_ON)
        yield dataclasses.replace(expectation, suites=tuple(sorted(suites)))


def _refuse_dangling_hosts(targets: Iterable[InventoryTarget], hosts: Collection[str], problems: Problems) -> None:
    """Note every target that is reached through a host that there is not."""
    there = frozenset(hosts)
    for target in targets:
        on = target.keys.host()
        if on and target.kind != "host" and on not in there:
            problems.add((*target.path, "on"), f"there is no [host.{on}]; {nearest(on, there)}")
