"""What of an inventory is carried to workers, and which variables each machine needs itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import Inventory, load
from pytest_opscheck.inventory.carried import (
    NotCarriedError,
    is_named,
    lacking_here,
    lacking_of_part,
    mentioned,
    texts_of,
)

INVENTORY = """
include = ["teams/*.toml"]
[opscheck]
name = "shop"
[vantage.dmz]
[template.db]
kind = "postgres"
dsn = "${TEMPLATE_DSN}"
[group.db]
template = "db"
names = ["db[1:2]"]
from = "dmz"
[defaults.http]
headers = { X-Token = "${HTTP_TOKEN}" }
[http.here]
url = "${HERE_URL:-http://127.0.0.1/}"
[redis.there]
url = "${THERE_URL}"
from = "dmz"
[suites.daily]
heartbeat = "${HEARTBEAT}"
[report.metrics]
push = "${PUSH}"
"""


def read(folder: Path, text: str = INVENTORY, included: str = '[host.more]\nconnect = "${MORE}"\n') -> Inventory:
    (folder / "teams").mkdir()
    (folder / "teams/more.toml").write_text(included, encoding="utf-8")
    (folder / "shop.toml").write_text(text, encoding="utf-8")
    return load(folder / "shop.toml", checks(), assumes=True)


def names(lines: list[str]) -> set[str]:
    return {line.partition("${")[2].partition("}")[0] for line in lines}


def test_its_texts_are_those_of_its_files_as_they_are_written(tmp_path: Path) -> None:
    inventory = read(tmp_path)
    assert list(texts_of(inventory)) == ["shop.toml", "teams/more.toml"]
    assert texts_of(inventory)["shop.toml"] == INVENTORY
    assert is_named(inventory)


def test_a_machine_needs_the_variables_of_its_own_targets_and_who_starts_a_run_those_of_who_is_told(
    tmp_path: Path,
) -> None:
    inventory = read(tmp_path)
    assert names(lacking_of_part(inventory, "dmz")) == {"TEMPLATE_DSN", "THERE_URL"}
    assert names(lacking_of_part(inventory, "default")) == {"HTTP_TOKEN", "MORE"}
    assert names(lacking_here(inventory)) == {"HEARTBEAT", "PUSH"}
    assert f"{tmp_path}/shop.toml:23: report.metrics.push: ${{PUSH}} is not there" in lacking_here(inventory)


def test_what_is_due_has_to_be_known_where_a_run_is_started(tmp_path: Path) -> None:
    """Else what it expects would be another thing than what a worker judges by."""
    text = '[opscheck]\nname = "x"\n[host.a]\nconnect = "${A}"\nexpect = { disk = "${LIMIT}" }\n'
    assert names(lacking_here(read(tmp_path, f'include = ["teams/*.toml"]\n{text}'))) == {"LIMIT"}


def test_the_variables_that_workers_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE_URL", "redis://127.0.0.1/")
    found = {each.name: (each.value, each.has_default) for each in mentioned(read(tmp_path))}
    assert found == {
        "TEMPLATE_DSN": (None, False),
        "HTTP_TOKEN": (None, False),
        "HERE_URL": (None, True),
        "THERE_URL": ("redis://127.0.0.1/", False),
        "MORE": (None, False),
    }


def test_a_comment_or_an_escaped_variable_is_none(tmp_path: Path) -> None:
    text = 'include = ["teams/*.toml"]\n# ${COMMENT}\n[host.a]\ncommand.x = { run = "echo $${ESCAPED} ${file:/x}" }\n'
    assert {each.name for each in mentioned(read(tmp_path, text))} == {"file:/x", "MORE"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[http.a]\nurl = "${file:secrets/url}"\n', "${file:secrets/url} is seen from the inventory's folder"),
        ('[http.a]\nurl = "http://${file:/}"\n', "/ is not a file"),
    ],
)
def test_a_file_that_workers_do_not_have(text: str, said: str, tmp_path: Path) -> None:
    inventory = read(tmp_path, f'include = ["teams/*.toml"]\n{text}')
    with pytest.raises(NotCarriedError) as caught:
        list(mentioned(inventory))
    assert said in str(caught.value)


@pytest.mark.parametrize("pattern", ["{folder}/far.toml", "../{name}/far.toml"])
def test_a_file_outside_of_its_folder(pattern: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    far = tmp_path_factory.mktemp("far")
    (far / "far.toml").write_text("[host.far]\n", encoding="utf-8")
    shown = pattern.format(folder=far, name=far.name)
    inventory = read(tmp_path, f'include = ["{shown}"]\n')
    with pytest.raises(NotCarriedError, match="workers get what is in that folder alone"):
        texts_of(inventory)
    assert not is_named(inventory)
