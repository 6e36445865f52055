"""A small HTTP server that keeps what it is sent, and answers as it is told."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came: method, path and body of each request. `statuses` are those of the next answers, then 200."""

    url: str = ""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    delay_s: float = 0.0


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Serve on a free port of the loopback interface while the block lasts."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            kept.requests.append((self.command, self.path, body))
            kept.headers.append(dict(self.headers))
            time.sleep(kept.delay_s)
            self.send_response(kept.statuses.pop(0) if kept.statuses else 200)
            self.end_headers()
            self.wfile.write(b"OK")

        do_GET = do_POST = do_PUT = do_HEAD = _take  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
