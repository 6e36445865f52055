from pytest_opscheck import check, redis


@check(
    redis.reachable,
    limit="== PONG",
    severity="P0",
    suites=("*",),
    action="See whether redis-server runs, and what its log says",
)
def test_reachable(reachable, expect):
    """Redis answers."""
    expect(reachable.target)


@check(
    redis.memory,
    limit={"P3": "< 80%", "P1": "< 95%"},
    units=("%", "B"),
    action="Find what fills it: redis-cli --bigkeys",
)
def test_memory(memory, expect):
    """Redis has memory left.

    Used memory (used_memory), of maxmemory where the limit is a percentage. A server without maxmemory has no bound of
    its own: its default check is then ok, and a limit in bytes says what is expected.
    """
    if memory.maximum is None:
        expect(0.0, "%", also={"B": memory.used})
    else:
        expect(memory.used_percent, "%", also={"B": memory.used})


@check(redis.hit_rate, units=("%",), action="See what is looked up and not cached, and whether keys are evicted")
def test_hit_rate(hit_rate, expect):
    """The cache answers most look-ups.

    keyspace_hits / (keyspace_hits + keyspace_misses), since the server's start.
    """
    expect(hit_rate.percent, "%", why=None if hit_rate.percent is not None else "nothing has been looked up yet")


@check(redis.keys, units=("",), action="See whether the database was flushed, or the url names another one")
def test_keys(keys, expect):
    """The database holds keys."""
    expect(keys, subject="keys")
