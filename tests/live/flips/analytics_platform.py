"""Faults of examples/analytics-platform."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator

import psycopg

from examples.stack import Stack

from .catalogue import Catalogue

fault = Catalogue("analytics-platform")

BACKUPS = "/var/backups/analytics"
JSONL = "/var/log/analytics/alerts.jsonl"


def sql(stack: Stack, statement: str) -> str:
    """Run a statement as the server's superuser."""
    return stack.on_machine(f'runuser -u postgres -- psql -qAtX -v ON_ERROR_STOP=1 -d analytics -c "{statement}"')


def connections(stack: Stack, count: int, user: str = "checks") -> contextlib.ExitStack:
    """Connect from outside of the host, so many times; the block's end disconnects."""
    dsn = stack.environment["DATABASE_URL"].replace("checks:checks-here", f"{user}:{user}-here")
    opened = contextlib.ExitStack()
    for _ in range(count):
        opened.enter_context(psycopg.connect(dsn))
    return opened


def forget_journal(stack: Stack) -> None:
    """Remove what was said so far: the journal has no other way to take back a line."""
    stack.on_machine("journalctl -q --rotate; journalctl -q --vacuum-time=1s")


# The host


@fault("host.services@prod", "P1", "app-intake", "inactive")
@fault("http.json@alerts", "P2", "length(alerts) is 1")
def the_intake_is_stopped(stack: Stack) -> Iterator[None]:
    stack.on_machine("systemctl stop app-intake")
    yield
    stack.on_machine("systemctl start app-intake")


@fault("host.services@prod", "P1", "app-orchestrator", "failed")
def a_rotated_password_did_not_reach_the_units(stack: Stack) -> Iterator[None]:
    """Of the running units only those that connect anew notice."""
    password = stack.on_machine(r"sed -n 's|.*://analytics:\(.*\)@.*|\1|p' /etc/analytics/env")
    sql(stack, "alter role analytics password 'rotated'")
    stack.on_machine("systemctl restart app-orchestrator")
    yield
    sql(stack, f"alter role analytics password '{password}'")
    stack.on_machine("systemctl reset-failed app-orchestrator; systemctl restart app-orchestrator")
    forget_journal(stack)


@fault("host.services@prod", "P1", "postgresql@15-main", "inactive")
@fault("postgres.reachable@analytics", "P1", "postgres.analytics can't be reached")
def the_database_is_stopped(stack: Stack) -> Iterator[None]:
    stack.on_machine("systemctl stop postgresql@15-main")
    yield
    stack.on_machine("systemctl start postgresql@15-main")


@fault("host.ports@prod", "P1", "80", "443")
@fault("http.json@slo", "P1", "availability is")
def nginx_is_stopped(stack: Stack) -> Iterator[None]:
    stack.on_machine("systemctl stop nginx")
    yield
    stack.on_machine("systemctl start nginx")


@fault("host.command.nginx_config@prod", "P2", "exit status is 1")
def a_directive_of_nginx_is_misspelt(stack: Stack) -> Iterator[None]:
    stack.on_machine("sed -i 's/proxy_pass/proxy_pas/' /etc/nginx/nginx.conf")
    yield
    stack.on_machine("sed -i 's/proxy_pas /proxy_pass /' /etc/nginx/nginx.conf")


@fault("host.disk@prod", "P3", "/data is at", "expected < 70 %")
def a_disk_fills(stack: Stack) -> Iterator[None]:
    stack.on_machine("fallocate -l 45M /data/flip")
    yield
    stack.on_machine("rm /data/flip")


@fault("host.disk@prod", "P1", "/data is at", "expected < 90 %")
def a_disk_is_full(stack: Stack) -> Iterator[None]:
    stack.on_machine("dd if=/dev/zero of=/data/flip bs=1M 2>/dev/null || true")
    yield
    stack.on_machine("rm /data/flip")


@fault("host.directory.logs@prod", "P3", "/var/log/nginx")
def a_log_grows(stack: Stack) -> Iterator[None]:
    stack.on_machine("fallocate -l 220M /var/log/nginx/flip.log")
    yield
    stack.on_machine("rm /var/log/nginx/flip.log")


@fault("host.file.rotated_logs@prod", "P3", "access.log.8", "expected < 7 d")
def a_log_is_not_removed(stack: Stack) -> Iterator[None]:
    stack.on_machine("touch -d '8 days ago' /var/log/analytics/access.log.8")
    yield
    stack.on_machine("rm /var/log/analytics/access.log.8")


@fault("host.processes.gunicorn@prod", "P3", "memory", "expected < 250")
def a_gunicorn_takes_too_much_memory(stack: Stack) -> Iterator[None]:
    heavy = "HEAP = b'x' * 280_000_000\ndef app(environ, start):\n    start('200 OK', [])\n    return [b'']\n"
    stack.on_machine(
        f'mkdir /run/flip; printf %s "{heavy}" >/run/flip/heavy.py; '
        "systemd-run -q -u flip -p User=www-data gunicorn --chdir /run/flip -b unix:/tmp/flip.sock heavy:app"
    )
    yield
    stack.on_machine("systemctl stop flip; rm -r /run/flip")


@fault("host.processes.gunicorn@prod", "P2", "0")
def no_gunicorn_runs(stack: Stack) -> Iterator[None]:
    stack.on_machine("systemctl stop app-web")
    yield
    stack.on_machine("systemctl start app-web")


# The application


@fault("http.status@engines", "P1", "status is 500, expected 200")
@fault("http.json@slo", "P1", "error_rate is")
def a_table_is_gone(stack: Stack) -> Iterator[None]:
    sql(stack, "alter table engines rename to engines_before")
    yield
    sql(stack, "alter table engines_before rename to engines; delete from jobs where status = 'processing'")


@fault("http.p95@engines", "P3", "p95 of 10 requests", "expected < 500 ms")
@fault("http.json@slo", "P3", "p95_ms is", "expected < 500")
def a_query_is_slow(stack: Stack) -> Iterator[None]:
    """A view takes the table's place, and its time."""
    slow = "create view engines as select * from engines_before where pg_sleep(0.6)::text = ''"
    sql(stack, f"alter table engines rename to engines_before; {slow}; grant all on engines to analytics")
    yield
    sql(stack, "drop view engines; alter table engines_before rename to engines")


@fault("host.journal.orchestrator@prod", "P2", "1")
def a_job_fails(stack: Stack) -> Iterator[None]:
    sql(stack, "insert into jobs (engine, value) values ('no-such-engine', 1)")
    yield
    sql(stack, "delete from jobs where status = 'failed'")
    forget_journal(stack)


@fault("http.json@audit", "P3", "length(entries) is", "expected < 5")
def somebody_tries_what_is_not_theirs(stack: Stack) -> Iterator[None]:
    token = {"Authorization": f"Bearer {stack.environment['MONITORING_TOKEN']}"}
    for _ in range(6):
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(urllib.request.Request("http://localhost:18308/api/admin/users", headers=token))
    yield
    sql(stack, "delete from audit")


@fault("logs.count.no_json@alerts", "P3", "1")
def a_line_of_the_alerts_was_cut_off(stack: Stack) -> Iterator[None]:
    stack.on_machine(f"""echo '{{"at": "2026-11-20T08:00:00Z", "state": "rai' >>{JSONL}""")
    yield
    stack.on_machine(f"sed -i '$d' {JSONL}")


@fault("http.status@web", "P1", "status is 502, expected 200")
@fault("http.status@endpoints", "P1", "/api/engines", "502")
def nginx_has_nobody_behind_it(stack: Stack) -> Iterator[None]:
    stack.on_machine("systemctl stop app-web")
    yield
    stack.on_machine("systemctl start app-web")


# The database


@fault("postgres.connections@analytics", "P2", "expected < 80 %")
def connections_run_out(stack: Stack) -> Iterator[None]:
    with connections(stack, 44):
        yield


@fault("postgres.clients@analytics", "P1", "checks from")
def somebody_connects_from_another_address(stack: Stack) -> Iterator[None]:
    with connections(stack, 1):
        yield


@fault("postgres.clients@analytics", "P1", "stranger")
def somebody_unknown_connects(stack: Stack) -> Iterator[None]:
    sql(stack, "create role stranger login password 'stranger-here'")
    with connections(stack, 1, "stranger"):
        yield
    sql(stack, "drop role stranger")


@fault("postgres.query.stuck_jobs@analytics", "P3", "1, expected 0")
def a_job_is_stuck(stack: Stack) -> Iterator[None]:
    long_ago = "now() - interval '2 hours'"
    sql(stack, f"insert into jobs (engine, value, status, created_at) values ('load', 1, 'processing', {long_ago})")
    yield
    sql(stack, "delete from jobs where created_at < now() - interval '1 hour'")


# Backups


@contextlib.contextmanager
def moved_away(stack: Stack, dumps: str) -> Iterator[None]:
    """Move dumps to where nobody finds them, while the block lasts."""
    stack.on_machine(f"cd {BACKUPS}; mkdir /srv/away; mv $(ls db_2* | {dumps}) /srv/away")
    yield
    stack.on_machine(f"mv /srv/away/* {BACKUPS}; rmdir /srv/away")


@fault("backup.fresh@database", "P2", "expected < 26")
@fault("backup.kept@database", "P3", "28", "expected >= 30")
def two_nights_made_no_backup(stack: Stack) -> Iterator[None]:
    with moved_away(stack, "tail -n 2"):
        yield


@fault("backup.complete@database", "P2", "expected 100 %")
def a_night_is_missing(stack: Stack) -> Iterator[None]:
    with moved_away(stack, "sed -n 20p"):
        yield


@fault("backup.retained@database", "P3", "expected <= 30 d")
def old_backups_are_not_removed(stack: Stack) -> Iterator[None]:
    stack.on_machine(f"cd {BACKUPS}; cp db_latest.sql.gz db_20260101.sql.gz; touch -d 2026-01-01 db_20260101.sql.gz")
    yield
    stack.on_machine(f"rm {BACKUPS}/db_20260101.sql.gz")


@fault("backup.uploaded@database", "P2", "s3://analytics-backups/db/*.sql.gz is missing")
def the_upload_did_not_run(stack: Stack) -> Iterator[None]:
    stack.on_machine("mv /srv/bucket/analytics-backups/db /srv/bucket/elsewhere")
    yield
    stack.on_machine("mv /srv/bucket/elsewhere /srv/bucket/analytics-backups/db")


@fault("backup.intact@latest", "P1", "db_latest.sql.gz")
def the_newest_dump_is_cut_off(stack: Stack) -> Iterator[None]:
    stack.on_machine(f"cd {BACKUPS}; cp -p db_latest.sql.gz /srv/whole; truncate -s -100 db_latest.sql.gz")
    yield
    stack.on_machine(f"cd {BACKUPS}; cp -p /srv/whole db_latest.sql.gz; rm /srv/whole")


@fault("backup.includes@config", "P2", "etc/nginx/nginx.conf", "missing")
def the_configuration_is_not_whole(stack: Stack) -> Iterator[None]:
    newest = f"{BACKUPS}/config_$(date +%Y%m%d).tar.gz"
    stack.on_machine(f"mv {newest} /srv/whole; tar -czf {newest} -C / etc/analytics etc/postgresql etc/systemd/system")
    yield
    stack.on_machine(f"mv /srv/whole {newest}")
