"""The demo shop's API: orders over HTTPS, its health in two depths, and metrics on an internal port.

Run as `python -m pytest_opscheck.demo.api --port 8443 --metrics-port 9100 --certificate server.pem`. Its database and
its cache are what SHOP_DATABASE_URL and REDIS_URL name; it does without either.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import ssl
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

VERSION = "2.4.1"
_log = logging.getLogger("shop")
_CACHED_S = 600


class Shop:
    """Orders from the database, by way of the cache."""

    def __init__(self, *, maintenance: bool, delay_s: float) -> None:
        self.maintenance = maintenance
        self.delay_s = delay_s
        self.dsn = os.environ.get("SHOP_DATABASE_URL")
        self.cache = self._cache(os.environ.get("REDIS_URL"))
        self.registry = CollectorRegistry()
        self.requests = Counter("shop_requests", "Answers by HTTP status", ["status"], registry=self.registry)
        self.seconds = Histogram("shop_request_seconds", "Time to an answer", registry=self.registry)
        Gauge("shop_start_time_seconds", "When it started", registry=self.registry).set_to_current_time()
        for status in (200, 404, 500, 503):
            self.requests.labels(status)

    @staticmethod
    def _cache(url: str | None) -> Any:
        if url is None:
            return None
        import redis

        return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)

    def answer(self, path: str) -> tuple[HTTPStatus, dict[str, Any]]:
        """Return the answer to GET."""
        if path == "/health":
            if self.maintenance:
                return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "maintenance"}
            return HTTPStatus.OK, {"status": "ok"}
        if path == "/health/detailed":
            return self._health()
        if path.startswith("/orders/"):
            return self._order(int(path.removeprefix("/orders/")))
        return HTTPStatus.NOT_FOUND, {"error": "there is no such page"}

    def _health(self) -> tuple[HTTPStatus, dict[str, Any]]:
        services = {"api": "in maintenance" if self.maintenance else "healthy"}
        if self.dsn is not None:
            services["database"] = self._is_well(lambda: self._select("select 1"))
        if self.cache is not None:
            services["cache"] = self._is_well(self.cache.ping)
        well = all(state == "healthy" for state in services.values())
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        return status, {"status": "healthy" if well else "unhealthy", "version": VERSION, "services": services}

    @staticmethod
    def _is_well(ask: Any) -> str:
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - whatever the library raises, the service is not well
            _log.warning("health: %s", type(error).__name__)
            return "unhealthy"
        return "healthy"

    def _order(self, number: int) -> tuple[HTTPStatus, dict[str, Any]]:
        key = f"order:{number}"
        if self.cache is not None and (found := self.cache.get(key)):
            return HTTPStatus.OK, json.loads(found)
        row = (number, "new", 0)
        if self.dsn is not None:
            row = self._select("select id, status, total_cents from orders where id = %s", (number,))
        if row is None:
            return HTTPStatus.NOT_FOUND, {"error": "there is no such order"}
        order = dict(zip(("id", "status", "total_cents"), row, strict=True))
        if self.cache is not None:
            self.cache.set(key, json.dumps(order), ex=_CACHED_S)
        return HTTPStatus.OK, order

    def _select(self, sql: str, params: tuple[int, ...] = ()) -> Any:
        import psycopg

        with psycopg.connect(self.dsn or "", connect_timeout=2) as connection:
            return connection.execute(sql, params).fetchone()


class Handler(BaseHTTPRequestHandler):
    """Answers GET in JSON, and counts and logs what it answers."""

    protocol_version = "HTTP/1.1"
    server_version = f"shop/{VERSION}"
    timeout = 30
    shop: Shop

    def setup(self) -> None:
        """Shake hands in the connection's own thread, so that a client that does not costs the others nothing."""
        super().setup()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()

    def do_GET(self) -> None:
        """Answer; an exception is logged and answered with 500."""
        started = time.monotonic()
        time.sleep(self.shop.delay_s)
        try:
            status, body = self.shop.answer(self.path)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets its answer and the log its lines
            _log.exception("GET %s", self.path)
            status, body = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "an internal error"}
        content = json.dumps(body).encode()
        self.shop.requests.labels(status.value).inc()
        self.shop.seconds.observe(time.monotonic() - started)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in http.server
        """Log a request."""
        _log.info(format, *args)


class Server(ThreadingHTTPServer):
    """An HTTPS server that says in one line what was wrong with a connection, and goes on."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the names in socketserver
        """Say what a client did; a scanner that hangs up in the handshake is not an error of ours."""
        import sys

        _log.info("a connection broke off: %s", type(sys.exception()).__name__)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--metrics-port", type=int, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--certificate")
    parser.add_argument("--log")
    parser.add_argument("--maintenance", action="store_true")
    parser.add_argument("--delay-s", type=float, default=0.0)
    options = parser.parse_args()
    line = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(filename=options.log, level=logging.INFO, format=line)
    Handler.shop = Shop(maintenance=options.maintenance, delay_s=options.delay_s)
    start_http_server(options.metrics_port, addr=options.address, registry=Handler.shop.registry)
    server = Server((options.address, options.port), Handler)
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    _log.info("listening on port %d", options.port)
    server.serve_forever()


if __name__ == "__main__":
    main()
