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
