"""What a login shell, a forced command or a network does between a host and its script, all in one run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra

from pytest_opscheck.gather.host import HostConnection
from pytest_opscheck.probes import UnknownError

from .conftest import Outcome, Run, runs_in
from .memory import peak_mb
from .processes import program, wait_until
from .sshd import Sshd, key, sshd

GO_ON = 'sh -c "$SSH_ORIGINAL_COMMAND"'
DROPS = """pid=$PPID
while [ "$(cat /proc/$pid/comm)" != sshd ]; do pid=$(cut -d' ' -f4 /proc/$pid/stat); done
(sleep 3; kill -9 $pid) & exec """
SHELLS = {
    "tcsh": f'exec {program("tcsh")} -c "$SSH_ORIGINAL_COMMAND"',
    "fish": f'exec {program("fish")} -c "$SSH_ORIGINAL_COMMAND"',
    "restricted": 'exec bash -r -c "$SSH_ORIGINAL_COMMAND"',
    "busybox": f'exec {program("busybox")} sh -c "$SSH_ORIGINAL_COMMAND"',
    "noisy": f"echo Welcome; echo to all >&2; printf 'no line break'; exec {GO_ON}",
    "curious": f"read one; read two; exec {GO_ON}",
}
SILENT = {
    "hangs": "exec sleep 120",
    "eats": "cat >/dev/null",
    "floods": "exec yes",
    "zeros": "exec cat /dev/zero",
    "errors": "exec yes no >&2",
    "drips": "while :; do echo wait; sleep 0.5; done",
}
REFUSING = {
    "forced": "echo 'Please login as the user \"admin\" rather than root.'; echo; exit 142",
    "nologin": "echo 'This account is currently not available.'; exit 1",
    "mute": "exit 3",
    "shutdown": "echo 'Back at 12'; exit 0",
    "garbage": "printf '\\033[2J\\200\\0'; exit 0",
    "nulls": "head -c 1000 /dev/zero; exit 1",
}
PARAMIKO = ("tcsh", "hangs", "floods", "zeros", "errors", "forced", "mute", "drops")
STEP = "; check that user's login shell there, and its startup files"
BROKEN = {"drops": DROPS + GO_ON, "stalls": f"{GO_ON} | {{ head -n 4; exec sleep 120; }}"}
MIXING = f"cat /dev/zero & exec {GO_ON}"
NULLS = (r"\x00" * 20)[:77]
MOST_MB = 150
PARTS = """
[host.NAME.command.quoted]
run = "echo it\\\\'s \\\\\\"quoted\\\\\\"; cat"
stdout = "== it's \\"quoted\\""
[host.NAME.command.slow]
run = "sleep 0.NUMBER; sleep 31NUMBER"
timeout = "6s"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    folder = tmp_path_factory.mktemp("shells")
    with sshd(folder) as started:
        lines = []
        for name, command in {**SHELLS, **SILENT, **REFUSING, **BROKEN, "mixing": MIXING}.items():
            script = folder / f"{name}.sh"
            script.write_text(f"#!/bin/sh\n{command}\n")
            script.chmod(0o755)
            lines.append(f'command="{script}" {key(folder / name).with_suffix(".pub").read_text()}')
        (folder / "authorized_keys").write_text("".join(lines))
        yield started


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, server: Sshd) -> Outcome:
    inventory = ""
    ways = {name: server.connect(identity=name) for name in [*SHELLS, *SILENT, *REFUSING, *BROKEN]}
    for name, connect in [*ways.items(), *((f"paramiko-{name}", f"paramiko{ways[name][3:]}") for name in PARAMIKO)]:
        inventory += f'[host.{name}]\nconnect = "{connect}"\n'
        inventory += "expect = { disk = false, memory = false, load = false, cpu = false }\n"
        if name.removeprefix("paramiko-") not in SILENT:
            inventory += PARTS.replace("NAME", name).replace("NUMBER", f"{server.port}")
    started = time.monotonic()
    found = runs_in(tmp_path_factory.mktemp("all"))(inventory)
    assert time.monotonic() - started < 60
    return found


@pytest.mark.parametrize("name", [*SHELLS, "paramiko-tcsh"])
def test_any_login_shell(outcome: Outcome, name: str) -> None:
    """The script reaches sh whatever the login shell is, whatever it prints, and what little it reads."""
    assert outcome.verdict(f"host.reachable@{name}") == "ok", outcome.output
    assert outcome.verdict(f"host.command.quoted@{name}") == "ok"
    assert "no answer within 6 s" in outcome.message(f"host.command.slow@{name}")


@pytest.mark.parametrize("name", [*SILENT, *(f"paramiko-{each}" for each in PARAMIKO if each in SILENT)])
def test_let_in_and_no_shell(outcome: Outcome, name: str) -> None:
    """Who lets in and never answers is not reachable, and that is known soon."""
    assert outcome.verdict(f"host.reachable@{name}") == "breach P0", outcome.output
    assert "logged in, but " in outcome.message(f"host.reachable@{name}")
    assert "no shell answers" in outcome.message(f"host.reachable@{name}")
    assert outcome.message(f"host.reachable@{name}").endswith(STEP)
    assert outcome[f"host.reachable@{name}"]["duration_s"] < 25


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("floods", r"it prints endlessly: 'y y y [y ]+\.\.\.'"),
        ("zeros", r"it prints endlessly: '(\\x00)+[\\x0]*\.\.\.'"),
        ("errors", r"it prints endlessly on its standard error: '[no ]+\.\.\.'"),
    ],
)
def test_what_floods_is_shown(outcome: Outcome, name: str, said: str) -> None:
    for way in (name, f"paramiko-{name}"):
        assert re.search(f"no shell answers: {said}{STEP}$", outcome.message(f"host.reachable@{way}"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("forced", 'logged in, but no shell answers: Please login as the user "admin" rather than root.'),
        ("nologin", "logged in, but no shell answers: This account is currently not available."),
        ("mute", f"logged in, but no shell answers, exit status 3{STEP}"),
        ("paramiko-forced", 'logged in, but no shell answers: Please login as the user "admin" rather than root.'),
        ("paramiko-mute", f"logged in, but no shell answers, exit status 3{STEP}"),
        ("shutdown", f"logged in, but no shell answers: Back at 12{STEP}"),
        ("garbage", rf"logged in, but no shell answers: \x1b[2J\x80\x00{STEP}"),
        ("nulls", f"logged in, but no shell answers, exit status 1, and prints '{NULLS}...'{STEP}"),
    ],
)
def test_what_the_server_says_is_shown(outcome: Outcome, name: str, said: str) -> None:
    assert outcome.verdict(f"host.reachable@{name}") == "breach P0", outcome.output
    assert outcome.message(f"host.reachable@{name}").endswith(said)
    assert outcome.verdict(f"host.command.quoted@{name}") == "blocked"


def test_lost_on_the_way(outcome: Outcome, server: Sshd) -> None:
    """What has come stays; of the rest the message names the cause, and what ran there ends with the connection."""
    for name in [*BROKEN, "paramiko-drops"]:
        assert outcome.verdict(f"host.reachable@{name}") == "ok", outcome.output
        assert outcome.verdict(f"host.command.slow@{name}") == "unknown P2"
    assert outcome.verdict("host.command.quoted@drops") == "ok"
    assert "the connection was lost" in outcome.message("host.command.slow@drops")
    assert "the connection was lost" in outcome.message("host.command.slow@paramiko-drops")
    stalled = outcome.message(
        "host.command.slow@stalls"
    )  # before or after its first line: which part comes first is luck
    assert re.search(r"no answer within|the host has sent nothing for 10 s", stalled), stalled
    sought = ["pgrep", "-f", f"^sleep 31{server.port}"]
    wait_until(lambda: subprocess.run(sought, check=False).returncode == 1, "the end of the parts")


def test_reachable_is_known_before_slow_parts_end(run: Run, server: Sshd) -> None:
    """A run's deadline costs what has not come by then, and that alone."""
    inventory = (
        '[suites.daily]\ndeadline = "8s"\n'
        f'[host.prod]\nconnect = "{server.connect(identity="tcsh")}"\n'
        "expect = { disk = false, memory = false, load = false, cpu = false }\n"
        '[host.prod.command.fine]\nrun = "echo fine"\n'
        f'[host.prod.command.slow]\nrun = "sleep 32{server.port}"\ntimeout = "60s"\n'
    )
    found = run(inventory)
    assert found.verdict("host.reachable@prod") == "ok"
    assert found.verdict("host.command.fine@prod") == "ok"
    assert "deadline of 8 s" in found.message("host.command.slow@prod")
    sought = ["pgrep", "-f", f"^sleep 32{server.port}"]
    wait_until(lambda: subprocess.run(sought, check=False).returncode == 1, "the end of the part")


def test_many_large_parts_and_no_value_in_ps(run: Run, tmp_path: Path) -> None:
    """Linux allows a word of a command line 128 KiB: a host's script is none."""
    listing = tmp_path / "ps"
    inventory = "[host.local]\nexpect = { disk = false, memory = false, load = false, cpu = false }\n"
    inventory += f'command.look = {{ run = "ps -eo args > {listing}" }}\n'
    for number in range(40):
        long = "x" * 4000
        inventory += f'[backup.b{number}]\non = "local"\npath = "{tmp_path}/no-such-{long[:200]}/{number}*.gz"\n'
        inventory += f'[host.local.command.c{number}]\nrun = ": secret-{number}-{long}; true"\n'
    outcome = run(inventory)
    assert outcome.verdict("host.reachable@local") == "ok", outcome.output
    assert outcome.verdict("host.command.c39@local") == "ok"
    assert outcome.verdict("backup.fresh@b39").startswith("breach")
    assert "secret-" not in listing.read_text()
    assert "no-such-" not in listing.read_text()


RACE = """
import logging, sys, threading
sys.setswitchinterval(1e-6)

def make(first):
    for number in range(first, first + 100_000):
        logging.getLogger(f"made{number}")

def pytest_collection_finish():
    for first in (0, 100_000):
        threading.Thread(target=make, args=(first,), daemon=True).start()
"""


def test_threads_that_make_loggers(run: Run, tmp_path: Path) -> None:
    """Pytest walks the loggers around every test while contacts import what makes more of them."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "conftest.py").write_text(RACE)
    inventory = "[host.local]\nexpect = { disk = false, memory = false, load = false, cpu = false }\n"
    inventory += "".join(f'[host.local.command.c{number}]\nrun = "true"\n' for number in range(60))
    outcome = run(inventory)
    assert {result["verdict"] for result in outcome.results.values()} == {"ok"}, outcome.output
    assert outcome.exit_status == 0


def test_whatever_is_printed_takes_no_memory(server: Sshd, tmp_path: Path) -> None:
    """Before the script begins and beside it, on either stream."""
    inventory = '[host.here]\nconnect = "local://"\n'
    for name, way in (("zeros", "ssh"), ("zeros", "paramiko"), ("errors", "ssh"), ("mixing", "ssh")):
        connect = server.connect(identity=name).replace("ssh:", f"{way}:", 1)
        inventory += f'[host.{name}-{way}]\nconnect = "{connect}"\n'
    inventory += 'expect.disk = { P1 = "< 100%", timeout = "120s" }\n'
    (tmp_path / "opscheck.toml").write_text(inventory)
    done, peak = peak_mb([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "smoke"], tmp_path)
    assert peak < MOST_MB
    (latest,) = (tmp_path / "reports" / "smoke").glob("2*.json")
    results = {each["id"]: each for each in json.loads(latest.read_text())["results"]}
    mixed = results["host.disk@mixing-ssh"]["message"]
    assert re.search("something else there prints (endlessly|into the script's output): '", mixed), mixed
    assert done.returncode == 1


@pytest.mark.parametrize("where", ["", " >&2"])
def test_what_a_command_of_ones_own_prints_has_an_end(where: str) -> None:
    host = testinfra.get_host("local://")
    HostConnection("local://").carry(host.backend, lambda _text: False)
    with pytest.raises(UnknownError, match="printed more than the 10 MB that are read"):
        host.run(f"cat /dev/zero{where}")
    assert host.run(f"head -c 1000000 /dev/zero{where}").rc == 0
