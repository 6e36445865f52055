"""Web addresses: whether they answer, with which status, with what in them, how fast, and whether flows go through."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urljoin

from pydantic import AfterValidator, Field

from ...core.errors import BlockedError, UnknownError
from ...core.ladders import Ladder
from ...core.secrets import without_password
from ...core.shapes import is_secret_key
from .._kind import Kind, Reach
from .._types import LadderParam
from .._web import BAD_REQUEST, Answer, NoAnswerError, Web, WebTarget, connect, header_name
from .._web.redirect import Follow
from ._flow import Flow, Steps, walk
from ._json import JsonValue, values, without_unit

_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_FIRST = 3
"""After this many error statuses, and nothing else, a series of requests ends."""
_IN_A_ROW, _LONG_S = 5, 3.0
"""After this many failed requests in a row that took this long it ends too: the server has gone meanwhile.

What is left of the series counts as failed: one that broke off must not look better than it is."""


class WebAddress(WebTarget):
    """A web address."""

    method: Literal["GET", "HEAD"] = Field(default="GET", description="GET or HEAD: a check changes nothing")
    follow_redirects: bool | None = Field(
        default=None,
        description="true to judge whatever page redirects lead to, false to judge a redirect itself; by default those "
        "that keep to the page are followed",
    )


@contextmanager
def _connect(target: WebAddress, timeout_s: float) -> Iterator[Web]:
    follow = Follow.PAGE if target.follow_redirects is None else Follow(target.follow_redirects)
    with connect(target, timeout_s, method=target.method, follow=follow, torn=True) as web:
        yield web


kind = Kind("http", WebAddress, "a web address", _connect, libraries=("requests",))


@kind.probe()
def reachable(web: Web) -> Reach:  # noqa: ARG001 - that there is one is the answer
    """The address answers over HTTP, with whatever status."""
    return Reach("HTTP")


@dataclass(frozen=True, slots=True)
class Response:
    """The status of an answer, None where there was none and `why` says so; `subject` says of what.

    `note` is what else there is to say of it: where a redirect leads.
    """

    subject: str
    status: int | None
    why: str | None = None
    note: str | None = None


def _path(text: str) -> str:
    if not re.fullmatch(r"/(?!/)[!-~]*", text):
        raise ValueError(f"{text!r} is not a path; start it with one /, and write %20 for a space")
    return text


@kind.probe(timeout_s=30)
def response(
    web: Web, *, paths: tuple[Annotated[str, AfterValidator(_path)], ...] = (), timeout_s: float
) -> tuple[Response, ...]:
    """The answer to one request, after redirects; with `paths`, to one for each of them on the same server.

    A redirect to another page is an answer of its own, unless that page is an error: it says nothing of what was asked.
    """
    if not paths:
        return tuple(_answered("status", web.url, lambda: web.answer))
    until = time.monotonic() + 0.9 * timeout_s
    return tuple(found for path in paths for found in _of_path(web, path, until - time.monotonic()))


def _of_path(web: Web, path: str, left_s: float) -> Iterator[Response]:
    subject = f"status of {path.partition('?')[0]}"
    if left_s <= 0:
        yield Response(subject, None, "there was no time left to ask; set a longer timeout")
        return
    seconds = min(max(round(left_s, 1), 0.1), web.timeout_s)
    yield from _answered(subject, urljoin(web.url, path), lambda: web.get(path, timeout_s=seconds))


def _answered(subject: str, url: str, ask: Callable[[], Answer]) -> Iterator[Response]:
    asked = without_password(url)
    try:
        answer = ask()
    except NoAnswerError as error:
        if error.redirect is None:
            yield Response(subject, None, error.why if error.url == asked else str(error))
        else:
            yield Response(subject, error.redirect.status, note="a redirect")
            leads = f"where {subject.removeprefix('status of ') if subject != 'status' else 'it'} leads"
            yield Response(leads, None, f"{error}; to judge the redirect itself, set follow_redirects = false")
        return
    except UnknownError as error:
        yield Response(subject, None, str(error))
        return
    if answer.left is not None and answer.status < BAD_REQUEST:
        yield Response(subject, answer.left.status, note=answer.left.problem)
        return
    at = f" {'at' if subject != 'status' else 'of'} {answer.url}" if answer.url != asked else ""
    yield Response(f"{subject}{at}", answer.status)


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the answer, None where there is none; `secret` where its name says that nobody may see it."""

    name: str
    value: str | None = field(repr=False)
    secret: bool


def _expected_headers(limits: dict[str, Ladder]) -> dict[str, Ladder]:
    return {header_name(name): without_unit(name, ladder) for name, ladder in limits.items()}


HeaderLimits = Annotated[dict[str, LadderParam], AfterValidator(_expected_headers)]
"""What is expected of headers, by their names."""


@kind.probe()
def header_fields(web: Web, *, names: tuple[str, ...]) -> tuple[Header, ...]:
    """The named headers of the answer, after redirects, whatever its status; several of one name are joined by commas.

    Of a redirect to another page they are its own.
    """
    found = web.answer.of_asked().headers
    return tuple(Header(name, found.get(name), secret=is_secret_key(name)) for name in names)


@dataclass(frozen=True, slots=True)
class Body:
    """The text of an answer, without the white space around it, and how a message says it: never what is in it."""

    text: str = field(repr=False)
    described: str


@kind.probe()
def body(web: Web) -> Body:
    """The text of the answer, after redirects, whatever its status; a redirect to another page has none."""
    return body_of(web.answer.of_asked())


def body_of(answer: Answer) -> Body:
    """Return an answer's text. Raises UnknownError where it is not whole."""
    text = answer.text().strip()
    content = answer.headers.get("content-type", "").partition(";")[0] or "no content type"
    return Body(text, f"{len(answer.body)} bytes of {content}")


@kind.probe()
def json(web: Web, *, paths: tuple[str, ...]) -> tuple[JsonValue, ...]:
    """The values of a JSON document under JMESPath expressions, whatever the status it came with."""
    return tuple(values(web.answer.of_asked().json(), paths))


@kind.probe(timeout_s=60)
def flow(web: Web, *, synthetic: bool = False, steps: Steps, timeout_s: float) -> Flow:  # noqa: ARG001 - _steps reads it
    """Requests one after the other in a session of their own, up to the first whose answer is not as expected."""
    with closing(web.anew()) as session:
        return walk(session, steps, timeout_s)


@dataclass(frozen=True, slots=True)
class Timings:
    """How many milliseconds each of a series of requests took, in the order in which they were made.

    `failed` says of each request that has no time what came instead.
    """

    ms: tuple[float, ...]
    failed: tuple[str, ...] = ()

    @property
    def asked(self) -> int:
        """How many requests were made."""
        return len(self.ms) + len(self.failed)

    @property
    def p95(self) -> float:
        """The 95th percentile of the times by nearest rank: the smallest value that 95 % of all are not above.

        It is one of the measured values: the second slowest of 20, and the slowest of 10.
        """
        return sorted(self.ms)[math.ceil(0.95 * len(self.ms)) - 1]

    @property
    def failed_percent(self) -> float:
        """How many of the requests failed."""
        return 100 * len(self.failed) / self.asked

    @property
    def us(self) -> tuple[int, ...]:
        """The times in whole microseconds."""
        return tuple(max(1, round(each * 1000)) for each in self.ms)


@kind.probe(timeout_s=20, latency=True)
def latency(web: Web, *, timeout_s: float) -> Timings:
    """How long one request takes, from sending it to the last byte of the answer.

    The request before it, which is not measured, has opened the connection: name look-up, TCP and TLS do not count,
    unless the server closes its connections after each answer. Redirects do.
    """
    return _series(web, 1, timeout_s)


@kind.probe(timeout_s=60, latency=True)
def timings(web: Web, *, requests: Annotated[int, Field(ge=10, le=1000)] = 20, timeout_s: float) -> Timings:
    """How long each of several requests takes, one after the other, each measured as latency is."""
    return _series(web, requests, timeout_s)


def _series(web: Web, count: int, timeout_s: float) -> Timings:
    """Make requests one after the other, until several in a row fail slowly; those that are left then count as failed.

    Where the first get no answer worth a time, there is no series.
    """
    until = time.monotonic() + 0.9 * timeout_s
    times: list[float] = []
    failures: list[UnknownError | BlockedError] = []
    in_a_row, well_at = 0, time.monotonic()
    for number in range(1, count + 1):
        if time.monotonic() > until:
            raise UnknownError(
                f"only {number - 1} of {count} were answered in {timeout_s:g} s; use fewer, or a longer timeout"
            )
        try:
            times.append(_timed(web, f"request {number} of {count}" if count > 1 else "the request"))
            in_a_row, well_at = 0, time.monotonic()
        except (UnknownError, BlockedError) as error:
            failures.append(error)
            if not times and (len(failures) == min(count, _FIRST) or isinstance(error, UnknownError)):
                raise failures[0] from None
            in_a_row += 1
            if in_a_row >= _IN_A_ROW and time.monotonic() - well_at > _LONG_S:
                failures += [error] * (count - number)
                break
    return Timings(tuple(times), tuple(map(str, failures)))


def _timed(web: Web, which: str) -> float:
    """Return the time of a request. Raises UnknownError for one that fails, or is turned away: that is no time.

    Where nothing but an error comes, the address answers nobody well: that is what `status` says.
    """
    try:
        answer = web.get()
        answer.whole()
    except UnknownError as error:
        raise UnknownError(f"{which} failed: {error}") from None
    if answer.left is not None:
        raise BlockedError("status", f"{which} was answered {answer.left.status}: {answer.left.problem}")
    if _is_error(answer):
        raise BlockedError("status", f"{which} was answered {answer.status}, so its time says nothing")
    if not _is_error(web.answer) and answer.status // 100 != web.answer.status // 100:
        first = f"the one before the series {web.answer.status}"
        raise UnknownError(f"{which} was answered {answer.status}, and {first}, so its time says nothing")
    return answer.seconds * 1000


def _is_error(answer: Answer) -> bool:
    return answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY_REQUESTS
