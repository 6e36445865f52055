"""Faults of examples/income-fortress; first those that leave lines in logs, which their containers take along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote

from examples.stack import Stack, said

from .catalogue import Catalogue

fault = Catalogue("income-fortress")
API = "http://127.0.0.1:8000"
OTHERS_S = 240
"""Until others leave this machine's processors to a fault, or free again."""
CHECKOUT = "/opt/income-fortress"


def sql(stack: Stack, *statements: str) -> None:
    """Run statements as the superuser, in one transaction."""
    stack.run("db", f"psql -h 127.0.0.1 -U postgres -d income -qc {quote('; '.join(statements))}")


@contextmanager
def session(stack: Stack, *statements: str) -> Iterator[None]:
    """Run statements in a session that is ended with the block."""
    asked = f"PGAPPNAME=fault psql -h 127.0.0.1 -U postgres -d income -c {quote('; '.join(statements))}"
    with meanwhile(stack, "db", asked):
        yield
        sql(stack, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fault'")


@contextmanager
def meanwhile(stack: Stack, service: str, *commands: str) -> Iterator[None]:
    """Run commands in a service's container while the block lasts."""
    started = "; ".join(f"{command} >/dev/null 2>&1 & echo $!" for command in commands)
    pids = stack.run(service, started).replace("\n", " ")
    yield
    stack.run(service, f"kill {pids} 2>/dev/null || true")


@contextmanager
def favoured() -> Iterator[None]:
    """Give containers most of this machine's processors while the block lasts, whatever else wants them."""
    shares = {"cpu/docker/cpu.shares": "262144", "docker/cpu.weight": "10000", "system.slice/cpu.weight": "10000"}
    files = {Path("/sys/fs/cgroup") / name: share for name, share in shares.items()}
    before = {file: file.read_text() for file in files if file.exists()}
    for file in before:
        file.write_text(files[file])
    yield
    for file, share in before.items():
        file.write_text(share)


def later(stack: Stack, code: str) -> None:
    """Send tasks to the queues, as the api does."""
    stack.run("api", f"python3 -c {quote(f'import django; django.setup(); from service.tasks import *; {code}')}")


def fresh(stack: Stack, *services: str) -> None:
    """Replace containers, and their logs with them."""
    stack.compose("up", "-d", "--no-deps", "--force-recreate", *services)
    stack.wait(*services)


@contextmanager
def instead(stack: Stack, service: str, said: str) -> Iterator[None]:
    """Run a service otherwise than its Compose file says, while the block lasts."""
    other = stack.state / "other.yml"
    other.write_text(f"services:\n  {service}:\n    {said}\n", encoding="utf-8")
    stack.compose("-f", str(other), "up", "-d", "--no-deps", service)
    yield
    stack.compose("up", "-d", "--no-deps", service)
    stack.wait(service)


@contextmanager
def nginx(stack: Stack, edit: str) -> Iterator[None]:
    """Have nginx run with an edited configuration."""
    stack.run("nginx", f"sed -i {quote(edit)} /etc/nginx/nginx.conf && nginx -s reload")
    yield
    stack.run("nginx", "cp /config/nginx.conf /etc/nginx/nginx.conf && nginx -s reload")


# ------------------------------------------------------------------------------------------------ logs


@contextmanager
def no_sign_in(stack: Stack) -> Iterator[None]:
    """Keep the application from signing in to its database."""
    sql(stack, "alter role income nologin")
    yield
    sql(stack, "alter role income login")


@fault("docker.errors@stack", "P2", "expected < 10")
def every_request_fails(stack: Stack) -> Iterator[None]:
    with no_sign_in(stack):
        stack.run("api", f"curl -s -o /dev/null '{API}/health?[1-12]'")
        yield
    fresh(stack, "api", "celery", "celery_scoring")


@fault("docker.logs.slow_queries@stack", "P3", "slow query", "expected 0")
def a_query_waits_for_a_lock(stack: Stack) -> Iterator[None]:
    with session(stack, "lock table features", "select pg_sleep(1.5)"):
        stack.run("api", f"sleep 0.3; curl -fs {API}/api/v1/score/SPY")
        yield
    fresh(stack, "api")


@fault("docker.logs.agent_errors@stack", "P2", "Agent.*Error", "expected 0")
def a_symbol_without_features_is_scored(stack: Stack) -> Iterator[None]:
    later(stack, 'score.delay("NOPE")')
    yield
    fresh(stack, "celery_scoring")


@fault("docker.logs.rate_limits@stack", "P3", "rate.*limit", "expected 0")
def the_quotes_are_asked_too_often(stack: Stack) -> Iterator[None]:
    later(stack, '[score.delay("SPY") for _ in range(40)]')
    yield
    fresh(stack, "celery_scoring")


@fault("host.journal.docker@prod", "P3", "docker", "is 1, expected 0")
def the_engine_logs_an_error(stack: Stack) -> Iterator[None]:
    stack.on_machine("echo 'level=error msg=\"stream copy error\"' >>/run/docker-says")
    yield
    stack.on_machine("sleep 1; journalctl -q --rotate; journalctl -q --vacuum-time=1s")


# ------------------------------------------------------------------------------------------------ services


@fault("docker.healthy@stack", "P0", "redis", "exited")
@fault("redis.reachable@cache", "P0", "redis.cache can't be reached")
def redis_is_stopped(stack: Stack) -> Iterator[None]:
    stack.compose("stop", "-t", "1", "redis")
    yield
    stack.compose("start", "redis")
    stack.wait("redis")
    # A worker whose broker was away may be connected again and take nothing more.
    stack.compose("restart", "-t", "2", "celery", "celery_scoring")
    stack.wait("celery", "celery_scoring")


@fault("postgres.reachable@main", "P0", "postgres.main can't be reached")
def the_database_is_stopped(stack: Stack) -> Iterator[None]:
    stack.compose("stop", "-t", "5", "db")
    yield
    stack.compose("start", "db")
    stack.wait("db")


@fault("http.status@health", "P0", "is 503, expected 200")
@fault("http.json@detailed", "P1", "services.database is unhealthy, expected healthy")
@fault("docker.exec.database@stack", "P0", "is 1: CommandError: not all is well, expected 0")
@fault("prometheus.alerts@main", "P1", "DatabaseConnectionFailure")
@fault("prometheus.query.errors@main", "P1", "%, expected < 5 %")
def the_application_is_kept_from_its_database(stack: Stack) -> Iterator[None]:
    with no_sign_in(stack):
        yield


@fault("docker.exec.maintenance@stack", "P2", "is 1, expected 0")
def maintenance_mode_stays_on(stack: Stack) -> Iterator[None]:
    stack.run("api", "touch /tmp/maintenance")
    yield
    stack.run("api", "rm /tmp/maintenance")


@fault("docker.memory@stack", "P2", "redis", "expected < 90 %")
def a_container_fills_its_memory(stack: Stack) -> Iterator[None]:
    with meanwhile(stack, "redis", "python3 -c 'import time; full = b\"x\" * (230 << 20); time.sleep(90)'"):
        yield


@fault("docker.cpu@stack", "P2", "redis", "expected < 80 %", patience_s=OTHERS_S)
def a_container_burns_its_processors(stack: Stack) -> Iterator[None]:
    with favoured(), meanwhile(stack, "redis", "timeout 300 yes", "timeout 300 yes"):
        yield


@fault("docker.disk@stack", "P2", "expected < 100 GB")
def a_large_volume_is_forgotten(stack: Stack) -> Iterator[None]:
    name = f"{stack.name}-forgotten"
    said(["docker", "run", "--rm", "-v", f"{name}:/data", "opscheck-examples", "truncate", "-s", "300G", "/data/old"])
    yield
    said(["docker", "volume", "rm", name])


# ------------------------------------------------------------------------------------------------ deploy


@fault("docker.exec.migrations@stack", "P1", "is 1, expected 0")
def a_migration_is_pending(stack: Stack) -> Iterator[None]:
    migration = "app = 'service' and name = '0002_jobs'"
    sql(
        stack,
        "create table kept as select * from django_migrations",
        f"delete from django_migrations where {migration}",
    )
    yield
    sql(stack, f"insert into django_migrations select * from kept where {migration}", "drop table kept")


@fault("postgres.query.tenant@main", "P1", "0, expected 1")
def the_tenant_is_gone(stack: Stack) -> Iterator[None]:
    sql(stack, "update tenants set slug = 'other' where slug = 'default'")
    yield
    sql(stack, "update tenants set slug = 'default' where slug = 'other'")


@fault("docker.env@stack", "P2", "QUOTES_KEY", "celery_scoring")
def a_variable_is_empty(stack: Stack) -> Iterator[None]:
    with instead(stack, "celery_scoring", 'environment: {QUOTES_KEY: ""}'):
        yield


@fault("docker.exec.model@stack", "P1", "2026.10", "expected 2026.11")
def the_model_is_an_old_one(stack: Stack) -> Iterator[None]:
    stack.run("celery_scoring", "echo 2026.10 >/tmp/model-version")
    yield
    stack.run("celery_scoring", "echo 2026.11 >/tmp/model-version")


@fault("metrics.present@api", "P2", "scoring_duration_seconds is missing")
def a_release_renames_a_metric(stack: Stack) -> Iterator[None]:
    serve = "exec gunicorn -b 0.0.0.0:8000 --threads 8 'django.core.wsgi:get_wsgi_application()'"
    edited = "cp -r /srv/app /tmp/app; cd /tmp/app; sed -i s/scoring_duration/score_duration/ service/scoring.py"
    with instead(stack, "api", f'command: [sh, -c, "{edited}; {serve}"]'):
        stack.wait("api")
        yield


# ------------------------------------------------------------------------------------------------ from outside


@fault("tls.days_left@api", "P2", "expected >= 7 d")
@fault("tls.trusted@api", "P1", "expected trusted")
def a_certificate_is_made_in_haste(stack: Stack) -> Iterator[None]:
    made = "-x509 -newkey rsa:2048 -nodes -days 3 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    stack.run(
        "nginx", f"openssl req {made} -keyout /tmp/haste.pem -out /tmp/haste.crt && cat /tmp/haste.crt >>/tmp/haste.pem"
    )
    with nginx(stack, "s|/certificates/server.pem|/tmp/haste.pem|"):
        yield


@fault("tls.protocol@api", "P2", "expected >= 1.2")
def an_old_version_of_tls_is_allowed(stack: Stack) -> Iterator[None]:
    with nginx(stack, "s/ssl_protocols.*/ssl_protocols TLSv1 TLSv1.2; ssl_ciphers DEFAULT@SECLEVEL=0;/"):
        yield


@fault("docker.exec.nginx_config@stack", "P1", "nginx.conf test failed, expected 0")
def a_directive_is_misspelt(stack: Stack) -> Iterator[None]:
    stack.run("nginx", "sed -i s/server_name/sever_name/ /etc/nginx/nginx.conf")
    yield
    stack.run("nginx", "cp /config/nginx.conf /etc/nginx/nginx.conf")


@fault("http.status@quotes", "P2", "is 502, expected < 500")
def the_quotes_are_down(stack: Stack) -> Iterator[None]:
    with nginx(stack, "s|try_files .*|proxy_pass http://127.0.0.1:9;|"):
        yield


@fault("http.p95@score", "P1", "expected < 1 s")
def the_table_is_locked_again_and_again(stack: Stack) -> Iterator[None]:
    locked = "do $$ begin for i in 1..60 loop lock table features; perform pg_sleep(1.5); commit; end loop; end $$"
    with session(stack, locked):
        yield


@fault("prometheus.rules@main", "P2", "DiskSpaceCritical is missing, expected loaded")
def a_rule_gets_another_name(stack: Stack) -> Iterator[None]:
    stack.run("prometheus", "sed -i s/DiskSpaceCritical/DiskFull/ /tmp/p/rules.yml && kill -HUP 1")
    yield
    stack.run("prometheus", "cp /config/rules.yml /tmp/p && kill -HUP 1")


@fault("prometheus.query.requests@main", "P2", "/s, expected < 20/s")
def requests_flood_in(stack: Stack) -> Iterator[None]:
    stack.run("api", f"curl -s -o /dev/null '{API}/api/v1/version?[1-600]'")
    yield


# ------------------------------------------------------------------------------------------------ database, cache


@fault("postgres.connections@main", "P2", "connections", "expected < 80 %")
def the_connections_are_nearly_used_up(stack: Stack) -> Iterator[None]:
    code = "import psycopg2, time; all = [psycopg2.connect('postgresql://income@db/income') for _ in range(31)]"
    with meanwhile(stack, "api", f"python3 -c {quote(f'{code}; time.sleep(90)')}"):
        yield


@fault("postgres.waiting_locks@main", "P2", "expected 0")
def somebody_waits_for_a_lock(stack: Stack) -> Iterator[None]:
    with (
        session(stack, "lock table jobs", "select pg_sleep(90)"),
        session(stack, "select pg_sleep(0.3)", "lock table jobs"),
    ):
        yield


@fault("postgres.deadlocks@main", "P0", "is 1, expected 0")
def two_transactions_deadlock(stack: Stack) -> Iterator[None]:
    rows = ("momentum", "volume")
    with ExitStack() as sessions:
        for first, second in (rows, rows[::-1]):
            update = "update features set value = value where name = '{}'".format
            sessions.enter_context(session(stack, update(first), "select pg_sleep(0.5)", update(second)))
        yield
    sql(stack, "select pg_stat_reset()")


@fault("postgres.checksum_failures@main", "P0", ", expected 0")
def a_page_is_damaged_on_disk(stack: Stack) -> Iterator[None]:
    # Larger than the ring of buffers through which it is written: its first page has left the memory.
    sql(stack, "create table damaged as select repeat('x', 1000) from generate_series(1, 40000)")
    file = "$PGDATA/$(psql -h 127.0.0.1 -d income -Atc \"select pg_relation_filepath('damaged')\")"
    stack.run("db", f"printf damage | dd of={file} bs=1 seek=8000 conv=notrunc status=none")
    stack.run("db", "psql -h 127.0.0.1 -d income -c 'select count(*) from damaged' 2>/dev/null || true")
    yield
    sql(stack, "drop table damaged", "select pg_stat_reset()")


@fault("postgres.query.features@main", "P2", "0, expected > 0")
def a_symbol_has_no_features(stack: Stack) -> Iterator[None]:
    sql(stack, "update features set symbol = 'OTHER'")
    yield
    sql(stack, "update features set symbol = 'SPY'")


@fault("postgres.query.features_age@main", "P2", "expected < 1 d")
def the_features_are_old(stack: Stack) -> Iterator[None]:
    sql(stack, "update features set updated_at = updated_at - interval '2 days'")
    yield
    sql(stack, "update features set updated_at = updated_at + interval '2 days'")


@fault("redis.keys_matching@cache", "P2", "income:*", "0, expected > 0")
@fault("redis.keys@cache", "P2", "is 0, expected > 0")
def the_cache_is_flushed_and_nobody_warms_it(stack: Stack) -> Iterator[None]:
    stack.compose("pause", "celery_beat")
    stack.run("redis", "redis-cli -n 1 flushdb")
    yield
    stack.compose("unpause", "celery_beat")


@fault("celery.workers@tasks", "P1", "scoring@* is missing, expected answering")
def a_worker_is_stopped(stack: Stack) -> Iterator[None]:
    stack.compose("stop", "-t", "2", "celery_scoring")
    yield
    stack.compose("start", "celery_scoring")
    stack.wait("celery_scoring")


@fault("celery.concurrency@tasks", "P2", "scoring@", "is 2, expected 8")
def a_worker_is_started_by_hand_with_less(stack: Stack) -> Iterator[None]:
    command = "[python3, -m, celery, -A, service, worker, -Q, scoring, -n, scoring@%h, -c, '2', -l, info]"
    with instead(stack, "celery_scoring", f"command: {command}"):
        stack.wait("celery_scoring")
        yield


@fault("celery.queue_length@tasks", "P1", "default", "expected <= 500")
def a_queue_is_not_worked_off(stack: Stack) -> Iterator[None]:
    stack.compose("pause", "celery")
    later(stack, "[tidy.delay() for _ in range(600)]")
    yield
    stack.compose("unpause", "celery")


# ------------------------------------------------------------------------------------------------ the host


@fault("host.disk@prod", "P1", "/data", "expected <= 90 %")
def a_disk_is_full(stack: Stack) -> Iterator[None]:
    stack.on_machine("fallocate -l 51M /data/full")
    yield
    stack.on_machine("rm /data/full")


@fault("host.memory@prod", "P2", "memory is at 85 %, expected <= 80 %")
def memory_is_short(stack: Stack) -> Iterator[None]:
    # A container's figures are those of the machine that it runs on, whose memory belongs to others too: this one sees
    # a page of the same shape in their place.
    stack.on_machine(
        "awk '/^MemTotal/ {all = $2} /^MemAvailable/ {$2 = int(all * 0.15)} {print}' /proc/meminfo >/run/meminfo;"
        "mount --bind /run/meminfo /proc/meminfo"
    )
    yield
    stack.on_machine("umount /proc/meminfo")


@fault("host.cpu@prod", "P2", "cpu", "expected < 80 %", patience_s=OTHERS_S)
def the_processors_are_busy(stack: Stack) -> Iterator[None]:
    stack.on_machine(
        "systemd-run -q --unit=busy sh -c 'for each in $(seq $(nproc)); do timeout 300 yes >/dev/null & done; wait'"
    )
    yield
    stack.on_machine("systemctl stop busy")


@fault("host.journal_size@prod", "P3", "expected <= 500 MB")
def the_journal_is_large(stack: Stack) -> Iterator[None]:
    stack.on_machine("mkdir -p /var/log/journal; fallocate -l 600M /var/log/journal/old")
    yield
    stack.on_machine("rm /var/log/journal/old")


@fault("host.reach@prod", "P2", "quotes.example.com:8080")
def names_do_not_resolve(stack: Stack) -> Iterator[None]:
    stack.on_machine("cp /etc/resolv.conf /run/kept; echo nameserver 127.0.0.9 >/etc/resolv.conf")
    yield
    stack.on_machine("cat /run/kept >/etc/resolv.conf")


@fault("host.command.env_untracked@prod", "P1", "is 0, expected 1")
def secrets_are_tracked_by_git(stack: Stack) -> Iterator[None]:
    stack.on_machine(f"git -C {CHECKOUT} add -f .env")
    yield
    stack.on_machine(f"git -C {CHECKOUT} rm -q --cached .env")


@fault("host.file.env@prod", "P1", "/opt/income-fortress/.env")
def secrets_are_readable_by_others(stack: Stack) -> Iterator[None]:
    stack.on_machine(f"chmod 644 {CHECKOUT}/.env")
    yield
    stack.on_machine(f"chmod 600 {CHECKOUT}/.env")


# ------------------------------------------------------------------------------------------------ backups


@contextmanager
def aged(stack: Stack, files: str, ago: str) -> Iterator[None]:
    """Have files look as if they had been written some time ago."""
    stack.on_machine(f"mkdir /run/kept.d; cp -p {files} /run/kept.d; touch -d '{ago}' {files}")
    yield
    stack.on_machine("cp -p /run/kept.d/* /srv/backups; rm -r /run/kept.d")


@fault("backup.fresh@daily", "P2", "expected < 26 h")
@fault("backup.on_time@daily", "P2", "expected < 1 h")
def no_backup_was_made_for_days(stack: Stack) -> Iterator[None]:
    with aged(stack, "/srv/backups/daily_*", "3 days ago"):
        yield


@fault("backup.fresh@hourly", "P2", "expected <= 1 h")
def the_hourly_backup_stands_still(stack: Stack) -> Iterator[None]:
    with aged(stack, "/srv/backups/hourly_*", "2 hours ago"):
        yield


@fault("backup.intact@daily", "P1", "expected intact")
def a_backup_breaks_off(stack: Stack) -> Iterator[None]:
    with aged(stack, "/srv/backups/daily_*", "5 minutes ago"):
        stack.on_machine("truncate -s -2000 /srv/backups/daily_*; touch -d '5 minutes ago' /srv/backups/daily_*")
        yield


@fault("backup.retained@daily", "P3", "expected <= 7 d")
def old_backups_are_not_removed(stack: Stack) -> Iterator[None]:
    stack.on_machine("touch -d '9 days ago' /srv/backups/daily_$(date -d '9 days ago' +%Y%m%d)_070000.dump")
    yield
    stack.on_machine("find /srv/backups -name 'daily_*' -mtime +7 -delete")


@fault("backup.drilled@daily", "P2", "expected <= 31 d")
def no_restore_was_practised_lately(stack: Stack) -> Iterator[None]:
    stack.on_machine("date -d '40 days ago' +%F >/srv/backups/last-restore-drill")
    yield
    stack.on_machine("date +%F >/srv/backups/last-restore-drill")


@fault("host.file.recovery_drill@prod", "P3", "last-recovery-drill", "expected < 92 d")
def no_recovery_was_practised_this_quarter(stack: Stack) -> Iterator[None]:
    stack.on_machine("touch -d '100 days ago' /srv/backups/last-recovery-drill")
    yield
    stack.on_machine("touch /srv/backups/last-recovery-drill")


# ------------------------------------------------------------------------------------------------ this takes a minute


@fault("docker.recovery@stack", "P2", "prometheus", "expected < 60 s")
def a_service_hangs_at_its_start(stack: Stack) -> Iterator[None]:
    with instead(stack, "prometheus", "command: [sleep, infinity]"):
        yield
