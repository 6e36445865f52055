"""What can be measured, as a table: the words of it, its check, which way is good, its units."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.units import LimitError, dimension

LOW, HIGH, EITHER = -1, 1, 0
"""Which way is good: the less the better, the more the better, or as it is said."""
_P, _D, _S, _C, _R = "percentage", "duration", "size", "count", "rate"


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that is measured: its words, its check (none where there is no such check), its dimensions."""

    key: str
    words: re.Pattern[str]
    check: str
    good: int
    dimensions: tuple[str, ...]
    sure: float = 0.85
    why: str = ""
    """Why there is no check, or what to look at in the one that is proposed."""

    def takes(self, unit: str) -> bool:
        """Tell whether a limit of this metric can be in a unit."""
        try:
            return dimension(unit) in self.dimensions
        except LimitError:
            return False


def _metric(key: str, words: str, check: str, good: int, *dimensions: str, sure: float = 0.85, why: str = "") -> Metric:
    return Metric(key, re.compile(words, re.IGNORECASE), check, good, dimensions, sure, why)


_OWN_REQUESTS = "of the requests that the check makes itself; of all requests: metrics.ratio or prometheus.query"
METRICS = (
    _metric(
        "p99",
        r"\bp9[0-46-9](?:\.\d)?\b|\b(?:50|75|90|99(?:\.\d)?)(?:th|st)? percentile|\bmedian\b",
        "",
        LOW,
        _D,
        why="the check of latency takes the 95th percentile",
    ),
    _metric(
        "answer_time",
        r"(?:first |initial )?response(?= (?:within|in|time target))|respond(?:s"
        r"|ed)?(?= within)|repl(?:y|ies)(?= within)|acknowledg\w+|\bmtt[ard]\b|\brto\b|\brpo\b"
        r"|recovery (?:time|point) objective|reaktionszeit",
        "",
        EITHER,
        _D,
        why="an answer time of people",
    ),
    _metric(
        "recovery",
        r"(?:recovery|startup|start-?up|restart) time|healthy (?:again )?within"
        r"|back (?:up )?within|takes? .{0,20} to (?:start|recover)|wiederanlauf\w*",
        "docker.recovery",
        LOW,
        _D,
        sure=0.6,
    ),
    _metric(
        "query_time",
        r"(?:query|statement|sql|db|database) (?:response |execution |run ?)?(?:time|latency"
        r"|duration)|(?:mean|average|avg)[_ ](?:query|statement|exec\w*)[_ ]time|abfragezeit",
        "postgres.mean_query_time",
        LOW,
        _D,
    ),
    _metric(
        "slow_statements",
        r"slow (?:quer(?:y|ies)|statements?)|langsame abfragen|requêtes lentes",
        "postgres.slow_statements",
        LOW,
        _C,
    ),
    _metric(
        "longest_query",
        r"long(?:est)?[- ]running (?:quer\w+|statements?|transactions?)|(?:query|queries"
        r"|statement|transaction)s? (?:\w+ ){0,3}?runs?\b|(?:query|statement"
        r"|transaction) (?:age|duration)|längste abfrage",
        "postgres.longest_query",
        LOW,
        _D,
    ),
    _metric("idle_in_transaction", r"idle[- ]in[- ]transaction", "postgres.idle_in_transaction", LOW, _D),
    _metric(
        "replication_lag",
        r"repl(?:ica(?:tion)?|ay)[ _]?(?:lag|delay)|(?:standby|slave|follower|wal)[ _](?:lag"
        r"|delay)|lag (?:of|behind)|replikationsverzug|retard de réplication",
        "postgres.replication_lag",
        LOW,
        _D,
    ),
    _metric(
        "waiting_locks",
        r"(?:waiting|blocked|ungranted|pending) (?:locks?|sessions?|backends?)|lock waits?"
        r"|locks? (?:not granted|waiting)|blocking locks?",
        "postgres.waiting_locks",
        LOW,
        _C,
    ),
    _metric("deadlocks", r"\bdead ?locks?\b", "postgres.deadlocks", LOW, _C, _R),
    _metric("checksums", r"checksum (?:failures?|errors?)", "postgres.checksum_failures", LOW, _C),
    _metric(
        "active_queries",
        r"(?:active|running|concurrent) (?:database |db )?(?:quer(?:y|ies)|statements?)"
        r"|aktive abfragen|requêtes actives",
        "postgres.active_queries",
        LOW,
        _C,
    ),
    _metric(
        "redis_clients", r"(?:redis|connected|blocked)[_ ]clients?|redis connections?", "redis.clients", LOW, _C, _P
    ),
    _metric(
        "connections",
        r"(?:db|database|pg|postgres\w*|pool|active|open|max|total|client)?[ _]?connection(?:s"
        r"|[ _]pool)?(?: usage| count| utili[sz]ation)?\b|verbindungen|connexions?",
        "postgres.connections",
        LOW,
        _P,
        _C,
        sure=0.8,
    ),
    _metric(
        "cache_hit",
        r"(?:buffer|shared[_ ]buffers?|database|db|postgres\w*|pg|block"
        r"|heap)[ _-]?(?:cache )?(?:cache )?hit[s]?(?:[ _-](?:rate|ratio))?|buffer cache",
        "postgres.cache_hit",
        HIGH,
        _P,
    ),
    _metric(
        "hit_rate",
        r"(?:cache |redis |keyspace )?hit[ _-]?(?:rate|ratio)|trefferquote|taux de (?:succès"
        r"|hit)s?",
        "redis.hit_rate",
        HIGH,
        _P,
    ),
    _metric("evicted", r"evict(?:ed|ions?)(?:[ _]keys)?", "redis.evicted", LOW, _C, _R),
    _metric(
        "redis_memory",
        r"redis(?:[' ]s)?(?: \w+){0,3}? (?:memory|ram)|used[_ ]memory(?:_human)?"
        r"|maxmemory(?!-policy)|(?:memory|ram) (?:of|in) redis",
        "redis.memory",
        LOW,
        _P,
        _S,
    ),
    _metric("keys_without_ttl", r"keys? without (?:an? )?(?:ttl|expir\w+)", "redis.keys_without_ttl", LOW, _C, _P),
    _metric("keys", r"(?:redis |cached? )?keys\b(?! \w*found)|dbsize", "redis.keys", HIGH, _C, sure=0.6),
    _metric(
        "oldest_task",
        r"(?:oldest|queued) (?:task|job|message)(?:'s)? (?:age|wait)|(?:age of"
        r"|oldest) (?:the )?(?:oldest )?(?:task|job|message)s?|queue (?:time|latency|wait"
        r"|delay)",
        "celery.oldest_task",
        LOW,
        _D,
        sure=0.6,
    ),
    _metric(
        "queue",
        r"(?:celery |task |job |message |mail |default )?queues? (?:length|depth|size"
        r"|backlog)s?|backlog|(?:pending|queued|waiting) (?:tasks?|jobs?|messages?)"
        r"|dead[- ]letters?(?: queue)?|(?:celery|task|job) queues?|queue\b|warteschlangen?"
        r"|files? d['\u2019]attente|messages? in the",
        "celery.queue_length",
        LOW,
        _C,
        sure=0.7,
    ),
    _metric(
        "workers",
        r"(?:celery )?(?:workers?|nodes?) (?:\w+ )?(?:online|offline|alive|up|running|active"
        r"|available|respond\w*)|celery workers?|number of workers|worker count|active workers",
        "celery.workers",
        HIGH,
        _C,
        sure=0.7,
    ),
    _metric("concurrency", r"concurrency", "", EITHER, _C, why="celery.concurrency needs the workers' names"),
    _metric(
        "failed_logins",
        r"failed (?:log-?ins?|sign-?ins?|authentications?|auth)(?: attempts?)?|(?:log-?in"
        r"|authentication|auth) failures?|fehlgeschlagene anmeldungen|échecs? (?:de connexion"
        r"|d['\u2019]authentification)",
        "logs.count.failed_logins",
        LOW,
        _C,
        _R,
    ),
    _metric(
        "error_rate",
        r"(?:error|failure|fault|5xx|4xx|http error|request failure)[ _-]?(?:rate|ratio"
        r"|percentage|%)s?|(?:rate|share|percentage) of (?:errors?|failed|5xx)"
        r"|5xx(?: responses| errors?)?|failed requests|fehlerrate|fehlerquote"
        r"|taux d['\u2019]erreurs?",
        "http.errors",
        LOW,
        _P,
        sure=0.7,
        why=_OWN_REQUESTS,
    ),
    _metric(
        "availability",
        r"\bavailability\b|\buptime\b|verfügbarkeit|disponibilité|\bsla\b"
        r"|\bsuccess rate\b(?<!backup success rate)",
        "availability.uptime",
        HIGH,
        _P,
    ),
    _metric("backup_rate", r"backup success(?: rate)?", "backup.complete", HIGH, _P),
    _metric("host_uptime", r"\buptime\b", "host.uptime", HIGH, _D, sure=0.6),
    _metric(
        "page_load",
        r"requests? takes?|no (?:request|response|answer)s?(?= (?:over|above|longer|slower))"
        r"|page load(?:ing)?(?: time)?|time to first byte|ttfb|lcp\b",
        "http.latency",
        LOW,
        _D,
        sure=0.6,
    ),
    _metric("p95", r"\bp95\b|95(?:th|\.)?[ -]?(?:percentile|perzentil)|95e? centile", "http.p95", LOW, _D),
    _metric(
        "latency",
        r"(?:response|answer|request|reply|api|http)[ _-]?(?:response |request )?(?:times?"
        r"|latency|duration)|latency|latenz|antwortzeit(?:en)?|temps de réponse|\brt\b"
        r"|tiempo de respuesta|answers? (?:with)?in",
        "http.p95",
        LOW,
        _D,
        sure=0.8,
    ),
    _metric(
        "restarts",
        r"(?:container|pod|service) restarts?(?: count)?\b|restarts?(?: count)?\b(?=.{0,20}\d)",
        "docker.restarts",
        LOW,
        _C,
        sure=0.6,
    ),
    _metric(
        "journal_size",
        r"journal(?:d)?(?: log)?s?(?: size| takes| uses)?|disk usage of the journal",
        "host.journal_size",
        LOW,
        _S,
        sure=0.7,
    ),
    _metric("inodes", r"\binodes?\b", "host.inodes", LOW, _P),
    _metric(
        "docker_disk",
        r"docker(?:[' ]s)? (?:disk|images?|volumes?|data)(?: usage| space)?|reclaimable",
        "docker.disk",
        LOW,
        _S,
        _P,
        sure=0.6,
    ),
    _metric("swap", r"\bswap\b", "", LOW, _P, _S, why="there is no check of swap"),
    _metric(
        "files", r"file (?:descriptors?|handles?)|open files", "", LOW, _P, _C, why="there is no check of open files"
    ),
    _metric("gpu", r"\bgpu\b", "", LOW, _P, why="there is no check of GPUs"),
    _metric(
        "iowait",
        r"\bio ?wait\b|disk (?:i/?o|queue|latency)|\biops\b|(?:i/?o|disk) utili[sz]ation",
        "",
        LOW,
        _P,
        _D,
        _C,
        why="there is no check of I/O",
    ),
    _metric(
        "load",
        r"load[ -]?averages?|(?:system|server|cpu) load(?= (?:average|below|under|above|over|<"
        r"|>))|\bload\b(?! balanc| time|ing| test)|systemlast|charge (?:système|moyenne)",
        "host.load",
        LOW,
        _C,
        sure=0.8,
    ),
    _metric("cpu", r"\bcpus?\b|\bprocessors?\b|prozessor\w*|processeurs?", "host.cpu", LOW, _P),
    _metric(
        "memory", r"\bmem(?:ory)?\b|\bram\b|arbeitsspeicher|hauptspeicher|mémoire|memoria", "host.memory", LOW, _P, _S
    ),
    _metric(
        "disk",
        r"\bdis[ck]s?\b|file ?systems?|\bstorage\b|\b(?:disk )?space\b|partitions?"
        r"|volumes?(?= (?:usage|full|is))|festplatten?\w*|speicherplatz|plattenplatz"
        r"|platten\w*|espace|disques?|\bdisco\b|(?<![\w/])/(?:var|srv|home|data"
        r"|opt)?(?=`?\s+(?:is |at |above|over|below|under|usage|full|<|>))",
        "host.disk",
        LOW,
        _P,
    ),
    _metric(
        "clock",
        r"\bclock\b|\bntp\b|time (?:drift|offset|skew)|\boffset\b|uhrzeit\w*|zeitabweichung"
        r"|horloge",
        "host.clock",
        LOW,
        _D,
    ),
    _metric(
        "certificate", r"certificates?|\bcerts?\b|\bssl\b|\btls\b|zertifikate?|certificats?", "tls.days_left", HIGH, _D
    ),
    _metric("failed_units", r"failed units?|units? failed", "host.failed_units", LOW, _C),
    _metric("drill", r"(?:restore|recovery|dr)[ -]?(?:test|drill|practi[cs]e)\w*", "backup.drilled", LOW, _D, sure=0.5),
    _metric(
        "retention",
        r"retention|retain(?:ed|s)?|\b(?:kept|keep|held)\b(?!.{0,20}%)|aufbewahr\w+"
        r"|conserv\w+|rétention|vorgehalten|older than",
        "backup.retained",
        LOW,
        _D,
        _C,
        sure=0.7,
    ),
    _metric(
        "backup",
        r"back-?ups?\b|\bdumps?\b|\bsnapshots?\b|sicherung(?:en)?|datensicherung|sauvegardes?"
        r"|newest file|respaldo",
        "backup.fresh",
        LOW,
        _D,
    ),
    _metric(
        "errors",
        r"\berrors?\b(?! rate| budget| code| page)|error (?:count|lines?)|\bfehler\b"
        r"|\berreurs?\b|exceptions?",
        "docker.errors",
        LOW,
        _C,
        _R,
        sure=0.7,
    ),
    _metric(
        "containers",
        r"containers?|\bpods?\b|conteneurs?|(?:compose )?services\b|instances",
        "docker.healthy",
        EITHER,
        _C,
        sure=0.6,
    ),
)
"""In their order: those of more words first."""

EXTRA = (
    _metric("count", r"(?!)", "host.command", LOW, _C),
    _metric("value", r"(?!)", "", EITHER, _C, _P, _D, _S),
    _metric("size", r"(?!)", "", LOW, _S),
    _metric("process_memory", r"(?!)", "host.processes", LOW, _S),
    _metric("rows", r"(?!)", "postgres.rows", HIGH, _C),
    _metric("plan_time", r"(?!)", "postgres.plan", LOW, _D),
)
"""What commands measure and no word names."""
