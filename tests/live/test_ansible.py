"""Hosts of Ansible's: its inventory is a list of targets, a name is one host, and its own modules carry a script."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_opscheck.inventory import InventoryError, load

from .conftest import Run

HOSTS = """
[web]
web1 ansible_connection=local
web2 ansible_connection=local
[lone]
solo ansible_connection=local
[gone]
gone1 ansible_host=127.0.0.1 ansible_port=1
[prod:children]
web
lone
[all:vars]
ansible_python_interpreter={python}
"""
PATH = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "ANSIBLE_LOCALHOST_WARNING": "false"}
LISTED = """
[source.fleet]
command = ["ansible-inventory", "-i", "prod", "--list"]
format = "ansible"
kind = "host"
where = { group = "prod" }
name = "{inventory_hostname}"
connect = "ansible://{inventory_hostname}?ansible_inventory=prod"
at_least = 3
expect = { disk = false, memory = false, load = false, cpu = false }
"""
NAMED = "".join(
    f'[host.{name}]\nconnect = "ansible://{host}?ansible_inventory={file}{more}"\n'
    for name, host, file, more in (
        ("one", "web1", "prod", ""),
        ("forced", "web2", "prod", "&force_ansible=True"),
        ("group", "web", "prod", ""),
        ("forced_group", "web", "prod", "&force_ansible=True"),
        ("group_of_one", "lone", "prod", ""),
        ("nobody", "wbe1", "prod", ""),
        ("elsewhere", "web1", "nowhere", ""),
        ("refused", "gone1", "prod", "&force_ansible=True"),
    )
)
OWN = """
import pytest

@pytest.mark.daily
def test_own(host):
    assert host.check_output("echo yes") == "yes"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "prod").write_text(HOSTS.format(python=Path(sys.executable).resolve()), encoding="utf-8")
    return folder


def test_the_inventory_of_ansible_is_a_list_of_targets(run: Run, project: Path) -> None:
    """By the real program, through groups in groups."""
    ended = run(LISTED, "-n", "0", env=PATH)
    assert (ended.exit_status, ended.verdict("source.complete@fleet")) == (0, "ok"), ended.output
    assert {name for name in ended.results if name.startswith("host.reachable")} == {
        f"host.reachable@{name}" for name in ("web1", "web2", "solo")
    }
    (project / "prod").unlink()
    ended = run(LISTED, "-n", "0", env=PATH)
    assert ended.verdict("source.reachable@fleet") == "unknown P1"
    assert "ansible-inventory: it has no items" in ended.message("source.reachable@fleet")


def test_a_name_is_one_host(run: Run, project: Path) -> None:
    """A group is never taken for a host, in a user's own test neither; and force_ansible works."""
    (project / "test_own.py").write_text(OWN, encoding="utf-8")
    ended = run(NAMED + "[defaults.host]\nexpect = { load = false, cpu = false }\n", "-n", "0", env=PATH)
    reached = {name: ended.verdict(f"host.reachable@{name}") for name in ("one", "forced")}
    assert reached == {"one": "ok", "forced": "ok"}, ended.output
    assert {ended.verdict(f"host.disk@{name}") for name in reached} <= {"ok", "breach P3", "breach P1"}
    said = {name: ended.message(f"host.reachable@{name}") for name in ("group", "forced_group", "group_of_one")}
    assert all("is a group of Ansible's, with " in message for message in said.values()), said
    assert "(web1, web2), and not a host; name a host, or have them all by [source.NAME]" in said["group"]
    assert "has no host wbe1; did you mean web1?" in ended.message("host.reachable@nobody")
    assert "can't be read: " in ended.message("host.reachable@elsewhere")
    assert "Connection refused" in ended.message("host.reachable@refused")
    assert {ended.verdict(f"own.own@{name}") for name in reached} == {"ok"}
    others = ("group", "forced_group", "group_of_one", "nobody", "elsewhere")
    assert {ended.verdict(f"own.own@{name}") for name in others} == {"unknown P2"}


@pytest.mark.parametrize("name", ["", "all", "web*", "web:db", "!web", "web1,web2", "~web[0-9]"])
def test_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "opscheck.toml"
    file.write_text(f'[host.a]\nconnect = "ansible://{name}?ansible_inventory=prod"\n', encoding="utf-8")
    with pytest.raises(InventoryError, match=r"host.a.connect: .* is not one host of Ansible's inventory; name a host"):
        load(file, ())
