"""Why a storage can't be listed, in words: of what fsspec's filesystems and the libraries under them raise."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator

from .._wire import tls_failure

_LONGEST = 120
_WORDS: tuple[tuple[str, tuple[str, ...], tuple[type[BaseException], ...]], ...] = (
    ("its name can't be resolved", ("ClientConnectorDNSError",), (socket.gaierror,)),
    (
        "what answers there does not speak the storage's protocol",
        ("BadStatusLine", "BadHttpMessage", "ResponseParserError", "LineTooLong", "TransferEncodingError"),
        (),
    ),
    (
        "the connection was closed before an answer came",
        ("ServerDisconnectedError", "ConnectionClosedError", "ClientPayloadError", "IncompleteBody"),
        (ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
    ),
    ("no answer in time", ("ReadTimeoutError", "ConnectTimeoutError", "ServerTimeoutError"), (TimeoutError,)),
)
"""What is said of the errors of libraries, by name, and of Python's own."""
_UNREACHED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
_NETWORK = "see the endpoint in `options`, and whether it is reached from here"
_RIGHTS = "check the bucket's name, `options`, and that the credentials here can list it"


def why(error: BaseException) -> str:
    """Return why, and what to do."""
    causes = list(_causes(error))
    if reason := next((str(cause) for cause in causes if type(cause).__name__ == "ListingError"), None):
        return reason if ";" in reason else f"{reason}; {_NETWORK}"
    for cause in causes:
        if reason := _of_network(cause):
            return f"{reason}; {_NETWORK}"
    return f"{_words(error)}; {_RIGHTS}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of, the first cause first."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            kept = getattr(each, "kwargs", {})  # botocore's errors hold there what they came of
            within = kept.get("error") if isinstance(kept, dict) else None
            waiting += [within, getattr(each, "os_error", None), each.__cause__, each.__context__]
    return reversed(found)


def _of_network(error: BaseException) -> str | None:
    """Return what is wrong with the way to the storage, or with what answers there; None where it is neither."""
    name = type(error).__name__
    if isinstance(error, ssl.SSLError):
        return tls_failure(error)
    found = next((words for words, names, kinds in _WORDS if name in names or isinstance(error, kinds)), None)
    if found is None and isinstance(error, OSError) and error.errno in _UNREACHED:
        return os.strerror(error.errno).lower()
    return found


def _words(error: BaseException) -> str:
    """Return a storage's own words, or what sort of error there was."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = reason.strip().splitlines() or ["it gives no reason"]
    return lines[0][:_LONGEST]
