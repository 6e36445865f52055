"""Flows: several requests one after the other, with cookies and captured values carried along, for the kind http.

A flow stops at the first step that is not as expected, so this judges as it goes, by limits that stand in its steps:
those of other probes are known to their checks alone. What it sends and what it captures
is known here as secret, and of the values that it gives back those are marked that hold any of it.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from ...core.domains import Domain, refuse_idle
from ...core.errors import UnknownError
from ...core.judgeable import UnjudgeableError
from ...core.ladders import Ladder, single
from ...core.limits import parse_limit
from ...core.secrets import Redactor, secrets_of_data
from ...core.units import as_text
from .._types import LadderParam, of_amounts
from .._web import BAD_REQUEST, SAFE, Answer, Asked, Web, header_name
from .._web.redirect import OTHER_PAGE, elsewhere
from ._json import JsonLimits, compiled, values, without_unit

_STATUSES = Domain(100, 999)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_SHORTEST_S = 0.1


def _time(ladder: Ladder) -> Ladder:
    if any(rung.limit.dimension != "duration" for rung in ladder.rungs):
        raise ValueError("it must be a time; use for example '< 1s'")
    return of_amounts(ladder)


def _status(ladder: Ladder) -> Ladder:
    for rung in without_unit("status", ladder).rungs:
        refuse_idle(rung.limit, _STATUSES, "a status", "'== 200'")
    return ladder


def _text(ladder: Ladder) -> Ladder:
    if any(rung.limit.number is not None and rung.limit.operator not in ("==", "!=") for rung in ladder.rungs):
        raise ValueError("it must be a text; use for example '~ Welcome'")
    return ladder


def _step_path(text: str) -> str:
    if not re.fullmatch(r"(/(?!/)|\{[A-Za-z_])[!-~]*", text):
        raise ValueError(f"{text!r} is not a path; start it with one / or a captured value, and write %20 for a space")
    return text


def _captures(values: dict[str, str]) -> dict[str, str]:
    for name, source in values.items():
        if not _PLACEHOLDER.fullmatch(f"{{{name}}}"):
            raise ValueError(f"{name!r} can't be the name of a captured value; use letters, digits and _")
        where, _, rest = source.partition(".")
        if where == "header":
            header_name(rest)
        elif where != "cookie":
            compiled(source)
    return values


class _Table(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        keys = [info.alias or name for name, info in cls.model_fields.items()]
        if not isinstance(value, Mapping):
            raise ValueError(f"it must be a table of {', '.join(keys)}")  # noqa: TRY004 - an error of the inventory
        for key in value:
            if key not in keys:
                raise ValueError(f"unknown key {key!r}; it can be: {', '.join(keys)}")
        return value


class Sent(_Table):
    """The body of a step's request: a JSON document or the fields of a form."""

    json_: Any = Field(default=None, alias="json")
    form: dict[str, str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or len(value) != 1 or not value.keys() <= {"json", "form"}:
            raise ValueError("it must be either { json = ... } or { form = { ... } }")
        return value

    def encoded(self, filled: Callable[[Any], Any]) -> tuple[bytes, str]:
        """Return the body and its content type."""
        if self.form is not None:
            return urlencode(filled(self.form)).encode(), "application/x-www-form-urlencoded"
        return json.dumps(filled(self.json_)).encode(), "application/json"


class Step(_Table):
    """One request of a flow, and what is expected of its answer."""

    name: str = Field(min_length=1)
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Annotated[str, AfterValidator(_step_path)]
    headers: dict[str, str] = {}
    send: Sent | None = None
    status: Annotated[LadderParam, AfterValidator(_status)] = "== 200"  # type: ignore[assignment]
    time: Annotated[LadderParam, AfterValidator(_time)] | None = None
    body: Annotated[LadderParam, AfterValidator(_text)] | None = None
    json_: JsonLimits | None = Field(default=None, alias="json")
    capture: Annotated[dict[str, str], AfterValidator(_captures)] = {}

    @property
    def outgoing(self) -> Any:
        """Everything that is sent, and may name captured values."""
        return [self.path, self.headers, self.send.form or self.send.json_ if self.send else None]


def _steps(steps: tuple[Step, ...], info: ValidationInfo) -> tuple[Step, ...]:
    if not steps:
        raise ValueError("a flow has at least one step, a table of name, path and more")
    known: set[str] = set()
    for number, step in enumerate(steps, 1):
        which = f"step {number} ({step.name})"
        if [other.name for other in steps].count(step.name) > 1:
            raise ValueError(f"two steps are called {step.name!r}; give each a name of its own")
        for name in step.headers:
            header_name(name)
        if step.method not in SAFE and not info.data.get("synthetic"):
            raise ValueError(
                f"{which} is a {step.method}, which changes something on the server; only where the flow is a "
                "synthetic transaction, with an account of its own whose traces nobody minds, set synthetic = true"
            )
        if step.send is not None and step.method in SAFE:
            raise ValueError(f"{which} sends a body with {step.method}; set its method, for example 'POST'")
        for name in (name for text in _texts(step.outgoing) for name in _PLACEHOLDER.findall(text)):
            if name not in known:
                choices = f"; captured before are: {', '.join(sorted(known))}" if known else ""
                raise ValueError(f"{which} uses {{{name}}}, and no step before captures it{choices}")
        known |= step.capture.keys()
    return steps


Steps = Annotated[tuple[Step, ...], AfterValidator(_steps)]


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing that a flow measured. `why` says why there is no value; a `secret` one is told nowhere."""

    subject: str
    value: Any = field(repr=False)
    unit: str
    ladder: Ladder
    why: str | None = None
    observed: str | None = None
    secret: bool = False

    @property
    def as_expected(self) -> bool:
        """Whether the flow goes on after it."""
        try:
            return self.why is None and self.ladder.breached(self.value, self.unit) is None
        except UnjudgeableError:
            return False


@dataclass(frozen=True, slots=True)
class Flow:
    """What a flow measured; `seconds` is how long all of it took, None where it did not get to its end."""

    measured: tuple[Measured, ...]
    seconds: float | None


def walk(web: Web, steps: Sequence[Step], timeout_s: float) -> Flow:
    """Go through the steps in a session of their own, up to the first that is not as expected."""
    with _unlogged():
        return _walked(web, steps, timeout_s)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep what this thread asks for out of urllib3's log, which tells whole addresses: captured values stand there."""
    logger, own = logging.getLogger("urllib3.connectionpool"), threading.get_ident()

    def of_another(record: logging.LogRecord) -> bool:
        return record.thread != own

    logger.addFilter(of_another)
    try:
        yield
    finally:
        logger.removeFilter(of_another)


def _walked(web: Web, steps: Sequence[Step], timeout_s: float) -> Flow:
    started = time.monotonic()
    walker = _Walker(web, started + 0.9 * timeout_s)
    measured: list[Measured] = []
    for number, step in enumerate(steps, 1):
        found = walker.take(step)
        measured += found
        if not all(each.as_expected for each in found):
            late = f"not reached, because {step.name!r} failed"
            measured += [Measured(rest.name, None, "", rest.status, late) for rest in steps[number:]]
            return Flow(tuple(measured), None)
    return Flow(tuple(measured), time.monotonic() - started)


class _Walker:
    """A session on its way: what it has captured, and all that nobody may see."""

    def __init__(self, web: Web, until: float) -> None:
        self._web = web
        self._until = until
        self._captured: dict[str, str] = {}
        self._secrets: set[str] = set()

    def take(self, step: Step) -> list[Measured]:
        """Send a step's request, and measure its answer."""
        asked, path = self._filled(step)
        left_s = max(round(self._until - time.monotonic(), 1), _SHORTEST_S)
        try:
            answer = self._web.transact(asked, path, left_s)
        except UnknownError as error:
            return [self._hidden(Measured("status", None, "", step.status, str(error)), step)]
        own = _of_step(step, answer)
        self._secrets.update(self._web.cookies().values())
        found = list(_judged(step, own, own.problem if own is answer.left else None))
        if all(each.as_expected for each in found):
            found += self._capture(step, own)
        return [self._hidden(each, step) for each in found]

    def _filled(self, step: Step) -> tuple[Asked, str]:
        """Return a request with the captured values in their places. In a path they lead nowhere else by a slash."""
        self._secrets.update(secrets_of_data(self._fill(step.outgoing[1:])))
        headers = {name.lower(): value for name, value in self._fill(step.headers).items()}
        body = None
        if step.send is not None:
            body, content_type = step.send.encoded(self._fill)
            headers.setdefault("content-type", content_type)
        first = _PLACEHOLDER.match(step.path)
        start = self._captured[first[1]] if first else ""
        rest = self._fill(step.path[first.end() if first else 0 :], quoted=True)
        return Asked(step.method, headers, body), start + rest

    def _fill(self, written: Any, *, quoted: bool = False) -> Any:
        if isinstance(written, Mapping):
            return {key: self._fill(value) for key, value in written.items()}
        if isinstance(written, list | tuple):
            return [self._fill(value) for value in written]
        if not isinstance(written, str):
            return written

        def value(match: re.Match[str]) -> str:
            found = self._captured[match[1]]
            return quote(found, safe="") if quoted else found

        return _PLACEHOLDER.sub(value, written)

    def _capture(self, step: Step, answer: Answer) -> Iterator[Measured]:
        for name, source in step.capture.items():
            value, why = self._found(source, answer)
            if why is None:
                self._captured[name] = value
                self._secrets.add(value)
            present = single(parse_limit("== captured"), step.status.worst)
            state = None if why else "captured"
            yield Measured(f"capture of {name}", state, "", present, f"nothing to capture: {why}" if why else None)

    def _found(self, source: str, answer: Answer) -> tuple[str, str | None]:
        """Return what a capture names in an answer, or why there is nothing."""
        where, _, name = source.partition(".")
        value: Any
        if where == "header":
            value = answer.headers.get(name.lower())
        elif where == "cookie":
            value = self._web.cookies().get(name)
        else:
            try:
                value = compiled(source).search(answer.json())
            except (UnknownError, ValueError) as error:
                return "", str(error).partition("\n")[0]
        if value in (None, "") or isinstance(value, dict | list):
            return "", f"{source} is {'missing or empty' if value in (None, '') else 'no single value'} in the answer"
        return as_text(value), None

    def _hidden(self, measured: Measured, step: Step) -> Measured:
        """Mark a value that holds a secret, mask what else would tell one, and name the step."""
        redactor = Redactor.of(self._secrets)
        text = as_text(measured.value)
        return replace(
            measured,
            subject=f"{step.name}: {redactor.text(measured.subject)}",
            why=redactor.text(measured.why) if measured.why else None,
            observed=redactor.text(measured.observed) if measured.observed else None,
            secret=measured.secret or text in self._secrets or redactor.text(text) != text,
        )


def _of_step(step: Step, answer: Answer) -> Answer:
    """Return the answer to judge: where a step only asks, a page that it was not asked for is none.

    After a form, another page of the server is what is expected.
    """
    if answer.left is None or answer.status >= BAD_REQUEST:
        return answer
    same_server = elsewhere(answer.left.url, answer.url) in (None, *OTHER_PAGE)
    return answer if step.method not in SAFE and same_server else answer.left


def _judged(step: Step, answer: Answer, led: str | None) -> Iterator[Measured]:
    """Yield what is measured of an answer; nothing more where its status is not as expected.

    `led` says where it leads, if it is a redirect to another page.
    """
    status = Measured("status", answer.status, "", step.status, observed=f"{answer.status} ({led})" if led else None)
    yield status
    if step.time is not None:
        yield Measured("time", answer.seconds * 1000, "ms", step.time)
    if not status.as_expected:
        return
    if step.body is not None:
        text, why = "", answer.problem
        if why is None:
            text = answer.text().strip()
            why = None if text else "it is empty"
        described = f"{len(answer.body)} bytes"
        yield Measured("body", text or None, "", step.body, why, described, secret=True)
    if step.json_ is not None:
        yield from _judged_json(step, answer, step.json_)


def _judged_json(step: Step, answer: Answer, paths: Mapping[str, Ladder]) -> Iterator[Measured]:
    try:
        document = answer.json()
    except UnknownError as error:
        yield Measured("json", None, "", next(iter(paths.values())), str(error))
        return
    taken = set(step.capture.values())
    for found in values(document, paths):
        ladder = paths[found.path]
        value = found.fitting(ladder)
        yield Measured(value.subject, value.value, "", ladder, value.why, secret=value.subject in taken)


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping | list | tuple):
        for value in data.values() if isinstance(data, Mapping) else data:
            yield from _texts(value)
