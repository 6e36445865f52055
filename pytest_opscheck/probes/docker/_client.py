"""Docker's client, with an end to all that an engine may say: how long an answer is, and how long it takes.

Every request goes through `send`, whatever method asks: so what it does holds for a user's own checks too.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
from dataclasses import dataclass, field
from math import ceil
from typing import Any, NoReturn

import docker
import docker.errors
import requests
import urllib3
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool
from requests.adapters import HTTPAdapter

from .._environ import steady
from .._excerpt import excerpt
from .._web.body import BodyError, TooLongError, Whole, read
from .._web.session import watched_pools
from .._wire import Deadline
from ._answer import Answer
from ._why import NO_ENGINE, SEE_ITS_LOG, TLS_WANTED, EngineError, failure, reason

LONGEST_ANSWER = 4_000_000
"""Bytes of an answer that are read: lists of some thousand containers, images and volumes."""
LONGEST_OF_ONE = 500_000
"""Bytes of what is said of one container or image, for many of them are asked side by side."""
LONGEST_REFUSAL = 16_384
"""Bytes of what an engine says when it refuses."""
_BYTES_A_VALUE = 15
"""How long a value is at least, on average: one that is shorter takes much more memory than it has bytes."""
_OF_ONE = re.compile(r"/(containers|images)/.+/(json|stats)")
_BAD, _MISSING, _BROKEN = 400, 404, 500
_LESS = {
    "/system/df": "prune what it keeps (docker system prune), or set disk = false",
    "/containers/json": "select fewer containers in the target",
    "/events": "see what fills them (docker events --since 24h)",
}
"""What to do where an answer is too long, by what was asked; else it is hardly an engine's."""


class RefusedError(EngineError, docker.errors.APIError):
    """The engine answered with a status that says no: one of docker's own errors too, for who catches those."""

    def __init__(self, message: str, response: requests.Response, explanation: str) -> None:
        super().__init__(message, spoke=True)
        self.response, self.explanation = response, explanation

    def __reduce__(self) -> Any:
        return EngineError, (str(self),)


class MissingError(RefusedError, docker.errors.ImageNotFound):
    """What was asked for is not there."""


class Client(docker.APIClient):
    """Docker's client: bounded, in time, and such that it may be used while pytest writes the environment."""

    def __init__(self, url: str, timeout_s: float, at_once: int, **settings: Any) -> None:
        self._way = way = _Way(url, ceil(timeout_s), at_once)
        super().__init__(**settings, version="auto", timeout=way.seconds, max_pool_size=at_once)

    def mount(self, prefix: str | bytes, adapter: Any) -> None:
        """Take ways to the network of our own in the place of requests' and docker's."""
        unix = isinstance(adapter, UnixHTTPAdapter)
        super().mount(prefix, _Unix(adapter.socket_path, self._way) if unix else _Tcp(self._way))

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
        """Read the environment while nobody writes it."""
        return steady(lambda: super(Client, self).merge_environment_settings(*args, **kwargs))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Look for none: an engine does not redirect, and requests would read the whole body of a redirect."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, and read its answer unless it is to be streamed. Raises EngineError."""
        streamed, seconds = options.pop("stream", False), options.get("timeout")
        limit = seconds if isinstance(seconds, int | float) else None
        deadline = self._way.watch.deadline = Deadline()
        within = deadline.within(limit) if limit is not None else contextlib.nullcontext()
        try:
            with within:
                answer = super().send(request, stream=True, **options)
                if answer.status_code >= _BAD or answer.is_redirect:
                    _refuse(answer, _asked(request))
                if not streamed:
                    _read_whole(answer, _asked(request))
                if deadline.over:  # what it has ended may look like the end of an answer
                    raise TimeoutError
        except EngineError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, BodyError) as error:
            raise failure(error, self._way.url, ceil(limit or self._way.seconds), over=deadline.over) from None
        return answer

    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        return parsed(response) if json else super()._result(response, json, binary)  # type: ignore[misc]


def parsed(answer: requests.Response) -> Any:
    """Return the JSON of an answer. Raises EngineError."""
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        what = f"is not JSON: it begins with {excerpt(answer.content)}" if answer.content.strip() else "is empty"
        raise EngineError(f"its answer to {_asked(answer.request)} {what}; {NO_ENGINE}", spoke=True) from None


class _Watch(threading.local):
    """The deadline of the request that this thread has sent."""

    def __init__(self) -> None:
        self.deadline = Deadline()

    def watch(self, sock: Any) -> None:
        self.deadline.watch(sock)

    def handshake(self, sock: Any) -> Any:
        return self.deadline.handshake(sock)


@dataclass(frozen=True)
class _Way:
    """Where an engine is, how long its answers may take, and how many questions it is asked at once."""

    url: str
    seconds: int
    at_once: int
    watch: _Watch = field(default_factory=_Watch)


class _Tcp(HTTPAdapter):
    """The way to an engine over TCP, with TLS or without."""

    def __init__(self, way: _Way) -> None:
        self._pools = watched_pools(lambda: None, way.watch, Answer)
        super().__init__(pool_maxsize=way.at_once, max_retries=urllib3.Retry(False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


class _Unix(UnixHTTPAdapter):
    """The way to an engine through its socket."""

    def __init__(self, path: str, way: _Way) -> None:
        super().__init__(path, way.seconds, max_pool_size=way.at_once)
        self.max_retries = urllib3.Retry(False)
        self._watch = way.watch

    def get_connection(self, url: str | bytes, proxies: Any = None) -> Any:  # noqa: ARG002 - docker's signature
        with self.pools.lock:
            pool = self.pools.get(url)
            if pool is None:
                pool = _UnixPool(str(url), self.socket_path, self.timeout, maxsize=self.max_pool_size)
                pool.watch = self._watch
                self.pools[url] = pool
            return pool


class _UnixPool(UnixHTTPConnectionPool):
    """Connections to a socket that the deadline watches."""

    watch: _Watch

    def _new_conn(self) -> Any:
        connection = _UnixConnection(self.base_url, self.socket_path, self.timeout)  # type: ignore[arg-type]
        connection.watch = self.watch
        return connection


class _UnixConnection(UnixHTTPConnection):
    response_class = Answer
    watch: _Watch

    def getresponse(self) -> Any:
        self.watch.watch(self.sock)
        return super().getresponse()


def _asked(request: requests.PreparedRequest) -> str:
    """Return what was asked: the path, without the API's version, and with ids as docker shortens them."""
    path = re.sub(r"\A/v[\d.]+(?=/)", "", request.path_url.partition("?")[0])
    return re.sub(r"([0-9a-f]{12})[0-9a-f]{52}", r"\1", path)


def _read_whole(answer: requests.Response, asked: str) -> None:
    """Read an answer up to its bound, and leave it in the place of the connection."""
    longest = LONGEST_OF_ONE if _OF_ONE.fullmatch(asked) else LONGEST_ANSWER
    taker = Whole(longest)
    try:
        read(answer.raw, taker)
    except TooLongError:
        answer.close()
        raise _too_much(asked, f"longer than the {longest / 1_000_000:g} MB") from None
    values = sum(map(taker.body.count, (b",", b":", b"[", b"{")))
    if values > longest / _BYTES_A_VALUE:
        raise _too_much(asked, f"of more than the {longest / _BYTES_A_VALUE:.0f} values")
    answer.raw, answer.encoding = io.BytesIO(bytes(taker.body)), "utf-8"


def _too_much(asked: str, how: str) -> EngineError:
    return EngineError(f"its answer to {asked} is {how} that are read; {_LESS.get(asked, NO_ENGINE)}", spoke=True)


def _refuse(answer: requests.Response, asked: str) -> NoReturn:
    """Raise the error of an answer that says no, with the beginning of its reason."""
    taker = _Start()
    with contextlib.suppress(BodyError):
        read(answer.raw, taker)
    answer.close()
    why = reason(bytes(taker.body))
    text = f"it answers {asked} with status {answer.status_code}" + (f": {excerpt(why, 200)}" if why else "")
    kind = MissingError if answer.status_code == _MISSING else RefusedError
    raise kind("; ".join(filter(None, (text, _next(answer.status_code, asked, why)))), answer, why)


def _next(status: int, asked: str, text: str) -> str:
    if "HTTPS server" in text:
        return TLS_WANTED
    if status >= _BROKEN:
        return SEE_ITS_LOG
    return NO_ENGINE if asked in ("/version", "/info") else ""


class _Start(Whole):
    """Takes the beginning of a body."""

    def feed(self, piece: bytes) -> bool:
        """Keep the bytes until there are enough."""
        self.body += piece[:LONGEST_REFUSAL]
        return len(self.body) < LONGEST_REFUSAL
