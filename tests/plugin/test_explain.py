"""`opscheck explain`: all that is known of one check, without asking anything of anybody."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from pytest_opscheck.cli.command import main

Project = Callable[..., pytest.Pytester]
INVENTORY = """
[opscheck]
runbook = "runbook.md"
[severity.P1]
owner = "ops on call"
[host.local]
expect = { disk = "< 99%", memory = false, load = false, cpu = false }
[host.local.command.broken]
run = "cat value; exit 3"
severity = "P1"
value = "< 5"
[postgres.db]
dsn = "postgresql://u:${PASSWORD}@127.0.0.1:1/d"
[postgres.db.query.jobs]
sql = \"\"\"
select count(*)
from jobs
\"\"\"
expect = "< 5"
"""


@pytest.fixture
def ran(project: Project, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Give a project in which the suite has run twice: with a value of 3, and one of 7."""
    monkeypatch.setenv("PASSWORD", "canary-4711")
    pytester = project(INVENTORY)
    for value in ("3", "7"):
        (pytester.path / "value").write_text(value)
        assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    return pytester


def explained(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(main, ["explain", *arguments])
    assert done.exit_code == status, done.output
    assert "canary" not in done.output
    return done.output


def sections(text: str) -> dict[str, list[str]]:
    """Return the lines of each section, that before the first one under no name."""
    head, *others = [[line.strip() for line in block.splitlines()] for block in text.split("\n\n")]
    return {"": head, **{name: lines for name, *lines in others}}


def test_what_was_measured_and_how_and_what_past_runs_saw(ran: pytest.Pytester) -> None:
    text = explained("host.command.broken@local")
    said = sections(text)
    assert said[""][1].startswith("BREACH P1 ")
    assert re.fullmatch(r"daily of \d{4}-\d\d-\d\d \d\d:\d\d, .* ago, seen from \S+", said[""][2])
    assert "value 7, expected < 5: P1" in said["measured"]
    assert said["asked"] == ["the shell of host.local (local://)", "run = cat value; exit 3"]
    assert said["past"][0] == "not ok in 2 of the last 2 runs"
    assert "value 7 (P1)" in said["past"][1]
    assert "value 3" in said["past"][2]
    assert "(P1)" not in said["past"][2].partition("value 3")[2]
    assert said["next"] == ["Run the command by hand: cat value; exit 3", "runbook.md", "ops on call"]
    assert said["what is judged"][0].startswith("Its exit status")


def test_the_query_of_a_check_that_was_not_reached_and_the_script_of_a_shipped_one(ran: pytest.Pytester) -> None:
    text = explained("postgres.query.jobs@db")
    assert "\nBLOCKED\n" in text
    assert "  sql = select count(*) from jobs\n" in text
    disk = explained("host.disk@local")
    assert "\nexpected\n  P2 < 99%\n" in disk
    assert re.search(r"\n  sh:\n    \S.*\n", disk)


def test_what_is_not_known_is_said(ran: pytest.Pytester) -> None:
    """A check without a result yet, one that the inventory no longer has, and a slip of the pen."""
    assert (
        explained("host.dsk@local", status=4)
        == "Error: there is no check 'host.dsk@local'; did you mean 'host.disk@local'?\n"
    )
    inventory = ran.path / "opscheck.toml"
    text = inventory.read_text()
    inventory.write_text(text.replace("command.broken", "command.other"))
    assert "no result yet; it belongs to pytest -m daily\n" in explained("host.command.other@local")
    gone = explained("host.command.broken@local")
    assert "\nasked\n" not in gone
    assert "value 7, expected < 5: P1" in gone
    shutil.rmtree(ran.path / "reports")
    assert "no result yet" in explained("host.disk@local")
