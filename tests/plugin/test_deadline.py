"""Rule 4 for user-defined tests: none hangs a run, whatever it waits for, and nothing of it is left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from .conftest import results

Project = Callable[..., pytest.Pytester]

LOCAL = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
"""
HANGING = """
import threading, time
import pytest

pytestmark = pytest.mark.daily

def test_command(host):
    host.run("sleep 5{unique}")

def test_loop(host):
    while True:
        pass

def test_tries_for_ever(expect):
    while True:
        try:
            time.sleep(100)
        except Exception:
            pass

@pytest.fixture
def slow(expect):
    time.sleep(100)

def test_fixture(slow):
    pass

@pytest.fixture
def slow_to_end(expect):
    yield
    time.sleep(100)

def test_fixtures_end(slow_to_end, expect):
    expect(1, limit="== 1")

def test_fine(host, expect):
    expect(int(host.check_output("sleep 0.1; echo 3")), limit="== 3")

@pytest.mark.timeout(30)
def test_longer(expect):
    time.sleep(1.5)
    expect(1, limit="== 1")
"""
SOON = "import pytest_opscheck.session.deadline\npytest_opscheck.session.deadline.SECONDS = 1\n"
FREE = ("-p", "no:timeout")


@pytest.mark.server  # procps
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_every_test_ends(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(LOCAL)
    unique = f"{time.monotonic_ns() % 10**6:06}"
    pytester.makeconftest(SOON)
    pytester.makepyfile(test_mine=HANGING.replace("{unique}", unique))
    started = time.monotonic()
    result = pytester.runpytest_subprocess("-m", "daily", *FREE, *workers)
    assert time.monotonic() - started < 25
    assert result.ret == 1
    assert subprocess.run(["pgrep", "-f", f"^sleep 5{unique}"], check=False).returncode == 1
    found = {result_id.removeprefix("mine."): said["verdict"] for result_id, said in results(pytester).items()}
    assert {name for name, verdict in found.items() if verdict == "unknown"} == {
        "command@local",
        "loop@local",
        "tries_for_ever@-",
        "fixture@-",
    }
    assert {name for name, verdict in found.items() if verdict == "ok"} == {
        "fixtures_end@-",
        "fine@local",
        "longer@-",
        "host.reachable@local",
    }
    said = results(pytester)["mine.command@local"]["message"]
    assert said.startswith(f'unknown: no end within 1 s, at test_mine.py:7: host.run("sleep 5{unique}")')
    assert "@pytest.mark.timeout(SECONDS)" in said
    result.assert_outcomes(passed=4, failed=4, errors=1)


def test_a_deadline_that_is_none_is_an_error(project: Project) -> None:
    pytester = project(LOCAL)
    pytester.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.daily
        @pytest.mark.timeout("1 m")
        def test_it(expect):
            expect(1, limit="== 1")
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily", *FREE)
    assert results(pytester)["mine.it@-"]["verdict"] == "unknown"
    result.stdout.fnmatch_lines(["*timeout('1 m') is not a deadline; use for example @pytest.mark.timeout(120)*"])


@pytest.mark.parametrize("said", ["--timeout=1", "--timeout=30"])
def test_pytest_timeout_is_left_alone(project: Project, said: str) -> None:
    """It uses the same signal; where it has been told how long a test may take, ours is none of it."""
    pytester = project(LOCAL)
    pytester.makeconftest(SOON)
    pytester.makepyfile(
        test_mine="""
        import time
        import pytest

        @pytest.mark.daily
        def test_it(expect):
            time.sleep(2.5)
            expect(1, limit="== 1")
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily", said)
    if said == "--timeout=1":
        result.stdout.fnmatch_lines(["*Timeout*from pytest-timeout*"])
    assert results(pytester)["mine.it@-"]["verdict"] == ("ok" if said == "--timeout=30" else "breach")


def test_who_looks_at_a_test_in_the_debugger_has_time(project: Project) -> None:
    pytester = project(LOCAL)
    pytester.makeconftest(SOON)
    pytester.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.daily
        def test_it(expect):
            breakpoint()
            expect(1, limit="== 1")
        """
    )
    command = [sys.executable, "-m", "pytest", "-m", "daily", *FREE]
    with subprocess.Popen(
        command, cwd=pytester.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        shown = ""
        while not shown.endswith("(Pdb)"):
            letter = running.stdout.read(1)
            assert letter, shown
            shown += letter
        time.sleep(2)
        said, _ = running.communicate("c\n", timeout=30)
    assert "2 passed" in said
