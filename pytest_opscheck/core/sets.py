"""Sets of texts: how limits write them, how they are compared, and what is missing and unexpected of one."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeGuard

from .units import LimitError, as_text

SET_OPERATORS = ("contains", "within")
"""At least these, and no others; `==` and `!=` compare sets and texts alike."""
_MEMBER = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s,{}"'][^,{}]*?))\s*(?:,|\Z)""")
_PLAIN = re.compile(r"""[^\s,{}"'](?:[^,{}\n]*[^\s,{}])?""")
_MOST_SHOWN = 8
"""Members that a message names."""
_MOST_TRIED = 12
"""Members of which all combinations are tried: 4096."""
SPOKEN = {"contains": "to contain", "within": "only"}
"""How messages say what is expected."""
Rule = tuple[str, frozenset[str]]
"""An operator, and what it compares with."""


def is_set(value: object) -> TypeGuard[Collection[Any]]:
    """Tell whether a value is several texts rather than one value: a set, a list, a tuple, the keys of a dict."""
    return isinstance(value, Collection) and not isinstance(value, str | bytes | bytearray | memoryview | Mapping)


def members(text: str) -> frozenset[str] | None:
    """Return the members of `{a, "b, c"}`; None for a text that is not a set."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    rest, found = text[1:-1].strip(), []
    while rest:
        match = _MEMBER.match(rest)
        if match is None:
            return None
        found.append(next(group for group in match.groups() if group is not None))
        rest = rest[match.end() :]
    return frozenset(found)


def written(texts: Iterable[str]) -> str:
    """Return a set as limits write it, in order: `{a, "b, c"}`."""
    return "{" + ", ".join(map(_written, sorted(texts))) + "}"


def _written(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


def parse(operator: str, text: str) -> frozenset[str]:
    """Return the members of a set that an operator for sets is for.

    Raises LimitError for what is not a set, and for an empty one: every set contains it, and `== {}` says the other.
    """
    written = members(text)
    if written is None:
        raise LimitError(
            f"{text!r} is not a set; for example '{operator} {{a, b}}', with quotes around a member that has "
            "commas, braces or quotes"
        )
    if not written:
        raise LimitError(f"'{operator} {{}}' names nothing; say '{operator} {{a, b}}', or '== {{}}' for an empty set")
    return written


def texts(values: Collection[Any]) -> frozenset[str]:
    """Return the members of a measured set as texts. Raises ValueError for a member that is not a value."""
    for value in values:
        known = isinstance(value, str | int | float) and not (isinstance(value, float) and math.isnan(value))
        if not known or not as_text(value).strip():
            raise ValueError(f"one of the {len(values)} values is {value!r}, which is not a text to compare")
    return frozenset(map(as_text, values))


def keeps(operator: str, expected: frozenset[str], found: frozenset[str]) -> bool:
    """Tell whether a set keeps a limit. Raises ValueError for an empty one where nothing says that it may be empty."""
    if not found and operator == "within":
        raise ValueError("there was an empty list; say '== {}' where that is expected")
    match operator:
        case "contains":
            return expected <= found
        case "within":
            return found <= expected
        case _:
            return (found == expected) is (operator == "==")


def difference(operator: str, expected: frozenset[str], found: frozenset[str]) -> str:
    """Say what is missing and unexpected in a set: `missing a; unexpected b`."""
    missing = expected - found if operator in ("==", "contains") else ()
    unexpected = found - expected if operator in ("==", "within") else ()
    parts = (("missing", missing), ("unexpected", unexpected))
    return "; ".join(f"{word} {_some(each)}" for word, each in parts if each)


def shown(found: frozenset[str]) -> str:
    """Return a measured set as a message has it: of a large one how many there are."""
    return written(found) if len(found) <= _MOST_SHOWN else f"{len(found)} values"


def _some(found: Collection[str]) -> str:
    named = [_written(each) for each in sorted(found)[:_MOST_SHOWN]]
    more = len(found) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def tried(rules: Collection[Rule]) -> tuple[frozenset[frozenset[str]], list[frozenset[frozenset[str]]]]:
    """Return sets on all sides of several limits, and which of them break each; none where these are too many.

    Members that the same limits name are alike, so two of them stand for all. One that no limit names is among them.
    """
    alike: dict[tuple[bool, ...], list[str]] = {}
    for member in sorted(frozenset().union(*(rule for _, rule in rules))):
        alike.setdefault(tuple(member in rule for _, rule in rules), []).append(member)
    standing = [member for group in alike.values() for member in group[:2]]
    few = [*standing, "".join(standing) + "-"] if len(standing) < _MOST_TRIED else []
    values = frozenset(frozenset(each) for size in range(1, len(few) + 1) for each in itertools.combinations(few, size))
    return values, [
        frozenset(value for value in values if not keeps(operator, rule.intersection(few), value))
        for operator, rule in rules
    ]
