"""Alerts to real receivers: a webhook, apprise, a file; one that hangs, one that refuses, and a run that is killed."""

from __future__ import annotations

import http.server
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .. import preloaded
from .processes import free_port

SECRET = "Canary-77-Xyz"
INVENTORY = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.flag]
run = "test ! -e FLAG"
expect = "== 0"
"""


class Receiver:
    """A server that keeps what is posted to it, and answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 204
        self.before: Callable[[], None] = lambda: None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                outer.before()
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def events(self) -> list[tuple[str, str]]:
        found = [(each["event"], each["result"]["id"]) for each in self.got]
        self.got.clear()
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


class Project:
    """A folder with an inventory whose one check breaks where a file is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flag = folder / "flag"

    def write(self, channels: str) -> None:
        text = INVENTORY.replace("FLAG", str(self.flag)).replace('expect = "== 0"\n', "")
        (self.folder / "opscheck.toml").write_text(text + channels, encoding="utf-8")

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=os.environ | {"HOOK": SECRET} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    def run(self, *arguments: str, suite: str = "daily", **environment: str) -> subprocess.CompletedProcess[str]:
        words = ["-m", suite, "-p", "no:cacheprovider", *arguments]
        return preloaded.run(*words, cwd=self.folder, env=os.environ | {"HOOK": SECRET} | environment)

    def opscheck(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.command("-c", "from pytest_opscheck.cli import main; main()", *arguments)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


FLAG = "host.command.flag@local"


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_once_when_it_breaks_and_once_when_it_is_over(
    project: Project, receiver: Receiver, workers: tuple[str, ...]
) -> None:
    project.write(f'[notify.hook]\nwebhook = "http://{receiver.place}/x"\n')
    assert project.run(*workers).returncode == 0
    assert receiver.events() == []
    project.flag.touch()
    assert project.run(*workers).returncode == 1
    assert receiver.got[0]["schema"] == "opscheck.alert/1"
    assert receiver.got[0]["run"]["suite"] == "daily"
    assert receiver.got[0]["result"]["change"]["state"] == "new"
    assert receiver.events() == [("new", FLAG)]
    assert project.run(*workers).returncode == 1
    assert receiver.events() == []
    project.flag.unlink()
    assert project.run(*workers).returncode == 0
    assert receiver.events() == [("recovered", FLAG)]
    project.run(*workers)
    assert receiver.events() == []


def test_again_after_a_time(project: Project, receiver: Receiver) -> None:
    project.write(f'[notify.hook]\nwebhook = "http://{receiver.place}/x"\nagain = "1s"\n')
    project.flag.touch()
    project.run()
    time.sleep(1)
    project.run()
    assert receiver.events() == [("new", FLAG), ("again", FLAG)]


def test_apprise_carries_it(project: Project, receiver: Receiver) -> None:
    project.write(f'[notify.bell]\nurl = "json://{receiver.place}/x"\n')
    project.flag.touch()
    shown = project.run()
    assert shown.returncode == 1, shown.stdout
    assert receiver.got[0]["title"] == f"P2 breach: {FLAG} ({project.folder.name})"
    assert "exit status is 1, expected 0" in receiver.got[0]["message"]
    assert receiver.got[0]["type"] == "warning"
    project.flag.unlink()
    project.run()
    assert (receiver.got[1]["title"], receiver.got[1]["type"]) == (
        f"recovered: {FLAG} ({project.folder.name})",
        "success",
    )


def test_a_line_of_a_file_for_each(project: Project) -> None:
    project.write('[notify.log]\nfile = "alerts/all.jsonl"\n')
    project.flag.touch()
    project.run()
    project.flag.unlink()
    project.run()
    lines = (project.folder / "alerts/all.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["new", "recovered"]


def test_who_hangs_or_refuses_stops_nobody_else_and_is_told_by_the_next_run(
    project: Project, receiver: Receiver
) -> None:
    """The run's reports are there, what failed is said without its secret, and the exit status is that of a fault."""
    hangs, release = Receiver(), threading.Event()
    hangs.before = lambda: void(release.wait(60))
    refused = free_port()
    project.write(
        f'[notify.a]\nwebhook = "http://{hangs.place}/${{HOOK}}"\n'
        f'[notify.b]\nwebhook = "http://127.0.0.1:{refused}/hooks/${{HOOK}}"\n'
        f'[notify.c]\nurl = "json://127.0.0.1:{refused}/${{HOOK}}"\n'
        f'[notify.d]\nurl = "json://{hangs.place}/${{HOOK}}?rto=60"\n'
        '[notify.e]\nfile = "/dev/full"\n'
        f'[notify.f]\nwebhook = "http://{receiver.place}/x"\n'
    )
    project.flag.touch()
    started = time.monotonic()
    shown = project.run()
    assert time.monotonic() - started < 45
    assert shown.returncode == 1
    assert receiver.events() == [("new", FLAG)]
    for said in (
        "could not alert a, the next run will try again: no answer within 10 s",
        "could not alert b, the next run will try again: it can't be reached (Connection refused)",
        "could not alert c, the next run will try again: apprise could not deliver it (",
        "could not alert d, the next run will try again: no answer within 30 s",
        "could not alert e, the next run will try again: /dev/full can't be written: No space left on device",
    ):
        assert said in shown.stdout
    assert (project.folder / "reports/daily/latest.html").exists()
    release.set()
    everything = [
        shown.stdout.encode(),
        *(f.read_bytes() for f in (project.folder / "reports").rglob("*") if f.is_file()),
    ]
    assert not [text for text in everything if SECRET.encode() in text]
    hangs.before = lambda: None
    hangs.got.clear()
    project.run()
    assert len(hangs.got) == 2
    assert receiver.events() == []
    hangs.close()


def void(_: object) -> None:
    """Forget a value."""


def test_a_channel_that_fails_is_a_fault_of_a_run_that_is_well(project: Project, receiver: Receiver) -> None:
    project.write(f'[notify.hook]\nwebhook = "http://{receiver.place}/x"\n')
    project.flag.touch()
    project.run()
    project.flag.unlink()
    receiver.status = 500
    shown = project.run()
    assert shown.returncode == 3
    assert "could not alert hook, the next run will try again: it answered 500" in shown.stdout
    receiver.status = 204
    receiver.got.clear()
    assert project.run().returncode == 0
    assert receiver.events() == [("recovered", FLAG)]


def test_killed_between_telling_and_noting_it_is_told_again(project: Project, receiver: Receiver) -> None:
    """At least once, and never lost."""
    project.write(f'[notify.hook]\nwebhook = "http://{receiver.place}/x"\n')
    project.flag.touch()
    command = [sys.executable, "-m", "pytest", "-m", "daily", "-p", "no:cacheprovider"]
    running = subprocess.Popen(command, cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    receiver.before = lambda: running.send_signal(signal.SIGKILL)
    assert running.wait(60) == -signal.SIGKILL
    receiver.before = lambda: None
    assert (project.folder / "reports/daily/latest.json").exists()
    assert receiver.events() == [("new", FLAG)]
    project.run()
    assert receiver.events() == [("new", FLAG)]
    project.run()
    assert receiver.events() == []


def test_without_a_history_it_is_told_each_time(project: Project, receiver: Receiver) -> None:
    project.write(f'[notify.hook]\nwebhook = "http://{receiver.place}/x"\n')
    project.flag.touch()
    (project.folder / "reports").mkdir()
    (project.folder / "reports/history.sqlite3").write_text("no database at all, but a text that is long enough " * 20)
    for _ in range(2):
        project.run()
    assert receiver.events() == [("new", FLAG), ("new", FLAG)]


def test_what_can_not_be_noted_is_told_again(project: Project, receiver: Receiver) -> None:
    project.write(f'[notify.hook]\nwebhook = "http://{receiver.place}/x"\n')
    project.run()
    project.flag.touch()
    held = sqlite3.connect(project.folder / "reports/history.sqlite3", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    shown = project.run()
    held.execute("ROLLBACK")
    held.close()
    assert "could not record in the history that alerts were sent, so they will be sent again: " in shown.stdout
    assert receiver.events() == [("new", FLAG)]
    project.run()
    assert receiver.events() == [("new", FLAG)]
    project.run()
    assert receiver.events() == []


def test_what_is_quiet_is_told_nobody(project: Project, receiver: Receiver) -> None:
    hook = f'[notify.hook]\nwebhook = "http://{receiver.place}/x"\n'
    window = '[opscheck]\ntimezone = "UTC"\n[maintenance.x]\nrule = "FREQ=DAILY"\nat = "00:00-24:00"\nwhy = "y"\n'
    project.write(hook + window)
    project.flag.touch()
    assert project.run().returncode == 0
    assert receiver.events() == []
    project.write(hook)
    project.run()
    assert receiver.events() == [("new", FLAG)]


def test_a_digest_is_one_message(project: Project, receiver: Receiver) -> None:
    more = f'[host.local.command.other]\nrun = "test ! -e {project.flag}"\n'
    digest = f'[notify.digest]\nwebhook = "http://{receiver.place}/x"\ndigest = "24h"\n'
    project.write(more + digest)
    project.flag.touch()
    project.run()
    [message] = receiver.got
    assert message["schema"] == "opscheck.alerts/1"
    assert [alert["event"] for alert in message["alerts"]] == ["new", "new"]
    project.flag.unlink()
    project.run()
    assert len(receiver.got) == 1
    connection = sqlite3.connect(project.folder / "reports/history.sqlite3")
    with connection:
        connection.execute("UPDATE opscheck_told SET at = '2026-01-01T00:00:00.000Z'")
    connection.close()
    project.run()
    assert [alert["event"] for alert in receiver.got[1]["alerts"]] == ["recovered", "recovered"]


def test_only_its_severities_and_suites(project: Project, receiver: Receiver) -> None:
    place = f'webhook = "http://{receiver.place}/x"\n'
    project.write(f'[notify.a]\n{place}severities = ["P0", "P1"]\n[notify.b]\n{place}suites = ["smoke"]\n')
    project.flag.touch()
    project.run()
    assert receiver.events() == []


def test_the_plan_says_who_would_be_told_what_and_tells_nobody(project: Project, receiver: Receiver) -> None:
    project.write(f'[notify.pager]\nwebhook = "http://{receiver.place}/{SECRET}"\nseverities = ["P2"]\nagain = "4h"\n')
    first = project.opscheck("plan", "--notify")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[:2] == ["pager (webhook): P2; again after 4 h", f"  {FLAG}  P2"]
    assert "no run is recorded yet" in first.stdout
    project.flag.touch()
    receiver.status = 500
    project.run()
    receiver.got.clear()
    shown = project.opscheck("plan", "--notify").stdout
    assert f"  pager: P2 breach: {FLAG}" in shown
    assert shown.endswith("1 alert would be sent\n")
    assert SECRET not in first.stdout + shown
    assert receiver.got == []
