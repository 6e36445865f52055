"""Faults of examples/saas-django; first those that the logs tell, into which later ones write too."""

from __future__ import annotations

from collections.abc import Iterator

from examples.stack import Stack, said

from .catalogue import Catalogue

fault = Catalogue("saas-django")
OPS = "saas-django-ops"


def psql(stack: Stack, sql: str) -> str:
    return stack.run("db", f'psql -qtA -h 127.0.0.1 -U postgres saas -c "{sql}"')


def on(container: str, command: str) -> str:
    """Run a shell command as root in a container."""
    return said(["docker", "exec", "-u", "root", container, "sh", "-euc", command])


@fault("docker.logs.backend_errors@stack", "P1", "ERROR", "expected 0")
def the_new_release_logs_errors(stack: Stack) -> Iterator[None]:
    psql(stack, "alter table features rename to gone")
    backend = stack.containers("backend")[1]
    on(backend, "curl -s -o /dev/null http://127.0.0.1:8000/api/v1/score/NONE")
    psql(stack, "alter table gone rename to features")
    yield
    on(backend, "for n in $(seq 120); do curl -s -o /dev/null http://127.0.0.1:8000/api/v1/version; done")


@fault("docker.logs.refused_or_failed@stack", "P3", "expected < 20/h")
def somebody_tries_keys(stack: Stack) -> Iterator[None]:
    stack.run(
        "nginx", "for n in $(seq 25); do curl -s -o /dev/null -H 'X-Api-Key: guess' http://127.0.0.1/api/v1/me; done"
    )
    yield
    # What a container has logged stays until it is another one.
    stack.compose("up", "-d", "--force-recreate", "--no-deps", "nginx")
    stack.wait("nginx")


def outside(stack: Stack, document: str, before: str, after: str) -> None:
    """Change what stands for an API outside."""
    stack.run("nginx", f"sed -i 's/{before}/{after}/' /srv/outside/{document}.json")


@fault("http.json@ci", "P1", ".conclusion is failure, expected success")
def a_test_of_the_commit_failed(stack: Stack) -> Iterator[None]:
    outside(
        stack,
        "check-runs",
        '"tests", "status": "completed", "conclusion": "success"',
        '"tests", "status": "completed", "conclusion": "failure"',
    )
    yield
    outside(stack, "check-runs", "failure", "success")


@fault("http.json@sentry", "P1", "sum(groups[].totals", "is 41, expected")
def sentry_has_more_errors_than_before(stack: Stack) -> Iterator[None]:
    outside(stack, "stats", '"sum(quantity)": 3', '"sum(quantity)": 41')
    yield
    outside(stack, "stats", '"sum(quantity)": 41', '"sum(quantity)": 3')


@fault("docker.exec.unreviewed_migrations@stack", "P1", "is 1", "expected 0")
def a_model_was_changed_without_a_migration(stack: Stack) -> Iterator[None]:
    backend = stack.containers("backend")[0]
    on(backend, "sed -i 's/max_length=40/max_length=41/' service/models.py")
    yield
    on(backend, "sed -i 's/max_length=41/max_length=40/' service/models.py")


@fault("docker.exec.migrations@stack", "P1", "is 1", "expected 0")
def a_migration_is_not_applied(stack: Stack) -> Iterator[None]:
    psql(stack, "delete from django_migrations where app = 'service' and name = '0002_jobs'")
    yield
    psql(stack, "insert into django_migrations (app, name, applied) values ('service', '0002_jobs', now())")


@fault("http.status@health", "P0", "is 503, expected 200")
@fault("postgres.reachable@main", "P0", "postgres.main can't be reached")
@fault("docker.up@stack", "P1", "db is exited")
def the_database_is_stopped(stack: Stack) -> Iterator[None]:
    stack.compose("stop", "-t", "2", "db")
    yield
    stack.compose("start", "db")
    stack.wait("db")


@fault("http.json@version", "P1", "version", "2026.11.2")
def an_older_release_runs(stack: Stack) -> Iterator[None]:
    for backend in stack.containers("backend"):
        on(
            backend,
            """sed -i 's/environ.get("VERSION", "1.0")/"2026.11.2"/' service/settings.py; pkill -HUP -o gunicorn""",
        )
    yield
    for backend in stack.containers("backend"):
        on(
            backend,
            """sed -i 's/= "2026.11.2"/= environ.get("VERSION", "1.0")/' service/settings.py; pkill -HUP -o gunicorn""",
        )


@fault("docker.image@stack", "P1", "'s image", "expected")
def the_release_was_built_anew_and_not_deployed(_stack: Stack) -> Iterator[None]:
    said(["docker", "tag", "saas-django:2026.11.3", "saas-django:before"])
    said(["docker", "tag", "opscheck-examples", "saas-django:2026.11.3"])
    yield
    said(["docker", "tag", "saas-django:before", "saas-django:2026.11.3"])
    said(["docker", "rmi", "saas-django:before"])


@fault("http.flow.checkout@app", "P1", "sign in", "is 401, expected 200")
@fault("http.flow.keys@app", "P1", "token", "is 401, expected 200")
def nobody_can_sign_in(stack: Stack) -> Iterator[None]:
    psql(stack, "update accounts set password = 'x' || password")
    yield
    psql(stack, "update accounts set password = substr(password, 2)")


@fault("http.flow.checkout@app", "P1", "checkout", "is 500, expected 200")
def nothing_can_be_bought(stack: Stack) -> Iterator[None]:
    psql(stack, "alter table subscriptions rename to gone")
    yield
    psql(stack, "alter table gone rename to subscriptions")


@fault("http.latency@api", "P2", "expected < 5 s")
def every_call_waits_for_a_lock(stack: Stack) -> Iterator[None]:
    # The request before the measured one gets in between two locks.
    lock = "begin; lock table api_keys; select pg_sleep(5.5); commit;"
    locks = f"for n in 1 2 3 4 5 6 7 8; do echo '{lock}'; done | psql -q -h 127.0.0.1 -U postgres saas"
    stack.run("db", f"({locks}) > /dev/null 2>&1 &")
    yield
    end_sessions(stack, "pg_sleep")


@fault("postgres.active_queries@main", "P3", "is 12, expected < 10")
def many_queries_run(stack: Stack) -> Iterator[None]:
    stack.run(
        "db", "for n in $(seq 12); do psql -h 127.0.0.1 -U saas -c 'select pg_sleep(60)' saas >/dev/null 2>&1 & done"
    )
    yield
    end_sessions(stack, "pg_sleep")


@fault("postgres.connections@main", "P3", "expected < 70 %")
def connections_are_left_open(stack: Stack) -> Iterator[None]:
    one = "psycopg2.connect('host=127.0.0.1 user=saas dbname=saas application_name=leak')"
    held = f"import psycopg2, time; held = [{one} for _ in range(43)]; time.sleep(60)"
    stack.run("db", f'python3 -c "{held}" > /dev/null 2>&1 &')
    yield
    end_sessions(stack, "leak")


def end_sessions(stack: Stack, of: str) -> None:
    """End the sessions whose query or application has this in it, again until none is left."""
    who = f"pid <> pg_backend_pid() and (query like '%{of}%' or application_name = '{of}')"
    psql(stack, f"select pg_terminate_backend(pid) from pg_stat_activity where {who}")


@fault("docker.cpu@stack", "P3", "redis", "expected < 80 %")
def a_container_keeps_the_processors_busy(stack: Stack) -> Iterator[None]:
    stack.run("redis", "for n in 1 2; do timeout 90 yes > /dev/null 2>&1 & done")
    yield
    stack.run("redis", "pkill yes")


@fault("docker.memory@stack", "P3", "redis", "expected < 90 %")
def a_program_beside_the_cache_fills_its_container(stack: Stack) -> Iterator[None]:
    stack.run("redis", "python3 -c 'import time; full = b\"x\" * (230 << 20); time.sleep(90)' > /dev/null 2>&1 &")
    yield
    stack.run("redis", "pkill python3")


@fault("docker.limits@stack", "P2", "'s bound of memory is 8 GiB, expected 4 GiB")
def a_bound_was_raised_by_hand(stack: Stack) -> Iterator[None]:
    worker = stack.containers("celery")[1]
    said(["docker", "update", "--memory", "8g", "--memory-swap", "16g", worker])
    yield
    said(["docker", "update", "--memory", "4g", "--memory-swap", "8g", worker])


@fault("docker.replicas@stack", "P1", "celery", "is 4, expected 5")
def a_worker_is_gone(stack: Stack) -> Iterator[None]:
    worker = stack.containers("celery")[3]
    said(["docker", "stop", "-t", "1", worker])
    yield
    said(["docker", "start", worker])
    stack.wait("celery")


@fault("redis.hit_rate@cache", "P3", "expected > 50 %")
def what_is_asked_for_is_never_in_the_cache(stack: Stack) -> Iterator[None]:
    asking = "for n in $(seq 90); do redis-cli -r 50 get nothing; sleep 0.5; done"
    pid = stack.run("redis", f"sh -c '{asking}' > /dev/null 2>&1 & echo $!")
    yield
    stack.run("redis", f"kill {pid}")


@fault("postgres.query.sessions@main", "P2", "0, expected > 0")
def everybody_was_signed_out(stack: Stack) -> Iterator[None]:
    psql(stack, "update django_session set expire_date = expire_date - interval '1 year'")
    yield
    psql(stack, "update django_session set expire_date = expire_date + interval '1 year'")


@fault("postgres.rows@main", "P0", "rows of accounts is 0, expected > 0")
def the_accounts_are_gone(stack: Stack) -> Iterator[None]:
    unchecked = "set session_replication_role = replica"
    psql(stack, f"{unchecked}; create table kept as select * from accounts; delete from accounts")
    yield
    psql(stack, f"{unchecked}; insert into accounts select * from kept; drop table kept")


@fault("postgres.query.active_subscriptions@main", "P0", "0, expected > 0")
def no_subscription_is_active(stack: Stack) -> Iterator[None]:
    psql(stack, "update subscriptions set status = 'canceled'")
    yield
    psql(stack, "update subscriptions set status = 'active'")


@fault("backup.fresh@before_deploy", "P1", "expected < 1 h")
def the_last_backup_is_two_hours_old(_stack: Stack) -> Iterator[None]:
    on(OPS, "touch -d '-2 hours' /srv/backups/*.sql.gz")
    yield
    on(OPS, "touch /srv/backups/*.sql.gz")


@fault("backup.fresh@database", "P2", "expected < 26 h")
def there_was_no_backup_last_night(_stack: Stack) -> Iterator[None]:
    on(OPS, "touch -d '-30 hours' /srv/backups/*.sql.gz")
    yield
    on(OPS, "touch /srv/backups/*.sql.gz")


@fault("backup.intact@database", "P1", "expected intact")
def the_backup_broke_off(_stack: Stack) -> Iterator[None]:
    on(OPS, "cd /srv/backups; for file in *.sql.gz; do cp $file kept.$file; head -c 900 kept.$file > $file; done")
    yield
    on(OPS, "cd /srv/backups; for file in kept.*; do mv $file ${file#kept.}; touch ${file#kept.}; done")


@fault("backup.uploaded@database", "P2", "expected < 26 h")
def the_upload_did_not_run(stack: Stack) -> Iterator[None]:
    stack.run("bucket", "touch -d '-30 hours' /srv/store/saas-backups/db/*")
    yield
    stack.run("bucket", "touch /srv/store/saas-backups/db/*")


@fault("host.file.secrets@ops", "P3", "/srv/secrets/stripe_key", "expected < 90 d")
def a_secret_is_old(_stack: Stack) -> Iterator[None]:
    on(OPS, "touch -d '-91 days' /srv/secrets/stripe_key")
    yield
    on(OPS, "touch /srv/secrets/stripe_key")
