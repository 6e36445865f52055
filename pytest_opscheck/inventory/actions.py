"""Reads what an expectation says for people: the runbook's ids that it covers, and the next step to take."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ..core.limits import parse_limit
from ..core.pending import Lasting, parse_for, parse_of
from ..core.units import LimitError, parse_time
from .model import Expectation, InventoryTarget, Step
from .positions import Key
from .problems import Problems, nearest

_ID = re.compile(r"[A-Za-z0-9][\w./:#-]{0,63}")
_LIKE_A_LIMIT = re.compile(r"\s*(==|!=|<|>|~)")
_STEP = 'for example { when = "redis.hit_rate@cache", action = "Warm the cache" }'


def read_ids(value: object, path: Key, problems: Problems) -> tuple[str, ...]:
    """Return the ids of the runbook's lines that an expectation covers: one, or a list."""
    ids = value if isinstance(value, list) else [value]
    for each in ids:
        if not isinstance(each, str) or not _ID.fullmatch(each):
            hint = (
                "a value of that name is judged as paths = { id = ... }"
                if isinstance(each, str) and _LIKE_A_LIMIT.match(each)
                else 'write for example "IF-03", or a list of such'
            )
            problems.add(path, f"{each!r} is not the id of a line in a runbook; {hint}")
    return tuple(dict.fromkeys(str(each) for each in ids))


def read_links(value: object, path: Key, problems: Problems) -> tuple[str, ...]:
    """Return where the runbook says more of an expectation: one link, or a list."""
    links = value if isinstance(value, list) and value else [value]
    if not all(isinstance(each, str) and each.strip() for each in links):
        problems.add(path, "it must be a non-empty text, or a list of such, for example ['#disk', '#every-morning']")
        return ()
    return tuple(dict.fromkeys(map(str, links)))


def read_says(value: object, path: Key, problems: Problems) -> tuple[str, ...]:
    """Return the limits that the runbook says where the inventory has others on purpose: one, or a list."""
    limits = value if isinstance(value, list) and value else [value]
    try:
        return tuple(dict.fromkeys(str(parse_limit(each)) for each in limits))
    except LimitError as error:
        problems.add(path, str(error))
        return ()


def read_action(value: Any, path: Key, problems: Problems) -> tuple[str | None, tuple[Step, ...]]:
    """Return the next step, and those that come before it where another check is not ok.

    The steps are a list of tables, of which the first that applies is shown; a text at its end applies always.
    """
    if value is None or (isinstance(value, str) and value.strip()):
        return value, ()
    if not isinstance(value, list) or not value:
        problems.add(path, f"it must be a non-empty text, or a list of steps, {_STEP}")
        return None, ()
    steps, last = (value[:-1], value[-1]) if isinstance(value[-1], str) else (value, None)
    if last is not None and not last.strip():
        problems.add(path, "its last step is empty")
    made = [step for place, each in enumerate(steps) if (step := _step(each, (*path, place), problems)) is not None]
    return last, tuple(made)


def read_lasting(table: Mapping[str, Any], own: Collection[str], here: Key, problems: Problems) -> Lasting | None:
    """Return how long, or how often, a limit has to be broken before that counts; None where at once.

    `own` are keys of the check itself: a ratio is `of` another metric.
    """
    both = (("for", parse_for), ("of", parse_of))
    found = [(key, parse) for key, parse in both if key in table and key not in own]
    if len(found) > 1:
        problems.add((*here, "of"), "use either `for` or `of`")
    made = None
    for key, parse in found:
        try:
            made = parse(table[key])
            if key == "for":
                parse_time(table[key])  # of a bare number nobody could tell whether it is minutes
        except LimitError as error:
            problems.add((*here, key), str(error))
    return made


def _step(value: object, path: Key, problems: Problems) -> Step | None:
    texts = [value.get(key) for key in ("when", "action")] if isinstance(value, Mapping) and len(value) == 2 else []  # noqa: PLR2004
    when, action = texts or (None, None)
    if isinstance(when, str) and isinstance(action, str) and action.strip():
        return Step(when, action)
    problems.add(path, f"a step is a table of `when` and `action`, {_STEP}; a text alone can only come last")
    return None


def refuse_unknown_conditions(expectations: Collection[Expectation], problems: Problems) -> None:
    """Note every step whose condition names no check of the inventory."""
    ids = {expectation.id for expectation in expectations}
    for expectation in expectations:
        for step in expectation.steps:
            if step.when not in ids:
                problems.add(
                    _place(expectation),
                    f"`when` names no check of this inventory: {step.when!r}; {nearest(step.when, ids)}",
                )


def refuse_unknown_pasts(
    targets: Collection[InventoryTarget], expectations: Collection[Expectation], keep_s: float, problems: Problems
) -> None:
    """Note every target that asks for past results of no check of the inventory, or for older ones than are kept."""
    ids = {expectation.id for expectation in expectations}
    for target in targets:
        if (past := target.keys.past()) is None:
            continue
        if past.of not in ids:
            hint = nearest(past.of, ids)
            problems.add((*target.path, "of"), f"there is no check {past.of!r} in this inventory; {hint}")
        if past.over_s > keep_s:
            kept = f"{keep_s / 86400:g}d"
            problems.add(
                (*target.path, "over"),
                f"runs are kept for {kept}; use less, or set a longer keep in [history]",
            )


def _place(expectation: Expectation) -> Key:
    """Return where an expectation's action stands in the document."""
    target: Key = expectation.target.path
    if expectation.name is not None:
        return (*target, expectation.check.name, expectation.name, "action")
    return (*target, "expect", expectation.check.name, "action")
