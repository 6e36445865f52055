from pytest_opscheck import check, postgres


@check(
    postgres.reachable,
    limit="== SELECT 1",
    severity="P0",
    suites=("*",),
    action="See whether the server runs and what its log says: pg_lsclusters; systemctl status postgresql",
)
def test_reachable(reachable, expect):
    """PostgreSQL answers."""
    expect(reachable.target)


@check(
    postgres.connections,
    limit={"P2": "< 80%", "P1": "< 95%"},
    units=("%", ""),
    suites=("smoke", "daily"),
    action="See who holds them: SELECT usename, state, count(*) FROM pg_stat_activity GROUP BY 1, 2",
)
def test_connections(connections, expect):
    """PostgreSQL has connections left.

    Client backends beside the one that counts, of max_connections less what is reserved; and the same for the database
    and for roles that have a limit of their own.
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

    Sessions of the database with an ungranted lock in pg_locks for longer than `longer_than` (by default 5 s).
    """
    who = "; ".join(
        f"{w.pid} ({w.user}) for {w.seconds:.0f} s, for {', '.join(map(str, w.blocked_by))}" for w in waiting_locks[:3]
    )
    expect(len(waiting_locks), subject="sessions waiting for a lock" + (f" [{who}]" if who else ""))


@check(postgres.query, units=("*",), family=True, action="Run the query by hand, and see what it counts")
def test_query(query, expect):
    """A query of one's own answers as expected."""
    for answer in query:
        expect(
            answer.value, answer.unit, subject=answer.subject, why="the value is NULL" if answer.value is None else None
        )
