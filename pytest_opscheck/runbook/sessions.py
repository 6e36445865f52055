"""What programs that talk to databases, queues and applications do: psql, redis-cli, celery, manage.py."""

from __future__ import annotations

from . import programs, sql
from .bags import bag
from .shell import Command
from .verdicts import READS, Kind, Verdict, by_its_name, option_values, without_options, worst

_REDIS_READS = bag(
    """
    ping info dbsize get mget strlen exists ttl pttl type keys scan sscan hscan zscan llen lrange lindex scard
    smembers sismember hget hgetall hlen hkeys zcard zrange zscore zcount lastsave time role randomkey xlen
    xinfo pfcount bitcount
    """
)
_REDIS_DEEPER = {
    "config": ("get",),
    "client": ("list", "info", "id", "getname"),
    "slowlog": ("get", "len"),
    "memory": ("usage", "stats", "doctor"),
    "cluster": ("info", "nodes", "slots", "shards"),
    "latency": ("latest", "history", "doctor"),
    "acl": ("list", "whoami", "users", "cat"),
    "command": ("count",),
    "object": ("encoding", "freq", "idletime"),
    "pubsub": ("channels", "numsub", "numpat"),
    "sentinel": ("masters", "master", "replicas", "slaves", "get-master-addr-by-name", "ckquorum"),
}
_REDIS_VALUED = frozenset(
    (
        "-h",
        "-p",
        "-a",
        "-n",
        "-u",
        "--user",
        "--pass",
        "-i",
        "-r",
        "-s",
        "--pattern",
        "--cacert",
        "--cert",
        "--key",
        "--count",
    )
)
_MANAGE_READS = frozenset(
    ("check", "showmigrations", "diffsettings", "version", "health_check", "healthcheck", "inspectdb", "sqlmigrate")
)


def of_psql(command: Command) -> Verdict:
    """Judge psql by the SQL that it is given; what comes out of a file or from its input is not known."""
    if acts := next((arg for arg in command.args if arg.startswith(("-f", "--file", "-o", "--output", "-L"))), None):
        return Verdict(Kind.CHANGES, f"{command.program} {acts}")
    statements = list(option_values(command, ("-c", "--command", "-e", "--execute")))
    if not statements:
        return (
            Verdict(Kind.READS)
            if command.has("-l", "--list")
            else Verdict(Kind.UNKNOWN, f"a session of {command.program}")
        )
    return worst(_of_sql(statement) for text in statements for statement in sql.statements(text) or [""])


def _of_sql(statement: str) -> Verdict:
    found = sql.verdict(statement)
    if found.reads is None:
        return Verdict(Kind.UNKNOWN, found.why)
    return READS if found.reads else Verdict(Kind.CHANGES, found.why)


def of_sql(text: str) -> Verdict:
    """Tell what a text of SQL does: as much as the worst of its statements."""
    return worst(_of_sql(statement) for statement in sql.statements(text) or [""])


def redis_words(command: Command) -> list[str]:
    """Return what redis-cli asks, without its own options: `info memory`."""
    kept: list[str] = []
    skipped = False
    for arg in command.args:
        if skipped:
            skipped = False
        elif arg.startswith("-") and not kept:
            skipped = arg in _REDIS_VALUED
        else:
            kept.append(arg)
    return kept


def of_redis(words: list[str]) -> Verdict:
    """Tell what a command of Redis does."""
    first = words[0].lower() if words else ""
    if first in _REDIS_READS:
        return READS
    if first in _REDIS_DEEPER:
        second = words[1].lower() if len(words) > 1 else ""
        if second in _REDIS_DEEPER[first]:
            return READS
    return Verdict(Kind.CHANGES, " ".join(words[:2]).lower())


def of_redis_cli(command: Command) -> Verdict:
    """Tell what redis-cli does by the command of Redis that it is given."""
    words = redis_words(command)
    if words:
        return of_redis(words)
    asks = ("--bigkeys", "--memkeys", "--hotkeys", "--stat", "--scan", "--latency", "--latency-history")
    return READS if command.has(*asks) else Verdict(Kind.UNKNOWN, "a session of redis-cli")


def of_python(command: Command) -> Verdict:
    """Tell what python does: of manage.py and celery it is known, of a script it is not."""
    words = command.plain()
    if words and words[0].endswith("manage.py"):
        return of_manage(Command("manage.py", command.args[command.args.index(words[0]) + 1 :]))
    if command.has("-m") and (module := command.option("-m")) in ("json.tool", "celery"):
        rest = command.args[command.args.index("-m") + 2 :]
        return of_celery(Command("celery", rest)) if module == "celery" else READS
    return Verdict(Kind.UNKNOWN, f"what {command.program} runs")


def of_manage(command: Command) -> Verdict:
    """Judge Django's manage.py by its subcommand."""
    words = command.plain()
    first = words[0] if words else ""
    looks = {"migrate": ("--check", "--plan"), "makemigrations": ("--check", "--dry-run")}
    if first in looks:
        return READS if command.has(*looks[first]) else Verdict(Kind.CHANGES, f"manage.py {first}")
    if first in _MANAGE_READS:
        return READS
    if first == "dbshell" and (statements := option_values(command, ("-c", "--command"))):
        return worst(_of_sql(statement) for text in statements for statement in sql.statements(text) or [""])
    if first in ("shell", "dbshell", "shell_plus"):
        return Verdict(Kind.UNKNOWN, f"a session of manage.py {first}")
    return by_its_name(Command("manage.py", words))


def of_celery(command: Command) -> Verdict:
    """Tell what celery does by its subcommand."""
    words = without_options(command.args)
    if words[:1] in (["status"], ["report"]):
        return READS
    if words[:1] == ["inspect"]:
        second = words[1] if len(words) > 1 else ""
        return (
            READS
            if second in programs.DEEPER["celery", "inspect"]
            else Verdict(Kind.UNKNOWN, f"celery inspect {second}")
        )
    return Verdict(Kind.CHANGES, f"celery {words[0] if words else ''}".strip())
