"""A slow target holds up no line of what is known: shipped checks run in the order in which their readings come."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Project = Callable[..., pytest.Pytester]
INVENTORY = """
[defaults.host.expect]
disk = false
memory = false
load = false
cpu = false
[host.a]
[host.a.command.slow]
run = "while [ ! -e DIR/go ]; do sleep 0.1; done"
timeout = "300s"
[host.b]
[host.b.command.quick]
run = "true"
[backup.c]
path = "DIR/backup.sql"
expect = { intact = false }
"""
KNOWN = ("host.reachable@a", "host.reachable@b", "host.command.quick@b", "backup.fresh@c", "backup.size@c")
LONGEST_S = 60
FIXTURES = """
import pytest

@pytest.fixture(autouse=True, scope="{scope}")
def noted(request):
    with open("noted", "a") as file:
        print("set up", request.node.nodeid, file=file)
    yield
    with open("noted", "a") as file:
        print("torn down", request.node.nodeid, file=file)
"""


@contextmanager
def running(pytester: pytest.Pytester, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the suite daily with -v while the block lasts; what it prints is in the file `printed`."""
    command = [sys.executable, "-u", "-m", "pytest", "-v", "-m", "daily", "-p", "no:cacheprovider", *arguments]
    with (
        (pytester.path / "printed").open("wb") as file,
        subprocess.Popen(command, cwd=pytester.path, stdout=file, stderr=file) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def printed(pytester: pytest.Pytester, *words: str) -> str:
    """Return what is printed, once all of these words are."""
    end = time.monotonic() + LONGEST_S
    while True:
        text = (pytester.path / "printed").read_text(encoding="utf-8")
        if all(word in text for word in words):
            return text
        assert time.monotonic() < end, text
        time.sleep(0.05)


@pytest.fixture
def slow(project: Project, tmp_path: Path) -> pytest.Pytester:
    """Make a project of which one target does not answer until there is a file `go`; it is collected first."""
    pytester = project(INVENTORY.replace("DIR", str(tmp_path)))
    (tmp_path / "backup.sql").write_text("x" * 2000)
    return pytester


def test_what_is_known_is_told_while_a_target_is_waited_for(slow: pytest.Pytester, tmp_path: Path) -> None:
    with running(slow) as process:
        text = printed(slow, *KNOWN)
        assert "host.command.slow@a" not in text
        (tmp_path / "go").touch()
        assert process.wait(LONGEST_S) == 0
    assert "host.command.slow@a: exit status 0" in printed(slow)


def test_what_is_known_at_ctrl_c_is_told(slow: pytest.Pytester) -> None:
    """In the reports, and in the summary."""
    with running(slow) as process:
        printed(slow, *KNOWN)
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST_S) == 2
    (report,) = (slow.path / "reports" / "daily").glob("2*.json")
    data = json.loads(report.read_text(encoding="utf-8"))
    found = {each["id"]: each["verdict"] for each in data["results"]}
    assert found == dict.fromkeys(KNOWN, "ok")
    assert data["run"]["not_run"] == 1
    assert f"opscheck daily: {len(KNOWN)} ok, 1 not run" in printed(slow)


@pytest.mark.parametrize("scope", ["session", "module", "function"])
def test_fixtures_of_all_tests_are_set_up_and_torn_down_in_turn(project: Project, scope: str) -> None:
    """Whatever comes next: what was set up is torn down once, before another one is, and what lasts lasts."""
    pytester = project("[host.a]\n[tcp.a]\naddress = '127.0.0.1:1'\n[http.a]\nurl = 'http://127.0.0.1:1'\n")
    pytester.makeconftest(FIXTURES.format(scope=scope))
    pytester.makepyfile("import pytest\n@pytest.mark.daily\ndef test_own(expect): expect(1, limit='== 1')")
    ended = pytester.runpytest_subprocess("-m", "daily")
    assert ended.ret == 1
    assert "rror at" not in ended.stdout.str()
    noted = (pytester.path / "noted").read_text().splitlines()
    assert noted[::2] == [line.replace("torn down", "set up") for line in noted[1::2]]
    if scope == "session":
        assert len(noted) == 2
