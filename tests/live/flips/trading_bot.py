"""Faults of examples/trading-bot."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator

import psycopg

from examples.stack import Stack, StackError, said

from .catalogue import Catalogue
from .engine import called
from .environment import settings

fault = Catalogue("trading-bot")
GREEN = "http://127.0.0.1:18501"
BIN = "/usr/lib/postgresql/15/bin"
DATABASE = "postgresql://postgres@127.0.0.1:18532/trading"
WEEK = "http://127.0.0.1:18590/api/v1/admin/tsdb/delete_series?match[]={__name__=~'.%2B'}"
TWO_SCRAPES_S = 2.2
LONGEST_START_S = 60
AWAY = "alter table {0} rename to {0}_away"
BACK = "alter table {0}_away rename to {0}"
LOGS_INDEX = "create index ix_reconciliation_user_created on reconciliation_logs (user_id, created_at)"


def sql(*statements: str) -> None:
    """Run statements, each for itself."""
    with psycopg.connect(DATABASE, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def redis(stack: Stack, command: str) -> str:
    """Run a command of Redis."""
    return stack.run("redis", f"redis-cli {command}")


def get(url: str) -> bool:
    """Ask for something, and tell whether the answer is a good one."""
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=30) as answer:
        return bool(answer.read())
    return False


def new_week() -> None:
    """Forget all samples, so that the week's averages begin now."""
    with urllib.request.urlopen(urllib.request.Request(WEEK, method="POST"), timeout=10):
        pass


def engine(stack: Stack, command: str, service: str) -> None:
    """Start, stop or restart a service's container."""
    seconds = [] if command == "start" else ["-t", "3"]
    said(["docker", command, *seconds, stack.container(service)])


def until(what: str, ready: Callable[[], bool]) -> None:
    """Wait for something to be ready. Raises StackError where that does not come."""
    limit = time.monotonic() + LONGEST_START_S
    while not ready():
        if time.monotonic() > limit:
            raise StackError(f"{what} not ready after {LONGEST_START_S} s")
        time.sleep(0.1)


def green_answers() -> None:
    """Wait until the traders reach green again; its week begins then."""
    until("green", lambda: get("http://127.0.0.1:18580/api/v1/ready"))
    new_week()


def database_answers() -> bool:
    """Tell whether the database takes a query."""
    with contextlib.suppress(psycopg.OperationalError):
        sql("select 1")
        return True
    return False


def fresh(stack: Stack) -> None:
    """Start green anew, when what it needs answers: its cache warmed, nothing counted."""
    until("the database", database_answers)
    until("redis", lambda: redis(stack, "ping || true") == "PONG")
    engine(stack, "restart", "api-green")
    green_answers()


@contextlib.contextmanager
def background(stack: Stack, service: str, command: str) -> Iterator[None]:
    """Run a shell command in a service's container while the block lasts."""
    script = f"echo $$ > /tmp/fault; {command}"
    said(["docker", "exec", "-d", stack.container(service), "setsid", "sh", "-c", script])
    try:
        yield
    finally:
        stack.run(service, "kill -s KILL -- -$(cat /tmp/fault)")


@contextlib.contextmanager
def deployed(stack: Stack, **values: str) -> Iterator[None]:
    """Deploy green with other settings while the block lasts."""
    with settings(**values):
        stack.compose("up", "-d", "--no-deps", "api-green")
    try:
        yield
    finally:
        stack.compose("up", "-d", "--no-deps", "api-green")
        green_answers()


@contextlib.contextmanager
def stutters(stack: Stack) -> Iterator[None]:
    """Let the api stand still for most of the time, as with long collections of garbage.

    Between two halts it answers less than ten requests: they may all begin when one ends.
    """
    api = "$(pgrep -x python3)"
    pause = f"api={api}; while :; do kill -s STOP $api; sleep 0.4; kill -s CONT $api; sleep 0.005; done"
    try:
        with background(stack, "api-green", pause):
            yield
    finally:
        stack.run("api-green", f"kill -s CONT {api}")
        new_week()


@contextlib.contextmanager
def misses(stack: Stack) -> Iterator[None]:
    """Look up what the cache does not hold."""
    with background(stack, "redis", "redis-cli -r -1 -i 0.01 get prod_reconciliation_0 >/dev/null"):
        yield


@contextlib.contextmanager
def running(count: int, statement: str = "select pg_sleep(60)") -> Iterator[None]:
    """Run a statement in so many sessions."""
    with contextlib.ExitStack() as sessions:
        for _ in range(count):
            connection = sessions.enter_context(contextlib.closing(psycopg.connect(DATABASE)))
            connection.pgconn.send_query(statement.encode())
            sessions.callback(connection.cancel)
        yield


@contextlib.contextmanager
def locked(table: str) -> Iterator[None]:
    """Hold a lock that nobody gets past."""
    with psycopg.connect(DATABASE) as connection:
        connection.execute(f"lock table {table} in access exclusive mode".encode())
        yield
        connection.rollback()


@contextlib.contextmanager
def asked(count: int, path: str) -> Iterator[list[socket.socket]]:
    """Send so many requests to green, and wait for none."""
    with contextlib.ExitStack() as connections:
        made = [connections.enter_context(socket.create_connection(("127.0.0.1", 18501))) for _ in range(count)]
        for each in made:
            each.sendall(f"GET {path} HTTP/1.1\r\nHost: green\r\nConnection: close\r\n\r\n".encode())
        yield made


@contextlib.contextmanager
def another_version(
    stack: Stack, service: str, program: str, words: str, *, before: str = "true", after: str = "true"
) -> Iterator[None]:
    """Run a server whose program says another version of itself, by sed's `words`: only one is packaged.

    `before` and `after` are commands by which its files are of that version too, and are not any more.
    """
    changed = f"sed '{words}' {program}.own > {program} && chmod 755 {program}"
    stack.run(service, f"mv {program} {program}.own && {changed} && {before}", user="root")
    engine(stack, "restart", service)
    try:
        yield
    finally:
        stack.run(service, f"mv {program}.own {program} && {after}", user="root")
        engine(stack, "restart", service)
        fresh(stack)


# ---- containers


@fault("docker.version@stack", "P2", "engine's version", "19.03", "expected >= 20.10")
def the_engine_is_old(stack: Stack) -> Iterator[None]:
    with called("19.03"):
        yield


@fault("docker.up@stack", "P1", "bot", "exited", action="Run 8, restart services: docker-compose up -d bot")
def the_bot_is_stopped(stack: Stack) -> Iterator[None]:
    engine(stack, "stop", "bot")
    yield
    engine(stack, "start", "bot")


@fault("docker.healthy@api", "P1", "trading-bot-green", "exited")
@fault("docker.healthy@green", "P1", "trading-bot-green", "exited", inventory="green.toml")
@fault("docker.up@green", "P1", "trading-bot-green", "exited", inventory="green.toml")
@fault("http.status@health", "P1", "status is 502, expected 200")
def green_is_stopped(stack: Stack) -> Iterator[None]:
    engine(stack, "stop", "api-green")
    yield
    engine(stack, "start", "api-green")
    green_answers()


@fault("docker.env@stack", "P1", "JWT_SECRET")
@fault("docker.env@green", "P1", "JWT_SECRET", inventory="green.toml")
def the_secret_is_not_set(stack: Stack) -> Iterator[None]:
    with deployed(stack, JWT_SECRET=""):
        yield


@fault("docker.logs.api_runs@stack", "P1", "running on", "expected >= 1")
@fault("docker.logs.runs@green", "P1", "running on", "expected >= 1", inventory="green.toml")
def green_has_another_port(stack: Stack) -> Iterator[None]:
    with deployed(stack, API_PORT="8009"):
        yield


@fault("docker.cpu@api", "P2", "trading-bot-green", "expected < 50 %", patience_s=120)
def the_api_is_busy(stack: Stack) -> Iterator[None]:
    # Before all other containers, yet no busier than this.
    bounds(stack, "api-green", shares=50_000, quota=75_000)
    with background(stack, "api-green", "for n in 1 2 3 4; do while :; do :; done & done; wait"):
        yield
    bounds(stack, "api-green", shares=1024, quota=-1)


def bounds(stack: Stack, service: str, *, shares: int, quota: int) -> None:
    """Say how a service's container fares among others that want the processors, and the most that it may have."""
    said(["docker", "update", "-c", str(shares), "--cpu-quota", str(quota), stack.container(service)])


@fault("docker.memory@api", "P2", "trading-bot-green", "expected < 500 MB")
def the_api_grows(stack: Stack) -> Iterator[None]:
    with background(stack, "api-green", "python3 -c 'import time; held = b\"x\" * (600 << 20); time.sleep(90)'"):
        yield


@fault("docker.memory@api", "P1", "trading-bot-green", "expected <= 1 GB")
def the_api_grows_a_lot(stack: Stack) -> Iterator[None]:
    with background(stack, "api-green", "python3 -c 'import time; held = b\"x\" * (1200 << 20); time.sleep(90)'"):
        yield


@fault("host.command.blue_is_standby@ops", "P2", "running", "expected exited")
@fault("http.json@health", "P1", "color", "blue", "expected green")
def traffic_is_still_blues(stack: Stack) -> Iterator[None]:
    engine(stack, "start", "api-blue")
    until("blue", lambda: get("http://127.0.0.1:18500/api/v1/health"))
    move_traffic(stack, "api-blue")
    yield
    move_traffic(stack, "api-green")
    engine(stack, "stop", "api-blue")
    new_week()


def move_traffic(stack: Stack, service: str) -> None:
    """Let nginx send everybody to a service."""
    stack.run("nginx", f"echo 'set $live {service};' > /etc/nginx/live.conf && nginx -s reload")


@fault("http.json@health", "P1", "color is blue", inventory="green.toml")
def the_ports_are_swapped(stack: Stack) -> Iterator[None]:
    with settings(GREEN_PORT="18500", BLUE_PORT="18501"):
        for service in ("api-green", "api-blue"):
            stack.compose("up", "-d", "--no-deps", service)
    yield
    engine(stack, "stop", "api-blue")
    for service in ("api-green", "api-blue"):
        stack.compose("up", "-d", "--no-deps", service)
    engine(stack, "stop", "api-blue")
    green_answers()


# ---- the api


@fault("http.latency@health", "P2", "expected < 100 ms", action="Run 4")
@fault("http.p95@health", "P0", "expected <= 100 ms")
@fault("http.p95@health", "P0", "expected <= 100 ms", inventory="green.toml")
@fault(
    "http.p95@health",
    "P0",
    action="Scale the api",
    beside=("redis.hit_rate@cache", "postgres.active_queries@main"),
)
def the_api_stutters(stack: Stack) -> Iterator[None]:
    with stutters(stack):
        yield


@fault("http.p95@health", "P0", action="The cache misses: run 9", beside=("redis.hit_rate@cache",))
def the_api_stutters_and_the_cache_misses(stack: Stack) -> Iterator[None]:
    with misses(stack), stutters(stack):
        yield


@fault("http.p95@health", "P0", action="scale the database", beside=("postgres.active_queries@main",))
def the_api_stutters_and_the_database_is_busy(stack: Stack) -> Iterator[None]:
    with running(6), stutters(stack):
        yield


@fault("http.status@ready", "P1", "status is 503")
@fault("http.json@ready", "P1", "checks.cache is not ready, expected ready")
@fault("http.json@ready", "P1", "checks.cache is not ready, expected ready", inventory="green.toml")
@fault("redis.reachable@cache", "P0", "redis.cache can't be reached")
def redis_is_stopped(stack: Stack) -> Iterator[None]:
    engine(stack, "stop", "redis")
    yield
    engine(stack, "start", "redis")
    fresh(stack)


@fault("http.status@status", "P0", "status is 200, expected 401")
@fault("http.status@status", "P0", "status is 200, expected 401", inventory="green.toml")
def nobody_needs_a_token(stack: Stack) -> Iterator[None]:
    with deployed(stack, REQUIRE_TOKEN="no"):
        yield


@fault("metrics.value.errors@api", "P2", "database", "expected < 10", action="Run 6")
@fault("prometheus.query.errors@main", "P3", "expected < 1 %")
def a_table_is_missing(stack: Stack) -> Iterator[None]:
    new_week()
    time.sleep(TWO_SCRAPES_S)
    sql(AWAY.format("signals"))
    for _ in range(12):
        get(f"{GREEN}/api/v1/signals")
    yield
    sql(BACK.format("signals"))
    fresh(stack)


# ---- the database


@fault("postgres.reachable@main", "P0", "postgres.main can't be reached", action="Run 10")
def the_database_is_stopped(stack: Stack) -> Iterator[None]:
    engine(stack, "stop", "db")
    yield
    engine(stack, "start", "db")
    fresh(stack)


@fault("postgres.version@main", "P1", "14.", "expected 15")
def the_database_is_older(stack: Stack) -> Iterator[None]:
    marked = "find /var/lib/postgresql/data -name PG_VERSION -exec sed -i 's/.*/{}/' '{{}}' +"
    older, own = marked.format(14), marked.format(15)
    words = r"s/15\.\([0-9]* (Debian\)/14.\1/g"
    with another_version(stack, "db", f"{BIN}/postgres", words, before=older, after=own):
        yield


@fault("postgres.tables@main", "P1", "approvals is missing")
def a_table_was_renamed(stack: Stack) -> Iterator[None]:
    sql(AWAY.format("approvals"))
    yield
    sql(BACK.format("approvals"))


@fault("postgres.indexes@main", "P1", "ix_positions_user_id is missing")
def an_index_was_dropped(stack: Stack) -> Iterator[None]:
    sql("drop index ix_positions_user_id")
    yield
    sql("create index ix_positions_user_id on positions (user_id)")


@fault("postgres.plan.logs_of_a_user@main", "P2", "ix_reconciliation_user_created")
@fault("postgres.indexes@main", "P1", "ix_reconciliation_user_created is missing")
def the_logs_index_was_dropped(stack: Stack) -> Iterator[None]:
    sql("drop index ix_reconciliation_user_created")
    yield
    sql(LOGS_INDEX, "analyze reconciliation_logs", "select pg_stat_statements_reset()")


@fault("postgres.active_queries@main", "P3", "expected < 5")
def some_queries_hang(stack: Stack) -> Iterator[None]:
    with running(6):
        yield


@fault("postgres.active_queries@main", "P1", "expected <= 10")
def many_queries_hang(stack: Stack) -> Iterator[None]:
    with running(11):
        yield


@fault("postgres.slow_statements@main", "P3", "expected 0")
def a_statement_is_slow(stack: Stack) -> Iterator[None]:
    sql("select pg_sleep(1.1)")
    yield
    sql("select pg_stat_statements_reset()")


@fault("postgres.connections@main", "P2", "expected <= 20")
def sessions_are_left_open(stack: Stack) -> Iterator[None]:
    with contextlib.ExitStack() as sessions:
        for _ in range(22):
            sessions.enter_context(contextlib.closing(psycopg.connect(DATABASE)))
        yield


@fault("postgres.rows@main", "P1", "signals", "expected > 0")
def a_table_was_not_restored(stack: Stack) -> Iterator[None]:
    sql(AWAY.format("signals"), "create table signals (like signals_away)")
    yield
    sql("drop table signals", BACK.format("signals"))


@fault("postgres.table_size@main", "P3", "audit_logs", "expected < 20 MB")
def the_audit_log_grows(stack: Stack) -> Iterator[None]:
    rows = "select md5(n::text) || md5(n::text) as entry from generate_series(1, 220000) n"
    sql(AWAY.format("audit_logs"), f"create table audit_logs as {rows}")
    yield
    sql("drop table audit_logs", BACK.format("audit_logs"), "select pg_stat_statements_reset()")


@fault("postgres.query.logs_not_archived@main", "P3", "1, expected 0")
def a_log_is_not_archived(stack: Stack) -> Iterator[None]:
    sql("insert into reconciliation_logs (user_id, difference, created_at) values (1, 0, now() - interval '91 days')")
    yield
    sql("delete from reconciliation_logs where created_at < now() - interval '90 days'")


@fault("host.disk@db", "P2", "/var/lib/postgresql/data is at 9", "expected <= 90 %")
def the_databases_disk_fills_up(stack: Stack) -> Iterator[None]:
    folder = "/var/lib/postgresql/data"
    free = f"$(( $(df -B1 --output=avail {folder} | tail -1) - (24 << 20) ))"
    stack.run("db", f"fallocate -l {free} {folder}/core")
    yield
    stack.run("db", f"rm {folder}/core")


# ---- the cache


@fault("redis.version@cache", "P1", "6.0.15", "expected 7")
def redis_is_older(stack: Stack) -> Iterator[None]:
    with another_version(stack, "redis", "/usr/bin/redis-server", r"s/7\.0\.15/6.0.15/g"):
        yield


@fault("redis.hit_rate@cache", "P2", "expected > ", action="Run 9")
def the_cache_misses(stack: Stack) -> Iterator[None]:
    with misses(stack):
        yield


@fault("redis.memory@cache", "P3", "expected < 100 MB")
def redis_grows(stack: Stack) -> Iterator[None]:
    redis(stack, "setrange dump 105000000 x")
    yield
    redis(stack, "del dump")


@fault("redis.memory@cache", "P2", "expected <= 500 MB")
def redis_grows_a_lot(stack: Stack) -> Iterator[None]:
    redis(stack, "setrange dump 510000000 x")
    yield
    redis(stack, "del dump")


@fault("redis.keys@cache", "P2", "expected > 100")
@fault("redis.keys_matching@cache", "P2", "prod_*", "expected > 100")
def the_cache_is_flushed(stack: Stack) -> Iterator[None]:
    redis(stack, "flushdb")
    yield
    fresh(stack)


@fault("redis.clients@cache", "P3", "expected < 50")
def clients_stay_connected(stack: Stack) -> Iterator[None]:
    with contextlib.ExitStack() as connections:
        for _ in range(60):
            connections.enter_context(socket.create_connection(("127.0.0.1", 18579)))
        yield


@fault("redis.evicted@cache", "P3", "expected 0")
def keys_are_evicted(stack: Stack) -> Iterator[None]:
    redis(stack, "config set maxmemory 1200kb")
    yield
    redis(stack, "config set maxmemory 1gb")
    redis(stack, "config resetstat")
    fresh(stack)


@fault("redis.maxmemory_policy@cache", "P2", "noeviction", "expected allkeys-lru")
def nothing_is_evicted(stack: Stack) -> Iterator[None]:
    redis(stack, "config set maxmemory-policy noeviction")
    yield
    redis(stack, "config set maxmemory-policy allkeys-lru")


@fault("redis.keys_without_ttl@cache", "P3", "expected < 5 %")
def keys_stay_for_ever(stack: Stack) -> Iterator[None]:
    names = [f"prod_session_{number}" for number in range(20)]
    redis(stack, "mset " + " ".join(f"{name} 1" for name in names))
    yield
    redis(stack, "del " + " ".join(names))


@fault("redis.last_save@cache", "P2", "last background save is err, expected ok")
def redis_cant_save(stack: Stack) -> Iterator[None]:
    stack.run("redis", "chmod 0500 /var/lib/redis && redis-cli bgsave")
    yield
    stack.run("redis", "chmod 0750 /var/lib/redis && redis-cli bgsave")


# ---- the week's averages


@fault("prometheus.query.requests_in_progress@main", "P3", "expected <= 100")
def requests_pile_up(stack: Stack) -> Iterator[None]:
    with locked("reconciliation_logs"), asked(140, "/api/v1/reconciliation?user=0"):
        time.sleep(0.5)
        new_week()
        yield
    new_week()


@fault("prometheus.query.p95@main", "P3", "expected < 50 ms")
def requests_were_slow(stack: Stack) -> Iterator[None]:
    new_week()
    time.sleep(TWO_SCRAPES_S)
    with contextlib.ExitStack() as lock:
        lock.enter_context(locked("reconciliation_logs"))
        with asked(60, "/api/v1/reconciliation?user=0") as connections:
            time.sleep(0.5)
            lock.close()
            for each in connections:
                while each.recv(65536):
                    pass
    yield
    new_week()


@fault("prometheus.query.hit_rate@main", "P3", "expected > 80 %")
def requests_missed_the_cache(stack: Stack) -> Iterator[None]:
    new_week()
    time.sleep(TWO_SCRAPES_S)
    for _ in range(50):
        get(f"{GREEN}/api/v1/reconciliation?user=0")
    yield
    new_week()


@fault("prometheus.query.database_cpu@main", "P3", "expected < 60 %", patience_s=120)
def the_database_works_hard(stack: Stack) -> Iterator[None]:
    numbers = ", ".join(f"generate_series(1, 1000) {name}" for name in "abcd")
    bounds(stack, "db", shares=50_000, quota=-1)
    with running(4, f"select count(*) from {numbers}"):
        new_week()
        yield
    bounds(stack, "db", shares=1024, quota=-1)
    new_week()


# ---- backups


@fault("backup.fresh@database", "P2", "expected < 26 h")
def there_is_no_backup_of_today(stack: Stack) -> Iterator[None]:
    stack.run("backup", "cd /backups && for file in db_*; do mv $file away_$file; done")
    stack.run("backup", "touch -d '3 days ago' /backups/db_20260101.sql.gz")
    yield
    stack.run("backup", "cd /backups && rm db_* && for file in away_*; do mv $file ${file#away_}; done")


@fault("backup.intact@database", "P1", "is damaged")
def the_backup_broke_off(stack: Stack) -> Iterator[None]:
    cut = "cp -p $file /tmp/whole && truncate -s 50000 $file && touch -r /tmp/whole $file"
    stack.run("backup", f"file=$(ls /backups/db_*.sql.gz); {cut}")
    yield
    stack.run("backup", "cp -p /tmp/whole $(ls /backups/db_*.sql.gz)")
