"""No limit is the wrong way round: the direction comes from what is measured, and from the kind of words around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_opscheck.runbook.importing import of_pages
from pytest_opscheck.runbook.page import Page
from tests.unit.runbook.measure import plain

SAID = [
    ("Expected disk usage: < 70%", "host.disk", ["< 70%"]),
    ("Disk usage > 90%", "host.disk", ["<= 90%"]),
    ("Disk: 85 % is critical", "host.disk", ["< 85%"]),
    ("If < 10 % of the disk is free, remove old images", "host.disk", ["<= 90%"]),
    ("Keep at least 20% of the disk free", "host.disk", ["<= 80%"]),
    ("Alert when disk space left drops below 15%", "host.disk", ["<= 85%"]),
    ("Memory must not exceed 80%", "host.memory", ["<= 80%"]),
    ("Memory usage stays below 1,000 MB", "host.memory", ["< 1000MB"]),
    ("CPU usage > 2 % triggers WARNING, > 5 % CRITICAL", "host.cpu", ["<= 2%", "<= 5%"]),
    ("CPU: warning at 70%, critical at 90%", "host.cpu", ["< 70%", "< 90%"]),
    ("Cache hit rate should be above 80%", "redis.hit_rate", ["> 80%"]),
    ("Alert if the cache hit rate falls below 60%", "redis.hit_rate", [">= 60%"]),
    ("Certificate expires in < 7 days", "tls.days_left", [">= 7d"]),
    ("The certificate is valid for at least 30 days", "tls.days_left", [">= 30d"]),
    ("Certificate: P2 below 21 days, P1 below 7 days", "tls.days_left", [">= 21d", ">= 7d"]),
    ("Uptime > 99.5%", "availability.uptime", ["> 99.5%"]),
    ("Availability below 99% pages", "availability.uptime", [">= 99%"]),
    ("Response time < 200ms (95th percentile)", "http.p95", ["< 200ms"]),
    ("API latency exceeds 1.5 s", "http.p95", ["<= 1.5s"]),
    ("API latency >1s (normal <500ms)", "http.p95", ["<= 1s", "< 500ms"]),
    ("Antwortzeit: höchstens 0,5 Sekunden", "http.p95", ["<= 0.5s"]),
    ("Temps de réponse : inférieur à 500 ms", "http.p95", ["< 500ms"]),
    ("Replication lag over 30 seconds", "postgres.replication_lag", ["<= 30s"]),
    ("No query should run for more than 10 minutes.", "postgres.longest_query", ["<= 10m"]),
    ("Database connections: between 0 and 80 are fine, more than 95 is critical", "postgres.connections", ["<= 95"]),
    ("Backups are never older than 26 hours", "backup.fresh", ["<= 26h"]),
    ("No backup younger than 26 hours: page", "backup.fresh", ["< 26h"]),
    ("Queue length 1,000 or more is critical", "celery.queue_length", ["< 1000"]),
    ("More than 50 failed logins per hour", "logs.count", ["<= 50/h"]),
    ("Log errors < 5 in last hour", "docker.errors", ["< 5/h"]),
    ("Log errors < 5", "docker.errors", ["< 5/day"]),
]
UNSAID = [
    "Requests of users get a response within 30 days.",
    "Acknowledge within 15 minutes.",
    "RTO: 4 hours",
    "p99 latency < 1s",
    "Signup conversion > 4%",
    "Swap usage > 10%",
    "Order waiting > 1 hour",
    "See issue 15, step 3 and page 70 about the disk.",
    "In 2026 we had 3 disks.",
    "Call 0123 456789 about memory.",
    "Memory usage < 30 days",
    "The disk is never exactly 70% full.",
]


def limits(text: str) -> dict[str, list[str]]:
    made = of_pages([Page("r.md", f"# Runbook\n\n## Values\n\n{text}\n")], Path("opscheck.toml"))
    return {
        entry.check: [
            *(plain(rung.limit) for rung in entry.limits.values()),
            *(plain(rung.limit) for rungs in entry.contradictions.values() for rung in rungs),
        ]
        for entry in made.entries
        if entry.check != "http.status"
    }


@pytest.mark.parametrize(("text", "check", "expected"), SAID, ids=[text for text, _, _ in SAID])
def test_the_limit_that_a_sentence_says(text: str, check: str, expected: list[str]) -> None:
    assert {key: sorted(found) for key, found in limits(text).items()} == {check: sorted(map(plain, expected))}


@pytest.mark.parametrize("text", UNSAID)
def test_a_number_that_fits_no_check_is_no_limit(text: str) -> None:
    assert limits(text) == {}


def test_columns_say_what_should_be_and_what_should_not() -> None:
    table = (
        "| What | Normal | Warning | Critical |\n|---|---|---|---|\n"
        "| Disk free | > 30% | < 20% | 10% |\n| Hit ratio | 95% | 80% | 60% |\n| CPU | 5-50% | 70% | 90% |\n"
    )
    assert limits(table) == {
        "host.disk": ["< 70", "<= 80", "< 90"],
        "redis.hit_rate": [">= 95", "> 80", "> 60"],
        "host.cpu": ["<= 50", "< 70", "< 90"],
    }


def test_values_that_contradict_each_other_are_for_a_person() -> None:
    page = "# R\n\n## Daily\n\nDisk usage < 70%\n\n## Values\n\nDisk usage < 80%\n"
    made = of_pages([Page("r.md", page)], Path("opscheck.toml"))
    assert 'disk = { P2 = "TODO: which one? < 70% (line 5) or < 80% (line 9)"' in made.draft
