"""What JMESPath expressions give of a JSON document, each value in its place: for the kind http."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from ...core.ladders import Ladder
from .._types import LadderParam, refuse_unit

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult


class Inner(Enum):
    """What stands for a list or an object in a list: no limit is for one, and it may be of any depth."""

    LIST = "a list"
    OBJECT = "an object"

    def __repr__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class JsonValue:
    """One value that a path gives of a JSON document. `why` says why there is none to judge."""

    path: str
    subject: str
    value: Any
    why: str | None = None

    def fitting(self, ladder: Ladder) -> JsonValue:
        """Return it as it is judged by some limits: a list is a value for limits over sets alone."""
        if not isinstance(self.value, list) or all(rung.limit.members is not None for rung in ladder.rungs):
            return self
        why = f"it is a list; name one of its values, or {self.path}[*] for each"
        return replace(self, value=None, why=why)


def compiled(path: str) -> ParsedResult:
    """Return a JMESPath expression, ready for use. Raises ValueError where it is none."""
    import jmespath

    try:
        return jmespath.compile(path)
    except ValueError as error:
        first = str(error).partition("\n")[0].removeprefix("Invalid jmespath expression: ").rstrip(":")
        raise ValueError(f"{path!r} is not a JMESPath: {first}; see https://jmespath.org") from None


def without_unit(name: str, ladder: Ladder) -> Ladder:
    """Return limits of what comes as a text or a bare number. Raises ValueError where they have a unit."""
    for rung in ladder.rungs:
        refuse_unit(rung.limit, repr(name), "what the server says", equality=True)
    return ladder


def _paths(limits: dict[str, Ladder]) -> dict[str, Ladder]:
    for path, ladder in limits.items():
        compiled(path)
        without_unit(path, ladder)
    return limits


JsonLimits = Annotated[dict[str, LadderParam], AfterValidator(_paths)]
"""What is expected of a JSON document: limits by JMESPath expression."""


def values(document: Any, paths: Iterable[str]) -> Iterator[JsonValue]:
    """Yield every value that expressions give of a document.

    A projection (`services.*`, `checks[*].status`) gives every value of its own, also where an element lacks what is
    asked of it; JMESPath itself would leave that one out.
    """
    for path in paths:
        yield from _judgeable(path, compiled(path), document)


def _judgeable(path: str, parsed: ParsedResult, document: Any) -> Iterator[JsonValue]:
    from jmespath.exceptions import JMESPathError

    try:
        values = list(_values(parsed.parsed, document, ""))
    except JMESPathError as error:
        why = str(error).partition("\n")[0]
        yield JsonValue(path, path, None, f"the document does not fit the expression: {why}")
        return
    if not values:
        hint = f"; to expect none of them, use 'length({path})' = '== 0'" if "[?" in path else ""
        yield JsonValue(path, path, None, f"it matches nothing in the document{hint}")
    for where, value in values:
        if isinstance(value, dict):
            why = f"it is an object; name one of its values, or {path}.* for each"
            yield JsonValue(path, where or path, None, why)
        else:
            missing = "it is missing, null or empty in the document" if value is None else None
            yield JsonValue(path, where or path, _flat(value), missing)


def _flat(value: Any) -> Any:
    """Return a value with nothing inside of what a list of it holds."""
    if not isinstance(value, list):
        return value
    return [
        Inner.LIST if isinstance(each, list) else Inner.OBJECT if isinstance(each, dict) else each for each in value
    ]


def _values(node: Any, value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Yield what a part of a JMESPath expression gives for a value, each with its place in the document."""
    from jmespath.visitor import TreeInterpreter

    children = node["children"]
    match node["type"]:
        case "field":
            yield f"{at}.{node['value']}".lstrip("."), value.get(node["value"]) if isinstance(value, dict) else None
        case "index":
            yield f"{at}[{node['value']}]", TreeInterpreter().visit(node, value)
        case "identity":
            yield at, value
        case "flatten":
            places = list(_values(children[0], value, at))
            before = places[0][0] if len(places) == 1 else at
            yield f"{before}[]", TreeInterpreter().visit(node, value)
        case "subexpression" | "index_expression":
            places = [(at, value)]
            for child in children:
                places = [found for place, inner in places for found in _values(child, inner, place)]
            yield from places
        case "value_projection" | "projection" | "filter_projection":
            for place, inner in _values(children[0], value, at):
                for deeper, element in _elements(node, inner, place):
                    yield from _values(children[1], element, deeper)
        case _:
            yield at, TreeInterpreter().visit(node, value)


def _elements(node: Any, value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Yield what a projection goes through; nothing to go through is a place without a value."""
    from jmespath.visitor import TreeInterpreter

    if node["type"] == "value_projection":
        found = [(f"{at}.{key}".lstrip("."), inner) for key, inner in value.items()] if isinstance(value, dict) else []
        yield from found or [(f"{at}.*".lstrip("."), None)]
        return
    found = [(f"{at}[{number}]", inner) for number, inner in enumerate(value)] if isinstance(value, list) else []
    if node["type"] == "filter_projection":
        chosen = TreeInterpreter()
        yield from (each for each in found if chosen.visit(node["children"][2], each[1]))
    else:
        yield from found or [(f"{at}[*]", None)]
