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

from .processes import answers, free_port, program, running, wait_until

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

    def secure(self, file: Path) -> None:
        """Switch TLS on, with the certificate and key in that file, and wait until it is."""
        shutil.chown(file, self.folder.owner(), self.folder.group())
        file.chmod(0o600)
        settings = {"ssl_cert_file": file, "ssl_key_file": file, "ssl": "on"}
        changes = [f"alter system set {name} = '{value}'" for name, value in settings.items()]
        self.execute(*changes, "select pg_reload_conf()")
        wait_until(self._takes_tls, "TLS")

    def _takes_tls(self) -> bool:
        with self.connect() as connection:
            return connection.execute("show ssl").fetchone() == ("on",)

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
def cluster(*initdb: str) -> Iterator[Path]:
    """Make a database cluster, and take it away again; yields the folder in which its `data` lies."""
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
        _as_server([*made, "--no-sync", "-E", "UTF8", "--locale=C", *initdb], folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(folder: Path, *settings: str, data: str = "data") -> Iterator[Postgres]:
    """Run a server on a cluster while the block lasts; `settings` are those of postgresql.conf, as `name=value`."""
    port = free_port()
    command = [postgres_program("postgres"), "-D", str(folder / data), "-p", str(port), *_options(folder, settings)]
    with running(command, log=folder / "server.log", cwd=folder, user=_server_user()) as process:
        server = Postgres(port, folder, process)
        wait_until(lambda: _accepts(server), "postgres")
        yield server


@contextmanager
def postgres(*settings: str) -> Iterator[Postgres]:
    """Run a server of its own while the block lasts."""
    with cluster() as folder, serving(folder, *settings) as server:
        yield server


@contextmanager
def standby(primary: Postgres) -> Iterator[Postgres]:
    """Run a standby that streams from a server while the block lasts."""
    data = f"standby-{free_port()}"
    made = [postgres_program("pg_basebackup"), "-D", str(primary.folder / data), "-d", primary.dsn()]
    _as_server([*made, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"], primary.folder)
    with serving(primary.folder, data=data) as server:
        yield server


@contextmanager
def pgbouncer(server: Postgres, pool_mode: str) -> Iterator[Postgres]:
    """Run PgBouncer in front of a server while the block lasts; yields the server as it is seen through it."""
    port, folder = free_port(), server.folder / f"pgbouncer-{pool_mode}"
    folder.mkdir()
    with server.connect() as connection:
        users = connection.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin").fetchall()
    (folder / "users.txt").write_text("".join(f'"{name}" "{PASSWORD}"\n' for (name,) in users), encoding="utf-8")
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {folder}/users.txt\n"
        f"pool_mode = {pool_mode}\ndefault_pool_size = 1\n",
        encoding="utf-8",
    )
    command = [program("pgbouncer"), str(folder / "pgbouncer.ini")]
    with running(command, log=folder / "pgbouncer.log", cwd=folder, user=_server_user()) as process:
        pooled = Postgres(port, folder, process)
        wait_until(lambda: answers(port), "pgbouncer")
        yield pooled


def _as_server(command: Sequence[str], folder: Path) -> None:
    """Run a program to its end as the user who runs the server."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, user=_server_user(), cwd=folder)
    assert done.returncode == 0, done.stderr


def _options(folder: Path, settings: Sequence[str]) -> list[str]:
    fixed = [f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1", "fsync=off", "max_worker_processes=4"]
    return [word for setting in (*fixed, *settings) for word in ("-c", setting)]


def _accepts(server: Postgres) -> bool:
    try:
        server.connect().close()
    except psycopg.OperationalError:
        return False
    return True
