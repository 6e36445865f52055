from collections import Counter
from dataclasses import replace

from pytest_opscheck import NEEDED, check, postgres
from pytest_opscheck.probes._versions import VersionParam
from pytest_opscheck.probes.postgres._tables import RowLimits, SizeLimits, enough


@check(
    postgres.reachable,
    limit="== SELECT 1",
    severity="P0",
    suites=("*",),
    action="Check whether the server runs and what its log says: pg_lsclusters; systemctl status postgresql",
)
def test_reachable(reachable, expect):
    """PostgreSQL answers.

    It accepts a connection to the database, and answers SELECT 1 in a read-only transaction. PgBouncer in front is
    supported, with pool_mode transaction or session.

    Needs: a role that can connect. With GRANT pg_monitor it sees what other users' sessions do.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
    """
    expect(reachable.target)


@check(
    postgres.version,
    severity="P1",
    suites=("deploy_gate",),
    takes="expected",
    action="See which cluster listens there: pg_lsclusters",
)
def test_version(version, expect, *, expected: VersionParam = NEEDED):
    """PostgreSQL has the expected version.

    server_version, compared number by number, in as many numbers as the limit has: `== 15` holds for 15.4, `>= 15.4`
    for 15.10, `> 15` for 16.0 and not for 15.10.

    Needs: no privileges.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        version = { P1 = "== 15", P3 = ">= 15.4" }
    """
    expect(version, subject="version", limit=expected)


@check(
    postgres.connections,
    limit={"P2": "< 80%", "P1": "< 95%"},
    units=("%", ""),
    most="100%",
    suites=("smoke", "daily"),
    action="See who holds them: SELECT usename, state, count(*) FROM pg_stat_activity GROUP BY 1, 2",
)
def test_connections(connections, expect):
    """PostgreSQL has connections left.

    Client backends other than the check's own, of max_connections less the reserved ones; and the same for the database
    and for roles that have a limit of their own. Behind PgBouncer they are the pool's, not those of the application.

    Needs: no privileges.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        connections = "<= 20"
    """
    for bound in connections:
        most = f" (most are {bound.most})" if bound.most else ""
        expect(bound.used_percent, "%", subject=f"connections of the {bound.of}{most}", also={"": bound.used})


@check(
    postgres.waiting_locks,
    limit="== 0",
    suites=("smoke", "daily"),
    action="See who waits for whom: SELECT pid, pg_blocking_pids(pid), state, query FROM pg_stat_activity",
)
def test_waiting_locks(waiting_locks, expect):
    """No session waits long for a lock.

    Sessions of the database with an ungranted lock in pg_locks for longer than `longer_than` (by default 5 s). The
    message names for whom they wait: by its pid, or a prepared transaction by its name.

    Needs: no privileges; before version 14, and to see which of the others are idle in a transaction, GRANT pg_monitor
    TO the user of the dsn.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        waiting_locks = { P2 = "== 0", longer_than = "30s", ignore = ["advisory"] }
    """
    who = "; ".join(
        f"{w.pid} ({w.user}) for {w.seconds:.0f} s, for {', '.join(w.blocked_by)}" for w in waiting_locks[:3]
    )
    expect(len(waiting_locks), subject="sessions waiting for a lock" + (f" [{who}]" if who else ""))


@check(
    postgres.idle_in_transaction,
    limit={"P3": "< 5m", "P2": "< 1h"},
    units=("s",),
    action="See what it did last: SELECT pid, query FROM pg_stat_activity; end it: SELECT pg_terminate_backend(PID)",
)
def test_idle_in_transaction(idle_in_transaction, expect):
    """No transaction holds locks while nobody works in it.

    The longest time for which a client's session of the database has been idle in a transaction that holds locks, since
    its last statement; and the age of prepared transactions, which hold theirs until somebody ends them, even across
    restarts. Sooner or later others wait for such locks, and VACUUM can't clean up past them. No such transaction is 0
    s.

    Needs: as a superuser, GRANT pg_monitor TO the user of the dsn; otherwise other users' sessions that hold locks for
    longer than a second make it unknown.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        idle_in_transaction = { P3 = "< 1m", P1 = "< 30m" }
    """
    for idle in idle_in_transaction.found[:1]:
        expect(idle.seconds, "s", subject=f"longest idle in a transaction ({idle.who})")
    if idle_in_transaction.hidden:
        expect(None, "s", subject="longest idle in a transaction", why=idle_in_transaction.hidden)
    elif not idle_in_transaction.found:
        expect(0.0, "s", subject="longest idle in a transaction")


@check(
    postgres.active_queries,
    units=("",),
    action="See what runs: SELECT pid, usename, query_start, query FROM pg_stat_activity WHERE state = 'active'",
)
def test_active_queries(active_queries, expect):
    """The database runs as many statements as expected.

    Clients' sessions of the database whose state in pg_stat_activity is active, also while they wait for a lock, at one
    moment. The check's own session does not count, and neither do replication, autovacuum and parallel workers.

    Needs: as a superuser, GRANT pg_monitor TO the user of the dsn; otherwise other users' sessions make it unknown.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        active_queries = { P3 = "< 5", P1 = "<= 10" }
    """
    who = Counter(session.user for session in active_queries)
    most = f" (most are of {who.most_common(1)[0][0]}: {who.most_common(1)[0][1]})" if who else ""
    expect(len(active_queries), subject=f"active queries{most}")


@check(
    postgres.longest_query,
    units=("s",),
    action="See what it does: SELECT * FROM pg_stat_activity WHERE pid = PID; to end it: SELECT pg_cancel_backend(PID)",
)
def test_longest_query(longest_query, expect):
    """No statement runs for too long.

    The longest time since query_start among the sessions that `active_queries` counts; nothing running is 0 s. A dump
    is such a statement too: a limit can depend on the time of day.

    Needs: as a superuser, GRANT pg_monitor TO the user of the dsn; otherwise other users' sessions make it unknown.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        longest_query = [{ during = "01:00-03:00", P2 = "< 2h" }, { P3 = "< 1m", P2 = "< 10m" }]
    """
    if longest_query is None:
        expect(0.0, "s", subject="longest query")
    else:
        expect(longest_query.seconds, "s", subject=f"longest query ({longest_query.user}, pid {longest_query.pid})")


@check(
    postgres.clients,
    limit="== 0",
    severity="P1",
    takes="users",
    action="See who it is: SELECT pid, usename, client_addr, application_name, backend_start FROM pg_stat_activity",
)
def test_clients(clients, expect):
    """Only known users and addresses are connected.

    Sessions that are connected to the database at one moment, whose user is none of `users`, or whose address is within
    none of `addresses` if those are set; `local` is the server's own socket. A logical replication client counts too.
    The check's own session does not count, but others of its user do. Behind PgBouncer the addresses are the pooler's.

    Needs: as a superuser, GRANT pg_monitor TO the user of the dsn; otherwise other users' sessions make it unknown.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        clients = { users = ["analytics", "grafana"], addresses = ["10.0.0.0/8", "local"] }
    """
    who = Counter(f"{session.user} from {session.address}" for session in clients.unknown)
    names = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in who.most_common(5))
    expect(len(clients.unknown), subject="unknown clients" + (f" [{names}]" if names else ""))


@check(
    postgres.mean_query_time,
    units=("s",),
    action="See what takes it: SELECT query, calls, total_exec_time FROM pg_stat_statements ORDER BY 3 DESC LIMIT 10",
)
def test_mean_query_time(mean_query_time, expect):
    """Statements are fast on average.

    Execution time of all calls / calls, of all statements of the database in pg_stat_statements, since its statistics
    were reset. BEGIN and COMMIT are calls too; the checks' own queries are left out. A mean over months says little
    about today: SELECT pg_stat_statements_reset() now and then.

    Needs: the extension: shared_preload_libraries = 'pg_stat_statements', a restart, and in the database, as a
    superuser, CREATE EXTENSION pg_stat_statements.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        mean_query_time = "< 100ms"
    """
    why = None if mean_query_time.calls else "no statement has been counted yet"
    expect(mean_query_time.mean_ms, "ms", subject=f"mean of {mean_query_time.calls} calls", why=why)


@check(
    postgres.slow_statements,
    suites=("daily", "weekly"),
    units=("",),
    action="See its plan by EXPLAIN; once it is fixed, reset the counters: SELECT pg_stat_statements_reset()",
)
def test_slow_statements(slow_statements, expect):
    """No statement is slow on average.

    Statements of the database whose mean execution time in pg_stat_statements is over `over` (by default 1 s), since
    its statistics were reset. Those that the checks themselves make are left out.

    Needs: the extension: shared_preload_libraries = 'pg_stat_statements', a restart, and in the database, as a
    superuser, CREATE EXTENSION pg_stat_statements. To see other users' statements, GRANT pg_monitor TO the user of the
    dsn; they count in any case.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        slow_statements = { P3 = "== 0", over = "1s" }
    """
    worst = "; ".join(
        f"{statement.mean_ms / 1000:.3g} s on average of {statement.calls}: {statement.text}"
        for statement in slow_statements[:3]
    )
    expect(len(slow_statements), subject="slow statements" + (f" [{worst}]" if worst else ""))


@check(
    postgres.deadlocks,
    severity="P0",
    units=("", "rate"),
    action="See in the server's log which statements deadlocked: grep -A 10 'deadlock detected'",
)
def test_deadlocks(deadlocks, expect):
    """Transactions of the database do not deadlock.

    deadlocks of pg_stat_database, of the database: those since the last run of the suite or, where the limit is a rate,
    those within its window, as far as past runs reach back. The first run takes all since its statistics were reset
    and, where the limit is a rate, that of the whole time since then (where they were never reset, of the time since
    the server's start). What is younger than a rate's window counts whole.

    Needs: no privileges.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        deadlocks = { P3 = "< 1/day", P0 = "< 20/day" }
    """
    moved = expect.since_last_run(
        counted_by=deadlocks.counted_by, unit=deadlocks.unit, deadlocks=deadlocks.counter.count
    )
    if moved.since is None:
        expect(deadlocks.value, deadlocks.unit, subject=deadlocks.counter.named)
    else:
        expect(moved.by["deadlocks"], deadlocks.unit, subject="deadlocks", note=moved.since)


@check(
    postgres.checksum_failures,
    severity="P0",
    units=("",),
    action="Stop writing to it, copy its files, and restore from a backup; the server's log names the damaged pages",
)
def test_checksum_failures(checksum_failures, expect):
    """No page of the server has a wrong checksum.

    checksum_failures of pg_stat_database, of every database and of the catalogs that all share, since their statistics
    were reset. A page is verified when it is read from disk, so damage in pages that are never read is not counted:
    pg_amcheck reads everything. Once everything is fixed, SELECT pg_stat_reset() in that database ends the breach,
    which the counter alone never does (pgmonitor, issue 125).

    Needs: no privileges; a server with data checksums (with the server stopped, pg_checksums --enable), version 12.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        checksum_failures = "== 0"
    """
    for database in checksum_failures:
        expect(database.count, subject=database.named)


@check(
    postgres.cache_hit,
    units=("%",),
    most="100%",
    action="See what reads so much: SELECT relname, heap_blks_read FROM pg_statio_user_tables ORDER BY 2 DESC LIMIT 10",
)
def test_cache_hit(cache_hit, expect):
    """Most blocks that the database wants are in its cache.

    blks_hit / (blks_hit + blks_read) of pg_stat_database, of the database, since the last run of the suite; at the
    first one since its statistics were reset. A read may have come from the operating system's cache.

    Needs: no privileges.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        cache_hit = { P3 = "> 95%" }
    """
    moved = expect.since_last_run(counted_by=cache_hit.counted_by, hits=cache_hit.hits, reads=cache_hit.reads)
    lately = replace(cache_hit, **moved.by).percent
    percent, since = (cache_hit.percent, None) if lately is None else (lately, moved.since)
    expect(percent, "%", note=since, why=None if percent is not None else "nothing has been read yet")


@check(
    postgres.replication_lag,
    severity="P1",
    units=("s",),
    action="See pg_stat_replication on the primary, pg_stat_wal_receiver on the standby, and both servers' logs",
)
def test_replication_lag(replication_lag, expect):
    """Standbys are not far behind their primary.

    The lag of a standby that within 6 s replays all the WAL that its primary had at the time of the query is the time
    that this took. Otherwise a standby reports the time since the commit of the last transaction that it has replayed,
    and a primary reports replay_lag of pg_stat_replication and the time since it was updated. So an idle primary causes
    no lag, as it does in postgres_exporter (issue 385). A standby that has a primary but does not receive from it is a
    breach, and so is a primary with fewer standbys than `standbys`. Base backups, pg_receivewal and logical subscribers
    are not standbys. The servers' clocks must agree.

    Needs: as a superuser, GRANT pg_monitor TO the user of the dsn.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        replication_lag = { P2 = "< 1m", P1 = "< 10m", standbys = 2 }
    """
    for lag in replication_lag.lags:
        expect(lag.seconds, "s", subject=f"lag of {lag.of}", why=lag.why)
    if replication_lag.connected is not None:
        state = "streaming" if replication_lag.connected else "not connected"
        expect(state, subject="replication from the primary", limit="== streaming")
    if replication_lag.expected is not None:
        expect(replication_lag.standbys, subject="standbys connected", limit=f">= {replication_lag.expected}")
    elif not replication_lag.lags:
        expect(None, "s", why="no standby is connected; set how many there should be: standbys = 1")


@check(
    postgres.tables,
    limit="== present",
    severity="P1",
    suites=("deploy_gate",),
    takes="names",
    action="Check whether all migrations ran, and whether the dsn names the right database and schema",
)
def test_tables(tables, expect):
    """Every named table is there.

    By the name in pg_class, which is case-sensitive, in the search path or the given schema. Partitioned and foreign
    tables are tables; a view is not.

    Needs: no privileges, except USAGE of a schema on the search path for a name without a schema.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        tables = ["users", "positions", "billing.invoices"]
    """
    for table in tables:
        expect(table.state, subject=table.name)


@check(
    postgres.indexes,
    limit="== valid",
    severity="P1",
    suites=("deploy_gate",),
    takes="names",
    action="Check whether all migrations ran; an invalid index: REINDEX INDEX CONCURRENTLY NAME",
)
def test_indexes(indexes, expect):
    """Every named index is there, and valid.

    indisvalid and indisready of pg_index: an index that CREATE INDEX CONCURRENTLY has not finished, or has given up, is
    kept up to date at most, and serves no query.

    Needs: no privileges, except USAGE of a schema on the search path for a name without a schema.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        indexes = ["ix_positions_user_id"]
    """
    for index in indexes:
        expect(index.state, subject=index.name)


@check(
    postgres.rows,
    severity="P1",
    suites=("deploy_gate", "daily"),
    takes="tables",
    asks={"tables": enough},
    action="Check whether the restore or migration was whole, and whether the dsn names the right database",
)
def test_rows(rows, expect, *, tables: RowLimits = NEEDED):
    """Tables have as many rows as expected.

    Counted, not estimated, but no further than the limit requires: for `> 0` one row is enough, so the number is then a
    minimum. A missing table, or one with rows hidden by row security, is unknown.

    Needs: GRANT SELECT ON the table, and USAGE of its schema, TO the user of the dsn.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        rows = { accounts = "> 0", "billing.subscriptions" = { P1 = "> 0", P3 = ">= 100" } }
    """
    for table in rows:
        observed = f"{table.rows} or more" if table.more else None
        expect(
            table.rows, subject=f"rows of {table.table}", limit=tables[table.table], observed=observed, why=table.why
        )


@check(
    postgres.table_size,
    suites=("monthly",),
    units=("B",),
    takes="tables",
    asks={"named": lambda tables: tuple(tables or ())},
    action="See what can be archived, and whether it is bloat: pg_stat_user_tables, n_dead_tup",
)
def test_table_size(table_size, expect, *, tables: SizeLimits | None = None):
    """Tables are as large as expected.

    pg_total_relation_size: the table with its indexes and TOAST; of a partitioned table all partitions together. A
    single limit applies to every table, of which the 20 largest are shown; a named table has its own limit.

    Needs: no privileges.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.expect]
        table_size = { P3 = "< 10GB", audit_logs = "< 50GB" }
    """
    for table in table_size:
        own = (tables or {}).get(table.table)
        if own is not None or expect.has_limit:
            expect(table.size_bytes, "B", subject=f"size of {table.table}", limit=own, why=table.why)


@check(
    postgres.plan,
    suites=("weekly",),
    units=("s",),
    family=True,
    action="See the plan: EXPLAIN (ANALYZE, BUFFERS); whether the index is valid, and whether ANALYZE fixes it",
)
def test_plan(plan, expect):
    """A query uses its index, and is fast.

    EXPLAIN ANALYZE executes the query once, in a read-only transaction with a time limit, when nothing else is probed.
    The time is planning and execution on the server, without sending rows. `index` is used where any part of the plan
    scans it, or the part of it that belongs to a partition. For a small table PostgreSQL rightly prefers to read it
    whole: expect this of a database with real data.

    Needs: GRANT SELECT ON what the query reads TO the user of the dsn.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.plan.logs_of_a_user]
        sql = "select * from audit_logs where user_id = 42 order by created_at desc limit 50"
        index = "ix_audit_logs_user_created"
        expect = "< 100ms"
    """
    expect(plan.ms, "ms", subject="time")
    if plan.index is not None:
        observed = f"{plan.state} ({', '.join(plan.scans) or 'nothing is scanned'})" if plan.state != "used" else None
        expect(plan.state, subject=f"index {plan.index}", limit="== used", observed=observed)


@check(postgres.query, units=("*",), family=True, action="Run the query by hand, and see what it counts: {asked}")
def test_query(query, expect):
    """A user-defined query answers as expected.

    One value, or rows of a name and a value, each of which is judged. The query runs in a read-only transaction with a
    time limit. An interval is in seconds; `unit` is the unit of a number. A char(10) is compared without the blanks
    behind it, as PostgreSQL does it. An answer of more than 1 MB is not read on, and the check is unknown.

    Needs: GRANT SELECT ON what the query reads TO the user of the dsn.

    Example:
        [postgres.main]
        dsn = "${DATABASE_URL}"
        [postgres.main.query.stuck_jobs]
        sql = "select count(*) from jobs where status = 'processing' and created_at < now() - interval '1 hour'"
        expect = { P3 = "== 0" }
    """
    for answer in query:
        expect(
            answer.value, answer.unit, subject=answer.subject, why="the value is NULL" if answer.value is None else None
        )
