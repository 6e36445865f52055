"""A decision of a gate as a JUnit file: a case for each check, and one for the decision itself.

A failure is what rolls back, an error what leaves it undecided. What was broken before, is waived or could not be
judged is skipped, so that no reader counts it as passed. Jenkins' schema allows no properties of a case: they are the
suite's.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping

from ..core.results import Result, Verdict
from ..core.visible import plain
from ..gate.finding import Finding, Sort
from ..gate.values import Answer
from .gated import Gated, headed
from .phrases import short

SUITE = "opscheck.gate"
_NOT_XML = re.compile("[\ufffe\uffff]")
_SKIPPED = (Sort.UNKNOWN, Sort.GONE, Sort.INCOMPARABLE, Sort.ALREADY, Sort.WAIVED)
_OF_ANSWER = {Answer.ROLL_BACK: "failure", Answer.UNDECIDED: "error"}


def document(gated: Gated) -> bytes:
    """Return the JUnit file of a decision."""
    cases = [_decision(gated), *_checks(gated)]
    suite = ET.Element("testsuite", _attributes(gated, cases))
    _add_properties(suite, dict(_properties(gated)))
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _attributes(gated: Gated, cases: list[ET.Element]) -> dict[str, str]:
    outcomes = Counter(child.tag for case in cases for child in case)
    numbers = {"tests": len(cases)} | {
        name: outcomes[tag] for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    told = {"hostname": "who", "timestamp": "at", "time": "took_s"}
    attributes = {name: _text(str(gated.kept[key])) for name, key in told.items() if key in gated.kept}
    return {"name": SUITE, **{name: str(number) for name, number in numbers.items()}, **attributes}


def _add_properties(suite: ET.Element, values: Mapping[str, str]) -> None:
    properties = ET.SubElement(suite, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", {"name": _text(name), "value": _text(value)})


def _properties(gated: Gated) -> Iterator[tuple[str, str]]:
    yield "verdict", str(gated.answer)
    yield "why", gated.why
    for name in ("inventory", "suite", "version_before", "version"):
        if value := gated.kept.get(name):
            yield name, str(value)
    for name, result in sorted(gated.results.items()):
        yield from ((f"{name} {what}", value) for what, value in _values(result).items())


def _values(result: Result) -> dict[str, str]:
    """Return what was measured of a check, and what is expected of it."""
    worst = result.worst
    values = {"value": worst.observed or worst.problem, "limit": worst.expected} if worst is not None else {}
    return {name: value for name, value in values.items() if value}


def _decision(gated: Gated) -> ET.Element:
    case = ET.Element("testcase", {"classname": SUITE, "name": "decision"})
    _end(case, _OF_ANSWER.get(gated.answer), str(gated.answer), gated.why, gated.reasons[1:])
    return case


def _checks(gated: Gated) -> Iterator[ET.Element]:
    for result_id in sorted({*gated.results, *(each.id for each in gated.findings)}):
        result = gated.results.get(result_id)
        check, _, target = result_id.rpartition("@")
        case = ET.Element("testcase", {"classname": _text(target or SUITE), "name": _text(check or result_id)})
        _judge(case, gated.of_check(result_id), result)
        yield case


def _judge(case: ET.Element, finding: Finding | None, result: Result | None) -> None:
    values = [f"{name}: {value}" for name, value in _values(result).items()] if result is not None else []
    if finding is not None:
        _end(case, _outcome(finding), headed(finding), finding.message, [*finding.details, *values])
    elif result is not None:
        outcome = None if result.verdict is Verdict.OK else "skipped"
        _end(case, outcome, str(result.verdict), result.message, values)


def _outcome(finding: Finding) -> str | None:
    if finding.rolls_back or finding.leaves_undecided:
        return "failure" if finding.rolls_back else "error"
    return "skipped" if finding.sort in _SKIPPED else None


def _end(case: ET.Element, outcome: str | None, kind: str, message: str, lines: list[str]) -> None:
    """Say what came of a case; of one that passed, in what it has printed."""
    if outcome is None:
        ET.SubElement(case, "system-out").text = "\n".join(map(_text, (f"{kind}: {message}", *lines)))
        return
    attributes = {"type": kind, "message": short(message)}
    made = ET.SubElement(case, outcome, {name: _text(each) for name, each in attributes.items()})
    made.text = "\n".join(map(_text, (message, *lines)))


def _text(text: str) -> str:
    """Return text as one line that XML can carry."""
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):x}", plain(text))
