"""A limit that nothing can break, or that nothing can keep, is an error of the inventory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck import catalogue
from pytest_opscheck._check import Check
from pytest_opscheck.core.domains import Domain, domain_of, refuse_idle
from pytest_opscheck.core.limits import parse_limit
from pytest_opscheck.core.units import UNITS, LimitError, dimension, from_base, to_base
from pytest_opscheck.inventory import InventoryError, load

CHECKS = catalogue.checks()
ZONE = '[opscheck]\ntimezone = "UTC"\n'
TARGETS = {
    "host": "",
    "docker": 'project = "x"',
    "backup": 'path = "/x/*.gz"',
    "http": 'url = "http://x"',
    "dns": 'name = "a.example"',
    "tcp": 'address = "a:25"',
    "tls": 'address = "a:443"',
    "redis": 'url = "redis://x"',
    "celery": 'broker = "redis://x"',
    "postgres": 'dsn = "host=x"',
    "prometheus": 'url = "http://x"',
    "metrics": 'url = "http://x"',
    "logs": 'path = "/x.log"',
    "availability": 'of = "host.reachable@a"',
}


def errors(folder: Path, text: str) -> list[str]:
    """Return what is wrong with an inventory: `key: message`."""
    file = folder / "opscheck.toml"
    file.write_text(text)
    try:
        load(file, CHECKS, {})
    except InventoryError as error:
        return [line.split(": ", 1)[1] for line in str(error).splitlines()]
    return []


def inventory(said: dict[str, list[str]]) -> str:
    """Return an inventory with a target for each thing that is said of a kind."""
    lines = [f"{ZONE}[host.a]"]
    for kind, each in said.items():
        for place, one in enumerate(each):
            lines += [f"[{kind}.t{place}]", TARGETS[kind], one.replace("SELF", f"{kind}.t{place}")]
    return "\n".join(lines)


def of(said: str) -> str:
    return f"[SELF.expect]\n{said}"


UNBREAKABLE = {
    "host": [
        *map(of, ('disk = "< 101%"', 'memory = "< 180%"', 'inodes = ">= 0%"', 'cpu = "<= 100%"', 'load = "!= -1"')),
        *map(of, ('failed_units = ">= 0"', 'uptime = "> -1h"', 'clock = ">= 0s"', 'memory = "> -1MB"')),
        of('disk = { P3 = "< 70%", P1 = "< 101%" }'),
        of('memory = [{ during = "00:00-08:00", P2 = "< 120%" }, "< 70%"]'),
        '[SELF.command.x]\nrun = "x"\nexit = "!= 256"',
        '[SELF.command.x]\nrun = "x"\nexit = "!= failed"',
        '[SELF.command.x]\nrun = "x"\nexit = "~ ^[0-9]+$"',
        '[SELF.command.x]\nrun = "x"\nstdout = "~ .*"',
        '[SELF.processes.x]\npattern = "x"\ncount = ">= 0"',
        '[SELF.file.x]\npath = "/x"\nsize = ">= 0B"',
        '[SELF.journal.x]\npattern = "x"\nexpect = ">= 0/h"',
    ],
    "docker": [
        *map(of, ('healthy = ">= 0"', 'memory = "< 101%"', 'disk = "<= 100%"', 'errors = "> -1/day"')),
        *map(of, ("replicas = { web = '> -1' }", "limits = { cpus = '>= 0' }", 'version = ">= 0"')),
    ],
    "backup": [
        *map(of, ('size = ">= 0B"', 'kept = ">= 0"', 'growth = ">= -100%"', 'complete = {days = 7, P2 = "<= 100%"}'))
    ],
    "http": [
        *map(of, ('status = "< 1000"', 'status = "!= 20"', "json = { a = '~ .*' }", "headers = { Server = '~ x?' }"))
    ],
    "tls": [of('protocol = ">= 0"')],
    "dns": [*map(of, ('latency = ">= 0s"', 'dnssec = "~ .*"'))],
    "tcp": [*map(of, ('latency = "> -1s"', 'banner = "~ x?"', 'answer = { send = "x", limit = "~ .*" }'))],
    "redis": [
        *map(of, ('hit_rate = ">= 0%"', 'clients = "< 200%"', "keys = '> -1'", "keys_matching = { 'a*' = '>= 0' }")),
        of('replication = { replicas = ">= 0", P1 = "< 5s" }'),
    ],
    "postgres": [*map(of, ('connections = "<= 100%"', 'cache_hit = ">= 0%"', 'rows = { a = ">= 0" }'))],
    "availability": [of('uptime = "<= 100%"')],
    "logs": ['[SELF.count.x]\npattern = "x"\nexpect = ">= 0"'],
    "metrics": ['[SELF.ratio.x]\nmetric = "x"\nexpect = ">= 0%"'],
}
UNKEEPABLE = {
    "host": [
        *map(of, ('cpu = "> 100%"', 'disk = "< 0%"', 'load = "< -1"', 'failed_units = "== -1"', "reachable = 'yes'")),
        *map(of, ('services = { names = ["x"], P1 = "== running" }', 'memory = "< -5GB"')),
        '[SELF.command.x]\nrun = "x"\nexit = -1',
        '[SELF.processes.x]\npattern = "x"\nmemory = "< -1MB"',
    ],
    "docker": [
        *map(of, ("healthy = -8", 'restarts = "< 0"', 'recovery = { within = "< 0s" }', 'up = { P1 = "== yes" }'))
    ],
    "backup": [
        *map(
            of,
            ('fresh = "< -26h"', 'intact = "yes"', 'intact = "on"', "intact = 1", 'complete = {days=7, P2="> 100%"}'),
        )
    ],
    "http": [*map(of, ('status = "== 20"', 'latency = "< 0s"', 'reachable = "true"'))],
    "tls": [*map(of, ('protocol = ">= 12"', 'trusted = "yes"'))],
    "dns": [*map(of, ('latency = "< 0s"', 'resolves = "yes"'))],
    "tcp": [*map(of, ('latency = "< 0s"', 'reachable = "true"'))],
    "redis": [*map(of, ('reachable = "OK"', 'memory = "< -1%"'))],
    "celery": [*map(of, ('workers = "< 0"', "queue_length = -1", "concurrency = { w = -4 }"))],
    "prometheus": [*map(of, ('alerts = { P1 = "== 0" }',))],
}
MEANT = {
    "host": [
        *map(of, ('disk = "< 100%"', 'cpu = ">= 0.5%"', 'load = "== 0"', 'failed_units = "== 0"', 'memory = "> 0%"')),
        *map(
            of, ('failed_units = "<= 0"', 'uptime = "> 0s"', "reachable = true", 'reachable = "shell"', "disk = false")
        ),
        *map(of, ('services = { names = ["x"], P0 = "!= failed" }', 'services = { names = ["x"], P0 = "~ ^act" }')),
        of('cpu = [{ during = "01:00-02:00", P2 = ">= 0%" }, "< 90%"]'),  # then anything may be
        '[SELF.command.x]\nrun = "x"\nvalue = "> -5"\nexit = 255',
        '[SELF.command.x]\nrun = "x"\nstdout = "~ ."',  # it prints something
    ],
    "docker": [*map(of, ('cpu = "< 350%"', "healthy = 8", 'restarts = "== 0"', 'memory = "< 90%"'))],
    "backup": [
        *map(of, ('growth = "> -50%"', 'growth = "< 250%"', "intact = true", 'complete = {days=7, P2="== 100%"}'))
    ],
    "http": [*map(of, ('status = "~ ^[23]"', 'status = "< 400"', "json = { a = '> -5' }"))],
    "dns": [*map(of, ('signatures_left = "> -5d"', 'records = { A = "== {}", MX = "!= {}", txt = "within {a}" }'))],
    "tls": [*map(of, ('days_left = "> -5d"', 'protocol = ">= 1.2"'))],
    "redis": [*map(of, ('memory = "<= 100%"', 'memory = "< 150%"', "keys = '> 0'"))],  # maxmemory may be lowered
    "postgres": ['[SELF.query.x]\nsql = "x"\nexpect = ">= 0"', '[SELF.query.x]\nsql = "x"\nexpect = "> -5%"'],
    "metrics": [
        '[SELF.ratio.x]\nmetric = "x"\nof = "y"\nexpect = "< 150%"',
        '[SELF.value.x]\nmetric = "x"\nexpect = "> -5"',
    ],
}


@pytest.mark.parametrize(("said", "message"), [(UNBREAKABLE, "can't be broken"), (UNKEEPABLE, "can't hold")])
def test_what_decides_nothing_is_refused(tmp_path: Path, said: dict[str, list[str]], message: str) -> None:
    """Every one is said, of its own target, at once."""
    found = errors(tmp_path, inventory(said))
    for kind, each in said.items():
        for place, one in enumerate(each):
            mine = [line for line in found if line.startswith(f"{kind}.t{place}.")]
            assert len(mine) == 1, (one, mine)
            assert message in mine[0]
            assert "; use " in mine[0]
    assert len(found) == sum(len(each) for each in said.values())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            '[http.x]\nurl = "http://x"\nexpect = { status = "!= down" }',
            "'!= down' can't be broken: http.status is a number, ",
        ),
        (
            '[http.x]\nurl = "http://x"\nexpect = { status = "200-299" }',
            "'== 200-299' can't hold: http.status is a number, ",
        ),
        (
            '[http.x]\nurl = "http://x"\nexpect = { status = "~ ^2xx$" }',
            "'~ ^2xx$' can't hold: http.status is a number, ",
        ),
        ('[host.a.command.x]\nrun = "x"\nvalue = "!= x"', "'!= x' is for a text, and this is a number; use '< 5'"),
        (
            '[metrics.x]\nurl = "http://x"\n[metrics.x.value.x]\nmetric = "x"\nexpect = "!= down"',
            "'!= down' can't be broken: metrics.value is a number",
        ),
        (
            '[prometheus.x]\nurl = "http://x"\n[prometheus.x.query.x]\nquery = "up"\nexpect = "!= down"',
            "'!= down' can't be broken: prometheus.query is a number; use",
        ),
        (
            '[logs.x]\npath = "/x"\n[logs.x.count.x]\npattern = "x"\nignore = ".*"\nexpect = 0',
            "'.*' leaves out every line",
        ),
        (
            '[host.a.journal.x]\npattern = "ERROR"\nignore = "ERR"\nexpect = "== 0/h"',
            "'ERR' leaves out every line that",
        ),
        ('[host.a.expect]\nfailed_units = { P2 = "== 0", ignore = ["*"] }', "'*' leaves out everything; name what is"),
        ('[notify.x]\nfile = "x"\nseverities = []', "it is empty; give a value, or leave it out"),
        (
            '[notify.x]\nfile = "x"\nseverities = ["critical"]',
            "'critical' is not a severity; use one of P0, P1, P2, P3",
        ),
        ('[suites.daily]\nfail_at = ""', "'' is not a severity; use one of P0, P1, P2, P3"),
        ('[suites.daily]\nfail_at = "p1"', "'p1' is not a severity; use one of P0, P1, P2, P3"),
        ('[host.a.expect]\ncpu = { severity = "critical", limit = "< 9%" }', "'critical' is not a severity"),
        ('[host.a.expect]\ncpu = { P4 = "< 9%" }', "unknown key; it can be: P0, P1, P2, P3"),
    ],
)
def test_brothers(tmp_path: Path, said: str, message: str) -> None:
    """What compares a number with a word, leaves out all that it looks for, or names what there is not."""
    [found] = errors(tmp_path, f"{ZONE}[host.a]\n{said}\n")
    assert found.partition(": ")[2].startswith(message)


def test_what_decides_something_is_taken(tmp_path: Path) -> None:
    assert errors(tmp_path, inventory(MEANT)) == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('fresh = "< -26h"', "'< -26h' can't hold: backup.fresh is never below 0; use for example '< 26h'"),
        (
            'intact = "yes"',
            "'== yes' can't hold: backup.intact is 'intact' where all is well; use true or false, without quotes,",
        ),
        (
            'complete = { days = 7, P2 = "<= 100%" }',
            "'<= 100%' can't be broken: backup.complete is never below 0 and never above 100 %; use for exam",
        ),
    ],
)
def test_the_words(tmp_path: Path, said: str, message: str) -> None:
    [found] = errors(tmp_path, inventory({"backup": [of(said)]}))
    assert found.partition(": ")[2].startswith(message)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("[suites.daily]\ndeadline = 15", "suites.daily.deadline: 15 has no unit; use for example '15s' or '15m'"),
        ("[suites.daily]\nevery = 5", "suites.daily.every: 5 has no unit; use for example '5s' or '5m'"),
        ("[suites.daily]\ndeadline = -5", "suites.daily.deadline: -5 is not a length of time; use for example '15m'"),
        ("[suites.daily]\ndeadline = 0", "suites.daily.deadline: 0 is not a length of time"),
        ("[notify.x]\nfile = 'x'\nagain = 4", "notify.x.again: 4 has no unit"),
        ("[host.a.expect]\ncpu = { P2 = '< 9%', for = 10 }", "host.a.expect.cpu.for: 10 has no unit"),
        ("[host.a.expect]\ncpu = { P2 = '< 9%', for = '-5m' }", "host.a.expect.cpu.for: '-5m' is not a length of time"),
        ("[host.a.expect]\ncpu = { P2 = '< 9%', of = '3 of 2' }", "host.a.expect.cpu.of: '3 of 2' makes no sense"),
        ("[host.a.expect]\ndisk = { timeout = 0 }", "host.a.expect.disk.timeout: 0 is not a length of time"),
        (
            "[host.a.expect]\ndisk = '< 0.7'",
            "host.a.expect.disk: '< 0.7' is for a count, and host.disk is a percentage",
        ),
        ("[host.a.expect]\nservices = []", "host.a.expect.services: it is empty"),
        ("[host.a.journal.x]\npattern = 'x'\nsince = 4\nexpect = 0", "host.a.journal.x.since: 4 has no unit"),
        (
            "[host.a.journal.x]\npattern = 'x'\nexpect = '< 10/0h'",
            "host.a.journal.x.expect: '< 10/0h' compares with '10/0h'",
        ),
        ("[availability.x]\nof = 'host.reachable@a'\nover = 7", "availability.x.over: 7 has no unit"),
        (
            "[host.a.expect]\ndisk = { P1 = '< 70%', P3 = '< 90%' }",
            "host.a.expect.disk: P3 (< 90%) would never be reported: P1 (< 70%) is broken no later",
        ),
        (
            "[host.a.expect]\ndisk = { P1 = '< 70%', P3 = '< 70%' }",
            "host.a.expect.disk: P3 (< 70%) would never be reported",
        ),
        (
            "[http.x]\nurl = 'http://x'\nexpect = { body = { P1 = '~ ready', P3 = '~ ready' } }",
            "http.x.expect.body: P3 (~ ready) would never be reported",
        ),
        (
            "[http.x]\nurl = 'http://x'\nexpect = { body = { P1 = '== ready', P3 = '~ ^read' } }",
            "http.x.expect.body: P3 (~ ^read) would never be reported",
        ),
        (
            "[http.x]\nurl = 'http://x'\nexpect = { body = { P1 = '~ ^read', P3 = '!= down' } }",
            "http.x.expect.body: P3 (!= down) would never be reported",
        ),
    ],
)
def test_what_can_not_be_meant(tmp_path: Path, said: str, message: str) -> None:
    [found] = errors(tmp_path, f"{ZONE}[host.a]\n{said}\n")
    assert found.startswith(message)


LIMITED = [(check, measures) for check in CHECKS for measures in check.dimensions if check.domain(measures) is not None]


@given(
    st.sampled_from(LIMITED),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.sampled_from(UNITS),
    st.one_of(st.integers(-300, 1200), st.floats(-1e6, 1e6, allow_nan=False)),
)
def test_what_is_taken_can_hold_and_break(limited: tuple[Check, str], operator: str, unit: str, number: float) -> None:
    """Of the values of a check's domain one keeps each limit that is taken, and one breaks it; of no other both."""
    check, measures = limited
    domain = check.domain(measures)
    assert domain is not None
    limit = parse_limit(f"{operator} {number!r}{unit}")
    if dimension(unit) != measures:
        return
    try:
        refuse_idle(limit, domain, check.id, "'< 5'")
    except LimitError:
        taken = False
    else:
        taken = True
    here = to_base(number, unit)
    tried = {bound for bound in (domain.least, domain.most) if bound is not None}
    tried |= {here, *(here + step * (1 + abs(here)) for step in (-3.0, -0.01, 0.01, 3.0))}
    inside = [
        value
        for value in tried
        if (domain.least is None or value >= domain.least) and (domain.most is None or value <= domain.most)
    ]
    judged = {limit.holds(from_base(value, unit), unit) for value in inside}
    assert taken is (len(judged) == 2)


def test_every_default_can_hold_and_break() -> None:
    for check in CHECKS:
        for rung in check.limits.ladders[0].rungs if check.limits is not None else ():
            domain = check.domain(rung.limit.dimension)
            if domain is not None:
                refuse_idle(rung.limit, domain, check.id, "")


def test_bounds() -> None:
    assert domain_of("percentage", "0", "100%") == Domain(0.0, 100.0, "%")
    assert domain_of("size", "0", "100%") == Domain(0.0, None)
    assert domain_of("percentage", "-100%", None) == Domain(-100.0, None, "%")
    assert domain_of("duration", None, None) == Domain(None, None)
    with pytest.raises(LimitError, match="'much' is not a number"):
        domain_of("count", "0", "much")
