"""A host's systemd: real units that fail, and a real journal with what they print."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from . import systemd
from .conftest import Run
from .images import Container
from .processes import wait_until

QUIET = "disk = false\nmemory = false\nload = false\ncpu = false\n"


@pytest.fixture(scope="module")
def machine() -> Iterator[Container]:
    with systemd.machine() as booted:
        yield booted


def host(machine: Container, expect: str = "", *, user: str = "") -> str:
    return f'[host.box]\nconnect = "docker://{user}{machine.id}"\n[host.box.expect]\n{QUIET}{expect}\n'


def test_units_of_systemd(run: Run, machine: Container) -> None:
    inventory = host(machine, 'services = ["app-web", "app-broken.service", "app-nowhere"]')
    machine.run("systemctl start app-web; systemctl start app-broken")
    wait_until(lambda: machine.run("systemctl is-failed app-broken").returncode == 0, "a failed unit")
    outcome = run(inventory)
    assert outcome.verdict("host.services@box") == "breach P1"
    assert outcome.message("host.services@box") == (
        "app-broken.service is failed, expected active; app-nowhere is not-found, expected active"
    )
    fine = host(machine, 'services = ["app-web"]')
    assert run(fine).verdict("host.services@box") == "ok"
    machine.run("systemctl stop app-web")
    assert run(fine).message("host.services@box") == "app-web is inactive, expected active"


def test_failed_units(run: Run, machine: Container) -> None:
    machine.run("systemctl reset-failed; systemctl start app-broken")
    wait_until(lambda: machine.run("systemctl is-failed app-broken").returncode == 0, "a failed unit")
    outcome = run(host(machine, "failed_units = 0"))
    assert outcome.verdict("host.failed_units@box") == "breach P2"
    assert outcome.message("host.failed_units@box") == ("number of failed units is 1 (app-broken.service), expected 0")
    ignoring = host(machine, 'failed_units = { P1 = "== 0", ignore = ["app-b*.service"] }')
    assert run(ignoring).verdict("host.failed_units@box") == "ok"
    machine.run("systemctl reset-failed app-broken")
    assert run(host(machine, "failed_units = 0")).verdict("host.failed_units@box") == "ok"


OWN_UNITS = {
    "opscheck-shop-eu-1-0a1b2c-daily": "/bin/false",
    "nightly": "/bin/sh -c 'exit 1; /srv/.venv/bin/opscheck run daily'",
}


def test_units_that_run_the_checks_have_not_failed(run: Run, machine: Container) -> None:
    """Whatever they are called: they fail because of what was broken, and would be found broken for ever after."""
    for name, command in OWN_UNITS.items():
        text = f"[Service]\nType=oneshot\nExecStart={command}\n"
        machine.run(f'printf "{text}" > /etc/systemd/system/{name}.service')
    machine.run(f"systemctl daemon-reload; systemctl reset-failed; systemctl start {' '.join(OWN_UNITS)}")
    assert machine.run("systemctl list-units --state=failed --no-legend").stdout.count(" failed ") == 2
    inventory = host(machine, "failed_units = 0")
    assert run(inventory).verdict("host.failed_units@box") == "ok"
    machine.run(r"printf '[Service]\nExecStart=/bin/false\n' > '/etc/systemd/system/app-a\x2db@c.service'")
    machine.run(r"systemctl daemon-reload; systemctl start 'app-a\x2db@c'")
    wait_until(lambda: machine.run(r"systemctl is-failed 'app-a\x2db@c'").returncode == 0, "a failed unit")
    assert run(inventory).message("host.failed_units@box") == (
        r"number of failed units is 1 (app-a\x2db@c.service), expected 0"
    )
    machine.run("systemctl reset-failed")


UNITS = r"""
cd /etc/systemd/system
unit() { printf "$2" > "$1"; }
unit work@.service '[Unit]\nPartOf=work.service\n[Service]\nExecStart=/bin/sleep infinity\n'
done='[Service]\nType=oneshot\nRemainAfterExit=yes\n'
unit work.service "[Unit]\nWants=work@a.service work@b.service\n${done}ExecStart=/bin/true\n"
unit alone.service "${done}ExecStart=/bin/true\n"
unit rules.service "${done}ExecStart=/bin/ls /\nExecStart=/bin/true\n"
unit gone.service '[Service]\nType=forking\nRemainAfterExit=yes\nExecStart=/bin/sh -c "sleep 0.1 &"\n'
unit loop.service '[Service]\nRestart=always\nRestartSec=1\nExecStart=/bin/sleep 3\n'
unit waits.service '[Service]\nRestart=always\nRestartSec=1h\nExecStart=/bin/false\n'
unit asked.socket '[Socket]\nListenStream=/run/asked\n'
unit asked.service '[Service]\nExecStart=/bin/cat\nStandardInput=socket\n'
unit once.service '[Service]\nType=oneshot\nExecStart=/bin/true\n'
unit once.timer '[Timer]\nOnActiveSec=1ms\nAccuracySec=1ms\nRemainAfterElapse=yes\n'
systemctl daemon-reload
systemctl start work alone rules gone loop asked.socket once.timer
systemctl start --no-block waits
"""
STATES = {
    "alone": "active (exited)",
    "gone": "active (exited)",
    "waits": "activating (auto-restart)",
    "asked": "inactive",
    "once.timer": "active (elapsed)",
    "work@b.service": "failed",
    "nothing@*": "not-found",
}


def test_units_that_are_active_and_run_nothing(run: Run, machine: Container) -> None:
    machine.run(UNITS)
    wait_until(lambda: "exited" in machine.run("systemctl show -p SubState gone").stdout, "a daemon that ends")
    wait_until(lambda: "elapsed" in machine.run("systemctl show -p SubState once.timer").stdout, "a timer")
    wait_until(lambda: "auto-restart" in machine.run("systemctl show -p SubState waits").stdout, "a restart")
    fine = host(machine, 'services = ["work", "rules.service", "asked.socket", "-.mount", "work@*"]')
    outcome = run(fine)
    assert outcome.verdict("host.services@box") == "ok", outcome.output
    judged = [measured["subject"] for measured in outcome["host.services@box"]["measurements"]]
    assert sorted(judged[:2]) == ["work@a.service", "work@b.service"]
    assert len(judged) == 7
    machine.run("systemctl kill -s KILL work@b")
    wait_until(lambda: machine.run("systemctl is-failed work@b").returncode == 0, "a failed part")
    names = ", ".join(f'"{name}"' for name in ("work", *STATES, "work@") if name != "work@b.service")
    outcome = run(host(machine, f"services = [{names}]"))
    assert outcome.verdict("host.services@box") == "breach P1"
    seen = {each["subject"]: each["value"] for each in outcome["host.services@box"]["measurements"]}
    assert seen == {"work@a.service": "active", **STATES, "work@": None}
    [template] = [m for m in outcome["host.services@box"]["measurements"] if m["subject"] == "work@"]
    assert template["problem"].startswith("it is a template; name an instance of it")
    for name, said in {
        "alone": "it runs nothing itself, name what it starts (systemctl list-dependencies)",
        "gone": "no process of it runs any more",
        "asked": "asked.socket starts it when it is due, name that",
        "work": "work@b.service is failed: a part of work.service",
        "work@*": "work@b.service is failed, expected active",
    }.items():
        assert said in run(host(machine, f'services = ["{name}"]')).message("host.services@box")


def test_a_service_that_does_not_stay_up(run: Run, machine: Container) -> None:
    """Whenever it is looked at: most of the time it is up."""
    machine.run(UNITS)
    wait_until(lambda: "=0" not in machine.run("systemctl show -p NRestarts loop").stdout, "a restart")
    inventory = host(machine, 'services = ["loop"]')
    wait_until(lambda: "running" in machine.run("systemctl show -p SubState loop").stdout, "it to be up")
    assert run(inventory).verdict("host.services@box") == "breach P1"
    machine.run("systemctl stop loop; sed -i 's/sleep 3/sleep infinity/' /etc/systemd/system/loop.service")
    machine.run("systemctl daemon-reload; systemctl start loop")
    machine.run("systemctl kill -s KILL loop")
    wait_until(lambda: "=1" in machine.run("systemctl show -p NRestarts loop").stdout, "a restart")
    assert run(inventory).verdict("host.services@box") == "ok", "it was started again once, and stays up"
    machine.run("systemctl stop loop")


def journal(machine: Container, keys: str, *, user: str = "") -> str:
    return host(machine, user=user) + f"[host.box.journal.loud]\n{keys}\n"


def test_lines_in_the_journal(run: Run, machine: Container) -> None:
    systemd.unit(machine, "app-loud", "echo all is well", "oneshot")
    inventory = journal(
        machine, 'unit = "app-loud"\npattern = "error"\nignore_case = true\nsince = "4h"\nexpect = "== 0"'
    )
    assert run(inventory).verdict("host.journal.loud@box") == "ok"
    systemd.unit(machine, "app-loud", "echo an Error; echo ERROR 2; echo fine; echo error 3, expected", "oneshot")
    systemd.unit(machine, "app-other", "echo an error of another", "oneshot")
    machine.run("journalctl --sync")
    outcome = run(inventory)
    assert outcome.verdict("host.journal.loud@box") == "breach P2"
    assert outcome.message("host.journal.loud@box") == (
        "lines with /error/ in the journal of app-loud is 3, expected 0"
    )
    rate = inventory.replace('since = "4h"\nexpect = "== 0"', 'ignore = "expected"\nexpect = { P1 = "< 2/h" }')
    outcome = run(rate)
    assert outcome.verdict("host.journal.loud@box") == "breach P1"
    assert "is 2/h" in outcome.message("host.journal.loud@box")
    time.sleep(2)
    assert run(inventory.replace('"4h"', '"1s"')).verdict("host.journal.loud@box") == "ok"


def test_priorities_of_the_journal(run: Run, machine: Container) -> None:
    machine.run("echo it hurts | systemd-cat -t app-hurt -p err; journalctl --sync")
    inventory = journal(machine, 'pattern = "it hurts"\npriority = "err"\nexpect = "== 0/h"')
    assert run(inventory).verdict("host.journal.loud@box") == "breach P2"
    assert run(inventory.replace('"err"', '"crit"')).verdict("host.journal.loud@box") == "ok"


def test_a_unit_that_does_not_exist_is_not_a_quiet_one(run: Run, machine: Container) -> None:
    outcome = run(journal(machine, 'unit = "app-nowhere"\nexpect = "== 0/h"'))
    assert outcome.verdict("host.journal.loud@box") == "unknown P2"
    assert "there is no unit app-nowhere" in outcome.message("host.journal.loud@box")


def test_a_journal_that_the_user_may_not_read(run: Run, machine: Container) -> None:
    """Journalctl shows nothing then, and exits with 0."""
    inventory = journal(machine, 'unit = "app-web"\npattern = "error"\nexpect = "== 0/h"', user="nobody@")
    outcome = run(inventory)
    assert outcome.verdict("host.journal.loud@box") == "unknown P2"
    assert "usermod -aG systemd-journal nobody" in outcome.message("host.journal.loud@box")
    machine.run("usermod -aG systemd-journal nobody")
    try:
        assert run(inventory).verdict("host.journal.loud@box") == "ok"
    finally:
        machine.run("gpasswd -d nobody systemd-journal")


def test_a_damaged_journal(run: Run, machine: Container) -> None:
    """Journalctl passes over what it can't read, says so on standard error, and exits with 0."""
    inventory = journal(machine, 'unit = "app-web"\npattern = "error"\nexpect = "== 0/h"')
    machine.run("cd /var/log/journal/*/ && head -c 100000 /dev/urandom > system@damaged.journal")
    try:
        outcome = run(inventory)
        assert outcome.verdict("host.journal.loud@box") == "unknown P2"
        assert "could not be read to its end" in outcome.message("host.journal.loud@box")
        machine.run("touch -d '3 hours ago' /var/log/journal/*/system@damaged.journal")
        assert run(inventory).verdict("host.journal.loud@box") == "ok", "it was damaged before the window"
    finally:
        machine.run("rm /var/log/journal/*/system@damaged.journal")
    assert run(inventory).verdict("host.journal.loud@box") == "ok"


def test_what_the_journal_takes(run: Run, machine: Container) -> None:
    inventory = host(machine, 'journal_size = "< 40MB"')
    assert run(inventory, suite="weekly").verdict("host.journal_size@box") == "ok"
    machine.run("head -c 60000000 /dev/zero > $(echo /var/log/journal/*)/system@large.journal")
    outcome = run(inventory, suite="weekly")
    machine.run("rm /var/log/journal/*/system@large.journal")
    assert outcome.verdict("host.journal_size@box") == "breach P2"
    assert "the journal is " in outcome.message("host.journal_size@box")
    assert run(inventory, suite="weekly").verdict("host.journal_size@box") == "ok"
