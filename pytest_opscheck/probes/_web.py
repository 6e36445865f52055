"""What the kinds that are reached over HTTP share: their keys, and a client whose every request ends and tells no secret.

The client asks, and changes nothing: GET and HEAD only. A request has one deadline for all of it, from the name's look-up to
the last byte and over all redirects, because a timeout for each read lets a server that drips a byte a second go on for
hours. Its messages name scheme, host, port and path, never credentials, headers or query strings.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote, urlencode, urljoin, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, SecretStr

from ..secrets import without_password
from ._kind import Target, UnknownError, UnreachableError

if TYPE_CHECKING:
    import urllib3

LONGEST_BODY = 10_000_000
"""Bytes of a body that are read: more than any health document or metrics page that a check should fetch."""
REDIRECTS = 10
_SMALL = 65536
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


def _headers(said: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in said.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ValueError(f"{name!r} can't be the name of a header")
        if not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value.get_secret_value()):
            raise ValueError(f"the value of {name} holds a character that a header can't have, a line break perhaps")
    return said


class WebTarget(Target):
    """The keys of every target that is reached over HTTP."""

    url: Annotated[SecretStr, AfterValidator(_web_url)] = Field(description="http:// or https://, with credentials where it has to be")
    headers: Annotated[dict[str, SecretStr], AfterValidator(_headers)] = Field(
        default={}, description="sent to this server alone, not to where it redirects"
    )
    verify: bool | Annotated[str, Field(min_length=1)] = Field(
        default=True, description="false to take any certificate, or the path of the CA certificates to trust"
    )


class NoAnswerError(UnknownError):
    """A request that got no HTTP answer. `transient` says that another attempt may well get one."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `seconds` is the time from the request to the last byte; `problem` says why there is no body."""

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

    def json(self) -> Any:
        """Return the JSON document that the body is. Raises UnknownError where it is none."""
        body = self.whole()
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            what = "an empty body" if not body.strip() else f"{self.headers.get('content-type') or 'a body'} that is no JSON"
            raise UnknownError(f"{self.url} answered {self.status} with {what}") from None


class Deadline:
    """Ends the connections that it watches when a time is over, whatever their server still sends."""

    def __init__(self) -> None:
        self.over = False
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()

    def watch(self, sock: socket.socket) -> None:
        """End this connection too."""
        with self._lock:
            self._watched = [*(known for known in self._watched if known.fileno() != -1), sock]
            if self.over:
                self._end(sock)

    @contextlib.contextmanager
    def handshake(self, sock: socket.socket) -> Iterator[None]:
        """Watch a connection while TLS takes its socket over: the new one has the same connection under another object."""
        with sock.dup() as twin:
            self.watch(twin)
            yield

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """End what is watched after so many seconds, unless the block ends before."""
        self.over = False
        timer = threading.Timer(seconds, self._expire)
        timer.name, timer.daemon = "opscheck-deadline", True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
        with self._lock:
            self.over = True
            for sock in self._watched:
                self._end(sock)

    @staticmethod
    def _end(sock: socket.socket) -> None:
        # The plain method also for TLS: its own one would take the session from under the thread that reads.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Web:
    """A client of one target. `answer` is what the target's own address said when it was contacted."""

    answer: Answer

    def __init__(self, target: WebTarget, timeout_s: float, *, follow: bool = True, accept: str = "*/*") -> None:
        parts = urlsplit(target.url.get_secret_value())
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path or "/", parts.query, ""))
        self.timeout_s = timeout_s
        self._verify = target.verify
        self._follow = follow
        self._general = {"User-Agent": "pytest-opscheck", "Accept": accept, "Accept-Encoding": "identity"}
        self._own = {name: value.get_secret_value() for name, value in target.headers.items()}
        if parts.username is not None:
            said = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._own.setdefault("Authorization", "Basic " + base64.b64encode(said).decode())
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._deadline = Deadline()

    def get(self, path: str = "", *, method: str = "GET") -> Answer:
        """Ask for the target's address, or for another one relative to it; GET and HEAD only.

        Raises UnknownError where there is no HTTP answer in time; any status is an answer.
        """
        if method not in ("GET", "HEAD"):
            raise UnknownError(f"{method} could change something on the server, so it was not sent; use GET or HEAD")
        with self._deadline.within(self.timeout_s):
            return self._followed(method, urljoin(self.url, path))

    def under(self, path: str, query: Mapping[str, str]) -> str:
        """Return the address of a path below the target's own, with its query and this one."""
        parts = urlsplit(self.url)
        asked = "&".join(filter(None, [parts.query, urlencode(query)]))
        return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{path}", asked, ""))

    def close(self) -> None:
        """Close every connection."""
        for manager in self._managers.values():
            manager.clear()

    def _followed(self, method: str, url: str) -> Answer:
        started = time.perf_counter()
        for _ in range(REDIRECTS + 1):
            response = self._asked(method, url)
            onward = response.get_redirect_location() if self._follow else None
            if not onward:
                return self._read(response, url, started)
            if response.length_remaining is not None and response.length_remaining <= _SMALL:
                response.drain_conn()
            response.close() if response.closed is False else None
            url = urljoin(url, onward)
            if urlsplit(url).scheme not in _PORTS:
                raise NoAnswerError(f"{without_password(self.url)} redirects to what is no web address")
        raise NoAnswerError(f"{without_password(self.url)} redirects more than {REDIRECTS} times, last to {without_password(url)}")

    def _asked(self, method: str, url: str) -> urllib3.BaseHTTPResponse:
        import urllib3

        own = self._own if _origin(url) == _origin(self.url) else {}
        # Half of the time for connecting: a name may have a dead address before a live one.
        timeout = urllib3.Timeout(connect=self.timeout_s / 2, read=self.timeout_s)
        try:
            return self._manager(url).urlopen(
                method,
                url,
                headers={**self._general, **own},
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=timeout,
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            why, transient = self._why(error)
            raise NoAnswerError(f"{without_password(url)}: {why}", transient=transient) from None

    def _read(self, response: urllib3.BaseHTTPResponse, url: str, started: float) -> Answer:
        import urllib3

        body, problem = bytearray(), None
        try:
            for chunk in response.stream(_SMALL):
                body += chunk
                if len(body) > LONGEST_BODY:
                    problem = f"the body is longer than the {LONGEST_BODY // 1_000_000} MB that are read"
                    break
        except (urllib3.exceptions.HTTPError, OSError):
            problem = "the connection ended in the middle of the body"
        if self._deadline.over:
            problem = f"the body was not whole within {self.timeout_s:g} s"
        seconds = time.perf_counter() - started
        if problem:
            response.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, without_password(url), headers, b"" if problem else bytes(body), seconds, problem)

    def _manager(self, url: str) -> urllib3.PoolManager:
        """Return the pool of connections for an address: direct, or through the proxy that the environment names for it."""
        import urllib.request

        import urllib3

        parts = urlsplit(url)
        proxy = urllib.request.getproxies().get(parts.scheme, "")
        if proxy and urllib.request.proxy_bypass(parts.hostname or ""):
            proxy = ""
        if proxy not in self._managers:
            if proxy:
                user = urlsplit(proxy)
                said = f"{unquote(user.username)}:{unquote(user.password or '')}" if user.username else None
                manager: urllib3.PoolManager = urllib3.ProxyManager(
                    proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=said), ssl_context=self._context
                )
            else:
                manager = urllib3.PoolManager(ssl_context=self._context)
            manager.pool_classes_by_scheme = _watched_pools(self._deadline)
            self._managers[proxy] = manager
        return self._managers[proxy]

    @cached_property
    def _context(self) -> ssl.SSLContext | None:
        if self._verify is False:
            return distrusting()
        return trusting(self._verify) if isinstance(self._verify, str) or self.url.startswith("https") or self._follow else None

    def _why(self, error: BaseException) -> tuple[str, bool]:
        """Say why there was no answer, in words that hold no address, and whether another attempt may help."""
        import urllib3.exceptions as wrong

        cause = error.__cause__ if isinstance(error.__cause__, OSError) else None
        inner = next((said for said in error.args if isinstance(said, Exception)), cause)
        if self._deadline.over or isinstance(error, wrong.ReadTimeoutError):
            return f"no answer within {self.timeout_s:g} s", False
        if isinstance(error, wrong.NameResolutionError):
            return "its name can't be resolved", False
        if isinstance(error, wrong.ConnectTimeoutError):
            return f"no connection within {self.timeout_s / 2:g} s", False
        if isinstance(error, wrong.ProxyError):
            return f"through the proxy: {self._why(error.original_error)[0]}", False
        if isinstance(error, wrong.SSLError | ssl.SSLError):
            return tls_failure(inner if isinstance(inner, ssl.SSLError) else error), False
        if isinstance(inner, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
            return "the connection was closed before an answer came", True
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower(), False
        return "what answers there does not speak HTTP", False


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
) -> Iterator[Web]:
    """Contact a target once and yield its client. Raises UnreachableError where nothing answers over HTTP."""
    web = Web(target, timeout_s, follow=follow, accept=accept)
    try:
        try:
            web.answer = web.get(web.under(path, query or {}) if path else "", method=method)
        except NoAnswerError as error:
            raise UnreachableError(str(error), transient=error.transient) from None
        yield web
    finally:
        web.close()


def trusting(ca: str | bool) -> ssl.SSLContext:
    """Return what TLS trusts: a file of CA certificates alone, or what this machine trusts.

    The strict mode of newer Pythons is off: it refuses certificates that every other client takes.
    """
    try:
        context = ssl.create_default_context(cafile=ca if isinstance(ca, str) else None)
    except (OSError, ssl.SSLError) as error:
        why = (error.strerror or "it holds no certificate").lower() if not isinstance(error, ssl.SSLError) else "it holds no certificate"
        raise UnknownError(f"the CA file {ca} can't be used: {why}") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def distrusting() -> ssl.SSLContext:
    """Return a context that takes every certificate and every old protocol: who looks at one must be let in."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def tls_failure(error: BaseException) -> str:
    """Return why TLS failed, in the words of OpenSSL."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message.rstrip('.')}"
    reason = getattr(error, "reason", None)
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"):
        return "what answers there does not speak TLS"
    return f"TLS failed: {str(reason or 'the handshake did not end').replace('_', ' ').lower()}"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _watched_pools(deadline: Deadline) -> Any:
    """Return urllib3's pools with connections that the deadline watches."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            with contextlib.ExitStack() as stack:
                self._during = stack
                super().connect()
            deadline.watch(self.sock)
            # Not to verify is the inventory's word; urllib3 would warn of it at each request, and here warnings may be errors.
            self.is_verified = True

        def _new_conn(self) -> socket.socket:
            sock = super()._new_conn()
            self._during.enter_context(deadline.handshake(sock))
            return sock

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
