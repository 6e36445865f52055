"""pytest's JUnit report carries our fields as properties, the same under -n."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

Project = Callable[..., pytest.Pytester]

INVENTORY = r"""
[opscheck]
name = "shop"
runbook = "docs/runbook.md"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.evil]
run = 'printf "\033[31m<red>\001&\377"'
stdout = "== fine"
action = "Mend it"
[host.gone]
connect = "ssh://nobody@127.0.0.1:1"
expect = { disk = false, memory = false, load = false }
"""
OWN = """
import pytest

@pytest.fixture
def broken():
    raise RuntimeError("no set-up")

@pytest.mark.daily
def test_set_up(broken, expect): ...

@pytest.mark.daily
def test_own_property(expect, record_property):
    record_property("mine", "1")
    expect(1, limit="< 5")
"""


def case_name(case: ET.Element) -> str:
    """Return a case as people read it: its class, and its name."""
    return f"{case.attrib['classname']} {case.attrib['name']}"


def cases(pytester: pytest.Pytester) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Return each test case's outcome and properties."""
    root = ET.parse(pytester.path / "reports" / "daily" / "latest.xml").getroot()
    return {
        case_name(case): (
            next((child.tag for child in case if child.tag != "properties"), "passed"),
            sorted((found.attrib["name"], found.attrib["value"]) for found in case.iter("property")),
        )
        for case in root.iter("testcase")
    }


def test_properties(project: Project) -> None:
    pytester = project(INVENTORY)
    pytester.makepyfile(test_own=OWN)
    pytester.runpytest_subprocess("-m", "daily")
    found = cases(pytester)
    outcome, properties = found["local host.command.evil"]
    assert outcome == "failure"
    said = dict(properties)
    assert len(said) == len(properties)
    assert "<red>" in said.pop("opscheck.observed")
    assert said == {
        "opscheck.id": "host.command.evil@local",
        "opscheck.title": "A user-defined command says that all is well",
        "opscheck.verdict": "breach",
        "opscheck.severity": "P2",
        "opscheck.target": "local",
        "opscheck.subject": "output",
        "opscheck.expected": "fine",
        "opscheck.runbook": "docs/runbook.md",
        "opscheck.action": "Mend it",
    }
    outcome, properties = found["gone host.cpu"]
    assert outcome == "skipped"
    assert dict(properties)["opscheck.blocked_by"] == "host.reachable@gone"
    outcome, properties = found["test_own test_set_up"]
    assert outcome == "error"
    assert dict(properties)["opscheck.verdict"] == "unknown"
    outcome, properties = found["test_own test_own_property"]
    assert outcome == "passed"
    assert {"mine": "1", "opscheck.verdict": "ok"}.items() <= dict(properties).items()

    assert list(found) == [
        "gone host.cpu",
        "gone host.reachable",
        "local host.command.evil",
        "local host.reachable",
        "test_own test_set_up",
        "test_own test_own_property",
    ]
    pytester.runpytest_subprocess("-m", "daily", "-n", "2")
    again = cases(pytester)
    assert again == found
    assert list(again)[:4] == list(found)[:4], "workers end in any order"
