"""A report format and a channel of another package stand beside ours."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from .conftest import Ntp, Project

INVENTORY = """
[ntp.here]
address = "{address}"
[report]
formats = ["csv"]
[notify.log]
channel = "syslog"
server = "127.0.0.1"
port = {port}
severities = ["P0", "P1"]
"""


@pytest.fixture
def syslog() -> Iterator[socket.socket]:
    """Listen on a free port of loopback, as a syslog server does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(30)
        yield udp


def test_its_report_stands_beside_ours_and_its_channel_is_told(
    project: Project, ntp: Ntp, syslog: socket.socket
) -> None:
    ntp.ahead_s = 2
    inventory = INVENTORY.format(address=ntp.address, port=syslog.getsockname()[1])
    project.write(inventory)
    assert project.opscheck("validate").returncode == 0
    assert "log (syslog): P0, P1" in project.opscheck("plan", "--notify").stdout
    done = project.pytest("-m", "smoke")
    assert done.returncode == 1, done.stdout + done.stderr
    reports = project.folder / "reports" / "smoke"
    lines = (reports / "latest.csv").read_text().splitlines()
    assert lines[0] == "id,verdict,severity,message"
    assert any(line.startswith("ntp.offset@here,breach,P1,") for line in lines)
    assert sorted(path.suffix for path in reports.glob("2*")) == [".csv", ".html", ".json", ".xml"]
    assert syslog.recv(1000).startswith(b"<105>1 - - opscheck - - - ntp.offset@here: 2 s, expected < 1 s")
    project.write(inventory.replace('"csv"', ""))  # a report that is not written any more would be another run's
    project.pytest("-m", "smoke")
    assert not (reports / "latest.csv").exists()


def test_what_is_wrong_in_the_inventory(project: Project) -> None:
    project.write(
        INVENTORY.format(address="127.0.0.1", port=0).replace('"csv"', '"cvs"')
        + '[notify.other]\nchannel = "sislog"\n[notify.third]\nchannel = "syslog"\nservr = "x"\n'
    )
    done = project.opscheck("validate")
    assert done.returncode == 4
    for said in (
        "report.formats[0]: no package that is installed adds a format 'cvs'; did you mean 'csv'?",
        "notify.log.port: ",
        "notify.other.channel: no package that is installed adds a channel 'sislog'; did you mean 'syslog'?",
        "notify.third.servr: unknown key; did you mean 'server'?",
    ):
        assert said in done.stderr, done.stderr


def test_what_fails_is_said_and_the_newest_reports_stay(project: Project, ntp: Ntp) -> None:
    """Neither is a fault of a target."""
    breaking = (
        "import pytest_opscheck_ntp.csv as made\n"
        "def render(run):\n    raise ValueError('of mine')\n"
        "object.__setattr__(made.report, 'render', render)\n"
    )
    inventory = INVENTORY.format(address=ntp.address, port=1).replace('severities = ["P0", "P1"]', 'again = "1s"')
    project.write(inventory)
    assert project.pytest("-m", "smoke").returncode == 0
    before = (project.folder / "reports/smoke/latest.json").read_bytes()
    project.write(inventory, conftest=breaking)
    done = project.pytest("-m", "smoke")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the format csv of the package pytest-opscheck-ntp 1.0 failed: ValueError: of mine" in done.stdout
    assert (project.folder / "reports/smoke/latest.json").read_bytes() == before
    assert "INTERNALERROR" not in done.stdout
