"""One cause, one failure; but a cause that fails nothing hides nothing that is more severe than itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import results, verdicts

Project = Callable[..., pytest.Pytester]

NO_BACKUP = """
[suites.daily]
fail_at = "{fail_at}"
[backup.a]
path = "/no-such-folder/*.gz"
[backup.a.expect]
size = {{ P3 = "> 1 kB" }}
"""
GONE = """
[suites.daily]
fail_at = "P1"
[host.gone]
connect = "docker://no-such-container"
[host.gone.expect]
reachable = {reachable}
disk = {{ P1 = "< 90%" }}
memory = {{ P3 = "< 90%" }}
load = false
cpu = false
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_a_mild_breach_blocks_fails_by_its_own_severity(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(NO_BACKUP.format(fail_at="P1"))
    assert pytester.runpytest_subprocess("-m", "daily", *workers).ret == 1
    assert verdicts(pytester) == {"backup.fresh@a": "breach", "backup.intact@a": "unknown", "backup.size@a": "blocked"}
    found = results(pytester)["backup.intact@a"]
    assert (found["severity"], found["fails"]) == ("P1", True)
    assert "backup.fresh@a is a breach of P2 and does not fail the run" in found["message"]


def test_one_cause_is_one_failure(project: Project) -> None:
    pytester = project(NO_BACKUP.format(fail_at="P2"))
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    assert verdicts(pytester) == {"backup.fresh@a": "breach", "backup.intact@a": "blocked", "backup.size@a": "blocked"}


def test_a_host_that_is_gone_and_only_warns(project: Project) -> None:
    pytester = project(GONE.format(reachable='{ severity = "P2" }'))
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    assert verdicts(pytester) == {
        "host.reachable@gone": "breach",
        "host.disk@gone": "unknown",
        "host.memory@gone": "blocked",
    }


def test_a_host_that_is_gone_for_a_short_time(project: Project) -> None:
    """Until its time is over neither it nor what it blocks fails; then it fails itself."""
    pytester = project("[host.gone]\n" + "expect = { reachable = { for = '5m' }, load = false, cpu = false }\n")
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    inventory = pytester.path / "opscheck.toml"
    inventory.write_text(inventory.read_text().replace("[host.gone]\n", GONE_HOST))
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    found = results(pytester)
    assert {name: result["verdict"] for name, result in found.items()} == {
        "host.reachable@gone": "breach",
        "host.disk@gone": "blocked",
        "host.memory@gone": "blocked",
    }
    assert "counts after 5 min" in found["host.reachable@gone"]["pending"]


GONE_HOST = '[host.gone]\nconnect = "docker://no-such-container"\n'
