"""A decision as variables, reasons, a summary and annotations."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import markdown as pages
import pytest
from hypothesis import example, given, settings

from pytest_opscheck.gate.finding import Sort
from pytest_opscheck.reports.gated import Gated, annotated, dotenv, summary

from ..nasty import texts
from .gates import finding, gated, kept

quick = settings(max_examples=40, deadline=None)


def test_variables_are_words() -> None:
    assert dotenv(gated(finding())).splitlines() == [
        "OPSCHECK_VERDICT=roll_back",
        "OPSCHECK_REASONS=host.disk@prod:_/var_is_at_95_%,_expected_90_%",
        "OPSCHECK_VERSION_BEFORE=1.4",
        "OPSCHECK_VERSION=1.5",
    ]


@given(text=texts)
@example(text="$(touch ran)\nOPSCHECK_VERDICT=go")
@quick
def test_variables_that_a_shell_sources_run_nothing(text: str) -> None:
    said = dotenv(Gated.of(kept(*(finding(message=text * 9) for _ in range(30)), version=text)))
    assert len(said) < 5000
    assert all(line and len(shlex.split(line)) == 1 for line in said.splitlines())
    assert [line.partition("=")[0] for line in said.splitlines()][:2] == ["OPSCHECK_VERDICT", "OPSCHECK_REASONS"]
    assert said.startswith("OPSCHECK_VERDICT=roll_back\n")


def test_a_shell_reads_the_variables(tmp_path: Path) -> None:
    (tmp_path / "gate.env").write_text(dotenv(gated(finding(message="~ $(touch ran) `touch ran`;touch ran&"))))
    said = subprocess.run(
        ["sh", "-euc", '. ./gate.env; echo "$OPSCHECK_VERDICT"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (said.stdout, said.stderr) == ("roll_back\n", "")
    assert [each.name for each in tmp_path.iterdir()] == ["gate.env"]


def test_a_gate_that_was_ended_early_is_no_go() -> None:
    found = gated(partial=True)
    assert dotenv(found).startswith("OPSCHECK_VERDICT=undecided\nOPSCHECK_REASONS=ended_early:_5_checks_judged")
    assert gated(finding(), partial=True).answer == "roll back"


def test_reasons_say_what_counts_once() -> None:
    assert gated(finding()).reasons == ["host.disk@prod: /var is at 95 %, expected < 90 %"]
    several = gated(finding(), finding(Sort.UNKNOWN, "http.p95@api", message="no answer", leaves_undecided=True))
    assert several.reasons[1:] == [
        "host.disk@prod: broke P1: /var is at 95 %, expected < 90 %",
        "http.p95@api: unknown P1: no answer",
    ]
    many = gated(*(finding(name=f"host.disk@{number:02}") for number in range(25)))
    assert many.reasons[-1] == "and 5 more"
    assert len(many.reasons) == 22


@pytest.mark.parametrize(
    ("found", "levels"),
    [
        ((finding(),), ["error", "error"]),
        ((finding(), finding(Sort.ALREADY, "http.up@x", rolls_back=False)), ["error", "error", "notice"]),
        ((finding(Sort.UNKNOWN, leaves_undecided=True),), ["warning", "warning"]),
        ((finding(Sort.MILD, rolls_back=False),), ["notice"]),
        ((), []),
    ],
)
def test_how_loud_an_annotation_is(found: tuple[Any, ...], levels: list[str]) -> None:
    assert [each.level for each in annotated(gated(*found))] == levels


def test_an_annotation_points_at_the_line_of_what_was_expected() -> None:
    told = annotated(
        gated(finding(), finding(name="test_mine.py::test_it"), file="ops/opscheck.toml", lines={"host.disk@prod": 7})
    )
    assert [(each.title, each.file, each.line) for each in told] == [
        ("opscheck gate: roll back", None, None),
        ("host.disk@prod: broke P1", Path("ops/opscheck.toml"), 7),
        ("test_mine.py::test_it: broke P1", None, None),
    ]


def test_a_summary_says_all() -> None:
    found = finding(details=("100 requests before",), action="Find what grew", runbook="docs/runbook.md#disk")
    assert summary(gated(found, rollback="docs/runbook.md#roll-back")).splitlines() == [
        "## opscheck gate: roll back",
        "",
        "`host.disk@prod: /var is at 95 %, expected < 90 %`",
        "",
        "shop 1.4 to 1.5, `suite deploy_gate`, 5 checks judged, took 12.3 s",
        "",
        "- **broke P1** `host.disk@prod`: `/var is at 95 %, expected < 90 %`",
        "  - 100 requests before",
        "  - Next: Find what grew",
        "  - Next: `docs/runbook.md#disk`",
        "",
        "How to roll back: `docs/runbook.md#roll-back`",
        "",
    ]
    assert "roll-back" not in summary(gated(rollback="docs/runbook.md#roll-back"))


@given(text=texts)
@quick
def test_whatever_a_target_says_a_summary_has_the_same_form(text: str) -> None:
    def tags(said: str) -> list[str]:
        more: dict[str, Any] = {"version": said, "inventory": said, "rollback": said, "suite": said}
        found = finding(message=said, details=(said,), action=said, runbook=said)
        page = pages.markdown(summary(Gated.of(kept(found, **more))))
        return [part.partition(">")[0] for part in page.replace("<code>", "").replace("</code>", "").split("<")[1:]]

    assert tags(f"a{text}") == tags("word")


def test_secrets_are_masked_in_what_the_gate_itself_says() -> None:
    def clean(text: str) -> str:
        return text.replace("s3cret", "***")

    found = finding(message="a s3cret", details=("b s3cret",))
    said = Gated.of(kept(found, version="s3cret", why="c s3cret"), clean)
    told = summary(said) + dotenv(said) + str(said.reasons) + "".join(map(str, annotated(said)))
    assert "s3cret" not in told
    assert "***" in told
