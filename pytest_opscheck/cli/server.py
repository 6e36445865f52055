"""A web server that shows the status page as it is now, and the reports of runs; it changes nothing."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_REPORT = re.compile(r"(?:latest|\d{4}-\d\d-\d\dT\d{6}(?:-\d+)?)\.(?P<suffix>html|json|xml)")
_TYPES = {"html": "text/html", "json": "application/json", "xml": "application/xml"}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MOST_AT_ONCE = 64
_SILENT_S = 10.0
"""How long somebody may take to say what he wants, or to take what he gets."""
_FRESH_S = 2.0
"""So long a page is given again: many who look ask the history once."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NO_MORE_THAN_TEXT = "default-src 'none'; sandbox"

Page = tuple[HTTPStatus, bytes]


class Server(ThreadingHTTPServer):
    """Serves the live page and what is in the folders of suites. With a token, nobody without it sees anything.

    live: makes the page.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], reports: Path, live: Callable[[], Page], token: str | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.reports = reports
        self.token = token
        self._live = live
        self._lock = threading.Lock()
        self._made: tuple[float, Page] | None = None
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)
        super().__init__(address, _Handler)

    def page(self) -> Page:
        """Return the live page, which is made by one at a time."""
        with self._lock:
            if self._made is None or time.monotonic() - self._made[0] > _FRESH_S:
                self._made = (time.monotonic(), self._live())
            return self._made[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve somebody, unless there are too many others."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve somebody, in a thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let those who hang up be."""


class _Handler(BaseHTTPRequestHandler):
    """One request. Only GET and HEAD are known."""

    server: Server
    timeout = _SILENT_S

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self._answer()

    def version_string(self) -> str:
        """Say no more of this machine than has to be."""
        return "opscheck"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse, in plain text, in which nothing is repeated of what was asked."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self._send(status, "text/plain", f"{status.value} {status.phrase}\n".encode(), _NO_MORE_THAN_TEXT)

    def _answer(self) -> None:
        if not self._is_for_us():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        if not self._is_allowed():
            self.send_error(HTTPStatus.UNAUTHORIZED)
            return
        path = unquote(urlsplit(self.path).path, errors="replace")
        if path in ("/", "/index.html"):
            status, made = self.server.page()
            self._send(status, "text/html", made, "frame-ancestors 'none'")
        else:
            self._send_report(path)

    def _send_report(self, path: str) -> None:
        """Send a report of a suite: nothing else is in sight, wherever a path or a link leads."""
        file = _report(self.server.reports, path)
        try:
            content = file.read_bytes() if file is not None else None
        except OSError:
            content = None
        if file is None or content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        policy = "frame-ancestors 'none'" if file.suffix == ".html" else _NO_MORE_THAN_TEXT
        self._send(HTTPStatus.OK, _TYPES[file.suffix[1:]], content, policy)

    def _send(self, status: HTTPStatus, kind: str, body: bytes, policy: str) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Security-Policy": policy}.items():
            self.send_header(name, value)
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="opscheck", charset="UTF-8"')
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _is_for_us(self) -> bool:
        """Tell whether it is this machine that was asked for: a name of somebody else may lead here, too.

        Where there is a token, that is what tells.
        """
        if self.server.token is not None:
            return True
        try:
            return urlsplit(f"//{self.headers.get('Host', '')}").hostname in _LOOPBACK
        except ValueError:
            return False

    def _is_allowed(self) -> bool:
        token = self.server.token
        if token is None:
            return True
        way, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if way.lower() == "basic":
            try:
                credentials = base64.b64decode(credentials, validate=True).decode("utf-8", "replace").partition(":")[2]
            except binascii.Error:
                return False
        return hmac.compare_digest(
            credentials.encode("utf-8", "surrogateescape"), token.encode("utf-8", "surrogateescape")
        )


def _report(reports: Path, path: str) -> Path | None:
    """Return the report that a path names, None where it names none of a suite's."""
    suite, _, name = path.removeprefix("/").partition("/")
    if "\0" in path or not re.fullmatch(r"\w+(?:\+\w+)*", suite) or not _REPORT.fullmatch(name):
        return None
    file = (reports / suite / name).resolve()
    return file if file.is_relative_to(reports.resolve()) and file.is_file() and _REPORT.fullmatch(file.name) else None
