"""What only a person knows stands in a draft as TODO, and no inventory is valid before it is filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import InventoryError, load

SAID = {
    '[opscheck]\nname = "TODO"\n[host.a]': "2: opscheck.name",
    '[opscheck]\ntimezone = "TODO: which one"\n[host.a]': "2: opscheck.timezone",
    '[redis.a]\nurl = "TODO"': "2: redis.a.url",
    '[redis.a]\nurl = "redis://TODO:6379/0"': "2: redis.a.url",
    '[host.a]\nconnect = "ssh://TODO"': "2: host.a.connect",
    '[host.a]\nexpect = { disk = "TODO: how full" }': "2: host.a.expect.disk",
    '[host.a]\nexpect = { disk = "< TODO" }': "2: host.a.expect.disk",
    '[host.a.expect]\ndisk = { P2 = "TODO: how full", P1 = "< 90%" }': "2: host.a.expect.disk.P2",
    '[host.a.expect]\nservices = ["nginx", "TODO: the others"]': "2: host.a.expect.services[1]",
    '[host.a.command.b]\nrun = "TODO: what"\nvalue = { P2 = "< 3" }': "2: host.a.command.b.run",
    '[host.a.command.b]\nrun = "true"\nvalue = { P2 = "TODO" }': "3: host.a.command.b.value.P2",
    '[docker.a]\nproject = "TODO: the project"': "2: docker.a.project",
    "[host.TODO]": "1: host.TODO",
}


def errors(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    file = tmp_path / "opscheck.toml"
    file.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(InventoryError) as error:
        load(file, checks(), environment or {})
    return [line.partition("opscheck.toml:")[2] for line in str(error.value).splitlines()]


@pytest.mark.parametrize(("text", "where"), SAID.items(), ids=SAID.values())
def test_a_todo_is_refused_wherever_it_stands(tmp_path: Path, text: str, where: str) -> None:
    """With its line and its key, once, and without an error that only follows from it."""
    (said,) = errors(tmp_path, text)
    assert said.startswith(f"{where}: ")
    assert "still to be written" in said


def test_a_todo_says_what_is_missing(tmp_path: Path) -> None:
    (said,) = errors(tmp_path, '[redis.a]\nurl = "TODO: the address of the cache"')
    assert said.endswith(
        "redis.a.url: it is still to be written: the address of the cache; replace the TODO with what is meant"
    )


def test_a_todo_in_a_variable_is_refused_and_not_quoted(tmp_path: Path) -> None:
    (said,) = errors(tmp_path, '[redis.a]\nurl = "${CACHE}"', {"CACHE": "TODO: ask Kim"})
    assert said == "2: redis.a.url: a variable in it is still to be written; set it to what is meant"


def test_a_time_zone_to_be_written_is_no_error_of_the_windows_that_need_one(tmp_path: Path) -> None:
    window = '[maintenance.week]\nrule = "FREQ=WEEKLY;BYDAY=SU"\nat = "02:00-04:00"\nwhy = "x"\n'
    (said,) = errors(tmp_path, f'[opscheck]\ntimezone = "TODO: yours"\n{window}[host.a]')
    assert said.startswith("2: opscheck.timezone: ")


@pytest.mark.parametrize("said", ["/var/log/TODO.log", "/srv/TODOS/app.log", "/srv/my-TODO/app.log"])
def test_the_word_inside_of_another_is_none(tmp_path: Path, said: str) -> None:
    file = tmp_path / "opscheck.toml"
    file.write_text(f'[logs.a]\npath = "{said}"\n[logs.a.count.b]\npattern = "[T]ODO"\nexpect = "== 0"\n')
    assert load(file, checks(), {}).expectations
