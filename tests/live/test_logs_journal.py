"""The journal of a real systemd in a container: counted, and unknown where it is out of sight or there is no unit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import systemd
from .conftest import Run
from .images import Container, container, docker
from .processes import wait_until


@pytest.fixture(scope="module")
def machine() -> Iterator[Container]:
    with systemd.machine() as booted:
        booted.run("useradd deploy")
        yield booted


def inventory(machine: Container, unit: str, expect: str, user: str = "") -> str:
    return f"""
    [host.box]
    connect = "docker://{user}{machine.id}"
    expect = {{ disk = false, memory = false, load = false, cpu = false }}
    [logs.app]
    on = "box"
    journal = "{unit}"
    [logs.app.count.errors]
    pattern = "error"
    ignore_case = true
    {expect}
    """


def say(machine: Container, unit: str, *messages: str) -> None:
    """Have a unit write messages, and wait until the journal has them."""
    text = "".join(f"echo {message!r}; " for message in messages)
    done = machine.run(f"systemd-run --unit={unit} --description=job --wait -q sh -c {text!r}")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: messages[-1] in machine.run(f"journalctl -u {unit} -o cat").stdout, "the journal's last message")


def test_errors_in_a_units_journal(run: Run, machine: Container) -> None:
    say(machine, "app-orchestrator", "all well")
    say(machine, "app-other", "Error of another unit")
    rate, today = 'expect = "< 2/h"', 'expect = 0\nsince = "today"'
    for expect in (rate, today):
        assert run(inventory(machine, "app-orchestrator", expect)).verdict("logs.count.errors@app") == "ok"
    say(machine, "app-orchestrator", "Error: no connection", "an ERROR again", "well")
    outcome = run(inventory(machine, "app-orchestrator", rate))
    assert outcome.verdict("logs.count.errors@app") == "breach P2"
    said = "lines with /error/ in the journal of app-orchestrator is 2/h, expected < 2/h"
    assert outcome.message("logs.count.errors@app") == said
    assert run(inventory(machine, "app-orchestrator", today)).verdict("logs.count.errors@app") == "breach P2"
    machine.run("journalctl --rotate; sleep 1; journalctl --vacuum-time=1s")
    say(machine, "app-orchestrator", "well again")
    assert run(inventory(machine, "app-orchestrator", rate)).verdict("logs.count.errors@app") == "ok"


def test_a_journal_that_says_nothing_is_unknown(run: Run, machine: Container) -> None:
    outcome = run(inventory(machine, "app-orchestra", "expect = 0"))
    assert outcome.verdict("logs.count.errors@app") == "unknown P2"
    assert "knows a unit app-orchestra; see systemctl list-units --all" in outcome.message("logs.count.errors@app")
    assert run(inventory(machine, "app-web", "expect = 0")).verdict("logs.count.errors@app") == "ok"
    outcome = run(inventory(machine, "app-web", "expect = 0", user="deploy@"))
    assert outcome.verdict("logs.count.errors@app") == "unknown P2"
    assert "usermod -aG systemd-journal deploy" in outcome.message("logs.count.errors@app")
    machine.run("usermod -aG systemd-journal deploy")
    assert run(inventory(machine, "app-web", "expect = 0", user="deploy@")).verdict("logs.count.errors@app") == "ok"


def test_a_log_that_its_group_may_read(run: Run, machine: Container) -> None:
    docker(
        "exec",
        machine.id,
        "sh",
        "-c",
        "echo error > /var/log/app.log; chown root:adm /var/log/app.log; chmod 640 /var/log/app.log",
    )
    text = inventory(machine, "x", "expect = 0", user="deploy@").replace('journal = "x"', 'path = "/var/log/app.log"')
    outcome = run(text)
    assert outcome.verdict("logs.count.errors@app") == "unknown P2"
    said = "no permission to read /var/log/app.log; its group may: usermod -aG adm deploy"
    assert said in outcome.message("logs.count.errors@app")
    machine.run("usermod -aG adm deploy")
    assert run(text).verdict("logs.count.errors@app") == "breach P2"


def test_a_host_without_a_journal(run: Run) -> None:
    with container("debian:bookworm-slim", [], ["sleep", "300"]) as machine:
        outcome = run(inventory(machine, "app-web", "expect = 0"))
    assert outcome.verdict("logs.count.errors@app") == "unknown P2"
    assert "journalctl is not installed" in outcome.message("logs.count.errors@app")
