"""Why an engine gave no answer to read, in plain words, and what to do next."""

from __future__ import annotations

import json
import os
import pwd
import socket
import ssl
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http.client import IncompleteRead
from typing import TypeGuard

from ...core.errors import UnknownError
from ...core.visible import typed
from .._excerpt import beginning
from .._web.body import BodyError
from .._web.why import why

NO_ENGINE = "is that a Docker engine?"
TLS_WANTED = "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
SEE_ITS_LOG = "see the engine's log (journalctl -u docker)"
_NEXT = {
    "connection refused": "check that the engine runs and listens there",
    "no answer": "find out what slows it down (systemctl status docker)",
    "the connection was closed": SEE_ITS_LOG,
    "the connection ended": SEE_ITS_LOG,
    "what answers there does not speak HTTP": NO_ENGINE,
    "what answers there does not speak TLS": "unset DOCKER_TLS_VERIFY, or name the port that does",
    "its certificate is not trusted": "ca.pem in DOCKER_CERT_PATH names whom it trusts",
    "the server wants a client certificate": "DOCKER_CERT_PATH names the folder of cert.pem and key.pem",
    "its name can't be resolved": "see the url, or DOCKER_HOST",
}
"""What to do next, by how the reason begins."""


class EngineError(UnknownError):
    """What an engine answered, if it did, is nothing to go by.

    `transient` says that another attempt may well succeed, `spoke` that something has answered.
    """

    def __init__(self, message: str, *, transient: bool = False, spoke: bool = False) -> None:
        super().__init__(message)
        self.transient, self.spoke = transient, spoke

    def __str__(self) -> str:
        return str(self.args[0])


def not_an_engines(asked: str, error: BaseException) -> str:
    """Say that an answer lacks what an engine's has."""
    why = f"{type(error).__name__} {beginning(str(error), 40)}"
    return f"its answer to {asked} is not what a Docker engine says ({why}); {NO_ENGINE}"


def reason(body: bytes) -> str:
    """Return why an engine refuses: the message of its answer, or else all of that."""
    with suppress(ValueError, RecursionError, KeyError, TypeError):
        return str(json.loads(body)["message"]).strip()
    return body.decode("utf-8", "replace").strip()


@contextmanager
def understood(asked: str) -> Iterator[None]:
    """Read an answer that may lack what an engine's has. Raises EngineError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise EngineError(not_an_engines(asked, error), spoke=True) from None


def failure(error: BaseException, url: str, timeout_s: float, *, over: bool) -> EngineError:
    """Make the error of what a request failed with. `over` says that the time that it may take has ended it."""
    import requests
    from urllib3.exceptions import ProtocolError

    if isinstance(error, EngineError):
        return error
    causes = list(_chain(error))
    if no_way := _no_way(causes, url):
        return _with_next(no_way)
    if over or any(isinstance(cause, TimeoutError) for cause in causes):
        return _with_next(f"no answer within {timeout_s:g} s")
    if isinstance(error, BodyError) or any(isinstance(cause, IncompleteRead) for cause in causes):
        ended = "the connection ended in the middle of the answer"
        return _with_next(str(error) if isinstance(error, BodyError) else ended, spoke=True)
    if plain := next(filter(_says_why, causes), None):
        return _with_next(str(plain.strerror).lower())
    found = why(error if isinstance(error, requests.RequestException) else ProtocolError("", error), 0, over=False)
    text = found.text.replace("write https:// in the address", TLS_WANTED)
    return _with_next(text, transient=found.transient, spoke=found.spoke)


def _no_way(causes: Iterable[BaseException], url: str) -> str | None:
    """Return why there is no way to an engine, where that is it."""
    from urllib3.exceptions import NameResolutionError

    for cause in causes:
        if isinstance(cause, socket.gaierror | NameResolutionError):
            return "its name can't be resolved"
        if isinstance(cause, PermissionError):
            return f"permission denied; give this user access: {usermod(_user())}"
        if isinstance(cause, FileNotFoundError) and url.startswith("unix:"):
            return f"there is no such socket; {_other_socket()}"
    return None


def _other_socket() -> str:
    """Return what to do where an engine's socket is not there: one of rootless Docker's, or of Podman's, may be."""
    own = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    usual = ("/run/docker.sock", f"{own}/docker.sock", f"{own}/podman/podman.sock", "/run/podman/podman.sock")
    there = next(filter(_is_socket, usual), None)
    other = f"set url = 'unix://{there}', which is there" if there is not None else "set DOCKER_HOST"
    return f"start the engine (sudo systemctl start docker) or {other}"


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116 - one call is enough
    except OSError:
        return False


def _with_next(text: str, *, transient: bool = False, spoke: bool = False) -> EngineError:
    step = next((step for begin, step in _NEXT.items() if text.startswith(begin)), "")
    step = step or ("" if "; " in text else NO_ENGINE)
    return EngineError("; ".join(filter(None, (text, step))), transient=transient, spoke=spoke)


def _says_why(cause: BaseException) -> TypeGuard[OSError]:
    """Tell whether the system itself says why: of what broke, and of names and TLS, others say it better."""
    others = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLError, socket.gaierror)
    return isinstance(cause, OSError) and bool(cause.errno and cause.strerror) and not isinstance(cause, others)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it wraps, in whichever way."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


def usermod(user: str) -> str:
    """Return how a user is let near the engine's socket."""
    return f"sudo usermod -aG docker {typed(user)}, and log in again"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"#{os.geteuid()}"
