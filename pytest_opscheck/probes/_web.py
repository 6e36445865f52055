"""What the kinds that are reached over HTTP share: their keys, and a client whose requests end and tell no secret.

The client asks, and changes nothing: GET and HEAD only. A request has one deadline for all of it, redirects and the
last byte of the body included, because a timeout for each read lets a server that drips a byte a second go on for
hours. Its messages name scheme, host, port and path, never credentials, headers or query strings.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from urllib.parse import unquote, urlencode, urljoin, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, SecretStr

from ..secrets import without_password
from ._kind import Target, UnknownError, UnreachableError
from ._wire import Deadline, tls_failure

if TYPE_CHECKING:
    import requests

LONGEST_BODY = 10_000_000
"""Bytes of a body that are read: more than any health document or metrics page that a check should fetch."""
REDIRECTS = 10
_SMALL = 65536
_MOVED, _SEE_OTHER = (301, 302), 303
_PORTS = {"http": 80, "https": 443}


def _web_url(said: SecretStr) -> SecretStr:
    problem = ValueError("it is no web address; write for example https://api.example.com/health")
    try:
        parts = urlsplit(said.get_secret_value())
        if parts.scheme not in _PORTS or not parts.hostname or parts.port == 0:
            raise problem
    except ValueError:
        raise problem from None
    return said


def header_name(name: str) -> str:
    """Return a header's name as it is compared. Raises ValueError for what can't be one."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError(f"{name!r} can't be the name of a header")
    return name.lower()


def _headers(said: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in said.items():
        header_name(name)
        if not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value.get_secret_value()):
            raise ValueError(f"the value of {name} holds a character that a header can't have, a line break perhaps")
    return said


class WebTarget(Target):
    """The keys of every target that is reached over HTTP."""

    url: Annotated[SecretStr, AfterValidator(_web_url)] = Field(
        description="http:// or https://, with credentials where it has to be"
    )
    headers: Annotated[dict[str, SecretStr], AfterValidator(_headers)] = Field(
        default={}, description="sent to this server alone, not to where it redirects"
    )
    verify: bool | Annotated[str, Field(min_length=1)] = Field(
        default=True, description="false to take any certificate, or the path of the CA certificates to trust"
    )

    def where(self) -> str:
        """Return the address."""
        return without_password(self.url.get_secret_value())


class Taker(Protocol):
    """What takes a body as it comes, so that it need not be held whole; the answer's own body is then empty."""

    longest: int

    def start(self, headers: Mapping[str, str]) -> None:
        """Take the headers of the answer, their names in lower case."""

    def feed(self, piece: bytes) -> bool:
        """Take the next bytes, and return whether any more are wanted."""


class NoAnswerError(UnknownError):
    """A request that got no HTTP answer. `transient` says that another attempt may well get one."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its method, its own headers beside the target's, with names in lower case, and its body."""

    method: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)

    def redirected(self, status: int) -> Asked:
        """Return what is asked after a redirect: 303 leads to a page, and so do 301 and 302 after a form."""
        if self.method == "HEAD" or not (status == _SEE_OTHER or (status in _MOVED and self.method == "POST")):
            return self
        return Asked("GET", {name: value for name, value in self.headers.items() if name != "content-type"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    `seconds` is the time from the request to the last byte; `problem` says why there is no body.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float
    problem: str | None = None

    def whole(self) -> bytes:
        """Return the body. Raises UnknownError where it was cut off or is too long."""
        if self.problem:
            raise UnknownError(f"{self.url}: {self.problem}")
        return self.body

    def text(self) -> str:
        """Return the body as the text that its content type says. Raises UnknownError as `whole` does."""
        said = re.search(r"charset=[\"']?([\w.:-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        try:
            return self.whole().decode(said[1] if said else "utf-8", errors="replace")
        except LookupError:
            return self.whole().decode(errors="replace")

    def json(self) -> Any:
        """Return the JSON document that the body is. Raises UnknownError where it is none, or says a key twice."""
        body = self.whole()
        try:
            return json.loads(body, object_pairs_hook=self._object)
        except (ValueError, RecursionError):
            what = (
                "an empty body"
                if not body.strip()
                else f"{self.headers.get('content-type') or 'a body'} that is no JSON"
            )
            raise UnknownError(f"{self.url} answered {self.status} with {what}") from None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object of the document. Parsers differ in which of two values of a key they take."""
        made = dict(pairs)
        if len(made) < len(pairs):
            counted = Counter(key for key, _ in pairs)
            key = next(key for key, times in counted.items() if times > 1)
            raise UnknownError(
                f"{self.url} answered with a JSON object that has the key {key!r:.80} twice, so its value can't be told"
            )
        return made


class Web:
    """A client of one target. `answer` is what the target's own address said when it was contacted."""

    answer: Answer

    def __init__(
        self, target: WebTarget, timeout_s: float, *, method: str = "GET", follow: bool = True, accept: str = "*/*"
    ) -> None:
        from ._web_session import Session

        parts = urlsplit(target.url.get_secret_value())
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path or "/", parts.query, ""))
        self.timeout_s = timeout_s
        self._method = method
        self._follow = follow
        self._target = target
        self._accept = accept
        self._general = {"user-agent": "pytest-opscheck", "accept": accept, "accept-encoding": "identity"}
        self._own = {name.lower(): value.get_secret_value().strip() for name, value in target.headers.items()}
        if parts.username is not None:
            said = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._own.setdefault("authorization", "Basic " + base64.b64encode(said).decode())
        self._deadline = Deadline()
        self._session = Session(self._deadline, target.verify)

    def get(
        self,
        path: str = "",
        *,
        method: str | None = None,
        timeout_s: float | None = None,
        taker: Taker | None = None,
    ) -> Answer:
        """Ask for the target's address, or for another one relative to it; GET and HEAD only.

        timeout_s: how long the answer may take, where that is not the connection's own time limit.
        taker: what the body goes to.

        Raises UnknownError where there is no HTTP answer in time; any status is an answer.
        """
        method = method or self._method
        if method not in ("GET", "HEAD"):
            raise UnknownError(f"{method} could change something on the server, so it was not sent; use GET or HEAD")
        return self._followed(Asked(method), urljoin(self.url, path), timeout_s or self.timeout_s, taker)

    def transact(self, asked: Asked, url: str, timeout_s: float) -> Answer:
        """Send a request that may change something: a step of a flow, which the inventory calls synthetic.

        Raises UnknownError where there is no HTTP answer in time, and where the address is another server's.
        """
        if _origin(url) != _origin(self.url):
            raise UnknownError(f"{without_password(url)} is not on the target's own server, so nothing was sent there")
        return self._followed(asked, url, timeout_s)

    def anew(self) -> Web:
        """Return a client of the same target without this one's cookies; close it in the end."""
        return Web(self._target, self.timeout_s, method=self._method, follow=self._follow, accept=self._accept)

    def under(self, path: str, query: Mapping[str, str]) -> str:
        """Return the address of a path below the target's own, with its query and this one."""
        parts = urlsplit(self.url)
        asked = "&".join(filter(None, [parts.query, urlencode(query)]))
        return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{path}", asked, ""))

    def cookies(self) -> dict[str, str]:
        """Return the cookies that were set so far."""
        return dict(self._session.cookies.get_dict())

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def _followed(self, asked: Asked, url: str, timeout_s: float, taker: Taker | None = None) -> Answer:
        with self._deadline.within(timeout_s):
            started, first = time.perf_counter(), url
            for _ in range(REDIRECTS + 1):
                response = self._asked(asked, url, timeout_s)
                onward = response.raw.get_redirect_location() if self._follow else None
                if not onward:
                    return self._read(response, url, started, timeout_s, taker)
                _discard(response)
                asked, url = asked.redirected(response.status_code), urljoin(url, onward)
                if urlsplit(url).scheme not in _PORTS:
                    raise NoAnswerError(f"{without_password(first)} redirects to what is no web address")
        raise NoAnswerError(
            f"{without_password(first)} redirects more than {REDIRECTS} times, last to {without_password(url)}"
        )

    def _asked(self, asked: Asked, url: str, timeout_s: float) -> requests.Response:
        import urllib3

        ours = _origin(url) == _origin(self.url)
        if asked.body is not None and not ours:
            raise NoAnswerError(f"it redirects to {without_password(url)}, another server, which is sent no body")
        own = {**self._own, **asked.headers} if ours else {}
        # Half of the time for connecting: a name may have a dead address before a live one.
        timeout = urllib3.Timeout(connect=timeout_s / 2, read=timeout_s)
        try:
            headers = {**self._general, **own}
            response = self._session.ask(asked.method, url, headers=headers, data=asked.body, timeout=timeout)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            why, transient = self._why(error, timeout_s)
            raise NoAnswerError(f"{without_password(url)}: {why}", transient=transient) from None
        if self._deadline.over:  # a head that was cut off looks like a short one
            response.close()
            raise NoAnswerError(f"{without_password(url)}: no answer within {timeout_s:g} s")
        return response

    def _read(
        self, response: requests.Response, url: str, started: float, timeout_s: float, taker: Taker | None
    ) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        body, size, problem, longest = bytearray(), 0, None, taker.longest if taker else LONGEST_BODY
        if taker:
            taker.start(headers)
        try:
            for chunk in response.iter_content(_SMALL):
                size += len(chunk)
                if size > longest:
                    problem = f"the body is longer than the {longest // 1_000_000} MB that are read"
                    break
                if taker is None:
                    body += chunk
                elif not taker.feed(chunk):
                    response.close()
                    break
        except OSError:  # which requests' own errors are
            problem = "the connection ended in the middle of the body"
        if self._deadline.over:
            problem = f"the body was not whole within {timeout_s:g} s"
        seconds = time.perf_counter() - started
        if problem:
            response.close()
        content = b"" if problem else bytes(body)
        return Answer(response.status_code, without_password(url), headers, content, seconds, problem)

    def _why(self, error: BaseException, timeout_s: float) -> tuple[str, bool]:
        """Say why there was no answer, in words without addresses, and whether another attempt may well get one."""
        import requests
        import urllib3.exceptions as wrong

        if isinstance(error, requests.RequestException) and isinstance(next(iter(error.args), None), Exception):
            error = error.args[0]  # what urllib3 raised
        inner = next((said for said in (*error.args, error.__cause__) if isinstance(said, OSError)), None)
        if self._deadline.over or isinstance(error, wrong.ReadTimeoutError):
            return f"no answer within {timeout_s:g} s", False
        if isinstance(inner, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
            return "the connection was closed before an answer came", True
        match error:
            case wrong.NameResolutionError():
                why = "its name can't be resolved"
            case wrong.ConnectTimeoutError() if not isinstance(error, wrong.NewConnectionError):
                why = f"no connection within {timeout_s / 2:g} s"
            case wrong.ProxyError():
                why = f"through the proxy: {self._why(error.original_error, timeout_s)[0]}"
            case wrong.SSLError() | ssl.SSLError():
                why = tls_failure(inner or error)
            case wrong.ProtocolError():
                why = "what answers there does not speak HTTP"
            case _:
                why = inner.strerror.lower() if inner is not None and inner.strerror else "the address can't be used"
        return why, False


@contextlib.contextmanager
def connect(
    target: WebTarget,
    timeout_s: float,
    *,
    path: str = "",
    query: Mapping[str, str] | None = None,
    method: str = "GET",
    follow: bool = True,
    accept: str = "*/*",
    taker: Taker | None = None,
) -> Iterator[Web]:
    """Contact a target once and yield its client. Raises UnreachableError where nothing answers over HTTP.

    taker: what the body of this first answer goes to.
    """
    web = Web(target, timeout_s, method=method, follow=follow, accept=accept)
    try:
        try:
            web.answer = web.get(web.under(path, query or {}) if path else "", taker=taker)
        except NoAnswerError as error:
            raise UnreachableError(str(error), transient=error.transient) from None
        yield web
    finally:
        web.close()


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _discard(response: requests.Response) -> None:
    """Read a small rest of an answer, so that its connection can be used again; end the connection of any other."""
    left = response.raw.length_remaining
    if left is not None and left <= _SMALL:
        response.raw.drain_conn()
    else:
        response.close()
