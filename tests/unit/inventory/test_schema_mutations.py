"""The schema and `opscheck validate` refuse the same, as far as a schema can: what it lets pass is listed here."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import InventoryError, load
from pytest_opscheck.inventory.schema import schema

_SUITE = '[opscheck]\ntimezone = "UTC"\n[host.a]\n[suites.daily]\n'
_COUNT = '[logs.a]\npath = "/x"\n[logs.a.count.x]\nexpect = "< 1"\npattern = "x"\n'
_WINDOW = '[opscheck]\ntimezone = "UTC"\n[host.a]\n[maintenance.a]\nat = "02:00-03:00"\nwhy = "x"\n'
_WAIVER = '[host.a]\n[[waiver]]\ncheck = "host.disk"\ntarget = "a"\nowner = "k"\nreason = "x"\n'
_MAIL = '[host.a]\n[report.mail]\nfrom = "ops@example.com"\n'
_DISK = "[host.a.expect]\ndisk = "
VALID = (
    _SUITE + 'every = "120m"',
    _SUITE + 'every = "3600s"',
    _SUITE + 'every = "12h"',
    _SUITE + 'every = "${EVERY:-5m}"',
    _SUITE + 'at = ["09:00", "21:00"]\ndays = ["mon", "fri"]',
    '[opscheck]\ntimezone = "America/Argentina/Buenos_Aires"\n[host.a]',
    '[opscheck]\ntimezone = "${ZONE:-UTC}"\n[host.a]',
    '[tcp.a]\naddress = "[::1]:443"',
    '[tcp.a]\naddress = "a:${PORT:-65535}"',
    '[tls.a]\naddress = "a:00443"',
    '[http.a]\nurl = "HTTPS://a.example.com/x?y=[1]"',
    '[http.a]\nurl = "${URL:-http://a}/x"',
    '[group.web]\nkind = "http"\nnames = ["a", "b"]\nurl = "https://{name}.example.com"',
    '[postgres.a]\ndsn = "host=a dbname=b"',
    '[postgres.a]\ndsn = "postgres://a/b"',
    '[postgres.a]\ndsn = "postgresql:///b?host=/run/postgresql&port=5433"',
    '[redis.a]\nurl = "redis://:p@a:6379/0"',
    '[redis.a]\nurl = "unix:///run/redis.sock?db=1"',
    '[redis.a]\nurl = "${REDIS_URL:-rediss://a}"',
    '[docker.a]\nproject = "x"\nurl = "unix:///run/podman/podman.sock"',
    '[celery.a]\nbroker = "pyamqp://a"',
    '[celery.a]\nbroker = "rediss://a:6379/0"',
    '[host.a]\nconnect = "kubectl://pod?namespace=x"',
    '[host.a]\nconnect = "${WAY:-ssh}://b"',
    _DISK + '{ P1 = "< 90%", for = "10m", timeout = "90s" }',
    _DISK + '{ P1 = "< 90%", of = "3 of 5" }',
    _DISK + '{ P1 = "< 90%", of = "${OF:-50 of 50}" }',
    _WINDOW + 'rule = "RRULE:freq=monthly;byday=1su"',
    _WINDOW + 'rule = "FREQ=weekly;BYDAY=SU"',
    _WINDOW + 'rule = "BYDAY=SU;FREQ=WEEKLY"\nfrom = "2026-01-04"',
    _WAIVER + 'until = "2099-02-28"',
    '[host.a]\n[notify.a]\nwebhook = "HTTPS://hooks.example.com/x"',
    '[host.a]\n[notify.a]\nwebhook = "${HOOK:-https://hooks.example.com/x}"',
)
REFUSED = (
    _SUITE + 'every = "0m"',
    _SUITE + 'every = "7m"',
    _SUITE + 'every = "2d"',
    _SUITE + 'every = "5h"',
    _SUITE + 'at = "25:00"',
    _SUITE + 'at = "9"',
    _SUITE + 'at = "09:00"\ndays = ["Mo"]',
    _SUITE + 'at = "09:00"\nheartbeat = "x"',
    _SUITE + 'at = "09:00"\non = ["mon"]',
    '[opscheck]\ntimezone = "Europe/Berln"\n[host.a]',
    '[tcp.a]\naddress = "a"',
    '[tcp.a]\naddress = "a:70000"',
    '[tls.a]\naddress = "a:0"',
    '[tls.a]\naddress = "a:99999"',
    '[http.a]\nurl = "ftp://x"',
    '[http.a]\nurl = "x"',
    '[http.a]\nurl = "http://a"\nmethod = "PUSH"',
    '[metrics.a]\nurl = "x"',
    '[prometheus.a]\nurl = "x"',
    '[postgres.a]\ndsn = "mysql://x"',
    '[postgres.a]\ndsn = "mysql://x/y?z=1"',
    '[redis.a]\nurl = "http://x"',
    '[redis.a]\nurl = "x:6379"',
    '[docker.a]\nproject = "x"\nurl = "ssh://x"',
    '[tcp.a]\naddress = "http://a:80"',
    '[tls.a]\naddress = "https://a:443"',
    '[celery.a]\nbroker = "http://x"',
    '[host.a]\nconnect = "shh://x"',
    '[host.a]\nconnect = "prod"',
    '[host.a]\nconnect = "winrm://x"',
    '[host.a]\ntags = ["a b"]',
    '[host."a b"]',
    _DISK + '{ critical = "< 90%" }',
    _DISK + '{ P1 = "< 90%", of = "0 of 3" }',
    _DISK + '{ P1 = "< 90%", of = "3 of 51" }',
    _DISK + '{ P1 = "< 90%", for = "0s" }',
    _WINDOW + 'rule = "FREQ=MONTLY;BYDAY=1SU"',
    _WAIVER + 'until = "2099-13-01"',
    '[host.a]\n[history]\nurl = "mysql://x"',
    '[host.a]\n[notify.a]\nwebhook = "ftp://x"',
    '[host.a]\n[gate]\nmax_age = "x"',
    "[hots.a]",
)
LET_PASS = {
    "a name that is to be one of the file": (
        _DISK + '{ P1 = "< 90%", suites = ["dayly"] }',
        '[availability.a]\nof = "x"',
        _COUNT + '[logs.b]\non = "x"\npath = "/x"\ncount = { x = { pattern = "x", expect = "< 1" } }',
    ),
    "values that are compared": (
        _DISK + '{ P3 = "< 90%", P1 = "< 70%" }',
        _DISK + '"< 170%"',
        _DISK + '{ P1 = "< 90%", of = "5 of 3" }',
        _DISK + '{ P1 = "< 90%", timeout = "2h" }',
        _WAIVER + 'until = "2099-02-30"',
        "[host.a.expect]\nports = [70000]",
    ),
    "languages of their own": (
        '[host.a.command.x]\nrun = "x"\nstdout = "~ ("',
        _WINDOW + 'rule = "FREQ=MONTHLY"',
        _MAIL + 'to = "x"\nserver = "smtp.example.com"',
        _MAIL + 'to = "a@example.com"\nserver = "a:99999"',
        '[dns.a]\nname = "a b"',
    ),
    "keys that belong together": ("[docker.a]", '[docker.a]\nproject = "x"\nnames = ["y"]'),
}
"""What the schema lets pass though it is refused, by why."""


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = json.loads(json.dumps(schema(checks())))
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def is_refused(toml: str, folder: Path) -> bool:
    file = folder / "opscheck.toml"
    file.write_text(toml, encoding="utf-8")
    try:
        load(file, checks(), {})
    except InventoryError:
        return True
    return False


@pytest.mark.slow
def test_what_validate_takes_the_schema_takes(validator: jsonschema.Draft202012Validator, tmp_path: Path) -> None:
    assert [toml for toml in VALID if is_refused(toml, tmp_path)] == []
    assert [toml for toml in VALID if not validator.is_valid(tomllib.loads(toml))] == []


def test_what_validate_refuses_the_schema_refuses(validator: jsonschema.Draft202012Validator, tmp_path: Path) -> None:
    assert [toml for toml in REFUSED if not is_refused(toml, tmp_path)] == []
    assert [toml for toml in REFUSED if validator.is_valid(tomllib.loads(toml))] == []


def test_what_the_schema_can_not_know(validator: jsonschema.Draft202012Validator, tmp_path: Path) -> None:
    """Where it refuses one of these, it belongs to those above."""
    found = [toml for alike in LET_PASS.values() for toml in alike]
    assert [toml for toml in found if not is_refused(toml, tmp_path)] == []
    assert [toml for toml in found if not validator.is_valid(tomllib.loads(toml))] == []
