"""Connects to a Docker engine's API, and says in plain words why that fails."""

from __future__ import annotations

import errno
import os
import pwd
import threading
from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

from ..secrets import without_password
from ..visible import typed
from ._environ import steady
from ._kind import UnreachableError

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")
R = TypeVar("R")
DEFAULT_URL = "unix:///var/run/docker.sock"
STREAMS = 16
"""Containers that are asked side by side: two samples of one take the engine a second or two, and it only waits."""


@contextmanager
def connected(url: str | None, timeout_s: float) -> Iterator[APIClient]:
    """Connect to an engine: that of the url, else of DOCKER_HOST, else this machine's.

    Certificates come from DOCKER_CERT_PATH, as the docker command's do. Raises UnreachableError.
    """
    import docker.errors
    import docker.utils

    url = url or os.environ.get("DOCKER_HOST") or DEFAULT_URL
    if url.startswith("ssh://"):
        raise UnreachableError(
            f"DOCKER_HOST is {without_password(url)}; name that machine as [host.NAME], and say on = 'NAME' here"
        )
    try:
        settings = docker.utils.kwargs_from_env(environment=ChainMap({"DOCKER_HOST": url}, os.environ))
        client = _client_class()(**settings, version="auto", timeout=ceil(timeout_s), max_pool_size=STREAMS)
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise _unreachable(url, error, timeout_s) from None
    try:
        yield client
    finally:
        client.close()


def _client_class() -> type[APIClient]:
    """Return docker's client, which may be used while pytest writes the environment."""
    import docker
    import requests

    class Client(docker.APIClient):
        def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
            return steady(lambda: super(Client, self).merge_environment_settings(*args, **kwargs))

        def get_redirect_target(self, resp: requests.Response) -> None:
            """Go nowhere else: who redirects is no engine, and requests' errors would quote the address."""
            if resp.is_redirect:
                raise requests.TooManyRedirects("it redirects to another address, which no engine does")

    return Client


def side_by_side(ask: Callable[[T], R], each_of: Iterable[T], at_once: int = STREAMS) -> list[R]:
    """Ask the same of each, several at once, and return the answers in the order of the questions.

    In threads of our own: those of a pool are waited for when Python ends, even where the run has given up on them.
    """
    questions = deque(enumerate(each_of))
    answers: dict[int, R] = {}
    failed: list[Exception] = []

    def work() -> None:
        while not failed:
            try:
                number, each = questions.popleft()
            except IndexError:
                return
            try:
                answers[number] = ask(each)
            except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
                failed.append(error)

    count = min(at_once, len(questions))
    threads = [threading.Thread(target=work, name="opscheck-docker", daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return [answers[number] for number in sorted(answers)]


def usermod(user: str) -> str:
    """Return how a user is let near the engine's socket."""
    return f"sudo usermod -aG docker {typed(user)}, and log in again"


def _unreachable(url: str, error: BaseException, timeout_s: float) -> UnreachableError:
    """Make the error of what the library raised: the system's own error is at the end of a chain of wrappers."""
    shown = without_password(url)
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    if isinstance(cause, PermissionError):
        return UnreachableError(f"{shown}: permission denied; let this user near it: {usermod(_user())}")
    if isinstance(cause, FileNotFoundError) and url.startswith("unix:"):
        return UnreachableError(
            f"{shown}: there is no such socket; start the engine (systemctl start docker) or set DOCKER_HOST"
        )
    if isinstance(cause, TimeoutError) or "timed out" in str(cause):
        return UnreachableError(f"{shown}: no answer within {timeout_s:g} s")
    if isinstance(cause, OSError) and cause.errno and cause.strerror:
        transient = cause.errno in (errno.ECONNRESET, errno.EPIPE)
        return UnreachableError(f"{shown}: {cause.strerror.lower()}", transient=transient)
    said = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    return UnreachableError(f"{shown}: {said.replace(url, shown)}")


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"#{os.geteuid()}"
