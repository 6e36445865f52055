"""`opscheck schema` makes a schema of any inventory, and editors find it by the first line of what `init` writes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from pytest_opscheck.cli import schema as schemas
from pytest_opscheck.cli.command import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(*arguments: str) -> dict[str, Any]:
    ended = CliRunner().invoke(main, ["schema", *arguments])
    assert ended.exit_code == 0, ended.output
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["$id"] == "urn:opscheck:inventory:1"
    assert found["$comment"].startswith("made by pytest-opscheck ")
    return found


WORDS = '[opscheck]\nseverities = { urgent = "P0" }\n'


@pytest.mark.parametrize(
    "rest",
    [
        "[host.a]",
        '[postgres.main]\ndsn = "${NOT_SET}"',
        '[postgres.main]\ndsn = "${file:/nowhere}"',
        "[hots.a]",
        '[host.a.expect]\ndisk = "< 70%',
    ],
)
def test_an_inventory_with_errors_and_without_variables_has_a_schema(rest: str, folder: Path) -> None:
    (folder / "ops.toml").write_text(WORDS + rest, encoding="utf-8")
    assert "urgent" in made("ops.toml")["$defs"]["severity"]["anyOf"][0]["enum"]
    assert "urgent" not in made()["$defs"]["severity"]["anyOf"][0]["enum"], "there is no opscheck.toml yet"


def test_a_file_that_is_not_there_is_an_error() -> None:
    ended = CliRunner().invoke(main, ["schema", "nowhere.toml"])
    assert (ended.exit_code, "there is no file nowhere.toml" in ended.output) == (4, True)


def test_init_writes_the_schema_where_editors_look(folder: Path) -> None:
    ended = CliRunner().invoke(main, ["init"])
    assert ended.exit_code == 0, ended.output
    first, _, text = (folder / "opscheck.toml").read_text(encoding="utf-8").partition("\n")
    assert first == "#:schema ./opscheck.schema.json"
    known = json.loads((folder / first.partition("./")[2]).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(known).validate(tomllib.loads(text))


def test_what_is_not_ours_stays(folder: Path) -> None:
    (folder / schemas.FILE).write_text('{"$id": "urn:mine"}', encoding="utf-8")
    assert CliRunner().invoke(main, ["init"]).exit_code == 0
    assert (folder / schemas.FILE).read_text(encoding="utf-8") == '{"$id": "urn:mine"}'
