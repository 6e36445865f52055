"""Measures an import against what a person reads out of the same runbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_opscheck.core.limits import parse_limit
from pytest_opscheck.core.units import LimitError
from pytest_opscheck.runbook.asks import Todo
from pytest_opscheck.runbook.entries import Entry
from pytest_opscheck.runbook.importing import imported

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Expected:
    """A line of a list of expectations: `check | limits | a word of it`; `-` for any limit."""

    check: str
    limits: frozenset[str] | None
    word: str = ""

    def __str__(self) -> str:
        return f"{self.check} {sorted(self.limits) if self.limits is not None else '-'} {self.word}"


@dataclass
class Score:
    """How an import did: what is right, what is there with other limits, what is missing, what nobody expects."""

    right: list[Expected] = field(default_factory=list)
    found: list[tuple[Expected, str]] = field(default_factory=list)
    missing: list[Expected] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)
    proposals: int = 0


def expectations(file: Path) -> Iterator[Expected]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            check, limits, *word = (part.strip() for part in line.split("|"))
            said = None if limits == "-" else frozenset(plain(each) for each in limits.split(", "))
            yield Expected(check, said, word[0] if word else "")


def plain(limit: str) -> str:
    """Return a limit so that two ways of writing it are the same: `< 0.2s` is `< 200ms`."""
    limit = (
        limit.strip().removesuffix("/day").removesuffix("/h").strip()
        if limit.strip()[-1:] in "yh" and "/" in limit
        else limit.strip()
    )
    if limit.startswith("TODO"):
        return "TODO"
    try:
        read = parse_limit(limit)
    except LimitError:
        return limit
    return f"{read.operator} {read.number:g}" if read.number is not None else limit


def limits_of(entry: Entry) -> frozenset[str]:
    found = {plain(rung.limit) for rung in entry.limits.values()}
    found |= {"TODO"} if entry.contradictions else set()
    for value in entry.keys.values():
        found |= set(_inner(value))
    return frozenset(found)


def _inner(value: Any) -> Iterator[str]:
    if isinstance(value, Todo):
        yield "TODO"
    elif isinstance(value, dict):
        for each in value.values():
            yield from _inner(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield plain(f"== {value}")
    elif isinstance(value, str) and re.match(r"[<>=~]", value):
        yield plain(value)


def words_of(entry: Entry) -> str:
    return (
        f"{entry.id} {entry.subject} {entry.target.identity} {entry.target.name} {entry.keys} {dict(entry.target.keys)}"
    )


def same_check(expected: str, entry: Entry) -> bool:
    return expected in (entry.id, entry.check)


def measured(runbook: Path, expected: list[Expected]) -> Score:
    """Return how well a runbook is read."""
    made = imported([runbook], Path("opscheck.toml"))
    score = Score(proposals=len(made.entries))
    left, used = list(made.entries), set[int]()
    for each in expected:
        fitting = [
            entry
            for entry in made.entries
            if (id(entry) not in used or each.word)
            and same_check(each.check, entry)
            and each.word.lower() in words_of(entry).lower()
        ]
        exact = [entry for entry in fitting if _is_right(each, entry)]
        if exact:
            score.right.append(each)
            used.add(id(exact[0]))
        elif fitting:
            score.found.append((each, f"{fitting[0].id} {sorted(limits_of(fitting[0]))}"))
            if _turned(each, fitting[0]):
                score.turned.append(f"{each}: {fitting[0].id} {sorted(limits_of(fitting[0]))}")
            used.add(id(fitting[0]))
        else:
            score.missing.append(each)
    score.wrong = [
        f"{entry.statements[0].line}: {entry.id} {sorted(limits_of(entry))} {entry.status}"
        for entry in left
        if id(entry) not in used
    ]
    return score


def _is_right(expected: Expected, entry: Entry) -> bool:
    if expected.limits is None:
        return True
    limits = limits_of(entry)
    if expected.limits == {"TODO"}:
        return "TODO" in limits or not limits
    if not limits and expected.limits == {"== 200"} and entry.check == "http.status":
        return True
    return expected.limits <= limits and len(limits) <= len(expected.limits) + 1


def _turned(expected: Expected, entry: Entry) -> bool:
    """Tell whether a limit points the other way than one that is expected."""
    if not expected.limits:
        return False
    wanted = {limit[0] for limit in expected.limits if limit[0] in "<>"}
    there = {limit[0] for limit in limits_of(entry) if limit[0] in "<>"}
    return bool(wanted) and bool(there) and not wanted & there
