"""`opscheck runbook import` writes a draft beside a runbook, and touches, runs and contacts nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.cli.command import main

PAGE = """\
# Shop

## Daily

```bash
df -h
# Expected: < 70%
kubectl get pods
```

Token: API_KEY=s3cretPw12
"""


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["runbook", "import", *map(str, args)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RUNBOOK.md").write_text(PAGE, encoding="utf-8")
    return tmp_path


def test_a_draft_is_written_once_and_the_runbook_stays_as_it_is(folder: Path) -> None:
    done = run("RUNBOOK.md")
    assert done.exit_code == 0, done.output
    draft = (folder / "opscheck.toml").read_text(encoding="utf-8")
    assert '# RUNBOOK.md:6 "df -h"' in draft
    assert 'disk = { P2 = "< 70%", runbook = "#daily" }' in draft
    assert "#   8 (no check for `kubectl`): kubectl get pods" in draft
    assert "wrote opscheck.toml: 1 proposal, 0 of them commented out; 1 line not read" in done.output
    again = run("RUNBOOK.md")
    assert (again.exit_code, (folder / "opscheck.toml").read_text(encoding="utf-8")) == (4, draft)
    assert "opscheck.toml already exists and was left unchanged" in again.output
    assert (folder / "RUNBOOK.md").read_text(encoding="utf-8") == PAGE
    assert sorted(each.name for each in folder.iterdir()) == ["RUNBOOK.md", "opscheck.schema.json", "opscheck.toml"]
    assert draft.startswith("#:schema ./opscheck.schema.json\n# A draft of an inventory")


def test_a_draft_in_another_folder_leads_to_its_runbook(folder: Path) -> None:
    (folder / "ops").mkdir()
    assert run("RUNBOOK.md", "-o", "ops/checks.toml").exit_code == 0
    assert 'runbook = "../RUNBOOK.md"' in (folder / "ops" / "checks.toml").read_text(encoding="utf-8")
    assert CliRunner().invoke(main, ["validate", "ops/checks.toml"]).exit_code == 0


def test_as_json_it_has_proposals_and_every_line(folder: Path) -> None:
    done = run("RUNBOOK.md", "--json")
    document = json.loads(done.output)
    (proposal,) = document["proposals"]
    assert (proposal["id"], proposal["line"], proposal["anchor"]) == ("host.disk@main", 6, "daily")
    assert proposal["limits"] == [{"severity": None, "limit": "< 70%", "line": 7}]
    assert proposal["confidence"] >= 0.8
    assert [line["fate"] for line in document["lines"]] == [
        *("prose", "prose", "prose", "proposal", "proposal", "not read", "prose", "prose")
    ]
    assert document["summary"] == {"proposal": 2, "not read": 1, "procedure": 0, "exempt": 0, "prose": 5}
    assert "s3cretPw12" not in done.output
    assert not (folder / "opscheck.toml").exists()


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (PAGE.encode("utf-16"), 4, "RUNBOOK.md is in UTF-16; save it in UTF-8"),
        (b"\x00\x01", 4, "RUNBOOK.md is not a text"),
        (b"# Shop\n\nCall Kim.\n", 5, "nothing to check was found; nothing was written"),
        (
            b"```\nkubectl get pods\n```\n",
            5,
            "nothing to check was found; 1 line could not be read: see them with --json",
        ),
        (b"", 5, "nothing to check was found"),
    ],
)
def test_exit_status_of_what_makes_no_draft(folder: Path, content: bytes, code: int, says: str) -> None:
    (folder / "RUNBOOK.md").write_bytes(content)
    done = run("RUNBOOK.md")
    assert done.exit_code == code
    assert says in done.output
    assert not (folder / "opscheck.toml").exists()


def test_a_file_or_folder_that_is_not_there(folder: Path) -> None:
    assert run("NONE.md").exit_code == 4
    done = run("RUNBOOK.md", "-o", "none/opscheck.toml")
    assert done.exit_code == 4
    assert "create the folder first, or name another file with -o" in done.output


def test_a_word_of_ones_own_for_what_is_expected(folder: Path) -> None:
    (folder / "RUNBOOK.md").write_text("# R\n\n```\nredis-cli LLEN mails\n```\n\nRichtwert: 20\n", encoding="utf-8")
    assert run("RUNBOOK.md", "--expected", "Richtwert").exit_code == 0
    assert '"<= 20"' in (folder / "opscheck.toml").read_text(encoding="utf-8")


def test_nothing_but_this_command_imports_the_parser_of_markdown(folder: Path) -> None:
    """Neither the command's start nor a pytest run with an inventory."""
    (folder / "opscheck.toml").write_text("[host.local]\n")
    code = (
        "import sys, pytest\nfrom click.testing import CliRunner\nfrom pytest_opscheck.cli.command import main\n"
        "CliRunner().invoke(main, ['validate'])\nCliRunner().invoke(main, ['runbook', '--help'])\n"
        "pytest.main(['-q', '-m', 'daily', '--collect-only', '-p', 'no:cacheprovider'])\n"
        "sys.exit('markdown_it' in sys.modules or 'pytest_opscheck.runbook.reader' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
