"""A history in hard times: killed writers, two runs at once, and a disk that is full."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_opscheck.history import History, opened, verified

from .conftest import Run, runs_in
from .databases import PASSWORD, postgres

WRITER = """
import datetime as dt, sys
from dataclasses import replace
from pathlib import Path
from pytest_opscheck.history import History, HistoryError, Past
from tests.unit.reports.values import measurement, ok, run

history = History(Path(sys.argv[1]), "shop", keep_s=float(sys.argv[4]))
results = [ok(id=f"host.disk{n}@prod", measurements=(measurement(subject=f"/{n}"),) * 5) for n in range(60)]
began = dt.datetime.now(dt.UTC)
for number in range(int(sys.argv[3])):
    moment = dt.datetime.now(dt.UTC)
    one = replace(run(*results), id=f"{sys.argv[2]}-{number}", started=moment, finished=moment)
    try:
        Past(history).record(one)
    except HistoryError as error:
        print("FAULT", error)
    print("written", number, flush=True)
"""


def writer(file: Path, name: str, runs: int, keep_s: float = 86400) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(file), name, str(runs), str(keep_s)]
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env=env)


def whole(file: Path) -> int:
    """See that the file is whole, and the chain in it; return how many runs there were ever."""
    with opened(History(file, "shop")) as store:
        assert store is not None
        assert store.rows("PRAGMA integrity_check") == [("ok",)]
        found = verified(store)
        assert found.problems == ()
        return found.runs + found.removed


def test_killed_at_any_point(tmp_path: Path) -> None:
    """What was said to be written is there, and nothing is half there: also while runs are taken away."""
    file = tmp_path / "history.sqlite3"
    told = 0
    for number in range(25):
        process = writer(file, f"w{number}", 1000, keep_s=1.0)
        first = ""
        if number % 2:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(random.random() * 0.3)
        else:  # perhaps while the tables are made
            time.sleep(0.4 + random.random() * 0.8)
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate(timeout=30)
        assert "FAULT" not in said
        told += len((first + said).splitlines())
        if file.exists() and told:
            assert told <= whole(file) <= told + number + 1
    assert told >= 12


def test_two_runs_at_once(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    both = [writer(file, name, 15) for name in "ab"]
    for process in both:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "FAULT" not in said
    assert whole(file) == 30


FULL = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.many]
run = "seq 1 5"
stdout = "~ 5"
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare makes the small disk")
@pytest.mark.parametrize(
    ("left", "told"),
    [
        (0, "could not read the history \\(not a fault of any target\\): .*; check whether its disk is full or broken"),
        (
            49152,
            "could not record the run in the history \\(not a fault of any target\\): .*full; make room on its disk",
        ),
    ],
)
def test_a_full_disk(tmp_path: Path, left: int, told: str) -> None:
    """The run's verdict is told, the fault too, and the history is whole when there is room again."""
    (tmp_path / "opscheck.toml").write_text(FULL, encoding="utf-8")
    script = textwrap.dedent("""
        mkdir -p small && mount -t tmpfs -o size=2m none small || exit 77
        mkdir small/daily
        run() { "$0" -m pytest -p no:cacheprovider -q -m daily --opscheck-reports=small --html=out.html "$@"; }
        run; echo "first $?"
        rm -f small/daily/*
        head -c 4000000 /dev/zero > small/fill 2>/dev/null
        truncate -s -LEFT small/fill
        run --opscheck-json=results.json; echo "second $?"
        rm -f small/fill small/daily/*
        run; echo "third $?"
        cp small/history.sqlite3* .
    """)
    command = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script.replace("LEFT", str(left)),
        sys.executable,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"a small disk can't be mounted here: {done.stderr.strip()[-200:]}")
    assert "first 0" in done.stdout, done.stdout
    assert "second 3" in done.stdout
    assert re.search(told, done.stdout), done.stdout
    assert "opscheck daily: 2 ok" in done.stdout
    assert (tmp_path / "results.json").exists()
    assert "third 0" in done.stdout
    assert whole(tmp_path / "history.sqlite3") == 2


def test_machines_that_share_a_server(run: Run) -> None:
    """The url stands in the environment, two processes run the tests, and nothing is left beside the reports.

    The command that was run stands in the next step, and what it knows from the environment does not.
    """
    text = '[history]\nurl = "${HISTORY_URL}"\n' + FULL.replace('"~ 5"', '"~ 6"').replace("1 5", "1 5 # ${TOKEN}")
    with postgres() as server:
        env = {"HISTORY_URL": server.dsn(), "TOKEN": "canary-4711"}
        states = [run(text, *more, env=env)["host.command.many@local"]["change"]["state"] for more in ((), ("-n", "2"))]
        assert states == ["new", "ongoing"]
        with server.connect() as connection:
            assert connection.execute("SELECT narrowed, exit_status FROM opscheck_run").fetchall() == [(0, 1)] * 2
            tables = [
                name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
            dump = "".join(str(connection.execute(f"SELECT * FROM {name}").fetchall()) for name in tables)
        assert "by hand: seq 1 5 # ***" in dump
        assert "canary-4711" not in dump
        assert PASSWORD not in dump
    outcome = run(text, env=env)
    assert outcome.exit_status == 1
    assert "could not read the history (not a fault of any target)" in outcome.output
    assert PASSWORD not in outcome.output
    assert outcome.verdict("host.command.many@local") == "breach P2"


def test_eight_runners_at_once_on_one_server(tmp_path: Path) -> None:
    """Also where none of them finds its tables: all are in one chain, and who comes later knows of those before."""
    broken = FULL.replace('"~ 5"', '"~ 6"')
    text = f'[opscheck]\nname = "shop"\n[history]\nurl = "${{HISTORY_URL}}"\n{broken}'
    with postgres() as server, ThreadPoolExecutor(8) as pool:
        env = {"HISTORY_URL": server.dsn()}

        def ran(number: int) -> tuple[int, str]:
            ended = runs_in(tmp_path / f"runner{number}")(text, env=env)
            assert "history" not in ended.output, ended.output
            return ended.exit_status, ended["host.command.many@local"]["change"]["state"]

        for number in range(8):
            (tmp_path / f"runner{number}").mkdir()
        first = list(pool.map(ran, range(8)))
        assert {status for status, _ in first} == {1}
        states = [state for _, state in first]
        assert "new" in states
        assert set(states) <= {"new", "ongoing"}
        assert {state for _, state in pool.map(ran, range(3))} == {"ongoing"}
        with opened(History(tmp_path, "shop", url=server.dsn())) as store:
            assert store is not None
            found = verified(store)
        assert (found.problems, found.runs, found.removed) == ((), 11, 0)
