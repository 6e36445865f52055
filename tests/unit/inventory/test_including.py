"""Included files hold targets, templates and groups as if they stood in the inventory; none is left out silently."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_opscheck._check import Check
from pytest_opscheck.inventory import InventoryError, load
from pytest_opscheck.settings import glance

from .conftest import Errors, Read

NOBODY = 65534
MAIN = """
include = ["teams/*.toml"]
[template.web]
kind = "host"
expect = { services = ["nginx"] }
[host.web2.expect]
disk = "< 95%"
"""
TEAM = """
[template.db]
kind = "postgres"
dsn = "postgresql://${DB_USER:-ops}@{name}/shop"
[group.dbs]
template = "db"
names = ["db[1:2]"]
[group.web]
template = "web"
names = ["web[1:3]"]
[redis.cache]
url = "redis://cache"
"""


@pytest.fixture
def teams(tmp_path: Path) -> Path:
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "a.toml").write_text(TEAM.lstrip("\n"), encoding="utf-8")
    return tmp_path / "teams"


def test_what_is_included_is_as_if_it_stood_there(read: Read, teams: Path) -> None:
    inventory = read(MAIN)
    assert {target.id for target in inventory.targets} == {
        *("postgres.db1", "postgres.db2", "host.web1", "host.web2", "host.web3", "redis.cache")
    }
    assert str(next(each.limits for each in inventory.expectations if each.id == "host.disk@web2")) == "P2 < 95%"


def test_a_digest_covers_what_is_included(read: Read, teams: Path) -> None:
    """Workers and runs compare it: one that reads another list of targets judges other ones."""
    before = read(MAIN).digest
    assert read(MAIN).digest == before
    (teams / "a.toml").write_text(TEAM.replace("web[1:3]", "web[1:4]"), encoding="utf-8")
    assert read(MAIN).digest != before


def test_kinds_of_included_files_are_known_before_they_are_read_whole(teams: Path) -> None:
    """By them the shipped checks are imported, and a user's own tests are known that a plain pytest leaves out."""
    file = teams.parent / "opscheck.toml"
    file.write_text(MAIN + "[defaults.tls]\nca = 'x'\n[group.x]\nkind = 'tcp'\n", encoding="utf-8")
    seen = glance(file)
    assert {"host", "postgres", "redis", "tls", "tcp"} <= set(seen.tables)
    assert {path.name for path in seen.read} == {"opscheck.toml", "a.toml"}


EMPTY = "it is empty; give a value, or leave it out"
HOLDS = "an included file holds targets, templates and groups alone"


def test_an_error_names_its_file_and_line(read: Read, teams: Path) -> None:
    (teams / "b.toml").write_text(
        "tcp = 5\n[opscheck]\nname = 'x'\n[host.web2]\n[redis.cache]\nurl = 'redis://x'\n"
        "[include]\nx = 1\n[template.t]\nkind = 'host'\n"
        "[group.new]\nkind = 'docker'\nnames = ['a']\non = 'web9'\nproject = '{nmae}'\n",
        encoding="utf-8",
    )
    with pytest.raises(InventoryError) as caught:
        read(MAIN.replace('["nginx"]', "[]"))
    assert str(caught.value).splitlines() == [
        f"opscheck.toml:4: template.web.expect.services: {EMPTY} (in host.web1 and 2 more)",
        "teams/b.toml:1: tcp: a tcp needs a name: [tcp.NAME]",
        f"teams/b.toml:2: opscheck: {HOLDS}; move [opscheck] into opscheck.toml",
        "teams/b.toml:4: host.web2: it is in opscheck.toml:5 too; keep one of the two",
        "teams/b.toml:5: redis.cache: it is in teams/a.toml:10 too; keep one of the two",
        f"teams/b.toml:7: include: {HOLDS}; leave it out",
        "teams/b.toml:9: template.t: no group uses it; say template = 't' in one, or remove it",
        "teams/b.toml:15: group.new.project: there is no placeholder {nmae}; use {name} (in docker.a)",
    ]


HINT = 'for example include = ["teams/*.toml"]'


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (
            "'none/*.toml'",
            f"include[0]: 'none/*.toml' matches no file, seen from the inventory's folder; {HINT}, or leave it",
        ),
        ("'*.toml'", f"include[0]: '*.toml' matches this file itself; put the others into a folder, {HINT}"),
        ("'teams/../opscheck.toml'", "include[0]: 'teams/../opscheck.toml' matches this file itself; put the others"),
        ("'${TEAM}/*.toml'", f"include[0]: a pattern has no variables; write the files out, {HINT}"),
        ("5", f"include: it must be a list of at least one file or pattern, {HINT}"),
        ("", f"include: it must be a list of at least one file or pattern, {HINT}"),
    ],
)
def test_a_pattern_that_names_nothing_is_an_error(errors: Errors, teams: Path, said: str, error: str) -> None:
    """A folder that was renamed would take its targets out of every run."""
    [found] = errors(f"include = [{said}]\n[host.a]\n")
    assert found.startswith(f"1: {error}")


def test_a_file_is_read_once_whatever_names_it(read: Read, teams: Path) -> None:
    (teams / "again.toml").symlink_to("a.toml")
    assert read(MAIN.replace('"teams/*.toml"', '"teams/*.toml", "**/a.toml"')).targets


def test_what_cannot_be_read_is_said_alone(read: Read, teams: Path) -> None:
    """What else is wrong may follow from it."""
    (teams / "b.toml").write_text("[host.x\n", encoding="utf-8")
    (teams / "c.toml").symlink_to("nowhere")
    (teams / "d.toml").write_bytes(b"[host.a]\n# \xff\n")
    (teams / "e.toml").mkdir()
    with pytest.raises(InventoryError) as caught:
        read(MAIN.replace("nginx", ""))
    hint = "let whoever runs this read it, or leave it out of `include`"
    assert str(caught.value).splitlines() == [
        "teams/b.toml:1: the closing ']' is missing",
        f"teams/c.toml: No such file or directory; {hint}",
        "teams/d.toml:2: byte 0xff is not UTF-8; save the file as UTF-8",
        f"teams/e.toml: Is a directory; {hint}",
    ]
    assert caught.value.known is not None


@pytest.fixture
def closed() -> Iterator[Path]:
    """An inventory with a folder of others that this user may not look into."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    (made / "teams").mkdir(mode=0o000)
    (made / "opscheck.toml").write_text("include = ['teams/*.toml']\n[host.a]\n", encoding="utf-8")
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(NOBODY)
    yield made / "opscheck.toml"
    os.seteuid(mine)
    (made / "teams").chmod(0o755)
    shutil.rmtree(made)


def test_missing_rights_are_an_error(closed: Path, checks: tuple[Check, ...]) -> None:
    with pytest.raises(
        InventoryError, match=r"1: include\[0\]: .*/teams: Permission denied; let whoever runs this read"
    ):
        load(closed, checks)
    assert glance(closed).tables == ("include", "host")
