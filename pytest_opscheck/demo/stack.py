"""The demo's shop: an API, PostgreSQL, Redis, a Celery worker, a backup and a log, each the real program."""

from __future__ import annotations

import datetime as dt
import importlib.util
import secrets
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from .certificates import Authority
from .processes import DemoError, Processes, as_user, environment, find, free_port, listens, tail, unprivileged

_ORDERS = 200
_READ = 20
_ROUNDS = 5
_JOBS = 10
_AT_ONCE = 8
_SCHEMA = """
create table orders (id serial primary key, status text not null, total_cents int not null);
create table jobs (id serial primary key, status text not null, created_at timestamptz not null default now());
insert into orders (status, total_cents) select 'paid', 1000 + 7 * n from generate_series(1, {orders}) n;
insert into jobs (status) select 'waiting' from generate_series(1, {jobs}) n;
create role watch login password '{watch}' in role pg_read_all_data, pg_monitor;
"""


@dataclass
class Stack:
    """The shop, in a folder of its own. `missing` says what this machine does not have, and how to install it."""

    folder: Path
    processes: Processes = field(default_factory=Processes)
    missing: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=lambda: dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"))

    def __post_init__(self) -> None:
        self.password = secrets.token_urlsafe(12)
        self.watch_password = secrets.token_urlsafe(12)
        self.ports = {name: free_port() for name in ("api", "metrics", "postgres", "redis")}
        self.authority = Authority.make(self.folder)
        self.backups = self.folder / "backups"
        self.log = self.folder / "api.log"
        self.backups.mkdir()
        self.api_options: list[str] = []
        self.expired = False
        # PostgreSQL may run as another user, who has to pass through.
        self.folder.chmod(0o711)
        for part, programs in (("postgres", ("initdb", "postgres", "pg_dump")), ("redis", ("redis-server",))):
            if lacking := [program for program in programs if find(program) is None]:
                package = "postgresql" if part == "postgres" else "redis-server"
                self.missing[part] = f"{', '.join(lacking)} not found; on Debian: apt-get install {package}"
        if importlib.util.find_spec("celery") is None:
            self.missing["celery"] = "its package is not installed; pip install 'pytest-opscheck[demo]'"

    def has(self, part: str) -> bool:
        """Tell whether a part of the shop runs here; the worker and the backup stand on others."""
        base = {"celery": "redis", "backup": "postgres", "jobs": "postgres"}.get(part, part)
        return self.missing.keys().isdisjoint((part, base))

    def parts(self) -> list[str]:
        """Return what runs, in words."""
        words = ["an API over TLS"]
        words += ["PostgreSQL with a backup"] if self.has("postgres") else []
        words += ["Redis"] if self.has("redis") else []
        words += ["a Celery worker"] if self.has("celery") else []
        return words

    # Starting

    def start(self) -> None:
        """Start everything, and give it a little to do. Raises DemoError."""
        if self.has("redis"):
            self._start_redis()
        if self.has("celery"):
            self._start_worker()
        if self.has("postgres"):
            self._start_postgres()
        self.start_api()
        if self.has("celery"):
            self._wait_for_worker()
        self._use()
        if self.has("backup"):
            self._back_up()

    def _start_redis(self) -> None:
        port = self.ports["redis"]
        base = f"redis://:{self.password}@127.0.0.1:{port}"
        self.env |= {"REDIS_URL": f"{base}/0", "BROKER_URL": f"{base}/1"}
        config = self.folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind 127.0.0.1\nport {port}\nrequirepass {self.password}\nsave ''\n"
            "maxmemory 64mb\nmaxmemory-policy noeviction\n",
            encoding="utf-8",
        )
        process = self.processes.start("redis", [find("redis-server") or "", str(config)], folder=self.folder)
        process.wait_for(lambda: listens(port))

    def _start_worker(self) -> None:
        options = ["-n", "shop@%h", "--pool", "threads", "--concurrency", "2", "--loglevel", "INFO", "--without-mingle"]
        if self.has("postgres"):
            self.env |= {"SHOP_DATABASE_URL": self._dsn("postgres", self.password)}
        self.processes.start(
            "worker",
            [sys.executable, "-m", "celery", "-A", "pytest_opscheck.demo.tasks", "worker", *options],
            folder=self.folder,
            env=self.env,
            ended_by=signal.SIGKILL,
        )

    def _wait_for_worker(self) -> None:
        worker = self.processes.running["worker"]
        worker.wait_for(lambda: "ready." in worker.log.read_text(encoding="utf-8", errors="replace"))

    def _dsn(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.ports['postgres']}/postgres?sslmode=disable"

    def _start_postgres(self) -> None:
        user, data, port = unprivileged(), self.folder / "postgres", self.ports["postgres"]
        data.mkdir(mode=0o700)
        password_file = data.with_suffix(".password")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, encoding="utf-8")
        if user is not None:
            shutil.chown(data, user)
            shutil.chown(password_file, user)
        made = subprocess.run(  # noqa: S603 - a program of the demo's own, without a shell
            [
                find("initdb") or "",
                *("-D", str(data), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(password_file)),
                *("--locale", "C", "--encoding", "UTF8", "--no-sync"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=data,
            env=environment(),
            **as_user(user),
        )
        if made.returncode != 0:
            raise DemoError(f"initdb failed: {made.stderr.strip()}")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "40",
            "shared_buffers": "16MB",
            "fsync": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # SIGINT is PostgreSQL's fast shutdown: it ends its connections and does not wait for them.
        command = [find("postgres") or "", "-D", str(data), *options]
        process = self.processes.start("postgres", command, folder=self.folder, user=user, ended_by=signal.SIGINT)
        self.env |= {
            "DATABASE_URL": self._dsn("watch", self.watch_password),
            "SHOP_DATABASE_URL": self._dsn("postgres", self.password),
        }
        process.wait_for(self._takes_connections)
        self.sql(_SCHEMA.format(orders=_ORDERS, jobs=_JOBS, watch=self.watch_password))

    def _takes_connections(self) -> bool:
        import psycopg

        try:
            self.sql("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def sql(self, statements: str) -> None:
        """Run statements as the database's owner."""
        import psycopg

        with psycopg.connect(self.env["SHOP_DATABASE_URL"], connect_timeout=5) as connection:
            connection.execute(statements)

    def start_api(self, *options: str, expired: bool = False) -> None:
        """Start the API; where it runs already, restart it with these options too."""
        self.processes.stop("api")
        self.api_options += options
        self.expired = self.expired or expired
        ports = self.ports
        command = [sys.executable, "-m", "pytest_opscheck.demo.api", "--log", str(self.log)]
        command += ["--port", str(ports["api"]), "--metrics-port", str(ports["metrics"])]
        command += ["--certificate", str(self.authority.issue(expired=self.expired)), *self.api_options]
        process = self.processes.start("api", command, folder=self.folder, env=self.env)
        process.wait_for(lambda: listens(ports["api"]))

    # A little to do

    def get(self, *paths: str) -> list[int]:
        """Ask the API for pages, a few at once, and return the statuses."""
        import requests
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        verify = False if self.expired else str(self.authority.file)
        session = requests.Session()
        session.trust_env = False

        def status(path: str) -> int:
            url = f"https://127.0.0.1:{self.ports['api']}{path}"
            return session.get(url, verify=verify, timeout=10).status_code

        with session, ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(status, paths))

    def send(self, task: str, *args: Any, times: int = 1) -> None:
        """Put tasks into the worker's queue."""
        from celery import Celery

        with Celery(broker=self.env["BROKER_URL"]) as app, app.connection_for_write() as connection:
            for _ in range(times):
                app.send_task(f"shop.{task}", args, queue="default", connection=connection, ignore_result=True)

    def _use(self) -> None:
        pages = [f"/orders/{number}" for number in range(1, _READ + 1)]
        statuses = [*self.get(*pages), *self.get("/health/detailed", *pages * _ROUNDS)]
        if wrong := [status for status in statuses if status != HTTPStatus.OK]:
            raise DemoError(f"the API answers {wrong[0]}; its log ends with:\n{tail(self.log)}")
        if self.has("celery") and self.has("jobs"):
            for job in range(1, _JOBS + 1):
                self.send("confirm", job)

    def _back_up(self) -> None:
        file = self.backups / f"shop-{dt.datetime.now().astimezone():%Y-%m-%d}.sql.gz"
        done = subprocess.run(  # noqa: S603 - a program of the demo's own, without a shell
            [find("pg_dump") or "", "--compress=6", f"--file={file}", "--dbname", self.env["DATABASE_URL"]],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
        )
        if done.returncode != 0:
            raise DemoError(f"pg_dump failed: {done.stderr.strip()}")
