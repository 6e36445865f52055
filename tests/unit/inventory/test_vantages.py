"""Vantage points: who is looked at from where, and what is wrong with what says so."""

from __future__ import annotations

import pytest

from .conftest import Errors, Read

SHOP = """
[vantage.dmz]
[vantage.office]
[host.shop]
from = ["default", "dmz", "office"]
[docker.stack]
on = "shop"
names = ["web"]
[redis.cache]
url = "redis://localhost"
from = "dmz"
"""


def test_one_place_leaves_the_name_and_several_are_in_it(read: Read) -> None:
    inventory = read(SHOP)
    assert inventory.hosts.keys() == {"shop#default", "shop#dmz", "shop#office"}
    stacks = {target.name: target.keys.host() for target in inventory.of_kind("docker")}
    assert stacks == {f"stack#{name}": f"shop#{name}" for name in ("default", "dmz", "office")}
    (cache,) = inventory.of_kind("redis")
    assert (cache.name, cache.vantage) == ("cache", "dmz")
    assert {each.target.vantage for each in inventory.of_check("host.disk")} == {"default", "dmz", "office"}


def test_groups_and_templates_say_it_too(read: Read) -> None:
    made = "[vantage.dmz]\n[template.w]\nkind = 'host'\nfrom = 'dmz'\n[group.w]\ntemplate = 'w'\nnames = ['a', 'b']\n"
    inventory = read(f"{made}[host.b]\nfrom = 'default'\n")
    assert {target.name: target.vantage for target in inventory.targets} == {"a": "dmz", "b": "default"}


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[host.a]\nfrom = 'dmz'", "2: host.a.from: there is no vantage point 'dmz'; add [vantage.dmz]"),
        (
            "[vantage.dmz]\n[host.a]\nfrom = 'dzm'",
            "3: host.a.from: there is no vantage point 'dzm'; did you mean 'dmz'?",
        ),
        (
            "[vantage.dmz]\n[host.a]\nfrom = ['dmz', 'dmz']",
            "3: host.a.from[1]: 'dmz' is in this list already; keep one",
        ),
        ("[vantage.dmz]\n[host.a]\nfrom = []", "3: host.a.from: it must be the name of a vantage point, or a list of"),
        ("[vantage.dmz]\n[host.a]\nfrom = 7", "3: host.a.from: it must be the name of a vantage point, or a list of"),
        ("[vantage.dmz]\n[host.a]", "1: vantage.dmz: nothing is looked at from it; say `from = 'dmz'` of a target"),
        (
            "[vantage.dmz]\nurl = 'x'\n[host.a]\nfrom = 'dmz'",
            "2: vantage.dmz.url: unknown key; a vantage point has none",
        ),
        ("[vantage.default]\n[host.a]", "1: vantage.default: 'default' is where all is looked at that has no `from`"),
        ("[vantage]\n[host.a]", "1: vantage: a vantage point needs a name: [vantage.NAME]"),
        (
            "[vantage.dmz]\n[host.a]\nfrom = 'dmz'\n[docker.b]\non = 'a'\nnames = ['web']\nfrom = 'default'",
            "7: docker.b.from: it is reached through host.a, which is looked at from dmz; leave `from` out",
        ),
    ],
)
def test_what_is_wrong(errors: Errors, toml: str, message: str) -> None:
    assert [line for line in errors(toml) if line.startswith(message)], errors(toml)
