"""What earlier decisions say of going back."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from pytest_opscheck.gate.baseline import Baseline
from pytest_opscheck.gate.keeping import decided_again
from pytest_opscheck.gate.keeping import noted as lines_of
from pytest_opscheck.gate.keeping import why_not_back as why_not_back_of

from .test_decision import NOW, result, run


def noted(folder: Path, *lines: tuple[str, str]) -> Path:
    file = folder / "deploys.jsonl"
    texts = [json.dumps({"version": version, "verdict": verdict}) for version, verdict in lines]
    file.write_text("\n".join([*texts, "not JSON", "[]", ""]), encoding="utf-8")
    return file


def why_not_back(file: Path | None, version: str | None, before: Baseline | None) -> str | None:
    return why_not_back_of(list(lines_of(file)) if file is not None else [], version, before)


def test_without_a_version_or_with_a_good_one_going_back_may_help(tmp_path: Path) -> None:
    file = noted(tmp_path, ("1.4", "go"), ("1.5", "roll back"))
    assert why_not_back(file, None, None) is None
    assert why_not_back(file, "1.6", None) is None


def test_what_was_rolled_back_already(tmp_path: Path) -> None:
    file = noted(tmp_path, ("1.4", "go"), ("1.5", "roll back"))
    assert why_not_back(file, "1.5", None) == "the last gate on 1.5 rolled it back already"
    file = noted(tmp_path, ("1.5", "roll back"), ("1.5", "go"))
    assert why_not_back(file, "1.5", None) is None


def test_a_baseline_since_then_shows_that_another_version_runs(tmp_path: Path) -> None:
    said = json.dumps({"version": "1.5", "verdict": "roll back", "at": "2026-11-28T06:00:00+00:00"})
    (tmp_path / "deploys.jsonl").write_text(said, encoding="utf-8")
    moments = [NOW + dt.timedelta(seconds=seconds) for seconds in (-1, 1)]
    before = [Baseline("shop", "deploy_gate", "here", moment, (run(result()),)) for moment in moments]
    whys = [why_not_back(tmp_path / "deploys.jsonl", "1.5", each) for each in before]
    assert whys == ["the last gate on 1.5 rolled it back already", None]


def test_where_no_version_is_known_to_be_good(tmp_path: Path) -> None:
    file = noted(tmp_path, ("1.4", "undecided"))
    assert why_not_back(file, "1.5", None) == "no version is known to be good"
    assert why_not_back(tmp_path / "none.jsonl", "1.5", None) == "no version is known to be good"
    assert why_not_back(None, "1.5", None) == "no version is known to be good"


@pytest.mark.parametrize("kept", [{}, {"schema": "opscheck.gate/1"}, {"schema": "opscheck.gate/1", "before": 5}])
def test_what_is_not_a_gate(kept: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"its schema is None|it lacks a part"):
        decided_again(kept)
