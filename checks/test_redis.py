from dataclasses import replace

from pytest_opscheck import NEEDED, check, redis
from pytest_opscheck.probes._types import CountParam
from pytest_opscheck.probes._versions import VersionParam
from pytest_opscheck.probes.redis._keys import Patterns, enough
from pytest_opscheck.probes.redis._safety import RoleParam


@check(
    redis.reachable,
    limit="== PONG",
    severity="P0",
    suites=("*",),
    action="Check whether redis-server runs, and what its log says",
)
def test_reachable(reachable, expect):
    """Redis answers.

    It accepts a connection, with the url's user, password and TLS, and answers PING with PONG. If it has INFO, the
    answer must be valid, and not a Sentinel's. A server that rejects writes because it can't save says so in its answer
    (MISCONF): that is a breach, but everything else can still be read. At most 4 MB or 50,000 values of an answer are
    read. Neither HELLO nor CLIENT is needed, which servers before 6 and proxies don't have.

    Needs: `ACL SETUSER NAME +ping +info +dbsize +scan +config|get` for a dedicated user; it never needs to write.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
    """
    expect(reachable.target)


@check(
    redis.version,
    severity="P1",
    suites=("smoke", "deploy_gate"),
    takes="expected",
    action="See what runs there: redis-cli INFO server",
)
def test_version(version, expect, *, expected: VersionParam = NEEDED):
    """Redis has the expected version.

    redis_version of INFO, compared number by number, in as many numbers as the limit has: `== 7` holds for 7.0.15, `>=
    6.2` for 6.10. Valkey and others report there which version of Redis they are compatible with.

    Needs: `ACL SETUSER NAME +info`.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { version = "== 7" }
    """
    expect(version, subject="version", limit=expected)


@check(
    redis.memory,
    limit={"P3": "< 80%", "P1": "< 95%"},
    units=("%", "B"),
    action="Find what fills it: redis-cli --bigkeys",
)
def test_memory(memory, expect):
    """Redis has memory left.

    Used memory (used_memory), of maxmemory where the limit is a percentage. A server without maxmemory has no limit of
    its own: the default check is then ok, a percentage in the inventory is unknown, and a limit in bytes is judged.
    Where neither INFO nor CONFIG tells whether there is a maxmemory, only a limit in bytes is judged.

    Needs: `ACL SETUSER NAME +info`.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { memory = { P3 = "< 100MB", P1 = "< 500MB" } }
    """
    percent, why = memory.used_percent, None
    if not memory.told:
        why = "the server does not say whether it has a maxmemory; give the limit as a size, for example '< 4GB'"
    elif percent is None and expect.by_default:
        percent = 0.0
    elif percent is None:
        why = "there is no maxmemory to be a percentage of; set one, or give the limit as a size, for example '< 4GB'"
    expect(percent, "%", also={"B": memory.used}, why=why)


@check(
    redis.maxmemory_policy,
    units=("text",),
    suites=("weekly",),
    action="Set it in redis.conf, and until the next start: redis-cli CONFIG SET maxmemory-policy POLICY",
)
def test_maxmemory_policy(maxmemory_policy, expect):
    """Redis has the expected eviction policy.

    maxmemory_policy of INFO, which managed services show where they have no CONFIG. Without maxmemory no policy ever
    evicts anything; the message then says so.

    Needs: `ACL SETUSER NAME +info`.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { maxmemory_policy = "== allkeys-lru" }
    """
    unused = "" if maxmemory_policy.bounded else " (unused: there is no maxmemory)"
    expect(maxmemory_policy.policy, subject="policy", observed=maxmemory_policy.policy + unused)


@check(
    redis.clients,
    units=("", "%"),
    most="100%",
    action="See who they are: redis-cli CLIENT LIST",
)
def test_clients(clients, expect, *, blocked: CountParam | None = None):
    """Redis has as many clients as expected.

    connected_clients of INFO, without the check's own connection and without replicas; a percentage is of maxclients.
    With `blocked`, also how many of them wait in a blocking command (blocked_clients): idle workers of a queue do.

    Needs: `ACL SETUSER NAME +info`.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { clients = { P2 = "< 80%", P3 = "< 50%", blocked = "< 20" } }
    """
    of_all = clients.percent
    why = "the server does not say its maxclients; give the limit as a number" if of_all is None else None
    if expect.has_limit:
        expect(of_all, "%", subject="connected clients", also={"": clients.connected}, why=why)
    if blocked is not None:
        told = None if clients.blocked is not None else "the server does not say how many are blocked"
        expect(clients.blocked, subject="blocked clients", limit=blocked, why=told)


@check(
    redis.hit_rate,
    units=("%",),
    most="100%",
    action="See what is looked up and not cached, and whether keys are evicted",
)
def test_hit_rate(hit_rate, expect):
    """The cache answers most look-ups.

    keyspace_hits / (keyspace_hits + keyspace_misses), of all databases together, since the last run of the suite. The
    first run, and one without look-ups since the previous run, uses the counters since the server's start or CONFIG
    RESETSTAT. With `sample = "10s"` it is measured between two samples that far apart, which the run waits for; no
    look-up in that time is unknown.

    Needs: `ACL SETUSER NAME +info`.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        [redis.cache.expect.hit_rate]
        sample = "10s"
        limit = [{ during = "00:00-08:00", P2 = "> 40%" }, { P2 = "> 70%" }]
    """
    sample = hit_rate.sample_s
    percent, since = hit_rate.percent, "since the server's start" if sample is None else f"within {sample:g} s"
    if sample is None:
        moved = expect.since_last_run(counted_by=hit_rate.server, hits=hit_rate.hits, misses=hit_rate.misses)
        lately = replace(hit_rate, **moved.by).percent
        if moved.since is not None and lately is not None:
            percent, since = lately, moved.since
    why = "nothing has been looked up" + ("" if sample is None else "; use a longer sample")
    expect(percent, "%", subject="hit rate", note=since, why=why if percent is None else None)


@check(
    redis.evicted,
    units=("", "rate"),
    action="Let it have more memory (maxmemory), or find what fills it: redis-cli --bigkeys",
)
def test_evicted(evicted, expect):
    """Redis evicts no more keys than expected.

    evicted_keys of INFO: a number since the last run of the suite, or a rate (`< 100/h`) over its window, as far back
    as past runs reach. The first run uses the count since the server's start, and a rate is then the mean over that
    time. With `sample = "10s"` it is measured between two samples that far apart.

    Needs: `ACL SETUSER NAME +info`.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { evicted = { P3 = "== 0", P2 = "< 1000" } }
    """
    value, since = evicted.value, f"within {evicted.seconds:g} s"
    if not evicted.sampled:
        moved = expect.since_last_run(counted_by=evicted.server, unit=evicted.unit, keys=evicted.keys)
        value = value if moved.since is None else moved.by["keys"]
        since = moved.since or f"since the server's start {evicted.seconds / 86400:.1f} d ago"
    expect(value, evicted.unit, subject="keys evicted", note=since)


@check(redis.keys, units=("",), action="Check whether the database was flushed, or the url names another one")
def test_keys(keys, expect):
    """The database holds keys.

    DBSIZE of the url's database.

    Needs: `ACL SETUSER NAME +dbsize`.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { keys = "> 0" }
    """
    expect(keys, subject="keys")


@check(
    redis.keys_matching,
    takes="patterns",
    asks={"patterns": enough},
    action="See which there are: redis-cli --scan --pattern {subject}; warm the cache up again",
)
def test_keys_matching(keys_matching, expect, *, patterns: Patterns = NEEDED):
    """The database holds the keys that it should, by their patterns.

    Of each pattern (`*`, `?`, `[ab]`, as KEYS has them) how many keys of the url's database match, each counted once.
    SCAN finds them page by page, so that the server is never blocked; it ends early once the limits are decided. The
    check is unknown if its time limit (`timeout`, 20 s) passes first, or if a limit is above 250,000 keys and that many
    match. In a cluster only the server in the url is checked.

    Needs: `ACL SETUSER NAME +scan`, and `~*` (or `%R~*`): keys that the user can't see are left out.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { keys_matching = { "income:*" = "> 0", "prod_*" = { P3 = "> 100", P1 = "> 0" } } }
    """
    for matching in keys_matching:
        observed = f"{matching.count} or more" if matching.more else None
        expect(matching.count, subject=matching.pattern, limit=patterns[matching.pattern], observed=observed)


@check(
    redis.keys_without_ttl,
    units=("", "%"),
    most="100%",
    suites=("weekly",),
    action="Find them: redis-cli --scan | head, and of each: redis-cli TTL KEY, which says -1",
)
def test_keys_without_ttl(keys_without_ttl, expect):
    """No more keys than expected are without an expiry.

    keys less expires of INFO keyspace, of the url's database: exact, and without looking at a key. A percentage is of
    all keys. Of an empty database it is 0.

    Needs: `ACL SETUSER NAME +info`.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { keys_without_ttl = "< 5%" }
    """
    expect(keys_without_ttl.percent, "%", subject="keys without an expiry", also={"": keys_without_ttl.count})


@check(
    redis.last_save,
    units=("s",),
    suites=("weekly",),
    action="See its log for why (disk full? overcommit_memory?), and save by hand: redis-cli BGSAVE",
)
def test_last_save(last_save, expect):
    """Redis saves what it holds, and did so lately.

    The last background save has succeeded (rdb_last_bgsave_status), and changes since then have been waiting no longer
    than the limit (rdb_last_save_time, by the server's clock). Redis counts its start as a save; where nothing has
    changed since (rdb_changes_since_last_save) there is nothing to save, and it waits 0 s. Persistence that is off is a
    breach. With an append-only file its last write must have succeeded; if nothing else is saved then, only that
    counts.

    Needs: `ACL SETUSER NAME +info +config|get`; without CONFIG it can't tell that persistence is off, and judges the
    rest.

    Example:
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { last_save = { P2 = "< 26h" } }
    """
    if last_save.append_only is not None:
        expect(last_save.append_only, subject="last write to the append-only file", limit="== ok")
        if last_save.off:
            return
    elif last_save.off:
        expect("off: `save` is empty and `appendonly` no", subject="persistence", limit="== on")
    expect(last_save.status, subject="last background save", limit="== ok")
    expect(last_save.at_risk_s, "s", subject="time since the last save, with changes after it")


@check(
    redis.replication,
    units=("s",),
    action="See both ends: redis-cli INFO replication, and the log of the replica",
)
def test_replication(replication, expect, *, role: RoleParam | None = None, replicas: CountParam | None = None):
    """Redis is the master or the replica that it should be, and in step with the other end.

    Of a replica: the link to its master is up, and the master was heard of so lately (master_last_io_seconds_ago; it
    pings every 10 s, so a lower limit fails at random). Of a master: each connected replica is online, and has
    confirmed so lately (lag); a lost replica is not on its list, so set the expected number of `replicas`. After a
    failover a server answers as well as before: `role` sets what it must be.

    Needs: `ACL SETUSER NAME +info`.

    Example:
        [redis.primary]
        url = "${REDIS_URL}"
        expect = { replication = { P1 = "< 30s", role = "master", replicas = ">= 1" } }
        [redis.standby]
        url = "rediss://ops@standby.example.com:6379/0"
        expect = { replication = { P1 = "< 60s", role = "replica" } }
    """
    if role is not None:
        expect(replication.role, subject="role", limit=role)
    if replicas is not None:
        expect(replication.replicas, subject="replicas online", limit=replicas)
    if expect.has_limit and not replication.links:
        expect(None, "s", subject="replicas", why="there is none; if there must be one, set replicas = '>= 1'")
    for link in replication.links:
        wanted = "up" if replication.role == "replica" else "online"
        if expect(link.state, subject=f"link to {link.to}", limit=f"== {wanted}") and expect.has_limit:
            expect(link.seconds, "s", subject=f"time since {link.to} was heard of")
