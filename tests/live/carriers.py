"""Brokers, workers and runs through them, for live tests of what carries a run in parts."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from .processes import answers, free_port, program, running, wait_until

KEY = "a-key-for-tests-of-forty-characters-long"
OPSCHECK = Path(sys.executable).with_name("opscheck")
_NUMBERS = itertools.count()


@dataclass
class Redis:
    """A Redis server that can be killed, and started again with nothing in it."""

    folder: Path
    port: int = field(default_factory=free_port)
    bind: tuple[str, ...] = ("127.0.0.1",)
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def url(self, host: str = "127.0.0.1") -> str:
        return f"redis://{host}:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port)

    def start(self) -> None:
        command = [program("redis-server"), "--port", str(self.port), "--save", "", "--dir", str(self.folder)]
        command += ["--bind", *self.bind, "--protected-mode", "no", *self.options]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: answers(self.port), "redis-server")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def broker(folder: Path, *bind: str, options: Sequence[str] = ()) -> Iterator[Redis]:
    folder.mkdir(parents=True, exist_ok=True)
    made = Redis(folder, bind=("127.0.0.1", *bind), options=tuple(options))
    made.start()
    try:
        yield made
    finally:
        made.kill()


def environment(url: str, **others: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPSCHECK_")}
    return {**kept, "OPSCHECK_BROKER": url, "OPSCHECK_KEY": KEY, **others}


@dataclass
class Started:
    """A process of ours, and what it prints."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 30) -> None:
        try:
            wait_until(lambda: text in self.said or self.process.poll() is not None, f"{text!r}", seconds)
            if text not in self.said:
                pytest.fail(f"it ended without {text!r}", pytrace=False)
        except pytest.fail.Exception as error:
            pytest.fail(f"{error}; it said:\n{self.said}", pytrace=False)

    def ended(self, seconds: float = 120) -> int:
        return self.process.wait(seconds)


@contextlib.contextmanager
def worker(
    folder: Path, url: str, vantage: str, *, within: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> Iterator[Started]:
    """Run a worker while the block lasts, and wait until it waits for parts.

    within: the beginning of its command, as of one that puts it into another network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"worker-{vantage}-{next(_NUMBERS)}.log"
    command = [*within, str(OPSCHECK), "worker", "--from", vantage]
    with running(command, log=log, cwd=folder, env=environment(url, **(env or {}))) as process:
        made = Started(process, log)
        made.wait_for("waits for parts from")
        yield made


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Have a process stand still while the block lasts."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@dataclass
class Checks:
    """A project with an inventory, of which runs are started through a broker."""

    folder: Path
    url: str
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, url: str, inventory: str, **env: str) -> Checks:
        folder.mkdir(parents=True)
        (folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        return cls(folder, url, env)

    @contextlib.contextmanager
    def started(self, *arguments: str, suite: str = "daily") -> Iterator[Started]:
        """Start a run, which is ended with the block."""
        log = self.folder / f"run-{next(_NUMBERS)}.log"
        command = [str(OPSCHECK), "run", suite, "--through", "celery", *arguments]
        with running(command, log=log, cwd=self.folder, env=environment(self.url, **self.env)) as process:
            yield Started(process, log)

    def run(self, *arguments: str, suite: str = "daily") -> Started:
        """Run a suite to its end."""
        with self.started(*arguments, suite=suite) as made:
            made.ended()
        return made

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(OPSCHECK), *words],
            cwd=self.folder,
            env=environment(self.url, **self.env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def results(self, suite: str = "daily") -> dict[str, dict[str, Any]]:
        """Return the results of the newest run, by their ids."""
        run = json.loads((self.folder / f"reports/{suite}/latest.json").read_text(encoding="utf-8"))
        return {result["id"]: result for result in run["results"]}

    def verdicts(self, suite: str = "daily") -> dict[str, str]:
        return {name: result["verdict"] for name, result in self.results(suite).items()}


@dataclass(frozen=True)
class Network:
    """Another network: what is in it reaches this machine at `gateway`, and this machine reaches nothing of it."""

    name: str
    gateway: str

    @property
    def within(self) -> list[str]:
        return [program("ip"), "netns", "exec", self.name]


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """Make a network namespace with one cable to this machine; its own loopback is nobody else's."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace")
    number = os.getpid() % 60000 + next(_NUMBERS)
    name, link = f"opscheck-{number}", f"ops{number}"
    octets = f"10.213.{number % 250 + 1}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", f"{link}a", "type", "veth", "peer", "name", f"{link}b", "netns", name)
        _ip("addr", "add", f"{octets}.1/30", "dev", f"{link}a")
        _ip("link", "set", f"{link}a", "up")
        _ip("-n", name, "addr", "add", f"{octets}.2/30", "dev", f"{link}b")
        _ip("-n", name, "link", "set", f"{link}b", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Network(name, f"{octets}.1")
    finally:
        _ip("netns", "del", name)


def _ip(*words: str) -> None:
    done = subprocess.run([program("ip"), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"ip {' '.join(words)}: {done.stderr}", pytrace=False)


def kill(started: Started) -> None:
    """Kill a worker itself, and nothing that it has started."""
    started.process.send_signal(signal.SIGKILL)
    started.process.wait()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, and of whose end it has not taken note."""
    return [int(word) for file in Path(f"/proc/{pid}/task").glob("*/children") for word in file.read_text().split()]
