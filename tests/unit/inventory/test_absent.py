"""Where variables are taken to be there, what follows from them is no error, and all else is one as before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks, every_kind
from pytest_opscheck.inventory import Inventory, InventoryError, load

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/opscheck.toml"))
NEEDED = {
    "availability": 'of = "host.disk@x"',
    "backup": 'path = "/x"',
    "celery": 'broker = "redis://a"',
    "dns": 'name = "a.example.com"',
    "docker": 'project = "x"',
    "http": 'url = "http://a"',
    "logs": 'path = "/x"',
    "metrics": 'url = "http://a"',
    "postgres": 'dsn = "postgresql://a/b"',
    "prometheus": 'url = "http://a"',
    "redis": 'url = "redis://a"',
    "tcp": 'address = "a:1"',
    "tls": 'address = "a:443"',
}
MORE = {"availability": "[host.x]\n", "logs": '[logs.t.count.x]\npattern = "x"\nexpect = "< 1"\n'}
_BESIDE = {("dns", "ca"), ("tcp", "ca"), ("logs", "journal"), ("tls", "file"), ("tls", "on")}
"""Keys that stand in the place of another one, or need one."""


def assumed(file: Path, toml: str | None = None) -> Inventory:
    if toml is not None:
        file.write_text(toml, encoding="utf-8")
    return load(file, checks(), {}, assumes=True)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.parent.name)
def test_the_examples_are_valid_without_their_variables(file: Path) -> None:
    found = assumed(file)
    named = set(re.findall(r"^\[([a-z]+\.[a-z_]+)\]", file.read_text(encoding="utf-8"), re.MULTILINE))
    kinds = set(every_kind())
    missing = {name for name in named if name.partition(".")[0] in kinds} - {each.id for each in found.targets}
    assert not missing


def test_every_key_of_every_kind_may_be_a_variable(tmp_path: Path) -> None:
    for name, kind in every_kind().items():
        needed = NEEDED.get(name, "")
        for field, info in kind.target.model_fields.items():
            key = info.alias or field
            if (name, key) in _BESIDE or name == "source":
                continue
            lines = ["" if needed.startswith(f"{key} =") else needed, f'{key} = "${{X}}"', MORE.get(name, "")]
            assumed(tmp_path / "opscheck.toml", "\n".join([f"[{name}.t]", *lines]))


def test_limits_suites_and_what_else_may_be_a_variable(tmp_path: Path) -> None:
    found = assumed(
        tmp_path / "opscheck.toml",
        """
[opscheck]
name = "${NAME}"
timezone = "${ZONE}"
runbook = "${PAGE}"
[suites.daily]
at = "${AT}"
fail_at = "${FAIL_AT}"
heartbeat = "${HEARTBEAT}"
[history]
url = "${HISTORY}"
[notify.ops]
url = "${HOOK}"
[report.mail]
to = "${TO}"
from = "ops@${DOMAIN}"
server = "${SERVER}"
[host.local]
connect = "ssh://${USER_NAME}@${HOST}:${PORT}"
[host.local.expect]
disk = { P3 = "< ${SOME}%", P1 = "${MOST}" }
memory = "${MEMORY}"
services = ["${UNIT}"]
[host.local.command.x]
run = "${RUN}"
timeout = "${TIMEOUT}"
severity = "${SEVERITY}"
[redis.cache]
url = "redis://:${PASSWORD}@cache:${PORT}/${NUMBER}"
[postgres.main]
dsn = "${file:/run/secrets/dsn}"
""",
    )
    assert {each.id for each in found.targets} == {"host.local", "redis.cache", "postgres.main"}
    expected = {each.id: each.limits for each in found.expectations}
    assert {"host.disk@local", "host.memory@local", "host.command.x@local"} - expected.keys() <= {
        "host.disk@local",
        "host.command.x@local",
    }


def test_what_is_wrong_beside_a_variable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        assumed(
            tmp_path / "opscheck.toml",
            '[redis.cache]\nurl = "${URL}"\nulr = "x"\nexpect = { hit_rate = "< 5 GB" }\n[hots.x]\nconnect = "${X}"\n'
            '[http.a]\nurl = "${URL}"\ntimeout = "x"\n[postgres.main]\n',
        )
    assert [(each.line, each.key) for each in caught.value.faults] == [
        (3, "redis.cache.ulr"),
        (4, "redis.cache.expect.hit_rate"),
        (5, "hots"),
        (9, "http.a.timeout"),
        (10, "postgres.main"),
    ]


def test_a_variable_that_is_there_is_used_and_secret(tmp_path: Path) -> None:
    file = tmp_path / "opscheck.toml"
    file.write_text('[redis.cache]\nurl = "redis://:${PASSWORD}@${HOST}:6379/0"\n', encoding="utf-8")
    found = load(file, checks(), {"PASSWORD": "hunter2-Canary"}, assumes=True)
    assert found.redactor.text("hunter2-Canary") == "***"
    assert found.written.assumed == {("redis", "cache", "url"): {"${HOST}"}}
