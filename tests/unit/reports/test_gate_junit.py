"""A decision as a JUnit file: nobody counts as passed what was not, and every reader takes it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings

from pytest_opscheck.core.results import Verdict
from pytest_opscheck.gate.finding import Sort
from pytest_opscheck.reports.gate_junit import document
from pytest_opscheck.reports.gated import Gated

from ..nasty import steers, texts
from . import values
from .gates import finding, gated, kept, well

NO_SUCH = {"rolls_back": False}
OF_SCHEMA = {
    "testsuites": (("testsuite",), set()),
    "testsuite": (
        ("properties", "testcase"),
        {"name", "tests", "failures", "errors", "skipped", "hostname", "timestamp", "time"},
    ),
    "properties": (("property",), set()),
    "property": ((), {"name", "value"}),
    "testcase": (("failure", "error", "skipped", "system-out"), {"classname", "name"}),
    "failure": ((), {"type", "message"}),
    "error": ((), {"type", "message"}),
    "skipped": ((), {"type", "message"}),
    "system-out": ((), set()),
}
"""What Jenkins' junit-10.xsd allows of each element, as far as it is used."""


def suite(of: Gated) -> ET.Element:
    """Return the suite of a document, which keeps to the schema."""
    root = ET.fromstring(document(of))
    for element in root.iter():
        children, attributes = OF_SCHEMA[element.tag]
        assert {child.tag for child in element} <= set(children)
        assert element.attrib.keys() <= attributes
    found = root.find("testsuite")
    assert found is not None
    return found


def outcomes(of: Gated) -> dict[str, str]:
    """Return what came of each case."""
    return {f"{case.get('name')}@{case.get('classname')}": case[0].tag for case in suite(of).iter("testcase")}


@pytest.mark.parametrize(
    ("sort", "more", "outcome"),
    [
        (Sort.BROKE, {}, "failure"),
        (Sort.WORSE, {}, "failure"),
        (Sort.FLAPPING, {}, "failure"),
        (Sort.ALREADY, {"rolls_back": True}, "failure"),
        (Sort.UNKNOWN, {"leaves_undecided": True}, "error"),
        (Sort.GONE, {"leaves_undecided": True}, "error"),
        (Sort.INCOMPARABLE, {"leaves_undecided": True}, "error"),
        (Sort.ALREADY, NO_SUCH, "skipped"),
        (Sort.WAIVED, NO_SUCH, "skipped"),
        (Sort.UNKNOWN, NO_SUCH, "skipped"),
        (Sort.INCOMPARABLE, NO_SUCH, "skipped"),
        (Sort.MILD, NO_SUCH, "system-out"),
        (Sort.BLIP, NO_SUCH, "system-out"),
        (Sort.MENDED, NO_SUCH, "system-out"),
    ],
)
def test_what_each_finding_is_to_a_reader(sort: Sort, more: dict[str, Any], outcome: str) -> None:
    found = gated(finding(sort, **more), results=(well("host.disk@prod"), well("host.memory@prod")))
    decision = outcome if outcome in ("failure", "error") else "system-out"
    assert outcomes(found) == {
        "decision@opscheck.gate": decision,
        "host.disk@prod": outcome,
        "host.memory@prod": "system-out",
    }
    numbers = {name: suite(found).get(name) for name in ("tests", "failures", "errors", "skipped")}
    counts = [decision, outcome, "system-out"]
    assert numbers == {
        "tests": "3",
        **{f"{each}s": str(counts.count(each)) for each in ("failure", "error")},
        "skipped": str(counts.count("skipped")),
    }


def test_what_was_not_judged_is_not_passed() -> None:
    verdicts = set(Verdict) - {Verdict.OK}
    found = outcomes(gated(results=tuple(well(f"host.{verdict}@prod", verdict) for verdict in verdicts)))
    assert found.pop("decision@opscheck.gate") == "system-out"
    assert set(found.values()) == {"skipped"}
    assert len(found) == len(verdicts)


def test_what_is_gone_has_a_case() -> None:
    found = gated(finding(Sort.GONE, "http.p95@api", severity=None, leaves_undecided=True))
    assert outcomes(found) == {"decision@opscheck.gate": "error", "http.p95@api": "error"}


def test_a_decision_without_a_finding_is_a_case() -> None:
    """Another version answers; a gate that was ended early; one that could not begin."""
    assert outcomes(gated(verdict="roll back", why="2 of 4 answers came from 1.4")) == {
        "decision@opscheck.gate": "failure"
    }
    assert outcomes(gated(partial=True)) == {"decision@opscheck.gate": "error"}
    assert outcomes(Gated.of({"verdict": "undecided", "why": "there is no baseline x"})) == {
        "decision@opscheck.gate": "error"
    }


def test_a_case_says_what_was_measured_and_expected() -> None:
    found = suite(gated(finding(details=("100 requests before, 20 after",)), results=(well("host.disk@prod"),)))
    failure = found.find("testcase/failure[@type='broke P1']")
    assert failure is not None
    assert failure.text is not None
    assert failure.text.splitlines()[1:] == ["100 requests before, 20 after", "value: 5 %", "limit: < 90 %"]
    properties = {each.get("name"): each.get("value") for each in found.iter("property")}
    assert properties["verdict"] == "roll back"
    assert (properties["version_before"], properties["version"]) == ("1.4", "1.5")
    assert (properties["host.disk@prod value"], properties["host.disk@prod limit"]) == ("5 %", "< 90 %")


def test_a_case_shows_what_was_broken_rather_than_what_came_after() -> None:
    looks = [values.run(each).to_json() for each in (values.result(), values.ok())]
    for found, outcome in (((finding(Sort.BLIP, rolls_back=False),), "value: 95 %"), ((), "value: 5 %")):
        said = suite(Gated.of({**kept(*found), "after": looks})).findtext("testcase[@name='host.disk']/system-out")
        assert said is not None
        assert outcome in said.splitlines()


@given(text=texts)
@settings(max_examples=60, deadline=None)
def test_whatever_a_target_says_it_stays_a_document(text: str) -> None:
    text += "\ufffe\uffff"
    said = kept(finding(message=text, details=(text,)), results=(well("host.disk@prod", message=text),), version=text)
    found = suite(Gated.of(said))
    for element in found.iter():
        for each in (*element.attrib.values(), element.text or ""):
            assert not steers(each)
    assert len(list(found.iter("testcase"))) == 2
