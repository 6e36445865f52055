"""Where reports are, and what happens where they can't be: the verdict is still told, and the run does not exit 0."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable

import jsonschema
import pytest

from pytest_opscheck.reports.json import schema

from .conftest import newest_results

Project = Callable[..., pytest.Pytester]

GREEN = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.fine]
run = "true"
"""
MIXED = (
    GREEN
    + """
[host.local.command.broken]
run = "exit 3"
[host.local.command.no_number]
run = "echo nothing"
value = "< 5"
[host.gone]
connect = "ssh://nobody@127.0.0.1:1"
"""
)


def test_a_new_folder_of_reports_stays_out_of_git(project: Project) -> None:
    """One that is there is its owner's."""
    pytester = project(GREEN)
    assert pytester.runpytest_subprocess("-m", "smoke").ret == 0
    assert (pytester.path / "reports" / ".gitignore").read_text() == "*\n"
    pytester.mkdir("mine")
    assert pytester.runpytest_subprocess("-m", "smoke", "--opscheck-reports=mine").ret == 0
    assert not (pytester.path / "mine" / ".gitignore").exists()


def files(pytester: pytest.Pytester, suite: str = "daily") -> list[str]:
    return sorted(path.name for path in (pytester.path / "reports" / suite).iterdir())


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_dated_and_newest_reports_that_keep_to_the_schema(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(MIXED)
    assert pytester.runpytest_subprocess("-m", "daily", *workers, "--opscheck-json", "new/mine.json").ret == 1
    found = files(pytester)
    assert [re.sub(r"^\d{4}-\d\d-\d\dT\d{6}", "TIME", name) for name in found] == [
        "TIME.html",
        "TIME.json",
        "TIME.xml",
        "latest.html",
        "latest.json",
        "latest.xml",
    ]
    text = (pytester.path / "reports" / "daily" / "latest.json").read_bytes()
    assert text == (pytester.path / "reports" / "daily" / found[1]).read_bytes()
    assert text == (pytester.path / "new" / "mine.json").read_bytes()
    data = json.loads(text)
    jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(data)
    assert {result["verdict"] for result in data["results"]} == {"ok", "breach", "unknown", "blocked"}
    assert data["run"]["exit_status"] == 1


def test_a_second_run_leaves_the_first_ones_reports(project: Project) -> None:
    pytester = project(GREEN)
    for _ in range(2):
        assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    assert len(files(pytester)) == 9


def test_no_reports_where_nothing_ran(project: Project) -> None:
    pytester = project(GREEN)
    pytester.runpytest_subprocess("-m", "daily", "--collect-only")
    assert not (pytester.path / "reports").exists()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_folder_that_cannot_be_written(project: Project, workers: tuple[str, ...]) -> None:
    """A file stands in its place."""
    pytester = project(GREEN)
    (pytester.path / "reports").write_text("")
    result = pytester.runpytest_subprocess("-m", "daily", *workers)
    assert result.ret == 3
    result.stdout.re_match_lines(
        [r"could not write the reports: .*reports.*: (Not a directory|File exists)", "opscheck daily: 2 ok"]
    )


def test_a_breach_is_told_too_where_nothing_can_be_written(project: Project) -> None:
    pytester = project(MIXED)
    (pytester.path / "reports").write_text("")
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*host.command.broken@local*", "could not write the reports: *"])


@pytest.mark.parametrize("option", ["--html=/dev/full", "--junitxml=/dev/full"])
def test_a_disk_that_fills_up(project: Project, option: str) -> None:
    """Pytest's own reports are written at the very end, by code of others."""
    pytester = project(GREEN)
    result = pytester.runpytest_subprocess("-m", "daily", option)
    assert result.ret == 3
    result.stdout.fnmatch_lines(
        ["could not write the reports: /dev/full: No space left on device", "opscheck daily: 2 ok*"]
    )
    assert "latest.json" in files(pytester)


def test_a_results_file_that_cannot_be_written(project: Project) -> None:
    pytester = project(GREEN)
    (pytester.path / "file").write_text("")
    result = pytester.runpytest_subprocess("-m", "daily", "--opscheck-json", "file/results.json")
    assert result.ret == 3
    result.stdout.fnmatch_lines(["could not write the reports: *file*", "opscheck daily: 2 ok*"])


OWN = """
import pytest

@pytest.mark.daily
def test_mine(expect):
    expect(1, limit="< 5")

@pytest.mark.daily
@pytest.mark.slow
def test_slow(expect):
    expect(1, limit="< 5")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize(
    "narrowed",
    [
        ("-k", "fine"),
        ("-k", "not slow"),
        ("--lf",),
        ("--deselect", "test_own.py::test_mine"),
        ("test_host.py::test_command[local-fine]",),
        ("test_own.py",),
    ],
)
def test_a_narrowed_run_leaves_the_newest_reports_alone(
    project: Project, narrowed: tuple[str, ...], workers: tuple[str, ...]
) -> None:
    pytester = project(MIXED)
    pytester.makepyfile(test_own=OWN)
    pytester.makeini("[pytest]\nmarkers = slow")
    pytester.runpytest_subprocess("-m", "daily")
    whole = (pytester.path / "reports" / "daily" / "latest.json").read_bytes()
    pytester.runpytest_subprocess("-m", "daily", *narrowed, *workers)
    assert (pytester.path / "reports" / "daily" / "latest.json").read_bytes() == whole
    assert len([name for name in files(pytester) if name.endswith(".json")]) == 3


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("whole", [("-m", "daily"), ("-m", "daily and not weekly"), ("-m", "daily", "-k", "test")])
def test_a_run_of_all_that_m_selects_is_the_newest(
    project: Project, whole: tuple[str, ...], workers: tuple[str, ...]
) -> None:
    pytester = project(MIXED)
    pytester.makepyfile(test_own=OWN + "\ndef test_of_the_application(): ...\n")
    pytester.makeini("[pytest]\nmarkers = slow")
    for _ in range(2):
        pytester.runpytest_subprocess(*whole, *workers)
    folder = pytester.path / "reports" / "daily"
    newest = newest_results(folder)
    assert (folder / "latest.json").read_bytes() == newest.read_bytes()


def test_dated_reports_are_kept_for_a_while(project: Project, pytester: pytest.Pytester) -> None:
    """Those of the suite that ran, and nothing else that lies there."""
    folder = pytester.path / "reports" / "daily"
    folder.mkdir(parents=True)
    (pytester.path / "reports" / "smoke").mkdir()
    now = dt.datetime.now().astimezone()
    names = {days: f"{now - dt.timedelta(days=days):%Y-%m-%dT%H%M%S}" for days in (89, 91)}
    for name in (f"{names[91]}.json", f"{names[91]}-2.html", f"{names[91]}.txt", f"{names[89]}.xml", "2001.json"):
        (folder / name).touch()
        (pytester.path / "reports" / "smoke" / name).touch()
    project(GREEN)
    assert pytester.runpytest_subprocess("-m", "daily", "-k", "fine").ret == 0
    assert f"{names[91]}.json" in files(pytester)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    old = [name for name in files(pytester) if not name.startswith((f"{now:%Y-%m-%d}", "latest"))]
    assert old == sorted(["2001.json", f"{names[91]}.txt", f"{names[89]}.xml"])
    assert len(files(pytester, "smoke")) == 5
    project('[report]\nkeep = "88d"\n' + GREEN)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    assert f"{names[89]}.xml" not in files(pytester)


def test_a_full_disk_leaves_the_newest_reports_as_they_are(project: Project) -> None:
    """All of one run: the page does not fit any more. The message names it, and no draft stays."""
    pytester = project(GREEN)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    folder = pytester.path / "reports" / "daily"
    before = {name: (folder / name).read_bytes() for name in files(pytester) if name.startswith("latest")}
    started = [sys.executable, "-m", "pytest", "-m", "daily", "--junitxml=/dev/null"]
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4096, 4096))
    done = subprocess.run(started, cwd=pytester.path, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 3
    assert re.search(r"could not write the reports: .*/\d{4}-\d\d-\d\dT\d{6}(-2)?\.html: File too large", done.stdout)
    assert {name: (folder / name).read_bytes() for name in files(pytester) if name.startswith("latest")} == before
    assert not [name for name in files(pytester) if name.startswith(".")]


def test_the_results_say_the_exit_status_of_the_process(project: Project) -> None:
    """Also where an alert could not be sent when they were written, and what the checks came to beside it."""
    pytester = project(
        GREEN + '[notify.chat]\nfile = "/dev/full/alerts.jsonl"\nseverities = ["P0", "P1", "P2", "P3"]\n'
    )
    assert pytester.runpytest_subprocess("-m", "daily", "--opscheck-json=mine.json").ret == 0
    pytester.makefile(
        ".toml", opscheck=pytester.path.joinpath("opscheck.toml").read_text().replace('"true"', '"false"')
    )
    gate = '\n[suites.daily]\nfail_at = "P0"\nat = "00:00"\n[opscheck]\ntimezone = "UTC"\n'
    with pytester.path.joinpath("opscheck.toml").open("a") as inventory:
        inventory.write(gate)
    assert pytester.runpytest_subprocess("-m", "daily", "--opscheck-json=mine.json").ret == 3
    folder = pytester.path / "reports" / "daily"
    for file in (pytester.path / "mine.json", folder / "latest.json", newest_results(folder)):
        run = json.loads(file.read_text())["run"]
        assert (run["exit_status"], run["checks_status"]) == (3, 0)
    assert "exit status 3" in (folder / "latest.html").read_text()
    status = pytester.run(sys.executable, "-c", "from pytest_opscheck.cli import main; main()", "status")
    status.stdout.fnmatch_lines("*exit status 3")
    verified = pytester.run(sys.executable, "-c", "from pytest_opscheck.cli import main; main()", "history", "verify")
    assert verified.ret == 0
