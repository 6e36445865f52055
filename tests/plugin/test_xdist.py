"""Under pytest-xdist the results are the same, and every probe still runs once in all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import results

Project = Callable[..., pytest.Pytester]


def inventory(folder: Path) -> str:
    """Return an inventory of hosts, each of whose commands leaves a line for every time that it runs."""
    targets = []
    for host in ("a", "b", "c"):
        targets.append(f"[host.{host}]\nexpect = {{ disk = false, memory = false, load = false, cpu = false }}\n")
        for number in range(4):
            run = f"echo {host}{number} >> {folder}/runs; exit {number % 2}"
            targets.append(f'[host.{host}.command.c{number}]\nrun = "{run}"\n')
    return "".join(targets)


@pytest.mark.parametrize(
    "workers", [(), ("-n", "0"), ("-n", "2"), ("-n", "3", "--dist", "worksteal"), ("-n", "2", "--dist", "loadfile")]
)
def test_every_probe_runs_once_and_the_results_are_the_same(
    project: Project, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    pytester = project(inventory(tmp_path))
    assert pytester.runpytest_subprocess("-m", "daily", *workers).ret == 1
    ran = sorted((tmp_path / "runs").read_text().split())
    assert ran == sorted(f"{host}{number}" for host in "abc" for number in range(4))
    found = results(pytester)
    assert {result_id: result["verdict"] for result_id, result in found.items()} == {
        f"host.{check}@{host}": verdict
        for host in "abc"
        for check, verdict in {
            "reachable": "ok",
            "command.c0": "ok",
            "command.c1": "breach",
            "command.c2": "ok",
            "command.c3": "breach",
        }.items()
    }
    assert found["host.command.c1@a"]["message"] == "exit status is 1, expected 0"


def test_collect_only_probes_nothing(project: Project, tmp_path: Path) -> None:
    pytester = project(inventory(tmp_path))
    assert pytester.runpytest_subprocess("-m", "daily", "-n", "2", "--collect-only").ret == 0
    assert not (tmp_path / "runs").exists()


def test_only_what_is_selected_is_probed(project: Project, tmp_path: Path) -> None:
    pytester = project(inventory(tmp_path))
    pytester.runpytest_subprocess("test_host.py::test_command[a-c2]")
    assert (tmp_path / "runs").read_text() == "a2\n"


def test_nothing_is_left_behind(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester = project(inventory(tmp_path))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    assert pytester.runpytest_subprocess("-m", "daily", "-n", "2").ret == 1
    assert not list(temporary.glob("opscheck-*"))


def test_a_worker_without_tests_still_gathers_its_share(project: Project) -> None:
    """The one test lands on a worker; the host that it needs may be another's share, and slow to answer."""
    slow = "sleep 3; echo done"
    pytester = project(f'[host.a]\n[host.a.command.slow]\nrun = "{slow}"\nstdout = "== done"\n')
    for _ in range(3):
        result = pytester.runpytest_subprocess("test_host.py::test_command[a-slow]", "-n", "2")
        assert result.ret == 0
        result.stdout.fnmatch_lines(["opscheck checks: 1 ok"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--dist", "load", "--tx", "ssh=ops@a.example//python=python3"),
            "*worker on another machine would judge by*",
        ),
        (
            ("--dist", "load", "--tx", "2*socket=a.example:8888"),
            "*part of the checks there, with --opscheck-shard*",
        ),
        (("--dist", "each", "--tx", "2*popen"), "*--dist each: each worker would make all contacts*"),
    ],
)
def test_workers_that_are_not_for_this_are_refused_at_the_start(
    project: Project, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    pytester = project(inventory(tmp_path))
    ended = pytester.runpytest_subprocess("-m", "daily", *arguments)
    assert ended.ret == 4
    ended.stderr.fnmatch_lines([message])
    assert not (tmp_path / "runs").exists()
