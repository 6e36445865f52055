"""Faults of examples/financial-stronghold; first those that the logs tell, into which later ones write too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote

from examples.stack import Stack, said

from . import past
from .catalogue import Catalogue

fault = Catalogue("financial-stronghold")
WEB = "http://127.0.0.1:8000/api/v1"
NGINX = "https://127.0.0.1/api/v1"


def sql(stack: Stack, *statements: str) -> None:
    """Run statements as the superuser, one after the other."""
    said_ = " ".join(f"-c {quote(statement)}" for statement in statements)
    stack.run("db", f"psql -qtA -h 127.0.0.1 -U postgres stronghold {said_}")


@contextmanager
def meanwhile(stack: Stack, service: str, command: str) -> Iterator[None]:
    """Run a command in a service's container while the block lasts."""
    pid = stack.run(service, f"{command} >/dev/null 2>&1 & echo $!")
    yield
    stack.run(service, f"kill {pid} 2>/dev/null || true")


def emptied(stack: Stack, *files: str) -> None:
    """Empty logs, as somebody does who has dealt with what was in them."""
    stack.on_machine("".join(f": >/srv/logs/{file}; " for file in files))


# What the logs say.


@fault("logs.count.today@errors", "P3", "ERROR", "is 1, expected 0")
def a_page_fails(stack: Stack) -> Iterator[None]:
    sql(stack, "alter table features rename to gone")
    stack.run("nginx", f"curl -ks -o /dev/null {NGINX}/score/NONE")
    sql(stack, "alter table gone rename to features")
    yield
    emptied(stack, "django_errors.log")


@fault("logs.count.events@security", "P3", "expected < 50")
@fault("logs.count.denied@access", "P2", "(401|403)", "expected <= 20/h")
def somebody_knocks_at_every_door(stack: Stack) -> Iterator[None]:
    stack.run("nginx", f"curl -ks -o /dev/null '{NGINX}/me?[1-60]'")
    yield
    emptied(stack, "security.log", "access.log")


@fault("logs.count.failed_logins@security", "P2", "login failed", "expected <= 10/h")
def somebody_tries_passwords(stack: Stack) -> Iterator[None]:
    guess = '{"email": "probe@example.com", "password": "guess"}'
    stack.run("web", f"curl -s -o /dev/null -d {quote(guess)} -H 'Host: localhost' '{WEB}/token?[1-12]'")
    yield
    emptied(stack, "security.log")


# The application.


@fault("http.status@health", "P1", "is 503, expected to match")
@fault("metrics.ratio.errors@web", "P2", "expected <= 5 %")
@fault("http.flow.after_rollback@health", "P1", "health", "is 503, expected 200")
@fault("docker.exec.health_check@stack", "P1", "is 1: CommandError: not all is well, expected 0")
def the_application_may_not_sign_in_to_its_database(stack: Stack) -> Iterator[None]:
    sql(stack, "alter role stronghold nologin")
    yield
    sql(stack, "alter role stronghold login")


@fault("availability.uptime@health", "P3", " breach", "expected > 99.5 %")
def the_application_was_away(stack: Stack) -> Iterator[None]:
    with past.forgotten(stack):
        sql(stack, "alter role stronghold nologin")
        past.looks(stack, "http.status@health", 2)
        sql(stack, "alter role stronghold login")
        yield


@fault("docker.exec.health_check@stack", "P1", "is 1: CommandError: not all is well, expected 0")
@fault("docker.up@stack", "P1", "redis", "exited")
def redis_is_stopped(stack: Stack) -> Iterator[None]:
    stack.compose("stop", "-t", "1", "redis")
    yield
    stack.compose("start", "redis")
    stack.wait("redis")


@fault("postgres.reachable@main", "P1", "postgres.main can't be reached")
def the_database_is_stopped(stack: Stack) -> Iterator[None]:
    stack.compose("stop", "-t", "5", "db")
    yield
    stack.compose("start", "db")
    stack.wait("db")


@fault("http.p95@health", "P2", "expected <= 500 ms")
def every_connection_to_the_database_takes_a_while(stack: Stack) -> Iterator[None]:
    sql(stack, "alter system set post_auth_delay = 1", "select pg_reload_conf()")
    yield
    sql(stack, "alter system reset post_auth_delay", "select pg_reload_conf()")


@fault("docker.exec.deploy_check@stack", "P2", "is 1", "expected 0")
def cookies_are_sent_without_https(stack: Stack) -> Iterator[None]:
    other = stack.state / "other.yml"
    other.write_text('services:\n  web:\n    environment: {HTTPS: "0"}\n', encoding="utf-8")
    stack.compose("-f", str(other), "up", "-d", "--no-deps", "web")
    yield
    stack.compose("up", "-d", "--no-deps", "web")
    stack.wait("web")


@fault("tls.days_left@app", "P1", "expected >= 7 d")
def the_certificate_was_not_renewed(stack: Stack) -> Iterator[None]:
    made = "-x509 -newkey rsa:2048 -nodes -days 3 -subj /CN=localhost -keyout /tmp/old.pem -out /tmp/old.crt"
    stack.run("nginx", f"openssl req {made} && cat /tmp/old.crt >>/tmp/old.pem")
    stack.run("nginx", "sed -i s,/certificates/server.pem,/tmp/old.pem, /etc/nginx/nginx.conf && nginx -s reload")
    yield
    stack.run("nginx", "cp /config/nginx.conf /etc/nginx/nginx.conf && nginx -s reload")


# The database.


@fault("postgres.connections@main", "P2", "expected < 80 %")
def connections_are_left_open(stack: Stack) -> Iterator[None]:
    one = "psycopg2.connect('postgresql://stronghold@db/stronghold')"
    held = f"import psycopg2, time; held = [{one} for _ in range(31)]; time.sleep(90)"
    with meanwhile(stack, "web", f"python3 -c {quote(held)}"):
        yield


@fault("postgres.mean_query_time@main", "P2", "expected < 100 ms")
def queries_take_seconds(stack: Stack) -> Iterator[None]:
    sql(stack, "select pg_stat_statements_reset()", "select pg_sleep(2)", "select pg_sleep(3)")
    yield
    sql(stack, "select pg_stat_statements_reset()", *["select 1"] * 20)


# The machine.


@fault("host.cpu@prod", "P3", "cpu", "expected < 70 %")
def the_processors_are_busy(stack: Stack) -> Iterator[None]:
    stack.on_machine(
        "systemd-run -q --unit=busy sh -c 'for each in $(seq $(nproc)); do timeout 60 yes >/dev/null & done; wait'"
    )
    yield
    stack.on_machine("systemctl stop busy")


def short_of_memory(stack: Stack, available: float) -> Iterator[None]:
    # A container's figures are those of the machine that it runs on, whose memory belongs to others too: this one sees
    # a page of the same shape in their place.
    stack.on_machine(
        f"awk '/^MemTotal/ {{all = $2}} /^MemAvailable/ {{$2 = int(all * {available})}} {{print}}' "
        "/proc/meminfo >/run/meminfo; mount --bind /run/meminfo /proc/meminfo"
    )
    yield
    stack.on_machine("umount /proc/meminfo")


@fault("host.memory@prod", "P3", "82 %, expected < 80 %")
def memory_is_short(stack: Stack) -> Iterator[None]:
    yield from short_of_memory(stack, 0.18)


@fault("host.memory@prod", "P2", "90 %, expected < 85 %")
def memory_is_very_short(stack: Stack) -> Iterator[None]:
    yield from short_of_memory(stack, 0.1)


@fault("host.memory@prod", "P1", "97 %, expected < 95 %")
def memory_is_all_but_gone(stack: Stack) -> Iterator[None]:
    yield from short_of_memory(stack, 0.03)


def fill(stack: Stack, percent: int) -> None:
    stack.on_machine(f"fallocate -l $(($(stat -f -c '%a * %S' /data) * {percent} / 100)) /data/full")


@fault("host.disk@prod", "P3", "/data", "expected < 85 %")
def a_disk_fills_up(stack: Stack) -> Iterator[None]:
    fill(stack, 88)
    yield
    stack.on_machine("rm /data/full")


@fault("host.disk@prod", "P1", "/data", "expected < 95 %")
def a_disk_is_full(stack: Stack) -> Iterator[None]:
    fill(stack, 97)
    yield
    stack.on_machine("rm /data/full")


@fault("docker.disk@stack", "P3", "expected < 100 GB")
def a_large_volume_is_forgotten(stack: Stack) -> Iterator[None]:
    name = f"{stack.name}-forgotten"
    said(["docker", "run", "--rm", "-v", f"{name}:/data", "opscheck-examples", "truncate", "-s", "300G", "/data/old"])
    yield
    said(["docker", "volume", "rm", name])


@fault("host.file.rotated_logs@prod", "P3", "/srv/logs/access.log.2.gz", "expected < 7 d")
def an_old_log_was_not_removed(stack: Stack) -> Iterator[None]:
    stack.on_machine("touch -d '9 days ago' /srv/logs/access.log.2.gz")
    yield
    stack.on_machine("touch -d '2 days ago' /srv/logs/access.log.2.gz")


# Backups.


@fault("backup.fresh@database", "P1", "expected < 26 h")
def there_was_no_backup_last_night(stack: Stack) -> Iterator[None]:
    newest = "/srv/backups/backup_$(date +%Y%m%d)_*.sql.gz"
    stack.on_machine(f"mkdir /run/kept; mv {newest} /run/kept; touch -d '30 hours ago' /srv/backups/*_023000.sql.gz")
    yield
    stack.on_machine("mv /run/kept/* /srv/backups; rmdir /run/kept")


@fault("backup.complete@database", "P1", "expected 100 %")
def a_night_had_no_backup(stack: Stack) -> Iterator[None]:
    night = "/srv/backups/backup_$(date -d '3 days ago' +%Y%m%d)_023000.sql.gz"
    stack.on_machine(f"mv {night} /run/")
    yield
    stack.on_machine("mv /run/backup_* /srv/backups/")
