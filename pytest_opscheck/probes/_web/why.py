"""Why a request got no answer to judge, in words without addresses."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from .._wire import tls_failure
from .head import HeadError, NotHttpError


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, whether another attempt may well go right, and whether there was an answer of HTTP."""

    text: str
    transient: bool = False
    spoke: bool = False


def why(error: BaseException, timeout_s: float, *, over: bool) -> Failure:
    """Say why a request failed. `over` says that the time that it may take has ended it."""
    import requests
    import urllib3.exceptions as wrong

    if isinstance(error, requests.RequestException) and isinstance(next(iter(error.args), None), Exception):
        error = error.args[0]  # what urllib3 raised
    causes = [cause for cause in (error, *error.args, error.__cause__) if isinstance(cause, BaseException)]
    head = next((cause for cause in causes if isinstance(cause, HeadError)), None)
    if head is not None:
        late = over or isinstance(head.__cause__, TimeoutError)
        return Failure(
            f"the head of its answer was not whole within {timeout_s:g} s" if late else str(head), spoke=True
        )
    inner = next((cause for cause in causes[1:] if isinstance(cause, OSError)), None)
    if over or isinstance(error, wrong.ReadTimeoutError):
        return Failure(f"no answer within {timeout_s:g} s")
    if isinstance(inner, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        return Failure("the connection was closed before an answer came", transient=True)
    if other := next((cause for cause in causes if isinstance(cause, NotHttpError)), None):
        return Failure(str(other))
    return Failure(_words(error, inner, timeout_s))


def _words(error: BaseException, inner: OSError | None, timeout_s: float) -> str:
    import urllib3.exceptions as wrong

    match error:
        case wrong.NameResolutionError():
            return "its name can't be resolved"
        case wrong.ConnectTimeoutError() if not isinstance(error, wrong.NewConnectionError):
            return f"no connection within {timeout_s / 2:g} s"
        case wrong.ProxyError():
            return f"through the proxy: {why(error.original_error, timeout_s, over=False).text}"
        case wrong.SSLError() | ssl.SSLError():
            return tls_failure(inner or error)
        case wrong.ProtocolError():
            return "what answers there does not speak HTTP"
        case _:
            return inner.strerror.lower() if inner is not None and inner.strerror else "the address can't be used"
