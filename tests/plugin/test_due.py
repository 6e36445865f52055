"""What was asked for and did not run is never passed over, whoever left it out, in one process or in several."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import LOCAL, results, verdicts

Project = Callable[..., pytest.Pytester]

GREEN = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }

[host.local.command.fine]
run = "true"
suites = ["daily", "smoke"]

[host.local.command.also]
run = "true"
"""


def run_of(pytester: pytest.Pytester, suite: str = "daily") -> dict[str, Any]:
    """Return what the newest results file of a suite says of its run."""
    file = max((pytester.path / "reports" / suite).glob("2*.json"), key=lambda file: file.stat().st_mtime_ns)
    run: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["run"]
    return run


def latest(pytester: pytest.Pytester, suite: str = "daily") -> dict[str, Any] | None:
    """Return what the latest results file says of its run, None where there is none."""
    file = pytester.path / "reports" / suite / "latest.json"
    return json.loads(file.read_text(encoding="utf-8"))["run"] if file.exists() else None


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["test_host.py::test_command[local-fine]", "test_host.py::test_comand[local-fine]"], "*did you mean*"),
        (["test_host.py::test_command[local-fine]", "test_host.py::test_command[local-gone]"], "*did you mean*"),
        (["test_host.py", "test_redis.py"], "*test_redis.py: the inventory has no expectation of that name*"),
        (["-m", "smoke", "test_host.py::test_command[local-also]"], "*is not selected by -m 'smoke'; it is in daily*"),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_name_of_no_check_is_an_error(
    project: Project, names: list[str], hint: str, workers: tuple[str, ...]
) -> None:
    result = project(GREEN).runpytest_subprocess(*names, *workers)
    assert result.ret == 4
    result.stderr.fnmatch_lines([hint])


def test_a_part_of_a_suite_is_never_recorded_as_the_whole(project: Project) -> None:
    pytester = project(GREEN)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.daily
        @pytest.mark.slow
        def test_slow(host):
            assert host.exists("sh")
        """
    )
    pytester.makeini("[pytest]\nmarkers = slow\n")
    for arguments, left in [
        (["daily and not smoke"], 1 + 1),  # command.fine and reachable are in smoke
        (["daily and not slow"], 1),
        (["daily", "-k", "fine"], 3),
        (["daily", "--deselect", "test_host.py::test_reachable"], 1),
        (["daily", "test_host.py"], 0),  # whose own files are not even collected
    ]:
        outcome = pytester.runpytest_subprocess("-m", *arguments)
        assert outcome.ret == 0
        run = run_of(pytester)
        assert (arguments, run["narrowed"], run.get("not_run", 0)) == (arguments, True, left)
        outcome.stdout.fnmatch_lines([f"opscheck daily: * ok{f', {left} not run' if left else ''} *"])
        assert latest(pytester) is None
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    run = run_of(pytester)
    assert (run["narrowed"], "not_run" in run, latest(pytester)) == (False, False, run)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_an_item_that_is_swallowed_fails_the_run(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(GREEN)
    pytester.makepyfile("import pytest\n@pytest.mark.daily\ndef test_mine(host): assert host.exists('sh')")
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item):
            return True if "also" in item.name or "mine" in item.name else None
        """
    )
    outcome = pytester.runpytest_subprocess("-m", "daily", *workers)
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines(["*2 selected checks without a result: *"])
    run = run_of(pytester)
    assert (run["exit_status"], run["narrowed"], run["not_run"]) == (1, True, 2)
    assert latest(pytester) is None


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_a_run_that_stops_early_does_not_become_the_latest(project: Project, option: str) -> None:
    pytester = project(LOCAL)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    whole = latest(pytester)
    outcome = pytester.runpytest_subprocess("-m", "daily", option)
    outcome.stdout.fnmatch_lines(["opscheck daily: *breach*, 1 not run *"])
    assert latest(pytester) == whole
    assert "1 more did not run" in (pytester.path / "reports/daily" / _stem(outcome)).read_text(encoding="utf-8")


def _stem(outcome: pytest.RunResult) -> str:
    """Return the name of the page that a run has written."""
    (line,) = [line for line in outcome.outlines if line.startswith("opscheck daily: ")]
    return Path(line.partition("report: ")[2]).name


def test_a_run_in_which_nothing_was_judged_does_not_become_the_latest(project: Project) -> None:
    pytester = project(GREEN)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    whole = latest(pytester)
    window = "[maintenance.now]\nat = { from = 2020-01-01T00:00:00Z, until = 2099-01-01T00:00:00Z }\nwhy = 'x'\n"
    (pytester.path / "opscheck.toml").write_text(GREEN.replace("true", "false") + window)
    outcome = pytester.runpytest_subprocess("-m", "daily", "-k", "also")
    assert outcome.ret in (4, 5)
    assert latest(pytester) == whole


def test_recipes_that_turn_no_tests_into_success(project: Project) -> None:
    pytester = project(GREEN)
    pytester.makeconftest(
        """
        def pytest_sessionfinish(session, exitstatus):
            if exitstatus in (1, 5):
                session.exitstatus = 0
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "-k", "nothing_of_that_name").ret == 5
    (pytester.path / "opscheck.toml").write_text(LOCAL)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1


def test_another_plugins_failure_stays_one(project: Project) -> None:
    pytester = project(GREEN)
    pytester.makeconftest("def pytest_sessionfinish(session): session.exitstatus = 9\n")
    assert pytester.runpytest_subprocess("-m", "daily").ret == 9


OTHER = '[host.local.command.fine]\nrun = "false"\n'


def test_a_worker_in_another_folder_judges_nothing(project: Project) -> None:
    """It would judge by its own inventory: other limits, or targets that are missing."""
    pytester = project(GREEN.replace('"true"', '"false"'))
    (pytester.path / "other").mkdir()
    (pytester.path / "other" / "opscheck.toml").write_text(GREEN)
    (pytester.path / "other" / "pytest.ini").write_text("[pytest]\n")
    worker = f"popen//chdir={pytester.path / 'other'}"
    outcome = pytester.runpytest_subprocess("-m", "daily", "--dist", "load", "--tx", worker)
    assert outcome.ret == 1
    assert set(verdicts(pytester).values()) == {"unknown"}
    assert "has a different inventory or environment" in results(pytester)["host.reachable@local"]["message"]


def test_a_worker_with_another_environment_judges_nothing(project: Project) -> None:
    pytester = project(GREEN.replace('"true"', '"exit ${STATUS:-0}"'))
    outcome = pytester.runpytest_subprocess("-m", "daily", "--dist", "load", "--tx", "popen//env:STATUS=1")
    assert outcome.ret == 1
    assert set(verdicts(pytester).values()) == {"unknown"}


def test_an_import_error_in_a_file_of_ones_own_leaves_the_others_alone(project: Project) -> None:
    pytester = project(GREEN)
    pytester.makepyfile(test_mine="import nothing_of_that_name")
    assert pytester.runpytest_subprocess("-m", "daily", "-n", "2").ret not in (0, 5)
    assert set(verdicts(pytester).values()) == {"ok"}


def test_a_crashed_workers_check_keeps_its_id(project: Project) -> None:
    pytester = project(GREEN)
    pytester.makeconftest(
        """
        import os

        def pytest_runtest_protocol(item):
            if "also" in item.name:
                os._exit(3)
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "-n", "2").ret == 1
    found = verdicts(pytester)
    assert found == {
        "host.reachable@local": "ok",
        "host.command.fine@local": "ok",
        "host.command.also@local": "unknown",
    }
