"""A distribution as others would write it, beside ours: the wheel where that is installed (.ci/run), else its files.

Nothing here needs anything else of the repository.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

collect_ignore = ["pytest-opscheck-ntp"]
SOURCES = Path(__file__).parent / "pytest-opscheck-ntp"
NAME = "pytest-opscheck-ntp"
EPOCH_S = 2_208_988_800


def distribution(folder: Path, name: str, points: dict[str, dict[str, str]], version: str = "1.0") -> Path:
    """Write what an installer leaves of a distribution beside its files; returns the folder, for PYTHONPATH."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = (
        "\n".join([f"[{group}]", *(f"{key} = {value}" for key, value in each.items())])
        for group, each in points.items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups) + "\n")
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Return the folder in which the distribution is, None where the wheel is installed."""
    try:
        importlib.metadata.distribution(NAME)
    except importlib.metadata.PackageNotFoundError:
        folder = tmp_path_factory.mktemp("site")
        shutil.copytree(SOURCES / "pytest_opscheck_ntp", folder / "pytest_opscheck_ntp")
        project = tomllib.loads((SOURCES / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return distribution(folder, NAME, project["entry-points"])
    return None


@dataclass
class Project:
    """A folder with an inventory, and what runs there."""

    folder: Path
    path: list[Path] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, inventory: str, **files: str) -> None:
        """Write the inventory and other files; `test_own` is a module."""
        (self.folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text, encoding="utf-8")

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command there, which finds the distribution."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        if self.path:
            environment["PYTHONPATH"] = os.pathsep.join(map(str, self.path))
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run pytest there."""
        return self.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments)

    def opscheck(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command there."""
        return self.run(Path(sys.executable).with_name("opscheck"), *arguments)

    def document(self, suite: str = "daily") -> dict[str, Any]:
        """Return the newest results of a suite."""
        document: dict[str, Any] = json.loads((self.folder / "reports" / suite / "latest.json").read_text())
        return document

    def verdicts(self, suite: str = "daily") -> dict[str, str]:
        """Return the newest verdicts of a suite, by result id."""
        return {result["id"]: result["verdict"] for result in self.document(suite)["results"]}


@pytest.fixture
def project(tmp_path: Path, installed: Path | None) -> Project:
    """Return a folder beside which the distribution is installed."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, [installed] if installed is not None else [])


@dataclass
class Ntp:
    """A small SNTP server: it answers a question with the time, where it has a key only one that is signed with it."""

    udp: socket.socket
    ahead_s: float = 0.0
    stratum: int = 2
    key: str | None = None
    silent: bool = False
    ended: bool = False
    asked: int = 0

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.udp.getsockname()[1]}"

    def serve(self) -> None:
        """Answer until it is ended."""
        while not self.ended:
            with contextlib.suppress(TimeoutError):
                request, client = self.udp.recvfrom(1024)
                self.asked += 1
                if not self.silent and self._is_signed(request):
                    self.udp.sendto(self._answer(request), client)

    def _is_signed(self, request: bytes) -> bool:
        if self.key is None:
            return True
        return request[52:] == hashlib.sha1(self.key.encode() + request[:48], usedforsecurity=False).digest()

    def _answer(self, request: bytes) -> bytes:
        now = time.time() + self.ahead_s
        stamp = struct.pack("!II", int(now) + EPOCH_S, int(now % 1 * 2**32))
        head = struct.pack("!BBbb", 4 << 3 | 4, self.stratum, 6, -20)
        return head + bytes(12) + stamp + request[40:48] + stamp + stamp


@pytest.fixture
def ntp() -> Iterator[Ntp]:
    """Serve the time on a free port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.1)
        server = Ntp(udp)
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield server
        server.ended = True
        thread.join()
