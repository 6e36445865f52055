"""The commands that docs/fleets.md shows write lists that a source reads."""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import threading
from pathlib import Path

from pytest_opscheck.inventory.lists import items

PAGE = Path(__file__).parent.parent.parent / "docs" / "fleets.md"


def command(word: str) -> str:
    """Return a command of the page, by a word of the comment above it."""
    found = re.search(rf"^# {word}.*\n(.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def names(folder: Path, line: str, made: str, **environment: str) -> set[str]:
    """Run a command; returns which hosts the list has that it wrote."""
    (folder / "sd").mkdir()
    subprocess.run(["sh", "-euc", line], check=True, cwd=folder, env={**os.environ, **environment}, timeout=60)
    found = items((folder / "sd" / made).read_bytes(), "prometheus")
    return {item.fields["__host__"] for item in found}


def test_hosts_of_ssh(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host web1\n  HostName 10.0.0.1\nHost *.x\nHost web2\n", encoding="utf-8")
    assert names(tmp_path, command("ssh"), "ssh.json", HOME=str(tmp_path)) == {"web1", "web2"}


def test_a_server_of_http_sd(tmp_path: Path) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'[{"targets": ["web1:9100"], "labels": {"env": "prod"}}]')

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        line = command("Prometheus").replace("https://sd.example.com", f"http://127.0.0.1:{server.server_port}")
        assert names(tmp_path, line, "http.json") == {"web1"}
