"""Tags choose targets, with all that is reached through them; a tag that nothing has is an error wherever it stands."""

from __future__ import annotations

import datetime as dt

import pytest

from pytest_opscheck.inventory.tagged import Places, at

from .conftest import Errors, Read

FLEET = """
[opscheck]
timezone = "UTC"
[group.web]
kind = "host"
names = ["web[1:2]"]
tags = ["dc1", "prod"]
[host.web2]
tags = ["dc2"]
[docker.shop]
project = "shop"
on = "web1"
[redis.cache]
url = "redis://cache"
tags = ["prod"]
"""
WINDOW = "[maintenance.w]\nrule = 'FREQ=WEEKLY;BYDAY=SU'\nat = '02:00-04:00'\nwhy = 'x'\n"
WAIVER = "[[waiver]]\ncheck = 'host.disk'\nowner = 'Kim'\nreason = 'x'\nuntil = 2099-01-01\n"
CHANNEL = "[notify.n]\nfile = 'alerts'\n"


@pytest.mark.parametrize(
    ("words", "targets"),
    [
        (["tag:dc1"], "host.web1 docker.shop"),
        (["tag:prod"], "host.web1 docker.shop redis.cache"),
        (["tag:dc2", "redis.cache"], "host.web2 redis.cache"),
        (["host.web1"], "host.web1 docker.shop"),
    ],
)
def test_whom_a_word_means(read: Read, words: list[str], targets: str) -> None:
    """What is reached through a host is where the host is. A target's own tags take the place of its group's."""
    inventory = read(FLEET)
    assert Places(inventory.targets).of(words) == set(targets.split())
    assert {result.rpartition("@")[2] for result in at(words, inventory.expectations)} == {
        target.partition(".")[2] for target in targets.split()
    }


def test_windows_waivers_and_alerts_of_a_tag(read: Read) -> None:
    said = "targets = ['tag:dc1']\n"
    inventory = read(FLEET + WINDOW + said + CHANNEL + said + WAIVER + "target = 'tag:prod'\n")
    [window], [waiver], [channel] = inventory.windows, inventory.waivers, inventory.channels
    assert window.results is not None
    assert {result.rpartition("@")[2] for result in window.results} == {"web1", "shop"}
    assert (waiver.about, waiver.results) == ("host.disk@tag:prod", frozenset({"host.disk@web1"}))
    assert [waiver.is_of(f"host.disk@{name}") for name in ("web1", "web2")] == [True, False]
    told = {each.id.rpartition("@")[2] for each in inventory.expectations if channel.is_of(each.id)}
    assert told == {"web1", "shop"}
    assert str(channel).endswith("; only tag:dc1")


def test_a_test_of_ones_own_is_told_of_unless_it_is_known_to_be_elsewhere(read: Read) -> None:
    """No alert is lost because nobody knows whose it is."""
    [channel] = read(FLEET + CHANNEL + "targets = ['tag:dc1']\n").channels
    own = {name: channel.is_of(f"shop.mine@{name}") for name in ("web1", "web2", "cache", "shop", "-", "web1-x")}
    assert own == {"web1": True, "web2": False, "cache": False, "shop": True, "-": True, "web1-x": True}


def test_that_the_host_of_a_target_is_gone_is_told_with_it(read: Read) -> None:
    """Its other checks are blocked, of which nobody is told: what blocks them is the alert."""
    [channel] = read(FLEET + CHANNEL + "targets = ['docker.shop']\n").channels
    assert channel.is_of("host.reachable@web1")
    assert not channel.is_of("host.disk@web1")
    assert not channel.is_of("host.reachable@web2")


NO_TAG = "no target has the tag 'dc3'; did you mean 'tag:dc2'?"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (WINDOW + "targets = ['tag:dc3']", f"maintenance.w.targets[0]: {NO_TAG}"),
        (CHANNEL + "targets = ['host.web1', 'tag:dc3']", f"notify.n.targets[1]: {NO_TAG}"),
        (CHANNEL + "targets = ['web1']", "notify.n.targets[0]: there is no target 'web1'; did you mean 'host.web1'?"),
        (WAIVER + "target = 'tag:dc3'", f"waiver[0].target: {NO_TAG}"),
        (
            WAIVER.replace("host.disk", "redis.memory") + "target = 'tag:dc1'",
            "waiver[0].target: redis.memory has no target",
        ),
        (
            f"{WAIVER}target = 'tag:prod'\n{WAIVER}target = 'web1'",
            "waiver[1]: host.disk@web1 has two waivers; keep one of them",
        ),
    ],
)
def test_a_tag_that_nothing_has_is_an_error(errors: Errors, said: str, error: str) -> None:
    [found] = errors(FLEET + said)
    assert found.partition(": ")[2].startswith(error)


def test_without_tags_it_is_said_how_there_are_some(errors: Errors) -> None:
    text = "[opscheck]\ntimezone = 'UTC'\n[host.a]\n" + WINDOW + "targets = ['tag:dc1']"
    [found] = errors(text)
    assert found.endswith("no target has the tag 'dc1'; no target has tags; add some: tags = ['dc1']")


def test_a_waiver_of_a_tag_ends_once(read: Read) -> None:
    from pytest_opscheck.inventory.waivers import ending

    waivers = read(FLEET.replace('tags = ["dc2"]', "") + WAIVER + "target = 'tag:dc1'\n").waivers
    assert len(waivers[0].results) == 2
    [said] = ending(waivers, dt.date(2099, 1, 1))
    assert said.startswith("the waiver of host.disk@tag:dc1 ends today")
