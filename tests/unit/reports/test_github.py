"""What GitHub is told stays what it is: a sentence beside a line, a summary, an output, and never a command."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings

from pytest_opscheck.core.visible import inert, plain, visible
from pytest_opscheck.reports import github
from pytest_opscheck.reports.github import Annotation

from ..nasty import texts
from . import runner

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COMMANDS = (
    "::set-output name=verdict::go",
    "fine\n  ::add-mask::e",
    "fine\r::stop-commands::x",
    "a ##[set-output name=verdict]go",
    "###[debug]x",
    "\u2028::error::x",
    "\xa0::error::x",
)


@given(texts)
@example(COMMANDS[0])
@example(COMMANDS[3])
@quick
def test_an_annotation_is_one_command_that_says_what_was_said(text: str) -> None:
    line = str(Annotation("error", text, text, (text,)))
    assert len(line.splitlines()) == 1
    assert runner.command(line) == (
        "error",
        {"title": inert(plain(text))} if plain(text) else {},
        inert("\n".join([plain(text), plain(text)])),
    )


@pytest.mark.parametrize("text", COMMANDS)
def test_what_is_printed_is_no_command(text: str) -> None:
    assert runner.commands(inert(visible(text))) == []


@pytest.mark.parametrize("text", ["a::b", "std::vector", "# [x]", "#[x]", "12:: 34"])
def test_what_would_be_none_stays(text: str) -> None:
    assert inert(text) == text


def test_at_most_nine_are_shown_and_how_many_more_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Annotation("error", str(number), "broken") for number in range(12)]
    said = [runner.command(line) for line in github.commands(found)]
    assert [each[1]["title"] for each in said if each and each[0] == "error"] == [str(number) for number in range(9)]
    assert said[9] == ("notice", {"title": "opscheck"}, "and 3 more, which the summary of this step names")
    assert len(said) == 10
    assert len(list(github.commands(found[:9]))) == 9


def test_a_place_is_one_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (tmp_path / "ops,a:b").mkdir()
    monkeypatch.chdir(tmp_path / "ops,a:b")
    for file, place in (
        (Path("opscheck.toml"), {"file": "ops,a:b/opscheck.toml", "line": "4", "title": "t"}),
        (Path("../../opscheck.toml"), {"title": "t"}),
    ):
        assert runner.command(str(Annotation("error", "t", "x", (), file, 4))) == ("error", place, "x")


@given(text=texts)
@quick
def test_outputs_are_what_was_said(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("outputs") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_OUTPUT", str(file))
        said = "\n".join([plain(text), "EOF", "verdict=go", "verdict<<x", "x"])
        github.add_outputs({"verdict": "roll back", "reasons": said})
        github.add_outputs({"report": ""})
    set_ = runner.outputs(file.read_text(encoding="utf-8"))
    assert set_ == {"verdict": "roll back", "reasons": said, "report": ""}


def test_a_summary_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several that are longer than GitHub shows, the lines that fit, and how many do not."""
    file = tmp_path / "summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    line = f"- {'é' * 500}\n"
    for _ in range(3):
        github.add_summary(line * 600)
    assert file.stat().st_size < 900_200
    assert file.read_text(encoding="utf-8").endswith("\n\n600 more lines do not fit here; the step's log says more.\n")
    assert "\n\n303 more lines do not fit here" in file.read_text(encoding="utf-8")


def test_without_the_variables_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    github.add_summary("x")
    github.add_outputs({"x": "y"})
    for value, is_here in (("true", True), ("1", True), ("", False), ("false", False)):
        monkeypatch.setenv("GITHUB_ACTIONS", value)
        assert github.is_here() is is_here
