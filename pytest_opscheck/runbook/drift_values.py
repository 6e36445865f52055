"""Limits and names that a statement and the expectations that judge it do not have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.limits import Limit
from .asks import Todo
from .compared import Compared
from .direction import Rung
from .draft import quote
from .drifts import Drift, of_statement
from .expected import Expected
from .lock import Accepted
from .origins import all_numbers, numbers, squeezed
from .sentences import is_command
from .stated import Stated
from .values import Number, alike, inside, limit_of, same

_WHOLE = 100
_NAMES = ("names", "services", "paths", "tables", "patterns", "records", "workers", "queues")


def worded(each: Stated) -> str:
    """Return the limits that a statement says, or else its text as far as it has letters and digits."""
    return ", ".join(f"{rung.severity or ''} {rung.limit}".strip() for rung in each.rungs) or each.text


def found(each: Stated, judges: Sequence[Expected]) -> Iterator[Drift]:
    """Yield the limits that no judge of a statement has, and the names that are new in it.

    What is unsure, or stands among symptoms and remedies, is compared only if it was drafted, and made active.
    """
    if not judges or not (each.is_sure or any(drafted(each, x) for x in judges)):
        return
    for rung in each.rungs:
        if not _is_known(rung, each, judges):
            yield _of_limit(each, rung, judges[0])
    yield from _inside(each, judges)
    for x in judges:
        if x.origins:
            yield from _new_names(each, x)


def _is_known(rung: Rung, each: Stated, judges: Sequence[Expected]) -> bool:
    """Tell whether a judge has a limit; of limits that contradict each other one is enough, if it was drafted so."""
    if any(_has(rung, x) for x in judges):
        return True
    others = [other for other in each.rungs if other.severity == rung.severity and other is not rung]
    texts = [origin.text for x in judges for origin in x.origins]
    wanted = limit_of(rung.limit)
    named = [number for text in texts for number in numbers(text)]
    was_said = not texts or wanted is None or any(_names(number, wanted) for number in named)
    return was_said and any(_has(other, x) for other in others for x in judges)


def _names(number: Number, limit: Limit) -> bool:
    """Tell whether a number is that of a limit, or of what is free where the limit is of what is used."""
    values = [number.value, _WHOLE - number.value] if number.measures == "percentage" else [number.value]
    return any(alike(value, number.measures, limit) for value in values)


def drafted(each: Stated, x: Expected) -> bool:
    """Tell whether an expectation was drafted out of a statement."""
    texts = {squeezed(statement.text) for statement in each.statements}
    return any(squeezed(origin.text) in texts for origin in x.origins)


def changed(both: Compared, each: Stated, before: str) -> Drift:
    """Return the difference of a statement from what is remembered of it."""
    judges = next((judges for other, judges in both.proposals() if other is each), ())
    at = f"{judges[0].where} {judges[0].id}" if judges else ""
    says = f"the runbook says {worded(each)}, and said {before}"
    return of_statement(each, "changed", says, runbook=worded(each), inventory=before, at=at)


def _has(rung: Rung, x: Expected) -> bool:
    """Tell whether an expectation has a limit of the runbook: by its severity where it has that, else at all."""
    wanted = limit_of(rung.limit)
    if wanted is None or not x.all_limits:
        return True
    own = [limit for severity, limit in x.limits if severity == rung.severity]
    if not own and not (x.origins and rung.severity):
        own = [limit for _, limit in x.limits]
    if any(
        same(wanted, other) for limit_said in x.expectation.runbook_says if (other := limit_of(limit_said)) is not None
    ):
        return True
    return any(same(wanted, limit) for limit in (*own, *(limit for _, limit in inside(x.expectation.params))))


def _of_limit(each: Stated, rung: Rung, x: Expected) -> Drift:
    wanted = limit_of(rung.limit)
    limits = [each for each in x.all_limits if wanted is None or each[1].dimension == wanted.dimension] or x.all_limits
    mine = [limit for severity, limit in limits if severity == rung.severity] or [limit for _, limit in limits]
    has = ", ".join(f"{severity} {limit}" for severity, limit in limits if limit in mine)
    statement = next((s for s in each.statements if s.line == rung.line), each.statements[0])
    severity = f"{rung.severity} " if rung.severity else ""
    purpose = f'if that is on purpose, add runbook_says = "{rung.limit}"'
    says = f"{x.id}: the runbook says {severity}{rung.limit}, the inventory {has}; {purpose}"
    at_line = replace(each, file=statement.file, line=statement.line, text=statement.text)
    return of_statement(at_line, "limit", says, runbook=f"{severity}{rung.limit}", inventory=has, at=x.where)


def _inside(each: Stated, judges: Sequence[Expected]) -> Iterator[Drift]:
    """Yield the limits of paths, tables and the like that no judge has."""
    keys = each.entry.keys if each.entry is not None else {}
    for name, wanted, key in _limited(keys):
        there = [limits for x in judges if (limits := _at(x, key, name))]
        if there and not any(same(wanted, limit) for limits in there for limit in limits):
            has = ", ".join(map(str, there[0]))
            says = f"{judges[0].id}: the runbook says {name} {wanted}, the inventory {has}"
            yield of_statement(each, "limit", says, runbook=f"{name} {wanted}", inventory=has, at=judges[0].where)


def _limited(keys: Mapping[str, Any]) -> Iterator[tuple[str, Limit, str]]:
    tables = [(key, keys[key]) for key in _NAMES if isinstance(keys.get(key), Mapping)]
    for key, table in tables:
        for name, value in table.items():
            limit = limit_of(value) if isinstance(value, str | int) and not isinstance(value, Todo) else None
            if limit is not None:
                yield str(name), limit, key


def _at(x: Expected, key: str, name: str) -> list[Limit]:
    table = x.expectation.params.get(key)
    return [limit for _, limit in inside(table.get(name))] if isinstance(table, Mapping) else []


def _new_names(each: Stated, x: Expected) -> Iterator[Drift]:
    """Yield what a statement names that its draft did not: one more service, one more path."""
    keys = each.entry.keys if each.entry is not None else {}
    for key in _NAMES:
        wanted, there = (_plain(table.get(key)) for table in (keys, x.expectation.params))
        if there and (new := [name for name in wanted if name not in there]):
            names = ", ".join(new)
            says = f"{x.id}: the runbook names {names} as well, which is not in {key}"
            yield of_statement(each, "names", says, runbook=names, inventory=key, at=x.where)


def _plain(value: Any) -> list[str]:
    found = list(value) if isinstance(value, list | tuple | Mapping | set | frozenset) else []
    return [each for each in found if isinstance(each, str) and "$" not in each]


def says_same(both: Compared, each: Stated, before: Accepted) -> bool:
    """Tell whether a statement says what it said when it was accepted: its limits, its numbers, its command."""
    if worded(each) == before.runbook:
        return True
    if each.rungs or is_command(before.text):
        return False
    return both.says(before.text) or all_numbers(quote(each.text)) == all_numbers(before.text)


def known(each: Stated) -> Accepted:
    """Return a statement as the lock knows it where nothing differs."""
    return of_statement(each, "", "", runbook=worded(each)).known
