"""Connects to a Docker engine's API, and says in plain words why that fails."""

from __future__ import annotations

import errno
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING

from ..secrets import without_password
from ._kind import UnreachableError

if TYPE_CHECKING:
    from docker import APIClient

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
        settings = docker.utils.kwargs_from_env(environment={**os.environ, "DOCKER_HOST": url})
        client = docker.APIClient(**settings, version="auto", timeout=ceil(timeout_s), max_pool_size=STREAMS)
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise _unreachable(url, error, timeout_s) from None
    try:
        yield client
    finally:
        client.close()


def usermod(user: str) -> str:
    """Return how a user is let near the engine's socket."""
    return f"sudo usermod -aG docker {user}, and log in again"


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
