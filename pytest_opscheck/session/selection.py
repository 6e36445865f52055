"""What the command line asks for: which suites, and whether the shipped checks belong to it."""

from __future__ import annotations

import ast
import difflib
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

import pytest

from ..catalogue import names_shipped, shipped_argument, shipped_fixtures
from ..core.suites import ATTRIBUTE, SUITES, TABLES
from ..settings import no_inventory

_MOST_NAMES = 10
_MARKER = re.compile(r"[\w:+\-.\[\]\\/]+")
"""What pytest takes for one word of a `-m` expression."""
_ARGUMENTS = re.compile(r"(?<!\w)(?!(?:and|or|not)\b)([\w:+\-.\[\]\\/]+)\s*\((?:[^()'\"]|'[^']*'|\"[^\"]*\")*\)")
"""A marker's arguments; they narrow it and name no other."""


def identifiers(expression: str) -> tuple[str, ...]:
    """Return the markers that a `-m` expression names."""
    return _read(expression)[1]


def asked_suites(expression: str, suites: Collection[str]) -> tuple[str, ...]:
    """Return the suites that a `-m` expression asks for: those without which it would select nothing of ours.

    `not slow` asks for none, nor does `not daily`; `daily and not smoke` asks for daily.
    """
    tree, names = _read(expression)
    mine = [name for name in names if name in suites]
    if tree is None or len(names) > _MOST_NAMES:
        return tuple(mine)
    asked: set[str] = set()
    others = [name for name in names if name not in suites]
    for rest in _subsets(others):
        if _holds(tree, rest):
            continue  # it selects tests without any suite
        for chosen in _subsets(mine):
            if _holds(tree, rest | chosen):
                asked |= {name for name in chosen if not _holds(tree, rest | chosen - {name})}
    return tuple(name for name in mine if name in asked)


def selects(expression: str, marked: Iterable[Collection[str]]) -> bool:
    """Tell whether a `-m` expression selects any of several tests, by their marks."""
    tree, _ = _read(expression)
    return tree is not None and any(_holds(tree, frozenset(marks)) for marks in marked)


def _read(expression: str) -> tuple[ast.expr | None, tuple[str, ...]]:
    """Read an expression as pytest does: markers may hold more than Python's names, and arguments in brackets.

    There is no tree of one that pytest will refuse.
    """
    names: dict[str, str] = {}

    def placeholder(match: re.Match[str]) -> str:
        word = match[0]
        return word if word in ("and", "or", "not") else names.setdefault(word, f"_{len(names)}")

    text = _MARKER.sub(placeholder, _ARGUMENTS.sub(r"\1", expression))
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    by_placeholder = {made: name for name, made in names.items()}
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Name):
            node.id = by_placeholder.get(node.id, node.id)
    return tree, tuple(names)


def _subsets(names: Sequence[str]) -> Iterator[frozenset[str]]:
    for length in range(len(names) + 1):
        yield from map(frozenset, itertools.combinations(names, length))


def _holds(node: ast.expr, marks: frozenset[str]) -> bool:
    """Tell whether an expression selects a test of these marks."""
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_holds(value, marks) for value in values)
        case ast.BoolOp(values=values):
            return any(_holds(value, marks) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _holds(operand, marks)
        case _:
            return isinstance(node, ast.Name) and node.id in marks


def misspelt(expression: str, suites: Collection[str], markers: Collection[str]) -> str | None:
    """Return the error for a `-m` expression in which a suite seems to be misspelt, None where none does."""
    for name in identifiers(expression):
        if name in suites or name in markers:
            continue
        near = difflib.get_close_matches(name, suites, n=1, cutoff=0.7)
        if near or any(other in suites for other in identifiers(expression)):
            hint = f"did you mean {near[0]!r}?" if near else "it is not a registered marker either."
            return f"-m {expression!r}: there is no suite {name!r}; {hint} Suites: {', '.join(suites)}"
    return None


def narrows(arguments: Sequence[str]) -> bool:
    """Tell whether the arguments name files or tests alone: then nothing is added to them."""
    return bool(arguments) and all("::" in argument or argument.endswith(".py") for argument in arguments)


def is_asked(config: pytest.Config, suites: tuple[str, ...], tables: tuple[str, ...] = ()) -> bool:
    """Tell whether a run asks for checks, by a suite or by their names. Raises UsageError for a misspelt suite.

    tables: those of the inventory, among them the kinds that other packages may add.
    """
    expression = config.option.markexpr or ""
    if expression and (wrong := misspelt(expression, suites, _markers(config))):
        raise pytest.UsageError(wrong)
    if getattr(config, "workerinput", {}).get("opscheck_named"):
        return True  # the controller has seen the names
    named = [shipped_argument(argument, config.invocation_params.dir) for argument in config.args]
    return bool(asked_suites(expression, suites)) or any(named) or names_shipped(config.args, tables)


def lacks_inventory(config: pytest.Config, deselected: Collection[pytest.Item]) -> str | None:
    """Return what to say where a suite was asked for without an inventory; None where the marker is people's own."""
    own = _markers(config)
    for suite in asked_suites(config.option.markexpr, SUITES):
        if suite not in own and not any(item.get_closest_marker(suite) for item in deselected):
            return (
                f"-m {suite}: {no_inventory(config.invocation_params.dir)}, so there is nothing to check; "
                "write one with `opscheck init`, or name one with --opscheck-inventory FILE"
            )
    return None


def _markers(config: pytest.Config) -> list[str]:
    return [line.partition(":")[0].partition("(")[0].strip() for line in config.getini("markers")]


def deselect_ours(config: pytest.Config, items: list[pytest.Item], tables: tuple[str, ...] = ()) -> None:
    """Deselect operational checks: this run did not ask for them, so it reaches for no target.

    tables: those of the inventory, among them the kinds that other packages may add.
    """
    fixtures = (*shipped_fixtures(), *(name for name in tables if name not in TABLES))
    suites = [line.partition(":")[0] for line in config.getini("markers") if line.endswith("(opscheck.toml)")]
    ours = [item for item in items if isinstance(item, pytest.Function) and _is_check(item, suites, fixtures)]
    if ours:
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


def _is_check(item: pytest.Function, suites: list[str], fixtures: tuple[str, ...]) -> bool:
    if hasattr(item.function, ATTRIBUTE):
        return True
    if not any(item.get_closest_marker(suite) for suite in suites):
        return False
    definitions = item._fixtureinfo.name2fixturedefs  # noqa: SLF001 - pytest has no public way to ask
    foreign = {name for name, found in definitions.items() if found[-1].func.__module__ != "testinfra.plugin"}
    return any(name in item.fixturenames and name not in foreign for name in fixtures)
