"""What the command line asks for: which suites, and whether the shipped checks belong to it."""

from __future__ import annotations

import ast
import difflib
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

CHECKS = Path(__file__).parent / "checks"
_MOST_SUITES = 10


def shipped_files() -> list[Path]:
    """Return the files of the shipped checks, one a kind."""
    return sorted(CHECKS.glob("test_*.py"))


def identifiers(expression: str) -> list[str]:
    """Return the markers that a `-m` expression names."""
    words = re.findall(r"(?<![\w=\"'])[A-Za-z_]\w*(?!\s*=)", expression)
    return [word for word in dict.fromkeys(words) if word not in ("and", "or", "not", "True", "False", "None")]


def asked_suites(expression: str, suites: Collection[str]) -> tuple[str, ...]:
    """Return the suites that a `-m` expression asks for: those without which it would select nothing of ours.

    `not slow` asks for none, nor does `not daily`; `daily and not smoke` asks for daily.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        return ()
    names = identifiers(expression)
    mine = [name for name in names if name in suites]
    if not mine or len(names) > _MOST_SUITES:
        return tuple(mine)
    asked: set[str] = set()
    others = [name for name in names if name not in suites]
    for rest in itertools.product((False, True), repeat=len(others)):
        given = dict(zip(others, rest, strict=True))
        if _holds(tree, given | dict.fromkeys(mine, False)):
            continue
        for chosen in itertools.product((False, True), repeat=len(mine)):
            if _holds(tree, given | dict(zip(mine, chosen, strict=True))):
                asked.update(name for name, on in zip(mine, chosen, strict=True) if on and _matters(tree, name, mine, chosen, given))
    return tuple(name for name in mine if name in asked)


def _matters(tree: ast.expr, name: str, mine: list[str], chosen: tuple[bool, ...], given: Mapping[str, bool]) -> bool:
    """Tell whether an expression that holds would not hold without this suite."""
    return not _holds(tree, {**given, **dict(zip(mine, chosen, strict=True)), name: False})


def _holds(node: ast.expr, given: Mapping[str, bool]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_holds(value, given) for value in values)
        case ast.BoolOp(values=values):
            return any(_holds(value, given) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _holds(operand, given)
        case ast.Name(id=name):
            return given.get(name, False)
        case ast.Call(func=ast.Name(id=name)):
            return given.get(name, False)
        case ast.Constant(value=value):
            return bool(value)
        case _:
            return False


def misspelt(expression: str, suites: Collection[str], markers: Collection[str]) -> str | None:
    """Return the error for a `-m` expression in which a suite seems to be misspelt, None where none does."""
    for name in identifiers(expression):
        if name in suites or name in markers:
            continue
        near = difflib.get_close_matches(name, suites, n=1, cutoff=0.7)
        if near or any(other in suites for other in identifiers(expression)):
            hint = f"did you mean {near[0]!r}?" if near else "it is no registered marker either."
            return f"-m {expression!r}: there is no suite {name!r}; {hint} Suites: {', '.join(suites)}"
    return None


def shipped_argument(argument: str, root: Path) -> str | None:
    """Return the path of a shipped check that an argument names by its node id, None where it names something else."""
    name, separator, rest = argument.partition("::")
    if (root / name).exists() or Path(name).exists():
        return None
    file = CHECKS / Path(name).name
    return f"{file}{separator}{rest}" if Path(name).parent == Path() and file in shipped_files() else None


def names_shipped(arguments: Sequence[str]) -> bool:
    """Tell whether any argument names shipped checks by their path."""
    return any(_is_inside(Path(argument.partition("::")[0])) for argument in arguments)


def _is_inside(path: Path) -> bool:
    places = {CHECKS.absolute(), CHECKS.resolve()}
    absolute = path.absolute()
    return any(absolute == place or place in absolute.parents for place in places)


def narrows(arguments: Sequence[str]) -> bool:
    """Tell whether the arguments name files or tests alone: then nothing is added to them."""
    return bool(arguments) and all("::" in argument or argument.endswith(".py") for argument in arguments)
