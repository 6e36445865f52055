"""`opscheck plan --explain` names the place of each key of a target, and shows no secret."""

from __future__ import annotations

from pathlib import Path

from pytest_opscheck.inventory.explaining import explained

from .conftest import Read

MAIN = """
include = ["teams/*.toml"]
[defaults.host.expect]
disk = "< 70%"
memory = false
cpu = false
load = false
[template.web]
kind = "host"
expect = { services = ["nginx"], disk = { P3 = "< 80%", suites = ["daily"] } }
command.config = { run = "nginx -t -c /etc/{name} '${TOKEN:-none}'", exit = "== 0" }
[host.web2]
expect.disk = "< 95%"
command.config.exit = "== 3"
"""
TEAM = """
[group.web]
template = "web"
names = ["web[1:2]"]
connect = "ssh://{name}"
tags = ["dc1"]
"""


EXIT = "command.config.exit"
RUN = "opscheck.toml:10: template.web.command.config.run"
DISK = "opscheck.toml:9: template.web.expect.disk, opscheck.toml:3: defaults.host.expect.disk"


def test_where_each_key_of_a_target_is_written(read: Read, tmp_path: Path) -> None:
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "a.toml").write_text(TEAM.lstrip("\n"), encoding="utf-8")
    inventory = read(MAIN, {"TOKEN": "hunter2-secret"})
    target = inventory.target("host", "web2")
    assert target is not None
    head, *lines = (" ".join(line.split()) for line in explained(inventory, target))
    assert head == "host.web2"
    assert sorted(lines) == [
        f'command.config.exit = "== 3" opscheck.toml:13: host.web2.{EXIT}, over opscheck.toml:10: template.web.{EXIT}',
        f"command.config.run = \"nginx -t -c /etc/web2 '${{TOKEN:-none}}'\" {RUN}",
        'connect = "ssh://web2" teams/a.toml:4: group.web.connect',
        "expect.cpu = false opscheck.toml:5: defaults.host.expect.cpu",
        f'expect.disk = "< 95%" opscheck.toml:12: host.web2.expect.disk, over {DISK}',
        "expect.load = false opscheck.toml:6: defaults.host.expect.load",
        "expect.memory = false opscheck.toml:4: defaults.host.expect.memory",
        "expect.reachable the check's own: P0 == shell",
        'expect.services = ["nginx"] opscheck.toml:9: template.web.expect.services',
        'tags = ["dc1"] teams/a.toml:5: group.web.tags',
    ]


def test_a_target_of_its_own(read: Read) -> None:
    inventory = read("[redis.cache]\nurl = 'redis://:${PW}@cache'\n", {"PW": "hunter2-secret"})
    first = list(explained(inventory, inventory.targets[0]))[1]
    assert first.split() == ["url", "=", '"redis://:${PW}@cache"', "opscheck.toml:2:", "redis.cache.url"]
