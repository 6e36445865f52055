"""The checks of what a sentence measures in words: on the targets that the runbook has for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from .asks import HERE, Ask, TargetHint, Todo, literal, named, stack
from .bags import bag
from .families import backup, celery, http, postgres, redis, tls
from .metrics import Metric
from .words import says_nothing, says_well

_PATH = re.compile(r"(?<![\w:])/(?:[\w.*?-]+/)*[\w.*?-]+")
_PROGRAM = re.compile(r"/s?bin/|^/(?:etc|usr|proc|dev)/|\.(?:sh|py|service|timer)$")
_LOGIN = "failed login"


def for_metric(metric: Metric, text: str) -> Ask:
    """Return the check of a metric."""
    kind = metric.check.partition(".")[0]
    ask = Ask(metric.check, _target(kind, text), metric.key, needs_limit=True, sure=metric.sure, look=metric.why)
    if metric.key == "backup_rate":
        look = "of the last 7 days: how many are meant?"
        return replace(ask, keys={"days": 7}, look=look)
    if kind == "logs":
        path = next((path for path in _PATH.findall(text) if "log" in path), None)
        target = TargetHint(
            "logs",
            path or "?",
            named((path or "auth").rpartition("/")[2].removesuffix(".log"), "log"),
            {"path": path or Todo("the absolute path of the log", "/var/log/x.log")},
        )
        return Ask(
            "logs.count",
            target,
            metric.key,
            keys={"pattern": Todo("how a failed login reads in the log", _LOGIN)},
            name="failed_logins",
            needs_limit=True,
            sure=metric.sure,
        )
    return ask


def _target(kind: str, text: str) -> TargetHint:
    """Return the target of a kind that a text is about; where it names none, that of the runbook is meant."""
    url = http.URL.search(text)
    if kind == "http":
        return http.target_of(url[0]) if url else http.unnamed()
    if kind == "tls":
        return tls.of_url(url[0]) if url else tls.target_of(None)
    if kind == "backup":
        paths = [path for path in _PATH.findall(text) if not _PROGRAM.search(path)]
        path = next((path for path in paths if backup.is_backup(path) or "*" in path), None)
        return backup.target_of(path) if path else backup.unnamed()
    return _ONES[kind]() if kind in _ONES else HERE


_ONES: dict[str, Callable[[], TargetHint]] = {
    "docker": stack,
    "postgres": postgres.target_of,
    "redis": redis.target_of,
    "celery": celery.target_of,
    "availability": lambda: TargetHint("availability", "availability", "api", {}),
}
"""The kinds of which a runbook is taken to have one."""


_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(words, re.IGNORECASE), check)
    for words, check in (
        (
            r"\balerts?\b.*\b(?:firing|active|fires?)\b|\bfiring alerts?\b|\bno (?:\w+ ){0,2}alerts?\b|keine alarme",
            "prometheus.alerts",
        ),
        (
            (
                r"\b(?:api|site|website|web ?app|application|homepage|front-?end|health(?: ?check"
                r"| endpoint)?s?|endpoints?|anwendung|l['\u2019]application)\b.*\b(?:respond\w*|reachable"
                r"|healthy|up|answers?|loads?|ok|200|available|erreichbar|répond)\b"
            ),
            "http.status",
        ),
        (
            (
                r"\bback-?ups?\b.*\b(?:completed?|present|there|success\w*|ran|finished|exists?|fresh"
                r"|recent|up to date|vorhanden)\b|\b(?:sicherung|sauvegarde)\w*\b.*\b(?:vorhanden"
                r"|erfolgreich|présente)\b|\bdaily backup\b"
            ),
            "backup.fresh",
        ),
        (
            (
                r"\bqueues?\b.*\b(?:not (?:backing up|growing|stuck|piling up|full)|short|empty"
                r"|draining|normal|processing)\b"
            ),
            "celery.queue_length",
        ),
        (r"\b(?:celery )?workers?\b.*\b(?:online|running|up|alive|respond\w*|active|processing)\b", "celery.workers"),
        (
            r"\b(?:containers?|services?|pods?|conteneurs?|dienste)\b.*\b(?:healthy|up|running|gesund|actifs?)\b",
            "docker.up",
        ),
        (
            r"\bdisk\b.*\b(?:sufficient|enough|ok|normal|acceptable|space)\b|\bspeicherplatz\b.*\bausreichend\b",
            "host.disk",
        ),
        (r"\bmemory\b.*\b(?:sufficient|enough|ok|normal|acceptable|stable)\b", "host.memory"),
        (r"\bcpu\b.*\b(?:ok|normal|acceptable|stable)\b", "host.cpu"),
        (r"\b(?:database|db)? ?connections?\b.*\b(?:stable|ok|normal|acceptable|healthy)\b", "postgres.connections"),
        (
            (
                r"\b(?:database|postgres\w*|db|datenbank)\b(?!.*\b(?:replic\w+|back-?ups?|migrations?|jobs?|vacuum)\b)"
                r".*\b(?:reachable|accessible|connect\w*|up|accepting|responding|answers?|online|healthy|running"
                r"|erreichbar|läuft)\b"
            ),
            "postgres.reachable",
        ),
        (
            r"\bredis\b.*\b(?:reachable|accessible|connect\w*|up|pong|responding|answers?|online|healthy|running|läuft)\b",
            "redis.reachable",
        ),
        (r"\b(?:certificates?|ssl|tls)\b.*\b(?:valid|not expir\w+|current|ok)\b", "tls.days_left"),
        (
            r"\b(?:replication|replicas?|standbys?)\b.*\b(?:in sync|caught up|healthy|running|ok)\b",
            "postgres.replication_lag",
        ),
        (
            (
                r"\b(?:errors?|error (?:count|rate))\b.*\b(?:acceptable|normal|low|none)\b"
                r"|\bno errors? in (?:the )?(?:\w+ )?logs?\b"
            ),
            "docker.errors",
        ),
        (
            r"\bno (?:pending|unapplied) migrations?\b|\bmigrations?\b.*\b(?:applied|up to date|none pending)\b",
            "docker.exec",
        ),
    )
)
_SERVICE = re.compile(
    r"\b(nginx|apache2?|haproxy|caddy|traefik|varnish|postfix|dovecot|cron|sshd|docker|fail2ban|rabbitmq|mysql|mariadb|memcached)"
    r"(?: (?:service|server|daemon|is|must be|should be|has to be))* (?:up|running|active|started)\b",
    re.IGNORECASE,
)
"""A program that is to run, by the name of its unit."""
_WELL = re.compile(r"daily backup|exists?\b|(?<![\d.])200\b(?!\s*(?:ms|%|mb|gb))", re.IGNORECASE)
_DEFAULTS = frozenset(("celery.queue_length", "postgres.replication_lag"))
_REPLICAS = re.compile(
    r"\b([a-z][\w-]{1,20}) (?:runs |has |have |with "
    r"|: ?)*(?:with )?(\d{1,3})(?: (?:replicas?|containers?|instances?|copies))?\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\b(\d{1,3}) ([a-z][\w-]{2,20}) (?:containers?|replicas?|instances)\b", re.IGNORECASE)
_GENERIC = bag("docker healthy running other more active app application compose the of all up stopped")
_TABLES = re.compile(r"\b(?:tables?|tabellen?)\b", re.IGNORECASE)
_INDEXES = re.compile(r"\b(?:index(?:es)?|indices)\b", re.IGNORECASE)
_NAME = re.compile(r"`([A-Za-z_][\w.-]*)`")
_ROWS = re.compile(
    r"\b(?:have|has|contain|must have|not empty|non-?empty)\b.*\brows?\b|\bnot empty\b|\bnever empty\b", re.IGNORECASE
)


def for_phrase(text: str) -> Iterator[Ask]:
    """Yield the checks of what a text says is well, without a number: all containers are up, no alert is firing."""
    if not (says_well(text) or says_nothing(text)) and not _WELL.search(text):
        return
    yield from _names(text)
    if re.search(r"\bprometheus targets?\b|\bscrape targets?\b", text, re.IGNORECASE):
        jobs = re.findall(r"job=[\"']([\w.-]+)", text)
        named_ones = {"jobs": [literal(job) for job in jobs] or ["*"]}
        sure = 0.8 if jobs else 0.7
        yield Ask("prometheus.targets_up", http.prometheus(None), keys=named_ones, sure=sure, subject=" ".join(jobs))
        return
    if service := _SERVICE.search(text):
        name = service[1].lower()
        yield Ask("host.services", HERE, keys={"names": [name]}, sure=0.7, subject=name)
        return
    check = next((check for words, check in _PHRASES if words.search(text)), None)
    if check == "prometheus.alerts":
        yield Ask(check, http.prometheus(None), sure=0.8)
    elif check == "docker.up":
        healthy = re.search(r"\bhealthy\b|gesund", text, re.IGNORECASE)
        yield Ask("docker.healthy" if healthy else check, stack(), sure=0.75)
    elif check == "docker.exec":
        keys = {
            "service": Todo("the service of the application", "api"),
            "run": Todo("for example python manage.py migrate --check", "true"),
        }
        yield Ask(check, stack(), keys=keys, name="migrations", sure=0.45, subject="migrate")
    elif check is not None:
        yield Ask(check, _target(check.partition(".")[0], text), sure=0.7, needs_limit=check in _DEFAULTS)


def _names(text: str) -> Iterator[Ask]:
    """Yield a check of the tables or indexes that a text names."""
    names = [literal(name) for name in _NAME.findall(text)]
    if not names:
        return
    if _ROWS.search(text) and _TABLES.search(text):
        yield Ask(
            "postgres.rows",
            postgres.target_of(),
            keys={"tables": dict.fromkeys(names, "> 0")},
            sure=0.8,
            subject=" ".join(names),
        )
    elif _TABLES.search(text):
        yield Ask("postgres.tables", postgres.target_of(), keys={"names": names}, sure=0.85, subject=" ".join(names))
    elif _INDEXES.search(text):
        yield Ask("postgres.indexes", postgres.target_of(), keys={"names": names}, sure=0.85, subject=" ".join(names))


def for_replicas(text: str) -> Iterator[Ask]:
    """Yield how many containers of each service there are to be: `web runs with 2 replicas, worker with 4`."""
    counted = {name.lower(): int(number) for number, name in _COUNTED.findall(text) if name.lower() not in _GENERIC}
    if counted and says_well(text):
        yield Ask("docker.replicas", stack(), keys={"services": counted}, sure=0.75, subject=" ".join(counted))
        return
    if not re.search(r"\breplicas?\b|\binstances of\b|\bcopies\b", text, re.IGNORECASE):
        return
    found = {
        name.lower(): int(number)
        for name, number in _REPLICAS.findall(text)
        if name.lower()
        not in ("with", "runs", "has", "least", "most", "to", "of", "scale", "replicas", "than", "the", "and")
    }
    if found:
        yield Ask("docker.replicas", stack(), keys={"services": found}, sure=0.75, subject=" ".join(found))
