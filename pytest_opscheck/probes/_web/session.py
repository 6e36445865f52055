"""The session of requests under every web client: connections that a deadline watches, and TLS as this machine trusts.

Of the environment it takes the proxies alone: never a password out of ~/.netrc, nor another file of CA certificates.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from functools import cached_property
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

from ...core.errors import UnknownError
from .._environ import steady
from .._wire import Deadline, distrusting, trusting
from .head import Response


class Watch(Protocol):
    """What ends the connections of a request when its time is over."""

    def watch(self, sock: socket.socket) -> None:
        """End this connection too."""

    def handshake(self, sock: socket.socket) -> contextlib.AbstractContextManager[None]:
        """Watch a connection while TLS takes its socket over."""


class Session(requests.Session):
    """A session that sends one request at a time: who follows a redirect decides what goes there.

    `opened` counts the connections that were made.
    """

    opened = 0

    def __init__(self, deadline: Deadline, verify: bool | str) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.clear()
        self.cookies.set_policy(_Cookies())
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._opened, deadline, verify))

    def ask(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send one request, through the proxy that the environment names; the body is not read yet."""
        proxies = steady(lambda: get_environ_proxies(url))
        return self.request(method, url, allow_redirects=False, stream=True, proxies=proxies, **options)

    def _opened(self) -> None:
        self.opened += 1

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - requests' signature
        """Look for none: requests would read the whole body of a redirect, however long it is."""
        return


class _Cookies(DefaultCookiePolicy):
    """Sends a cookie back to the server that set it, and not to another one on the same machine: by the port, too."""

    def set_ok(self, cookie: Cookie, request: Any) -> bool:
        # In the words in which the standard library compares it, which are those of http for https as well.
        cookie.port = str(urlsplit(request.get_full_url()).port or 80)
        return super().set_ok(cookie, request)


class _Adapter(HTTPAdapter):
    """requests' way to the network, on urllib3's pools of watched connections."""

    def __init__(self, opened: Callable[[], None], deadline: Deadline, verify: bool | str) -> None:
        self._pools = watched_pools(opened, deadline)
        self._verify = verify
        super().__init__(max_retries=Retry(False))  # which leaves urllib3's errors as they are

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return distrusting() if self._verify is False else trusting(self._verify)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        if proxy.lower().startswith("socks"):
            raise UnknownError("the environment names a SOCKS proxy; name an HTTP proxy, or set NO_PROXY")
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context} if host["scheme"] == "https" else {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave that to the context: requests would add the CA certificates that it carries itself."""


def watched_pools(opened: Callable[[], None], deadline: Watch, answer: type[Response] = Response) -> Any:
    """Return urllib3's pools with connections that the deadline watches; each says that it was opened."""

    class Plain(HTTPConnection):
        response_class = answer

        def connect(self) -> None:
            opened()
            super().connect()
            deadline.watch(self.sock)

        def getresponse(self) -> Any:
            deadline.watch(self.sock)
            return super().getresponse()

    class Secure(HTTPSConnection):
        response_class = answer

        def connect(self) -> None:
            opened()
            with contextlib.ExitStack() as stack:
                self._during = stack
                super().connect()
            deadline.watch(self.sock)
            # Not to verify is the inventory's word. urllib3 would warn of it, and in a test run warnings may be errors.
            self.is_verified = True

        def getresponse(self) -> Any:
            deadline.watch(self.sock)
            return super().getresponse()

        def _new_conn(self) -> socket.socket:
            sock = super()._new_conn()
            sock.settimeout(None)  # the deadline ends the handshake; the time for connecting is shorter
            self._during.enter_context(deadline.handshake(sock))
            return sock

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
