"""`opscheck demo`: green as it is, red by each of its faults, and nothing of it left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_opscheck import demo

from .processes import program, wait_until

LONGEST_S = 120
KINDS = {"backup", "celery", "host", "http", "logs", "metrics", "postgres", "redis", "tls"}


@dataclass(frozen=True)
class Shown:
    """What a demo showed: its exit status, its words, and its results by id."""

    exit_status: int
    output: str
    results: dict[str, dict[str, Any]]

    def not_ok(self) -> dict[str, str]:
        """Return the verdicts of the checks that are not ok and not blocked."""
        return {name: r["verdict"] for name, r in self.results.items() if r["verdict"] not in ("ok", "blocked")}


def command(*names: str, without: str | None = None) -> list[str]:
    """Return the command of a demo; `without` is a package that it is to find as if it were not installed."""
    hidden = f"import sys; sys.modules[{without!r}] = None; " if without else ""
    opscheck = f"{hidden}from pytest_opscheck.cli import main; main()"
    return [sys.executable, "-c", opscheck, "demo", *(word for name in names for word in ("--break", name))]


def shown(folder: Path, *names: str, without: str | None = None) -> Shown:
    said = command(*names, without=without)
    done = subprocess.run(said, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    output = done.stdout + done.stderr
    latest = folder / "reports/daily/latest.json"
    results = json.loads(latest.read_text(encoding="utf-8"))["results"] if latest.exists() else []
    assert_nothing_is_left(output)
    return Shown(done.returncode, output, {result["id"]: result for result in results})


def assert_nothing_is_left(output: str) -> None:
    """The folder is gone, and so is every process in it; a shell script that pytest had begun may take a moment."""
    found = re.search(r"Starting a small shop in (\S+):", output)
    if found is not None:
        folder = found[1]
        assert not Path(folder).exists()
        wait_until(lambda: not list(processes_in(folder)), "the end of all processes of the demo", seconds=10)


def processes_in(folder: str) -> Iterator[str]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if str((process / "cwd").readlink()).startswith(folder):
                    yield (process / "cmdline").read_text()
            except OSError:
                continue


def test_as_it_is_all_is_well(tmp_path: Path) -> None:
    outcome = shown(tmp_path)
    assert outcome.exit_status == 0, outcome.output
    assert {result["verdict"] for result in outcome.results.values()} == {"ok"}
    assert {name.partition(".")[0] for name in outcome.results} == KINDS
    assert "Report: reports/daily/latest.html" in outcome.output
    assert (tmp_path / "reports/daily/latest.html").stat().st_size > 1000
    assert "For a failing run: opscheck demo --break database; other faults are slow, api, " in outcome.output
    assert "${DATABASE_URL}" in (tmp_path / "reports/demo.toml").read_text()
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
        assert f"{name}=" not in outcome.output


def test_without_the_package_of_the_worker_the_rest_is_shown(tmp_path: Path) -> None:
    outcome = shown(tmp_path, without="celery")
    assert outcome.exit_status == 0, outcome.output
    assert {name.partition(".")[0] for name in outcome.results} == KINDS - {"celery"}
    assert "celery (its package is not installed; pip install 'pytest-opscheck[demo]')" in outcome.output
    refused = shown(tmp_path, "worker", without="celery")
    assert refused.exit_status == 4
    assert "'worker' needs something that is missing here: its package is not installed" in refused.output


def made(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Start the demo as `make demo` does, once the environment is there."""
    script = Path(__file__).parents[2] / "demo/run.py"
    said = [sys.executable, str(script), *names]
    return subprocess.run(said, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False)


def test_under_make_a_red_run_that_was_asked_for_is_no_error(tmp_path: Path) -> None:
    done = made(tmp_path, "backup")
    assert (done.returncode, done.stderr) == (0, "")
    assert "backup.intact@shop" in done.stdout
    assert done.stdout.endswith("The run failed, as it should: pytest's exit status is 1.\n")
    assert made(tmp_path, "databse").returncode == 4


def test_under_make_the_next_command_is_makes(tmp_path: Path) -> None:
    done = made(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "For a failing run: make demo BREAK=database; other faults are slow, " in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("broken", "status", "seen"), [((), 0, 0), ((), 1, 1), (("redis",), 0, 1), (("redis",), 1, 0), (("redis",), 4, 4)]
)
def test_what_make_sees(broken: tuple[str, ...], status: int, seen: int) -> None:
    """A fault that the run did not see is an error, and so is a demo that could not be shown."""
    assert demo.for_make(broken, status) == seen


def test_faults_of_the_application(tmp_path: Path) -> None:
    """Each of them is seen, none hides another, and what is well stays green."""
    outcome = shown(tmp_path, "slow", "errors", "jobs", "queue", "stale-backup")
    assert outcome.exit_status == 1
    assert set(outcome.not_ok()) == {
        "http.p95@api",
        "metrics.value.server_errors@api",
        "logs.count.errors@api",
        "postgres.query.stuck_jobs@shop",
        "celery.queue_length@shop",
        "backup.fresh@shop",
    }, outcome.output
    assert set(outcome.not_ok().values()) == {"breach"}


def test_stopped_servers_a_bad_backup_and_an_expired_certificate(tmp_path: Path) -> None:
    outcome = shown(tmp_path, "database", "worker", "backup", "certificate")
    assert outcome.exit_status == 1
    assert set(outcome.not_ok()) == {
        "postgres.reachable@shop",
        "celery.workers@shop",
        "backup.intact@shop",
        "http.reachable@api",
        "tls.days_left@api",
        "tls.trusted@api",
    }, outcome.output
    assert outcome.output.count("Broken on purpose: ") == 4


def test_stopped_redis_and_an_api_in_maintenance(tmp_path: Path) -> None:
    outcome = shown(tmp_path, "redis", "api")
    assert outcome.exit_status == 1
    expected = {"redis.reachable@cache", "celery.reachable@shop", "http.status@api", "http.json@api"}
    assert expected <= set(outcome.not_ok())
    assert "status 503, expected 200" in outcome.output


def test_every_fault_is_made_by_a_test_here() -> None:
    made = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in demo.faults() if f'"{name}"' not in made] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_it_nothing_is_left(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C reaches the whole process group of the terminal, as here."""
    log = tmp_path / "output"
    with log.open("w") as output:
        process = subprocess.Popen(command(), cwd=tmp_path, stdout=output, stderr=output, start_new_session=True)
    wait_until(lambda: "It is running" in log.read_text() or process.poll() is not None, "the demo")
    folder = re.search(r"Starting a small shop in (\S+):", log.read_text())
    assert folder is not None, log.read_text()
    assert list(processes_in(folder[1]))
    time.sleep(0.5)
    os.killpg(process.pid, number)
    assert process.wait(timeout=30) != 0
    assert_nothing_is_left(log.read_text())


def test_what_is_missing_is_named_and_left_out(tmp_path: Path) -> None:
    """A machine without PostgreSQL and Redis, which is one where they are not found, still shows what it has."""
    code = (
        "import sys; from pytest_opscheck.demo import processes, stack, show\n"
        "stack.find = lambda program: None\n"
        "sys.exit(show.run(sys.argv[1:]))"
    )

    def started(*names: str) -> subprocess.CompletedProcess[str]:
        said = [sys.executable, "-c", code, *names]
        return subprocess.run(said, cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST_S, check=False)

    done = started()
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Left out, with everything that depends on it: postgres (" in output
    assert "apt-get install redis-server" in output
    text = (tmp_path / "reports/demo.toml").read_text()
    assert "[http.api]" in text
    assert not re.search(r"^\[(postgres|redis|celery|backup)\.", text, re.MULTILINE)
    done = started("database")
    assert done.returncode == 4
    assert "'database' needs something that is missing here" in done.stderr


def test_an_unknown_fault_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert demo.run(["databse"]) == 4
    assert not (tmp_path / "reports/daily").exists()


def test_the_compose_stack_is_valid_and_has_a_health_check_for_each_of_its_eight_services() -> None:
    file = Path(__file__).parents[2] / "demo/compose.yml"
    said = [program("docker-compose"), "-f", str(file), "config"]
    done = subprocess.run(said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("healthcheck:") == 8
