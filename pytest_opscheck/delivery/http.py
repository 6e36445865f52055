"""Sends a little text over HTTP, to whom the inventory names, within a deadline."""

from __future__ import annotations

import base64
import http.client
import threading
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ..core.secrets import without_password
from ..probes._web.redirect import onward, same_server

STEP_S = 4.0
"""How long one step of a request may take: to connect, or to read on."""
LONGEST_S = 10.0
"""How long a request may take in all, however slowly its server answers."""
PASSING = (408, 429, 500, 502, 503, 504)
_SAID = 200


def sent(method: str, url: str, body: bytes, content_type: str) -> tuple[str, bool]:
    """Send a request; returns what is wrong, nothing if all is well, and whether that may pass by itself."""
    outcome: list[tuple[str, bool]] = []

    def send() -> None:
        outcome.append(_sent(method, url, body, content_type))

    thread = threading.Thread(target=send, name="opscheck-outbound", daemon=True)
    thread.start()
    thread.join(LONGEST_S)
    return outcome[0] if outcome else (f"no answer within {LONGEST_S:g} s", False)


def _sent(method: str, url: str, body: bytes, content_type: str) -> tuple[str, bool]:
    try:
        request = _request(method, url, body, content_type)
        with urllib.request.build_opener(_Redirects).open(request, timeout=STEP_S) as answer:
            answer.read(_SAID)
    except _AwayError as error:
        return str(error), False
    except urllib.error.HTTPError as error:
        with error:
            lines = error.read(_SAID).decode("utf-8", "replace").strip().splitlines()
            return f"its server answers {error.code}{': ' + lines[0] if lines else ''}", error.code in PASSING
    except (http.client.InvalidURL, ValueError):  # which quotes parts of the address
        return "its address is not a web address", False
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return f"{getattr(reason, 'strerror', None) or reason or type(reason).__name__}", True
    return "", False


class _AwayError(Exception):
    """A redirect leads away from the server that was meant."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect on the same server: no other one is sent what was meant for this one, its password with it."""

    def redirect_request(  # noqa: PLR0917 - urllib's signature
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        try:
            there = onward(req.full_url, newurl)
        except ValueError:
            raise _AwayError("it redirects to something that is not a web address") from None
        if not same_server(req.full_url, there):
            where = without_password(there)[:_SAID]
            raise _AwayError(f"it redirects to another server, {where}; if that is the one you mean, use its address")
        return super().redirect_request(req, fp, code, msg, headers, there)


def _request(method: str, url: str, body: bytes, content_type: str) -> urllib.request.Request:
    parts = urlsplit(url)
    where, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(  # noqa: S310 - likewise
        urlunsplit((parts.scheme, host, parts.path, parts.query, "")),
        data=body,
        method=method,
        headers={"Content-Type": content_type, "User-Agent": "pytest-opscheck"},
    )
    if where:
        request.add_header("Authorization", "Basic " + base64.b64encode(unquote(where).encode()).decode())
    return request
