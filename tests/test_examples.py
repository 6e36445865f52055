"""The examples cover every line of the five runbooks, and link to headings that their runbooks have."""

from __future__ import annotations

import re

import pytest

from examples import coverage
from examples.stack import NAMES, Stack


def test_the_page_of_what_is_covered_is_up_to_date() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "run python -m examples.coverage"


@pytest.mark.parametrize("letters", coverage.RUNBOOKS)
def test_every_line_of_a_runbook_is_covered_or_comes_later(letters: str) -> None:
    name, count = coverage.RUNBOOKS[letters]
    found = coverage.covering(letters)
    assert len(found) == count, "an id that the runbook does not have"
    without = {line for line, checks in found.items() if not checks} - coverage.LATER.keys() - coverage.OTHERWISE.keys()
    assert without == set(), name


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_headings_of_the_runbook(name: str) -> None:
    folder = Stack(name).folder
    headings = re.findall(r"^#+ (.+)$", (folder / "runbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    said = {e.runbook for each in coverage.inventories(name).values() for e in each.expectations if e.covers}
    assert None not in said, "a line of the runbook without a link to it"
    assert {str(link).removeprefix("#") for link in said} <= anchors
