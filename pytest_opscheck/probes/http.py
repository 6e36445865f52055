"""Web addresses: whether they answer, with which status, with what in their JSON, and how fast."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ..limits import Ladder
from ..secrets import without_password
from ._kind import BlockedError, Kind, Reach, UnknownError
from ._types import LadderParam, refuse_unit
from ._web import Web, WebTarget, connect

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class WebAddress(WebTarget):
    """A web address."""

    method: Literal["GET", "HEAD"] = Field(default="GET", description="GET or HEAD: a check changes nothing")
    follow_redirects: bool = Field(default=True, description="false to judge the redirect itself")


@contextmanager
def _connect(target: WebAddress, timeout_s: float) -> Iterator[Web]:
    with connect(target, timeout_s, method=target.method, follow=target.follow_redirects) as web:
        yield web


kind = Kind("http", WebAddress, "a web address", _connect)


@kind.probe()
def reachable(web: Web) -> Reach:  # noqa: ARG001 - that there is one is the answer
    """The address answers over HTTP, with whatever status."""
    return Reach("HTTP")


@dataclass(frozen=True, slots=True)
class Response:
    """The status of an answer, and the address that it came from in the end, without its query."""

    status: int
    url: str
    redirected: bool


@kind.probe()
def response(web: Web) -> Response:
    """The answer to one request, after redirects."""
    return Response(web.answer.status, web.answer.url, web.answer.url != without_password(web.url))


@dataclass(frozen=True, slots=True)
class JsonValue:
    """One value of a JSON document, and what is expected of it. `why` says why there is none to judge."""

    subject: str
    value: Any
    ladder: Ladder
    why: str | None = None


def _paths(said: dict[str, Ladder]) -> dict[str, Ladder]:
    import jmespath

    for path, ladder in said.items():
        try:
            jmespath.compile(path)
        except ValueError as error:
            first = str(error).partition("\n")[0].removeprefix("Invalid jmespath expression: ").rstrip(":")
            raise ValueError(f"{path!r} is no JMESPath: {first}; see https://jmespath.org") from None
        for rung in ladder.rungs:
            refuse_unit(rung.limit, repr(path), "a number in JSON", equality=True)
    return said


@kind.probe()
def json(web: Web, *, paths: Annotated[dict[str, LadderParam], AfterValidator(_paths)]) -> tuple[JsonValue, ...]:
    """The values of a JSON document under JMESPath expressions, whatever the status it came with.

    A projection (`services.*`, `checks[*].status`) gives every value of its own, also where an element lacks what is
    asked of it; JMESPath itself would leave that one out.
    """
    import jmespath

    document = web.answer.json()
    found: list[JsonValue] = []
    for path, ladder in paths.items():
        found.extend(_judgeable(path, jmespath.compile(path), document, ladder))
    return tuple(found)


def _judgeable(path: str, parsed: ParsedResult, document: Any, ladder: Ladder) -> Iterator[JsonValue]:
    from jmespath.exceptions import JMESPathError

    try:
        values = list(_values(parsed.parsed, document, ""))
    except JMESPathError as error:
        why = str(error).partition("\n")[0]
        yield JsonValue(path, None, ladder, f"the document does not fit the expression: {why}")
        return
    if not values:
        hint = f"; to expect none of them, say 'length({path})' = '== 0'" if "[?" in path else ""
        yield JsonValue(path, None, ladder, f"it matches nothing in the document{hint}")
    for where, value in values:
        if isinstance(value, dict | list):
            what, every = ("an object", ".*") if isinstance(value, dict) else ("a list", "[*]")
            yield JsonValue(
                where or path, None, ladder, f"it is {what}; name one of its values, or {path}{every} for each"
            )
        else:
            missing = "it is missing, null or empty in the document" if value is None else None
            yield JsonValue(where or path, value, ladder, missing)


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


@dataclass(frozen=True, slots=True)
class Timings:
    """How many milliseconds each of a series of requests took, in the order in which they were made."""

    ms: tuple[float, ...]

    @property
    def p95(self) -> float:
        """The 95th percentile by nearest rank: the smallest value that 95 % of all are not above.

        It is one of the measured values: the second slowest of 20, and the slowest of 10.
        """
        return sorted(self.ms)[math.ceil(0.95 * len(self.ms)) - 1]


@kind.probe(timeout_s=20, quiet=True)
def latency(web: Web, *, timeout_s: float) -> Timings:
    """How long one request takes, from sending it to the last byte of the answer.

    The request before it, which is not measured, has opened the connection: name look-up, TCP and TLS do not count,
    unless the server closes its connections after each answer. Redirects do.
    """
    return Timings(tuple(_series(web, 1, timeout_s)))


@kind.probe(timeout_s=60, quiet=True)
def timings(web: Web, *, requests: Annotated[int, Field(ge=10, le=1000)] = 20, timeout_s: float) -> Timings:
    """How long each of several requests takes, one after the other, each measured as latency is."""
    return Timings(tuple(_series(web, requests, timeout_s)))


def _series(web: Web, count: int, timeout_s: float) -> Iterator[float]:
    """Yield the time of each request; one that fails, or is turned away, says that none can be told.

    Where it is the first one, the address answers nobody well: that is what `status` says.
    """
    until = time.monotonic() + 0.9 * timeout_s
    for number in range(1, count + 1):
        which = f"request {number} of {count}" if count > 1 else "the request"
        if time.monotonic() > until:
            raise UnknownError(f"only {number - 1} of {count} were answered in {timeout_s:g} s; say fewer, or timeout")
        try:
            answer = web.get()
            answer.whole()
        except UnknownError as error:
            raise UnknownError(f"{which} failed: {error}") from None
        if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY_REQUESTS:
            why = f"{which} was answered {answer.status}, so its time says nothing"
            raise BlockedError("status", why) if number == 1 else UnknownError(why)
        yield answer.seconds * 1000
