"""Lists that others own make targets; what is wrong with one names source and item, and nothing of it is trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_opscheck import catalogue
from pytest_opscheck.inventory import Inventory, InventoryError, load
from pytest_opscheck.inventory.asked import AS_A_RUN
from pytest_opscheck.probes.source import Source

FLEET = """
[template.web]
kind = "host"
expect = { services = ["nginx"], load = false }
[source.fleet]
file = "sd/*.json"
format = "prometheus"
template = "web"
where = { env = "prod" }
name = "{instance}"
connect = "ssh://ops@{__host__}"
tags = ["{env}", "web"]
at_least = 2
"""
ANSIBLE = {
    "_meta": {"hostvars": {"web1": {"ansible_host": "10.0.0.1", "ansible_password": "hunter2-hunter2"}}},
    "all": {"children": ["prod", "ungrouped"]},  # as ansible-core 2.19 has it
    "prod": {"children": ["web", "prod"], "hosts": ["db1"]},
    "web": {"hosts": ["web1", "web2"]},
}
BY_ANSIBLE = FLEET.replace("prometheus", "ansible").replace("instance", "inventory_hostname")
BY_ANSIBLE = (
    BY_ANSIBLE.replace("__host__", "ansible_host").replace('"{env}", ', "").replace('env = "prod"', 'group = "web"')
)
Read = Callable[..., Inventory]


def entry(*targets: str, **labels: str) -> dict[str, Any]:
    return {"targets": list(targets), "labels": labels}


def prod(*names: str) -> list[dict[str, Any]]:
    return [entry(f"{name}.example.com:9100", env="prod", instance=name) for name in names]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read an inventory whose list is a document: read(toml, document, environment)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sd").mkdir()

    def made(toml: str, *documents: Any, **environment: str) -> Inventory:
        for number, said in enumerate(documents):
            text = said if isinstance(said, str) else json.dumps(said)
            (tmp_path / "sd" / f"{number}.json").write_text(text, encoding="utf-8")
        (tmp_path / "opscheck.toml").write_text(toml, encoding="utf-8")
        return load(tmp_path / "opscheck.toml", catalogue.checks(), environment, asked=AS_A_RUN)

    return made


def error(read: Read, *said: Any, **environment: str) -> str:
    with pytest.raises(InventoryError) as caught:
        read(*said, **environment)
    return str(caught.value)


def test_items_are_targets(read: Read) -> None:
    inventory = read(FLEET, prod("web1", "web2"), [entry("lab:1", env="dev", instance="lab")])
    assert inventory.hosts == {"web1": "ssh://ops@web1.example.com", "web2": "ssh://ops@web2.example.com"}
    target = inventory.target("host", "web1")
    assert target is not None
    assert target.tags == ("prod", "web")
    ids = {each.id for each in inventory.expectations}
    assert {"host.services@web1", "host.services@web2", "source.complete@fleet"} <= ids
    assert "host.load@web1" not in ids


def test_a_target_has_the_last_word_also_over_a_list(read: Read) -> None:
    inventory = read(FLEET + '[host.web1]\nconnect = "local://"\n', prod("web1", "web2"))
    assert inventory.hosts["web1"] == "local://"


def test_a_list_is_in_every_suite_in_which_its_targets_are(read: Read) -> None:
    weekly = FLEET.replace('["nginx"]', '{ names = ["nginx"], suites = ["weekly"] }')
    found = {each.id: each.suites for each in read(weekly, prod("a", "b")).expectations}
    assert "weekly" in found["source.complete@fleet"]
    assert "monthly" not in found["source.complete@fleet"]


def test_hosts_of_ansible_by_their_group(read: Read) -> None:
    """Through groups in groups, a circle among them; a host without variables is reached by its name."""
    inventory = read(BY_ANSIBLE, ANSIBLE)
    assert inventory.hosts == {"web1": "ssh://ops@10.0.0.1", "web2": "ssh://ops@web2"}
    inventory = read(BY_ANSIBLE.replace('"web" }', '"prod" }'), ANSIBLE)
    assert set(inventory.hosts) == {"web1", "web2", "db1"}


def test_secrets_of_a_list_are_masked(read: Read) -> None:
    inventory = read(BY_ANSIBLE, ANSIBLE)
    assert inventory.redactor.text("it said hunter2-hunter2") == "it said ***"


def test_nothing_of_a_list_comes_from_the_environment(read: Read) -> None:
    items = [entry("a:1", env="prod", instance="a", path="${SECRET}"), *prod("b")]
    toml = FLEET.replace("ssh://ops@{__host__}", "{path}")
    assert "${SECRET}" in error(read, toml, items, SECRET="ssh://stolen")
    assert "stolen" not in error(read, toml, items, SECRET="ssh://stolen")


@pytest.mark.parametrize("host", ["web1?ssh_config=x", "a b", "-oProxyCommand=x", "a@b", "a\nb", "a;b", "a%3fb", "a,b"])
def test_a_value_that_is_a_part_of_a_text_does_not_end_that_part(read: Read, host: str) -> None:
    said = error(read, FLEET, [*prod("b"), entry(host, env="prod", instance="web1")])
    assert said.startswith("opscheck.toml:11: source.fleet.connect: {__host__} of its item is ")
    assert said.endswith("(in host.web1)")


def test_fields_stay_out_of_questions_and_expectations(read: Read) -> None:
    """What a list says runs nowhere: there only `{name}` is filled in."""
    command = '[template.web.command.x]\nrun = "echo {env} {name}"\n[source.fleet]'
    inventory = read(FLEET.replace("[source.fleet]", command), prod("a", "b"))
    found = next(each for each in inventory.expectations if each.id == "host.command.x@a")
    assert found.params["run"] == "echo {env} a"


def test_fields_may_stand_in_a_template_of_lists_alone(read: Read) -> None:
    toml = FLEET.replace('connect = "ssh://ops@{__host__}"\n', "")
    toml = toml.replace('kind = "host"', 'kind = "host"\nconnect = "ssh://{__host__}"')
    assert read(toml, prod("a", "b")).hosts["a"] == "ssh://a.example.com"
    also = '[group.more]\ntemplate = "web"\nnames = ["c"]\n'
    assert "opscheck.toml:4: template.web.connect: there is no placeholder {__host__}" in error(read, toml + also)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (prod("a", "a"), "both have the name 'a'"),
        ([*prod("b"), entry("c:1", env="prod", instance="c/d")], "item 'c:1': 'c/d' can't be a name"),
        (
            [entry("c:1", env="prod")],
            "item 'c:1' has no {instance}; it has {__address__}, {__host__}, {__port__}, {env}",
        ),
        ([], "'sd/*.json': it has no items"),
        ([entry("lab:1", env="dev")], "none of its 1 items is one of `where`"),
        ({"a": 1}, "sd/0.json: it is not a list of Prometheus"),
        ([{"targets": "a"}], "its entry 1 has no list of texts"),
        ([{"targets": ["a"], "labels": {"a": 1}}], 'the "labels" of its entry 1 are not texts'),
        ("<html>", "sd/0.json: it is a text that is not JSON"),
        ("", "sd/0.json: it is an empty body"),
        ("[" * 100_000, "is not JSON"),
        ('[{"targets": ["a"], "targets": ["b"]}]', "has the key 'targets' twice"),
    ],
)
def test_what_is_wrong_with_a_list_names_source_and_item(read: Read, items: Any, message: str) -> None:
    said = error(read, FLEET, items)
    assert "source.fleet." in said
    assert message in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("at_least = 2", "", "source.fleet: the key 'at_least' is needed"),
        ("at_least = 2", "at_least = 0", "at least 1"),
        ('name = "{instance}"', 'name = "web"', "it has no field, so all items would have this name"),
        ('"sd/*.json"', '"nowhere/*.json"', "'nowhere/*.json' matches no file"),
        ("prometheus", "yaml", "it must be 'prometheus' or 'ansible', not 'yaml'"),
        ('template = "web"', 'template = "wbe"', "there is no template 'wbe'"),
        ('file = "sd/*.json"', "", 'it does not say where its list is; write file = "sd/*.json", command = ['),
        ("at_least = 2", 'at_least = 2\ncommand = ["x"]', "source.fleet.command: file says where its list is already"),
        ('file = "sd/*.json"', 'command = "x -y"', 'source.fleet.command: a list is needed: ["one", "another"]'),
        ('file = "sd/*.json"', "command = []", "source.fleet.command: it is empty"),
        ('file = "sd/*.json"', 'command = ["./nowhere"]', "source.fleet.command: ./nowhere can't be started: no such"),
        ('file = "sd/*.json"', 'url = "ftp://x"', "source.fleet.url: it is not a web address"),
        (
            'file = "sd/*.json"',
            'url = "http://{env}.x"',
            "source.fleet.url: it is where the list is, so it has no fields",
        ),
        ("{__host__}", "{hsot}", "its item has no {hsot} that is one value; it has {__address__}, "),
        (
            "[source.fleet]",
            "[group.w]\ntemplate = 'web'\nnames = ['a']\n[source.fleet]",
            "host.a is in [group.w] as well",
        ),
    ],
)
def test_what_is_wrong_with_a_source(read: Read, old: str, new: str, message: str) -> None:
    assert message in error(read, FLEET.replace(old, new), prod("a", "b"))


def test_an_error_of_all_items_is_one_line(read: Read) -> None:
    said = error(read, FLEET.replace("ssh://ops@{__host__}", "sssh://{__host__}"), prod(*(f"w{n}" for n in range(50))))
    assert len(said.splitlines()) == 1
    assert "(in host.w0 and 49 more)" in said


def test_secrets_are_not_kept(read: Read, tmp_path: Path) -> None:
    read(BY_ANSIBLE, ANSIBLE)
    kept = (tmp_path / "reports" / "source-fleet.json").read_text(encoding="utf-8")
    assert "10.0.0.1" in kept
    assert "hunter2" not in kept
    read(BY_ANSIBLE, "none")


def test_other_items_that_are_meant_are_no_items_that_vanished(read: Read) -> None:
    listed = [*prod("a", "b"), entry("c:1", env="dev", instance="c"), entry("d:1", env="dev", instance="d")]
    read(FLEET, listed)
    source = read(FLEET.replace('env = "prod"', 'env = "dev"'), listed).target("source", "fleet")
    assert source is not None
    assert isinstance(source.keys, Source)
    assert source.keys.state.gone == {}
    assert set(source.keys.members()) == {"host.c", "host.d"}


def test_how_severe_it_is_that_an_item_vanishes(read: Read) -> None:
    assert "source.fleet.gone: 'P9' is not a severity" in error(read, FLEET + 'gone = "P9"\n', prod("a", "b"))
    words = '[opscheck]\nseverities = { bad = "P0" }\n' + FLEET + 'gone = "bad"\n'
    source = read(words, prod("a", "b")).target("source", "fleet")
    assert source is not None
    assert isinstance(source.keys, Source)
    assert source.keys.state.severity == "P0"
