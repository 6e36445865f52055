"""An inventory that has errors lets no run begin: who is to know of that is told, as far as it can be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .receiver import Receiver, receiver
from .smtp import Post, server

GOOD = """
[opscheck]
name = "shop"
timezone = "UTC"
[suites.daily]
every = "1h"
heartbeat = "HEARTBEAT/ping/4f2a"
[notify.chat]
webhook = "HEARTBEAT/chat"
[notify.log]
file = "alerts.jsonl"
[report.mail]
to = "ann@example.com"
from = "ops@example.com"
server = "127.0.0.1:PORT"
security = "none"
[host.local]
expect = { disk = false, memory = MEMORY, load = false, cpu = false }
"""
UNSET = '"${NOT_SET_ANYWHERE}"'


@pytest.fixture
def heartbeat() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-c", "from pytest_opscheck.cli import main; main()"]
    environment = {name: value for name, value in os.environ.items() if name != "NOT_SET_ANYWHERE"}
    return subprocess.run(
        [*start, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def run(folder: Path, inventory: str) -> subprocess.CompletedProcess[str]:
    (folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
    return command(folder, "run", "daily", "-q", "-p", "no:cacheprovider")


def paths(kept: Receiver) -> list[str]:
    return [path.partition("?")[0] for _, path, _ in kept.requests]


def test_a_variable_that_is_missing_is_told_everybody_once(heartbeat: Receiver, tmp_path: Path) -> None:
    """The heartbeat and the mail each time, as of any run; the channels once, and again when it is fixed."""
    post = Post()
    with server(post, "none", None) as port:
        good = GOOD.replace("HEARTBEAT", heartbeat.url).replace("PORT", str(port))
        for _ in range(2):
            done = run(tmp_path, good.replace("MEMORY", UNSET))
            assert done.returncode == 4
            assert "the environment variable NOT_SET_ANYWHERE is not set" in done.stderr
            assert not done.stderr.partition("\n")[2], "all could be told"
        assert sorted(paths(heartbeat)) == ["/chat", "/ping/4f2a/fail", "/ping/4f2a/fail"]
        assert "exit status 4" in next(body for _, path, body in heartbeat.requests if "/fail" in path)
        assert [b"NOT_SET_ANYWHERE" in content for _, content in post.taken] == [True, True]
        assert run(tmp_path, good.replace("MEMORY", "false")).returncode == 0
    told = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(each["event"], each["result"]["id"]) for each in told] == [
        ("new", "opscheck.inventory@daily"),
        ("recovered", "opscheck.inventory@daily"),
    ]


def test_what_an_error_concerns_tells_nobody(heartbeat: Receiver, tmp_path: Path) -> None:
    """Half an address is somebody else's; of the rest those are told whom a file that is not TOML names."""
    good = GOOD.replace("HEARTBEAT", heartbeat.url).replace("PORT", "25").replace("MEMORY", "false")
    half = good.replace("/ping/4f2a", "/ping/${NOT_SET_ANYWHERE}").replace("ann@", "${NOT_SET_ANYWHERE}@")
    done = run(tmp_path, half)
    assert done.returncode == 4
    assert "not notified because of these errors: heartbeat, mail" in done.stderr
    assert paths(heartbeat) == ["/chat"]
    broken = good.replace("[report.mail]", "[report.mail]\nuser = = x") + "[host.other\n"
    assert run(tmp_path, broken).returncode == 4
    assert paths(heartbeat) == ["/chat", "/ping/4f2a/fail"]


def test_past_runs_are_there_all_the_same(tmp_path: Path) -> None:
    """What looks at them alone says what is wrong with the inventory, and goes on."""
    plain = "\n".join(line for line in GOOD.splitlines() if "HEARTBEAT" not in line and "[notify.chat]" not in line)
    plain = plain.partition("[report.mail]")[0] + "[host.local]" + plain.partition("[host.local]")[2]
    assert run(tmp_path, plain.replace("MEMORY", "false")).returncode == 0
    (tmp_path / "opscheck.toml").write_text(plain.replace("MEMORY", UNSET), encoding="utf-8")
    for words in (["status"], ["history"], ["maintenance", "list"], ["report"]):
        done = command(tmp_path, *words)
        assert done.returncode == 0, (words, done.stderr)
        assert ("NOT_SET_ANYWHERE is not set" in done.stderr) == (words != ["report"])
    (tmp_path / "opscheck.toml").write_text(
        plain.replace("MEMORY", "false") + f"\n[history]\nurl = {UNSET}\n", encoding="utf-8"
    )
    assert command(tmp_path, "status").returncode == 4, "where they are can't be told"
