"""Connects to a Docker engine's API, and says in plain words why that fails."""

from __future__ import annotations

import os
import threading
from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from ...core.errors import AnsweredError, UnreachableError
from ...core.secrets import without_password
from ._why import EngineError, not_an_engines

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

    from ._client import Client

    url = url or os.environ.get("DOCKER_HOST") or DEFAULT_URL
    if url.startswith("ssh://"):
        raise UnreachableError(
            f"DOCKER_HOST is {without_password(url)}; name that machine as [host.NAME], and set on = 'NAME' here"
        )
    try:
        settings = docker.utils.kwargs_from_env(environment=ChainMap({"DOCKER_HOST": url}, os.environ))
        client = Client(url, timeout_s, STREAMS, **settings)
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise _unreachable(url, error) from None
    try:
        yield client
    finally:
        client.close()


class Room:
    """How much may still be kept of answers that come side by side."""

    def __init__(self, most: int) -> None:
        self._left, self._lock = most, threading.Lock()

    def take(self, size: int) -> bool:
        """Take some of it; returns whether there was as much."""
        with self._lock:
            self._left -= size
            return self._left >= 0


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


def _unreachable(url: str, error: Exception) -> UnreachableError:
    """Make the error of what docker's client raised, which wraps ours."""
    shown, cause = without_password(url), error.__cause__
    if isinstance(cause, EngineError):
        kind = AnsweredError if cause.spoke else UnreachableError
        return kind(f"{shown}: {cause}", transient=cause.transient)
    if isinstance(cause, KeyError | TypeError | ValueError | AttributeError) or isinstance(error, ValueError):
        return AnsweredError(f"{shown}: {not_an_engines('/version', cause or error)}")
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return UnreachableError(f"{shown}: {first.replace(url, shown)}")
