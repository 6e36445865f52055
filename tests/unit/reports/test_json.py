from __future__ import annotations

import copy
import json as plain_json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_opscheck.reports import json

from .values import blocked, measurement, ok, result, run, unknown

Change = Callable[[dict[str, Any]], object]
VALIDATOR = jsonschema.Draft202012Validator(json.schema(), format_checker=jsonschema.FormatChecker())


def written(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "new" / "results.json"
    json.write(run(result(), unknown(), blocked(), ok(), result(severity="P3", fails=False)), file)
    assert [path.name for path in file.parent.iterdir()] == ["results.json"]
    data: dict[str, Any] = plain_json.loads(file.read_text(encoding="utf-8"))
    return data


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.schema())


def test_results_of_every_verdict_validate(tmp_path: Path) -> None:
    VALIDATOR.validate(written(tmp_path))


def test_a_later_version_may_add_keys(tmp_path: Path) -> None:
    data = written(tmp_path)
    data["results"][0]["owner"] = "team-a"
    VALIDATOR.validate(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(schema="opscheck.results/2"),
        lambda data: data.pop("summary"),
        lambda data: data["summary"].pop("unknown"),
        lambda data: data["summary"].update(ok=-1),
        lambda data: data["summary"]["by_severity"].update(P9=1),
        lambda data: data["run"].update(started="2026-11-20T08:00:00"),
        lambda data: data["run"].update(started="yesterday"),
        lambda data: data["run"].update(exit_status="1"),
        lambda data: data["run"].pop("vantage"),
        lambda data: data["results"][0].update(verdict="fine"),
        lambda data: data["results"][0].update(severity="critical"),
        lambda data: data["results"][0].update(severity=None),
        lambda data: data["results"][0].update(id="host.disk"),
        lambda data: data["results"][0].update(attempts=0),
        lambda data: data["results"][0].pop("fails"),
        lambda data: data["results"][0]["measurements"][0].pop("limits"),
        lambda data: data["results"][0]["measurements"][0].update(limits={}),
        lambda data: data["results"][0]["measurements"][0].update(value=[1]),
        lambda data: data["results"][0]["measurements"][0].update(breached="bad"),
        # No false green: what could not be told always fails, and nothing that is broken is ok.
        lambda data: data["results"][1].update(fails=False),
        lambda data: data["results"][2].update(blocked_by=None),
        lambda data: data["results"][3].update(severity="P1"),
        lambda data: data["results"][3].update(fails=True),
        lambda data: data["results"][3]["measurements"][0].update(breached="P1"),
        lambda data: data["results"][3]["measurements"][0].update(problem="no answer"),
    ],
)
def test_wrong_results_do_not_validate(tmp_path: Path, change: Change) -> None:
    data = written(tmp_path)
    wrong = copy.deepcopy(data)
    change(wrong)
    assert wrong != data
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(wrong)


def test_output_that_is_no_utf_8_is_written_and_read_again(tmp_path: Path) -> None:
    """A target's bytes come as surrogates, which a UTF-8 file can't hold."""
    json.write(run(result(measurements=(measurement(observed="caf\udce9"),))), tmp_path / "results.json")
    data = plain_json.loads((tmp_path / "results.json").read_bytes())
    assert data["results"][0]["measurements"][0]["observed"] == "caf\udce9"
    VALIDATOR.validate(data)
