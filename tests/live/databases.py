"""A real PostgreSQL server for live tests, started in a folder of its own by a user who may run one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from .processes import free_port, program, running, wait_until

PASSWORD = "Pg-canary-7Qx"
_NEWEST_FIRST = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


def postgres_program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, which Debian keeps out of the way."""
    return program(name, *_NEWEST_FIRST)


@dataclass(frozen=True)
class Postgres:
    """A running server; its superuser is `admin`."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def dsn(self, user: str = "admin", database: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def connect(self, user: str = "admin", **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn(user), connect_timeout=5, **options)

    def execute(self, *statements: str) -> None:
        with self.connect(autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8")


def _server_user() -> str | None:
    """Return who runs the server: root may not."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


@contextmanager
def postgres(*settings: str) -> Iterator[Postgres]:
    """Run a server while the block lasts; `settings` are those of postgresql.conf, as `name=value`."""
    user = _server_user()
    # Not in tmp_path: there the server's user could not look into the folders above its own.
    folder = Path(tempfile.mkdtemp(prefix="opscheck-postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        data = folder / "data"
        made = [postgres_program("initdb"), "-D", str(data), "-U", "admin", "-A", "scram-sha-256", f"--pwfile={secret}"]
        subprocess.run(
            [*made, "--no-sync", "-E", "UTF8", "--locale=C"], check=True, capture_output=True, user=user, cwd=folder
        )
        port = free_port()
        command = [postgres_program("postgres"), "-D", str(data), "-p", str(port), *_options(folder, settings)]
        with running(command, log=folder / "server.log", cwd=folder, user=user) as process:
            server = Postgres(port, folder, process)
            wait_until(lambda: _accepts(server), "postgres")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(folder: Path, settings: Sequence[str]) -> list[str]:
    fixed = [f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1", "fsync=off", "max_worker_processes=4"]
    return [word for setting in (*fixed, *settings) for word in ("-c", setting)]


def _accepts(server: Postgres) -> bool:
    try:
        server.connect().close()
    except psycopg.OperationalError:
        return False
    return True
