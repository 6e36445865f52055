"""Starts pytest out of a process that has imported it already: importing is two thirds of a short run.

The tests start pytest some two thousand times. What runs is the same program in a process of its own, with the folder,
environment, arguments and files that it is given, and it ends as Python does. All that runs share is modules that have
done nothing yet. Tests of starting itself, of signals, of memory and of processes start Python.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import pkgutil
import re
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

_PYTHON = sys.executable
_READ_AT_START = re.compile(r"PYTHON(?!PATH$)\w|LC_|LANG|LD_|MALLOC_")
"""How the names of variables begin that a process reads when it starts, and never again."""


class Run:
    """A run of pytest, with as much of Popen as whoever waits for one needs."""

    stdin = None

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = self._answer()
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, as Popen does. Raises TimeoutExpired."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = self._answer()
            except TimeoutError:
                raise subprocess.TimeoutExpired("pytest", timeout or 0) from None
            self._connection.close()
        return self.returncode

    def _answer(self) -> int:
        words = b""
        while not words.endswith(b"\n"):
            if not (more := self._connection.recv(1)):
                raise RuntimeError("the process that forks is no more")
            words += more
        return int(words)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] = os.environ, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run pytest to its end, with its output kept. Raises TimeoutExpired."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = start(arguments, cwd, env, output.fileno(), errors.fileno())
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, status, output.read().decode(), errors.read().decode())


def start(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], output: int, errors: int
) -> Run | subprocess.Popen[bytes]:
    """Start `python -m pytest`, which reads nothing and prints to two open files.

    It is really started where a test has put another program in Python's place, or changed what Python reads at start.
    """
    server = _server()
    changed = (name for name in {*env, *server.env} if env.get(name) != server.env.get(name))
    if sys.executable != _PYTHON or any(map(_READ_AT_START.match, changed)):
        command = [sys.executable, "-m", "pytest", *arguments]
        return subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
    os.umask(mask := os.umask(0))
    order = {"arguments": [*arguments], "cwd": str(cwd), "env": dict(env), "umask": mask}
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(server.address)
    socket.send_fds(connection, [b"\n"], [output, errors])
    connection.sendall(json.dumps(order).encode() + b"\n")
    return Run(connection)


class _Server:
    """The process that has imported pytest, and forks. It ends when it is told to, or this one is no more."""

    def __init__(self) -> None:
        self.env = dict(os.environ)
        self.address = f"{tempfile.mkdtemp(prefix='preloaded-')}/socket"
        command = [_PYTHON, __file__, self.address]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not (self._process.stdout and self._process.stdout.readline()):
            raise RuntimeError("pytest could not be imported")

    def stop(self) -> None:
        self._process.communicate()


@functools.cache
def _server() -> _Server:
    return _Server()


def stop() -> None:
    """End what `start` forks from, if it has been called."""
    if _server.cache_info().currsize:
        _server().stop()


def _fork_for_each(address: str) -> dict[str, Any]:
    """Fork for whoever connects to that socket; return, in a fork, its order."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            readable, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in readable:
                shutil.rmtree(Path(address).parent)
                sys.exit()
            connection, _ = listener.accept()
            with contextlib.suppress(ChildProcessError):  # there is none
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if os.fork() == 0:
                break
            connection.close()
    with connection:
        _, outputs, _, _ = socket.recv_fds(connection, 1, 2)
        with connection.makefile() as orders:
            order: dict[str, Any] = json.loads(orders.readline())
        if pid := os.fork():
            connection.sendall(f"{pid}\n".encode())
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with contextlib.suppress(BrokenPipeError):  # who waited is gone
                connection.sendall(f"{status}\n".encode())
            os._exit(0)
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), *outputs)):
        os.dup2(file, number)
        os.close(file)
    return order


def _import() -> None:
    """Import what runs of checks need, also that which one of them loads only where a target asks for it."""
    from _pytest import config
    from _pytest.assertion.rewrite import AssertionRewritingHook

    from pytest_opscheck import probes

    # It warns of plugins that stand here before pytest could rewrite their assertions.
    AssertionRewritingHook._warn_already_imported = lambda *_: None  # type: ignore[method-assign]
    for name in config.default_plugins:
        import_module(f"_pytest.{name}")
    left_out = os.environ.get("PYTEST_ADDOPTS", "")
    for plugin in entry_points(group="pytest11"):
        if f"no:{plugin.name}" not in left_out:
            plugin.load()
    for name in ("session.session", "session.reporter", "history", "reports.page", "reports.status"):
        import_module(f"pytest_opscheck.{name}")
    for kind in pkgutil.iter_modules(probes.__path__, f"{probes.__name__}."):
        import_module(kind.name)
    for library in ("cryptography.x509", "docker", "jinja2", "psycopg", "redis", "requests", "sqlite3", "testinfra"):
        import_module(library)
    gc.collect()
    gc.freeze()


def _main() -> None:
    _import()
    paths = sys.path[1:]  # the first one is the folder of this file
    order = _fork_for_each(sys.argv[1])
    os.umask(order["umask"])
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    sys.path[:] = [order["cwd"], *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *paths]
    sys.modules["xdist.plugin"].__dict__["_sys_path"][:] = sys.path  # what it has kept for its workers
    sys.argv[:] = ["pytest", *order["arguments"]]
    sys.orig_argv[:] = [sys.executable, "-m", *sys.argv]


if __name__ == "__main__":
    _main()
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
