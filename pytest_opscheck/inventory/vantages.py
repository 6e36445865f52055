"""Reads [vantage] and `from`: the places from which targets are looked at, and what each of them is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from ..core.vantage import DEFAULT
from .model import Expectation, InventoryTarget, name_problem
from .positions import Key
from .problems import Problems, nearest

FROM = "from"
"""The key of every target that says from where it is looked at."""
_EXAMPLE = 'for example "dmz", or ["dmz", "office"]'


def read_vantages(value: object, problems: Problems) -> tuple[str, ...]:
    """Return the vantage points that an inventory has beside the one that needs no table."""
    if value is None:
        return ()
    if not isinstance(value, dict) or not value:
        problems.add(("vantage",), "a vantage point needs a name: [vantage.NAME]")
        return ()
    for name, table in value.items():
        path: Key = ("vantage", name)
        if problem := name_problem(name):
            problems.add(path, problem)
        elif name == DEFAULT:
            problems.add(path, f"{DEFAULT!r} is where all is looked at that has no `from`; it needs no table")
        if not isinstance(table, dict):
            problems.add(path, "it must be a table without keys: [vantage.NAME]")
        for key in table if isinstance(table, dict) else ():
            problems.add((*path, key), "unknown key; a vantage point has none")
    return tuple(value)


def read_from(value: object, path: Key, vantages: Collection[str], problems: Problems) -> tuple[str, ...] | None:
    """Return from where a target is looked at, None where it does not say it."""
    if value is None:
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        problems.add(path, f"it must be the name of a vantage point, or a list of several, {_EXAMPLE}")
        return None
    for place, name in enumerate(names):
        here = (*path, place) if isinstance(value, list) else path
        if name not in (*vantages, DEFAULT):
            hint = nearest(name, [*vantages, DEFAULT]) if vantages else f"add [vantage.{name}]"
            problems.add(here, f"there is no vantage point {name!r}; {hint}")
        elif name in names[:place]:
            problems.add(here, f"{name!r} is in this list already; keep one")
    return tuple(dict.fromkeys(names))


class Spread:
    """Makes of each target one for each of its vantage points; what is on a host is looked at from where that is.

    places_of: what each target says itself.
    """

    def __init__(self, places_of: Mapping[InventoryTarget, tuple[str, ...] | None], problems: Problems) -> None:
        self._said = places_of
        self._hosts = {each.name: places_of[each] or (DEFAULT,) for each in places_of if each.kind == "host"}
        self._made = {target: tuple(self._copies(target, problems)) for target in places_of}

    def targets(self) -> Iterator[InventoryTarget]:
        """Yield the targets."""
        for made in self._made.values():
            yield from made

    def expectations(self, found: Collection[Expectation]) -> Iterator[Expectation]:
        """Yield what is expected of each."""
        for each in found:
            for target in self._made.get(each.target, (each.target,)):
                yield each if target is each.target else replace(each, target=target)

    def _copies(self, target: InventoryTarget, problems: Problems) -> Iterator[InventoryTarget]:
        own, host = self._said[target], target.keys.host() if target.kind != "host" else None
        through = self._hosts.get(host or "")
        if own is not None and through is not None and set(own) != set(through):
            problems.add(
                (*target.path, FROM),
                f"it is reached through host.{host}, which is looked at from {', '.join(through)}; leave `from` out",
            )
        names = through or own or (DEFAULT,)
        for name in names:
            if len(names) == 1:
                yield target if name == target.vantage else replace(target, vantage=name)
                continue
            keys = target.keys if through is None else target.keys.model_copy(update={"on": f"{host}#{name}"})
            yield replace(target, name=f"{target.name}#{name}", vantage=name, keys=keys)


def refuse_unused(vantages: Collection[str], targets: Collection[InventoryTarget], problems: Problems) -> None:
    """Note each vantage point from which nothing is looked at."""
    used = {target.vantage for target in targets}
    for name in vantages:
        if name not in used:
            problems.add(("vantage", name), f"nothing is looked at from it; say `from = {name!r}` of a target")
