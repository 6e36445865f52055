"""Nothing is probed unless asked: a suite, or shipped checks by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import pytest_opscheck

Project = Callable[..., pytest.Pytester]

LEAVES_A_TRACE = """
[host.local]
expect = {{ disk = false }}
[host.local.command.trace]
run = "touch {trace}"
suites = ["smoke"]
"""


@pytest.fixture
def traced(project: Project, pytester: pytest.Pytester) -> pytest.Pytester:
    return project(LEAVES_A_TRACE.format(trace=pytester.path / "trace"))


def probed(pytester: pytest.Pytester) -> bool:
    return (pytester.path / "trace").exists()


@pytest.mark.parametrize(
    "arguments", [(), ("-k", "app"), ("-m", "not slow"), ("-m", "not smoke"), ("-m", "smoke", "--collect-only")]
)
def test_nothing_is_probed(traced: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    traced.makepyfile("def test_app(): pass")
    result = traced.runpytest_subprocess(*arguments)
    assert result.ret == 0
    assert not probed(traced)


def test_a_suite_asks(traced: pytest.Pytester) -> None:
    assert traced.runpytest_subprocess("-m", "smoke").ret == 0
    assert probed(traced)


@pytest.mark.parametrize("name", ["test_host.py", "test_host.py::test_command[local-trace]"])
def test_a_shipped_check_is_asked_for_by_its_node_id(traced: pytest.Pytester, name: str) -> None:
    result = traced.runpytest_subprocess(name, "-k", "command")
    result.stdout.fnmatch_lines(["*1 passed*"])
    assert probed(traced)


def test_ones_own_checks_wait_for_a_suite_too(traced: pytest.Pytester) -> None:
    traced.makepyfile(
        """
        import pytest
        from pytest_opscheck import check, host

        @check(host.command, limit="== 0", suites=("smoke",), family=True)
        def test_own(command, expect): ...

        @pytest.mark.smoke
        def test_file(host):
            assert host.run("touch trace").rc == 0

        def test_app(): pass
        """
    )
    result = traced.runpytest_subprocess()
    result.stdout.fnmatch_lines(["*1 passed, 2 deselected*"])
    assert not probed(traced)


def test_a_test_of_the_application_with_a_fixture_of_that_name_still_runs(traced: pytest.Pytester) -> None:
    traced.makepyfile(
        """
        import pytest

        @pytest.fixture
        def redis(): return "mine"

        @pytest.mark.smoke
        def test_app(redis): assert redis == "mine"
        """
    )
    traced.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_broken_inventory_does_not_break_the_applications_tests(project: Project) -> None:
    pytester = project("this is not TOML")
    pytester.makepyfile("def test_app(): pass")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_no_inventory_no_effect(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_app(): pass")
    result = pytester.runpytest_subprocess("-m", "not daily")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*opscheck:*")


def test_named_files_narrow_a_suite(traced: pytest.Pytester) -> None:
    traced.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.smoke
        def test_file(host):
            assert host.exists("sh")
        """
    )
    traced.runpytest_subprocess("-m", "smoke", "test_mine.py").stdout.fnmatch_lines(["*1 passed*"])
    assert not probed(traced)


def test_a_named_check_is_the_only_one_that_runs(traced: pytest.Pytester) -> None:
    for workers in ((), ("-n", "2")):
        result = traced.runpytest_subprocess("test_host.py::test_reachable[local]", "-v", *workers)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["*test_host.py::test_reachable?local?*"])
        result.stdout.fnmatch_lines(["opscheck checks: 1 ok"])
    assert not probed(traced)


def test_a_check_of_ones_own_has_a_name_of_its_own(traced: pytest.Pytester) -> None:
    traced.makepyfile(
        test_mine="""
        from pytest_opscheck import check, host

        @check(host.memory, limit="< 100%")
        def test_memory(memory, expect):
            expect(memory.used_percent, "%")
        """
    )
    result = traced.runpytest_subprocess("-m", "daily")
    assert result.ret not in (0, 5)
    result.stdout.fnmatch_lines(["*host.memory is a shipped check; give test_memory another name*"])


def test_an_environment_inside_of_the_project(traced: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is installed in the project's own .venv, its checks are still collected, and named alike."""
    packages = traced.path / ".venv" / "lib" / "site-packages"
    shutil.copytree(Path(pytest_opscheck.__file__).parent, packages / "pytest_opscheck")
    (traced.path / ".venv" / "pyvenv.cfg").touch()
    monkeypatch.setenv("PYTHONPATH", str(packages))
    for workers in ((), ("-n", "2")):
        result = traced.runpytest_subprocess("-m", "smoke", "-v", *workers)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["*test_host.py::test_command?local-trace?*"])
        result.stdout.no_fnmatch_line("*site-packages*test_host*")


def test_a_named_inventory_says_where_to_look(traced: pytest.Pytester, tmp_path: Path) -> None:
    """A cron job starts anywhere: what lies there is nobody's business."""
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    (strangers / "test_strange.py").write_text("raise SystemExit('imported')\n")
    inventory = traced.path / "opscheck.toml"
    command = [sys.executable, "-m", "pytest", "-m", "smoke", f"--opscheck-inventory={inventory}"]
    done = subprocess.run(command, cwd=strangers, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert probed(traced)


@pytest.mark.parametrize("option", ["--fixtures", "--setup-plan", "--setup-only", "--fixtures-per-test"])
def test_options_that_only_show_probe_nothing(traced: pytest.Pytester, option: str) -> None:
    traced.runpytest_subprocess("-m", "smoke", option)
    assert not probed(traced)
    assert not (traced.path / "reports").exists()


def test_from_a_folder_below(traced: pytest.Pytester) -> None:
    (traced.path / "below").mkdir()
    command = [sys.executable, "-m", "pytest", "-m", "smoke"]
    assert subprocess.run(command, cwd=traced.path / "below", capture_output=True, check=False).returncode == 0
    assert probed(traced)
