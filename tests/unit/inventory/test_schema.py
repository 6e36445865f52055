"""The JSON Schema takes what reading the file takes, and refuses what people get wrong most."""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest

from pytest_opscheck import catalogue
from pytest_opscheck._check import Check
from pytest_opscheck.catalogue import kinds
from pytest_opscheck.core.suites import TABLES
from pytest_opscheck.inventory.schema import schema

from .conftest import Read

EXAMPLE = """
[opscheck]
name = "income-fortress"
timezone = "America/New_York"
runbook = "docs/runbook.md"
severities = { critical = "P0", warning = "P2" }

[suites.deploy_gate]
fail_at = "warning"
[suites.nightly]
at = ["02:00", "14:00"]
days = ["mon", "thu"]
random_delay = "2m"
deadline = "15m"
heartbeat = "${HEARTBEAT_URL:-https://hc.example/x}"
[suites.often]
every = "5m"
[report.metrics]
textfile = "/var/lib/node_exporter/opscheck.prom"
push = "http://push:9091"

[host.prod]
connect = "ssh://deploy@prod"
[host.prod.expect]
disk = { P3 = "< 70%", critical = "< 90%", ignore = ["/boot"], suites = ["nightly"], timeout = "5s" }
memory = "< ${MOST:-80}%"
services = ["nginx", "postgresql"]
ports = [443, "udp/53", "${PORT:-80}"]
load = false
cpu = true

[host.prod.command.nginx_config]
run = "nginx -t"
exit = 0
value = { P3 = "< 5" }
severity = "P1"

[redis.cache]
url = "${REDIS_URL:-redis://h}"
[redis.cache.expect]
hit_rate = [{ during = "00:00-08:00", P2 = "> 40%" }, { P2 = "> 70%" }]
keys = { limit = "> 0", severity = "critical", action = "Look", runbook = "#keys" }

[notify.ops]
webhook = "https://example.com/${TOKEN:-hook}"
severities = ["critical", "P1"]
suites = ["daily"]
again = "4h"
digest = true

[maintenance.quarter]
rule = "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYDAY=1SU"
at = "02:00-08:00"
why = "patching"
from = "2026-01-04"
targets = ["host.prod"]
checks = ["host.disk", "redis"]

[[waiver]]
check = "host.disk"
target = "prod"
subject = "/var"
owner = "Kim"
reason = "a new disk is ordered"
ticket = "OPS-12"
until = "2099-12-31"
"""


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """The schema as an editor has it: through JSON."""
    made = json.loads(json.dumps(schema(catalogue.checks(), ["critical", "warning"])))
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def document(toml: str) -> dict[str, Any]:
    return tomllib.loads(textwrap.dedent(toml))


def test_the_example_is_valid(validator: jsonschema.Draft202012Validator, read: Read) -> None:
    assert [error.message for error in validator.iter_errors(document(EXAMPLE))] == []
    assert read(EXAMPLE).expectations


FLEET = """
include = ["teams/*.toml"]
[defaults.host.expect]
disk = { P3 = "< 70%", P1 = "< 90%" }
load = false
[template.pg]
kind = "postgres"
dsn = "postgresql://ops@{name}/shop"
tags = ["prod", "${SITE}"]
query.stuck = { sql = "select 1", expect = { P3 = "== 0" } }
[group.dbs]
template = "pg"
names = ["db[1:9]"]
query.stuck.suites = ["weekly"]
[group.web]
kind = "host"
names = ["web[001:400]"]
connect = "ssh://{name}"
[postgres.db1]
query.stuck = false
[source.fleet]
file = "sd/*.json"
format = "prometheus"
where = { env = "prod" }
kind = "host"
name = "{instance}"
connect = "ssh://{__host__}"
at_least = 1
[vantage.dmz]
[redis.cache]
url = "redis://x"
from = ["default", "dmz"]
[source.asked]
command = ["ansible-inventory", "--list"]
format = "ansible"
kind = "host"
name = "{inventory_hostname}"
at_least = 1
[source.both]
file = "sd.json"
format = "prometheus"
kind = "http"
name = "{instance}"
url = "https://{__host__}/"
at_least = 1
[source.served]
url = "https://sd.example.com"
format = "prometheus"
kind = "host"
name = "{instance}"
command.nginx = { run = "nginx -t" }
at_least = 1
[notify.dc1]
file = "alerts"
targets = ["tag:dc1"]
"""


def test_groups_are_valid(validator: jsonschema.Draft202012Validator) -> None:
    """A target may then have what it needs out of another table."""
    assert [error.message for error in validator.iter_errors(document(FLEET))] == []


@pytest.mark.parametrize(
    "toml",
    [
        "include = 'a.toml'",
        "[defaults.hots]",
        "[defaults.host]\nconect = 'x'",
        "[template.a]\nconnect = 'x'",
        "[template.a]\nkind = 'hots'",
        "[template.a]\nkind = 'host'\nconect = 'x'",
        "[template.a]\nkind = 'host'\nexpect.disks = '< 7%'",
        "[group.a]\nkind = 'host'",
        "[group.a]\nnames = ['a']",
        "[group.a]\nkind = 'host'\nnames = []",
        "[group.a]\nkind = 'host'\nnames = ['a']\ntags = []",
        "[group.a]\nkind = 'host'\nnames = ['a']\nurl = 'x'",
        "[group.a]\ntemplate = 't'\nnames = ['a']\nconect = 'x'",
        "[source.a]\nkind = 'host'\nfile = 'x'\nformat = 'ansible'\nname = '{a}'",
        "[source.a]\nfile = 'x'\nformat = 'ansible'\nname = '{a}'\nat_least = 1",
        "[source.a]\nkind = 'host'\nformat = 'ansible'\nname = '{a}'\nat_least = 1",
        "[source.a]\nkind = 'host'\ncommand = 'x'\nformat = 'ansible'\nname = '{a}'\nat_least = 1",
        "[source.a]\nkind = 'host'\nfile = 'x'\nformat = 'yaml'\nname = '{a}'\nat_least = 1",
        "[source.a]\nkind = 'host'\nfile = 'x'\nformat = 'ansible'\nname = '{a}'\nat_least = 0",
        "[source.a]\nkind = 'host'\nfile = 'x'\nformat = 'ansible'\nname = '{a}'\nat_least = 1\nconect = 'x'",
        "[vantage.dmz]\nurl = 'x'\n[host.a]",
        "[host.a]\nfrom = []",
        "[postgres.a]",
        "[host.a]\ncommand.x = false",
        "[host.a]\ncommand.x = { exit = 0 }",
    ],
)
def test_what_is_no_group_is_not_valid(validator: jsonschema.Draft202012Validator, toml: str) -> None:
    assert list(validator.iter_errors(document(toml)))


HOST = "[host.a.expect]\n"


@pytest.mark.parametrize(
    "toml",
    [
        "[hosts.a]",
        "[host]",
        "host = 5",
        '[host."a b"]',
        "[host.a]\nconect = 'local://'",
        "[host.a]\nconnect = 5",
        "[opscheck]\nnam = 'x'",
        "[opscheck]\nname = ''",
        "[opscheck]\nseverities = { bad = 'P7' }",
        "[suites.x]\nfail_at = 'P7'",
        "[suites.my-own]",
        "[redis.a]",
        f"{HOST}diks = '< 70%'",
        f"{HOST}disk = '< 70ms'",
        f"{HOST}disk = '70%'",
        f"{HOST}disk = 70",
        f"{HOST}disk = '< -5%'",
        f"{HOST}load = -1",
        f"{HOST}uptime = '> -1h'",
        f"{HOST}reachable = 'yes'",
        f"{HOST}cpu = {{ P2 = '< 80%', for = 10 }}",
        "[suites.x]\ndeadline = 15",
        "[suites.x]\nevery = 5",
        "[suites.x]\ndeadline = '-15m'",
        "[notify.x]\nfile = 'a'\nagain = 4",
        "[history]\nkeep = 400",
        "[availability.a]\nof = 'host.disk@a'\nover = 7",
        f"{HOST}disk = []",
        f"{HOST}disk = '< 7o%'",
        f"{HOST}disk = {{ P3 = '< 70ms' }}",
        f"{HOST}disk = {{ P5 = '< 70%' }}",
        f"{HOST}disk = {{ sevrity = 'P1' }}",
        f"{HOST}disk = {{ severity = 'P7' }}",
        f"{HOST}disk = {{ timeout = 'soon' }}",
        f"{HOST}disk = {{ suites = [] }}",
        f"{HOST}disk = [{{ during = 'night', P3 = '< 70%' }}, '< 70%']",
        f"{HOST}services = true",
        f"{HOST}services = 'nginx'",
        f"{HOST}services = {{ suites = ['daily'] }}",
        "[host.a.command.x]",
        "[host.a.command.x]\nrun = 'x'\nrnu = 'y'",
        "[maintenance.x]\nrule = 'FREQ=DAILY'\nat = '02:00-04:00'",
        "[notify.x]",
        "[notify.x]\nfile = 'a'\nwebhook = 'https://example.com'",
        "[notify.x]\nfile = 'a'\nseverities = ['P7']",
        "[notify.x]\nfile = 'a'\ndigest = 'soon'",
        "[maintenance.x]\nrule = 'FREQ=DAILY'\nat = '02:00-04:00'\nwhy = 'x'\nwyh = 'x'",
        "[[waiver]]\ncheck = 'host.disk'\ntarget = 'a'\nowner = 'x'\nreason = 'x'",
        "[waiver]\ncheck = 'host.disk'",
    ],
)
def test_what_people_get_wrong(validator: jsonschema.Draft202012Validator, toml: str) -> None:
    assert not validator.is_valid(document(toml))


@pytest.mark.parametrize(
    "said",
    [
        *("load = 1", "load = '< 1.5'", "load = '1'", "disk = '>= 1e-07 %'", "memory = '< 8 GiB'", "disk = '< ${A}%'"),
        *("reachable = 'shell'", "reachable = { P1 = '!= gone' }", "reachable = '${WORD}'", "load = '> +0'"),
    ],
)
def test_limits_in_all_their_forms(validator: jsonschema.Draft202012Validator, said: str) -> None:
    validator.validate(document(HOST + said))


def test_every_kind_and_check_is_there(validator: jsonschema.Draft202012Validator) -> None:
    made = validator.schema
    assert isinstance(made, Mapping)
    assert made["properties"].keys() == {*TABLES, *kinds()}
    for name, kind in kinds().items():
        if name == "source":  # whose other keys are those of its targets
            continue
        table = made["$defs"][name]
        checks = [check for check in catalogue.checks() if check.kind == name]
        assert table["additionalProperties"] is False
        assert table["properties"].keys() >= {*kind.target.model_fields, "expect", "tags"}
        assert table["properties"]["expect"] == {"$ref": f"#/$defs/{name}.expect"}
        assert made["$defs"][f"{name}.expect"]["properties"].keys() == {c.name for c in checks if not c.family}
        assert table["properties"].keys() >= {check.name for check in checks if check.family}


def test_every_reference_leads_somewhere(validator: jsonschema.Draft202012Validator) -> None:
    def references(data: object) -> list[str]:
        if isinstance(data, list):
            return [found for entry in data for found in references(entry)]
        if not isinstance(data, dict):
            return []
        here = [data["$ref"]] if isinstance(data.get("$ref"), str) else []
        return here + [found for value in data.values() for found in references(value)]

    schema = validator.schema
    assert isinstance(schema, Mapping)
    found = {reference.removeprefix("#/$defs/") for reference in references(schema)}
    assert found <= schema["$defs"].keys()
    assert {name for name in schema["$defs"] if name not in found} == set()


def test_editors_show_what_a_check_says(checks: tuple[Check, ...]) -> None:
    definitions = schema(checks)["$defs"]
    host, disk = definitions["host"]["properties"], definitions["host.expect"]["properties"]["disk"]
    assert disk["description"] == "Every mounted filesystem has room: by default P3 < 70%, P1 < 90%; in smoke, daily"
    assert "testinfra" in host["connect"]["description"]
