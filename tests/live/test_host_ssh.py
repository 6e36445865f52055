"""Hosts over SSH: one contact a run, and what each way of not getting in looks like."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Run
from .processes import free_port
from .sshd import Sshd, silent_server, sshd

QUIET = "expect = { disk = false, memory = false, load = false, cpu = false }\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as started:
        yield started


def host(connect: str, name: str = "prod") -> str:
    return f'[host.{name}]\nconnect = "{connect}"\n{QUIET}'


def test_all_readings_of_a_host_travel_in_one_command(run: Run, server: Sshd, tmp_path: Path) -> None:
    """Rule 7, seen from the server: one connection, one command, whatever the kinds of the targets on the host."""
    (tmp_path / "app.log").write_text("ERROR\nfine\n")
    inventory = f"""
    [host.prod]
    connect = "{server.connect()}"
    [host.prod.expect]
    ports = [{server.port}]
    cpu = false
    load = false
    [host.prod.command.first]
    run = "echo 4"
    value = "< 5"
    [host.prod.command.second]
    run = "echo it\\\\'s \\\\\\"quoted\\\\\\" 100%"
    stdout = "== it's \\"quoted\\" 100%"
    [backup.files]
    on = "prod"
    path = "{tmp_path}/*.log"
    expect = {{ intact = false }}
    """
    before, sessions = len(server.commands), server.log.count("Accepted publickey")
    outcome = run(inventory, "-n", "2")
    verdicts = {result_id: result["verdict"] for result_id, result in outcome.results.items()}
    assert set(verdicts.values()) == {"ok"}, outcome.output
    assert len(verdicts) >= 7
    assert len(server.commands) - before == 1
    assert server.log.count("Accepted publickey") - sessions == 1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"identity": "other_key"},
            r"Permission denied .*; check the user in `connect`, and whether its authorized_keys",
        ),
        (
            {"config": "suspicious"},
            r"Host key verification failed.*; if the host was set up again, forget its old key: ssh-keygen -R",
        ),
    ],
)
def test_not_let_in(run: Run, server: Sshd, spec: dict[str, str], said: str) -> None:
    """What is said names the cause and what fixes it, and the next step is the same way in by hand."""
    outcome = run(host(server.connect(**spec)) + '[host.prod.command.any]\nrun = "true"\n')
    assert outcome.verdict("host.reachable@prod") == "breach P0"
    assert re.search(said, outcome.message("host.reachable@prod"))
    step = outcome["host.reachable@prod"]["action"]
    assert re.fullmatch(rf"Try the same way in by hand: ssh -v -p {server.port} -F \S+ .*127\.0\.0\.1", step)
    assert outcome.verdict("host.command.any@prod") == "blocked"
    assert outcome.exit_status == 1


def test_refused(run: Run, server: Sshd) -> None:
    connect = server.connect().replace(str(server.port), str(free_port()))
    outcome = run(host(connect))
    assert outcome.verdict("host.reachable@prod") == "breach P0"
    assert "refused" in outcome.message("host.reachable@prod")


def test_a_hanging_server_costs_the_others_nothing(run: Run, server: Sshd) -> None:
    with silent_server() as port:
        hanging = server.connect().replace(str(server.port), str(port))
        started = time.monotonic()
        outcome = run(host(hanging, "hangs") + host(server.connect(), "works"))
        assert time.monotonic() - started < 25
    assert outcome.verdict("host.reachable@works") == "ok"
    assert outcome.verdict("host.reachable@hangs") == "breach P0"
    assert outcome["host.reachable@works"]["duration_s"] < 5


def test_one_stuck_part_does_not_cost_the_others(run: Run, server: Sshd) -> None:
    outcome = run(
        host(server.connect())
        + """
        [host.prod.command.stuck]
        run = "trap '' TERM; sleep 30; sleep 30"
        timeout = "1s"
        [host.prod.command.endless]
        run = "yes"
        [host.prod.command.fine]
        run = "echo fine"
        stdout = "== fine"
        [host.prod.command.failing]
        run = "echo the reason >&2; exit 7"
        """
    )
    assert outcome.verdict("host.command.stuck@prod") == "unknown P2"
    assert "no answer within 1 s" in outcome.message("host.command.stuck@prod")
    assert outcome.verdict("host.command.endless@prod") == "unknown P2"
    assert outcome.verdict("host.command.fine@prod") == "ok"
    assert outcome.verdict("host.command.failing@prod") == "breach P2"
    assert "exit status is 7" in outcome.message("host.command.failing@prod")


def test_only_reads_reach_the_host(run: Run, server: Sshd) -> None:
    """Rule 3: what a default run asks of a host, as the server sees it, writes no file and ends no process."""
    run(f'[host.prod]\nconnect = "{server.connect()}"\n')
    assert server.commands[-1] == "sh -s opscheck"
    script = server.scripts.rpartition("main 3<&0")[0].rpartition("main 3<&0")[2]
    for own in ('kill -9 "-$group"', 'kill -9 "-$pid" "$pid"', 'kill "$watch"'):
        assert own in script
        script = script.replace(own, "")  # of what a part itself has started
    for word in (" rm ", " mv ", "mktemp", " tee ", " > /", ">/tmp", "touch", "kill"):
        assert word not in script
