"""What the kinds that are reached over HTTP share: their keys, and a client whose requests end and tell no secret.

The client asks, and changes nothing: GET and HEAD only. A request has one deadline for all of it, redirects and the
last byte of the body included, because a timeout for each read lets a server that drips a byte a second go on for
hours. Its messages name scheme, host, port and path, never credentials, headers or query strings.
"""

from __future__ import annotations

import base64
import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote, urlencode, urljoin, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, SecretStr

from ...core.errors import UnknownError, UnreachableError
from ...core.secrets import without_password
from .._certificate import ascii_name
from .._kind import Target
from .._wire import SOON_S, Deadline
from .body import BodyError, Taker, Whole, discard, read
from .json import DocumentError, LargeError, document
from .redirect import PORTS, Follow, elsewhere, onward, origin
from .why import why

if TYPE_CHECKING:
    import requests

REDIRECTS = 10
SAFE = ("GET", "HEAD", "OPTIONS")
"""The methods that change nothing on a server which keeps to HTTP's own rules."""
BAD_REQUEST = 400
"""The first status that is an error."""
_SHOWN = 200
"""Characters of the address that a redirect names: a server may make it as long as it likes."""
_MOVED, _SEE_OTHER = (301, 302), 303


def web_url(secret: SecretStr) -> SecretStr:
    """Return the address of a server of the web. Raises ValueError for what is none."""
    problem = ValueError("it is not a web address; write for example https://api.example.com/health")
    try:
        parts = urlsplit(secret.get_secret_value())
        if parts.scheme not in PORTS or parts.port == 0 or not ascii_name(parts.hostname or ""):
            raise problem
    except ValueError:
        raise problem from None
    return secret


def header_name(name: str) -> str:
    """Return a header's name as it is compared. Raises ValueError for what can't be one."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError(f"{name!r} can't be the name of a header")
    return name.lower()


def _headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in headers.items():
        header_name(name)
        if not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value.get_secret_value()):
            raise ValueError(f"the value of {name} holds a character that a header can't have, a line break perhaps")
    return headers


class WebTarget(Target):
    """The keys of every target that is reached over HTTP."""

    url: Annotated[SecretStr, AfterValidator(web_url)] = Field(
        description="http:// or https://, with credentials if needed"
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


class NoAnswerError(UnknownError):
    """A request that got no answer to judge.

    transient: another attempt may well get one.
    spoke: there was one of HTTP, and it says nothing that can be judged.
    redirect: the redirect by which the address that was asked for led to where there is none.
    """

    def __init__(self, url: str, why: str, *, transient: bool = False, spoke: bool = False) -> None:
        super().__init__(f"{url}: {why}")
        self.url = url
        self.why = why
        self.transient = transient
        self.spoke = spoke
        self.redirect: Answer | None = None

    def __reduce__(self) -> tuple[type[UnknownError], tuple[str]]:
        """Travel to another process as what it says."""
        return UnknownError, (str(self),)


class TooLargeError(UnknownError):
    """A document that is too large to be read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its method, its own headers beside the target's, with names in lower case, and its body.

    `taker` takes the body of the answer, where it need not be held whole.
    """

    method: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    taker: Taker | None = field(default=None, repr=False)

    def redirected(self, status: int) -> Asked:
        """Return what is asked after a redirect: 303 leads to a page, and so do 301 and 302 after a form."""
        if self.method == "HEAD" or not (status == _SEE_OTHER or (status in _MOVED and self.method == "POST")):
            return self
        headers = {name: value for name, value in self.headers.items() if name != "content-type"}
        return Asked("GET", headers, taker=self.taker)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    `seconds` is the time from the request to the last byte; `problem` says why there is no body. `left` is the redirect
    by which the page that was asked for was left, where this is the answer of another one.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float
    problem: str | None = None
    left: Answer | None = None

    def of_asked(self) -> Answer:
        """Return the answer of the page that was asked for: this one, or the redirect that led away from it."""
        return self.left or self

    def whole(self) -> bytes:
        """Return the body. Raises UnknownError where it was cut off or is too long."""
        if self.problem:
            raise UnknownError(f"{self.url}: {self.problem}; ask by hand where the check runs: curl -v {self.url}")
        return self.body

    def text(self) -> str:
        """Return the body as the text that its content type says. Raises UnknownError as `whole` does."""
        charset = re.search(r"charset=[\"']?([\w.:-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        try:
            return self.whole().decode(charset[1] if charset else "utf-8", errors="replace")
        except LookupError:
            return self.whole().decode(errors="replace")

    def json(self) -> Any:
        """Return the JSON document that the body is. Raises UnknownError where it is none, or not one to be read."""
        try:
            return document(self.whole(), self.headers.get("content-type") or "a body")
        except DocumentError as error:
            sort = TooLargeError if isinstance(error, LargeError) else UnknownError
            raise sort(f"{self.url} answered {self.status} with {error}") from None


class Web:
    """A client of one target."""

    def __init__(
        self,
        target: WebTarget,
        timeout_s: float,
        *,
        method: str = "GET",
        follow: Follow = Follow.ANYWHERE,
        accept: str = "*/*",
    ) -> None:
        from .session import Session

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
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._own.setdefault("authorization", "Basic " + base64.b64encode(credentials).decode())
        self._deadline = Deadline()
        self._session = Session(self._deadline, target.verify)
        self._answer: Answer | NoAnswerError | None = None

    @property
    def answer(self) -> Answer:
        """What the target's own address said when it was contacted. Raises NoAnswerError where it is not one."""
        if isinstance(self._answer, NoAnswerError):
            raise self._answer
        assert self._answer is not None  # noqa: S101 - for the type checker; `contact` comes first
        return self._answer

    def contact(self, url: str, *, torn: bool, taker: Taker | None = None) -> None:
        """Ask for the address by which the target is known to be there.

        torn: whether an answer of HTTP is enough that can't be judged, or leads to where there is none.
        taker: what takes the body of the answer.

        Raises UnreachableError where nothing answers over HTTP.
        """
        started = time.monotonic()
        try:
            self._answer = self.get(url, taker=taker)
        except NoAnswerError as error:
            if not torn or not error.spoke:
                again = error.transient and time.monotonic() - started < SOON_S
                raise UnreachableError(str(error), transient=again) from None
            self._answer = error

    def get(
        self, path: str = "", *, method: str | None = None, timeout_s: float | None = None, taker: Taker | None = None
    ) -> Answer:
        """Ask for the target's address, or for another one relative to it; GET and HEAD only.

        timeout_s: how long the answer may take, where that is not the connection's own time limit.
        taker: what takes the body of the answer, which then has none itself.

        Raises UnknownError where there is no HTTP answer in time; any status is an answer.
        """
        method = method or self._method
        if method not in ("GET", "HEAD"):
            raise UnknownError(f"{method} could change something on the server, so it was not sent; use GET or HEAD")
        return self._followed(Asked(method, taker=taker), urljoin(self.url, path), timeout_s or self.timeout_s)

    def transact(self, asked: Asked, path: str, timeout_s: float) -> Answer:
        """Send a request that may change something: a step of a flow, which the inventory calls synthetic.

        Raises UnknownError where there is no HTTP answer in time, and where the address is another server's.
        """
        try:
            url = onward(self.url, path)
        except ValueError:
            raise UnknownError("its path leads to what is not an address of the web, so nothing was sent") from None
        if origin(url) != origin(self.url):
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

    def _followed(self, asked: Asked, url: str, timeout_s: float) -> Answer:
        """Send a request, and go where redirects lead. `left` of the answer says whether that is another page."""
        own: list[Answer] = []
        with self._deadline.within(timeout_s):
            try:
                return self._gone(asked, url, timeout_s, own)
            except NoAnswerError as error:
                if own:
                    error.redirect, error.spoke = own[-1], True
                raise

    def _gone(self, asked: Asked, url: str, timeout_s: float, own: list[Answer]) -> Answer:
        """Go where redirects lead; `own` takes up those of the page that was asked for."""
        started, first = time.perf_counter(), url
        for _ in range(REDIRECTS + 1):
            response = self._asked(asked, url, timeout_s)
            other = elsewhere(first, url) if self._follow is Follow.PAGE else None
            location = response.raw.get_redirect_location() if self._follow.value else None
            if not location:
                return _arrived(self._read(response, url, started, timeout_s, asked.taker), other, own)
            discard(response.raw)
            if other is None:
                own.append(_answer(response, url, started, problem="it is a redirect"))
            asked, url = asked.redirected(response.status_code), self._onward(url, location)
        last = without_password(url)[:_SHOWN]
        raise NoAnswerError(without_password(first), f"it redirects more than {REDIRECTS} times, last to {last}")

    @staticmethod
    def _onward(url: str, location: str) -> str:
        try:
            return onward(url, location)
        except ValueError:
            raise NoAnswerError(without_password(url), "it redirects to something that is not a web address") from None

    def _asked(self, asked: Asked, url: str, timeout_s: float) -> requests.Response:
        """Send one request, and once more where the server has meanwhile closed a connection that was kept open."""
        opened = self._session.opened
        try:
            return self._sent(asked, url, timeout_s)
        except NoAnswerError as error:
            kept = self._session.opened == opened
            if not (kept and error.transient and asked.method in SAFE):
                raise
            return self._sent(asked, url, timeout_s)

    def _sent(self, asked: Asked, url: str, timeout_s: float) -> requests.Response:
        import urllib3

        ours = origin(url) == origin(self.url)
        if asked.body is not None and not ours:
            raise NoAnswerError(without_password(url), "a redirect leads to it, another server, which is sent no body")
        own = {**self._own, **asked.headers} if ours else {}
        # Half of the time for connecting: a name may have a dead address before a live one.
        timeout = urllib3.Timeout(connect=timeout_s / 2, read=timeout_s)
        try:
            headers = {**self._general, **own}
            response = self._session.ask(asked.method, url, headers=headers, data=asked.body, timeout=timeout)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = why(error, timeout_s, over=self._deadline.over)
            raise NoAnswerError(
                without_password(url), failure.text, transient=failure.transient, spoke=failure.spoke
            ) from None
        if self._deadline.over:
            response.close()
            raise NoAnswerError(without_password(url), f"no answer within {timeout_s:g} s")
        return response

    def _read(
        self, response: requests.Response, url: str, started: float, timeout_s: float, taker: Taker | None
    ) -> Answer:
        whole, problem = Whole(), None
        try:
            read(response.raw, taker or whole)
        except BodyError as error:
            problem = str(error)
        if self._deadline.over:
            problem = f"the body was not whole within {timeout_s:g} s"
        if problem:
            response.close()
        return _answer(response, url, started, b"" if problem else bytes(whole.body), problem)


@contextlib.contextmanager
def connect(
    target: WebTarget,
    timeout_s: float,
    *,
    path: str = "",
    query: Mapping[str, str] | None = None,
    method: str = "GET",
    follow: Follow = Follow.ANYWHERE,
    accept: str = "*/*",
    torn: bool = False,
    taker: Taker | None = None,
) -> Iterator[Web]:
    """Contact a target once and yield its client. Raises UnreachableError as `contact` does."""
    web = Web(target, timeout_s, method=method, follow=follow, accept=accept)
    try:
        web.contact(web.under(path, query or {}) if path else "", torn=torn, taker=taker)
        yield web
    finally:
        web.close()


def _arrived(answer: Answer, other: str | None, own: list[Answer]) -> Answer:
    """Return the answer that redirects led to, `other` being in what its address differs from the one asked for."""
    if other is None:
        return answer
    led = f"it redirects to {answer.url:.{_SHOWN}}, {other}, which answers {answer.status}"
    return replace(answer, left=replace(own[-1], problem=f"{led}; if that is the page you mean, write its address"))


def _answer(
    response: requests.Response, url: str, started: float, body: bytes = b"", problem: str | None = None
) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    seconds = time.perf_counter() - started
    return Answer(response.status_code, without_password(url), headers, body, seconds, problem)
