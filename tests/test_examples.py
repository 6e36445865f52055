"""The examples cover every line of the five runbooks, and link to headings that their runbooks have."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from examples import coverage
from examples.stack import NAMES, Stack
from pytest_opscheck.runbook import lock
from pytest_opscheck.runbook.compared import compared
from pytest_opscheck.runbook.coverage import coverage as covered
from pytest_opscheck.runbook.drift import verified


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


@pytest.mark.parametrize("name", NAMES)
def test_every_statement_of_a_runbook_is_checked_or_exempt_and_nothing_has_drifted(name: str) -> None:
    """By each of its inventories nothing differs, and by the first everything is checked."""
    percents = []
    for inventory in coverage.inventories(name).values():
        both = compared(inventory, (), dt.date(2026, 11, 20))
        found = verified(both, lock.read(lock.place(inventory.file)))
        assert [str(each) for each in found.drifts] == []
        assert found.unneeded == []
        percents.append(covered(both, {}, inventory.now()).percent)
    assert percents[0] == 100


def test_who_is_told_and_when_nobody_is() -> None:
    """IF-47 and IF-48, as the runbook says them."""
    [inventory] = coverage.inventories("income-fortress").values()
    told = {
        severity: sorted(each.name for each in inventory.channels if severity in each.severities)
        for severity in ("P0", "P1", "P2", "P3")
    }
    assert told["P0"] == ["ops_critical", "pager", "sms"]
    assert told["P1"] == ["mail", "ops"]
    assert told["P2"] == told["P3"] == ["digest", "notifications"]

    def last_open_hour(day: str) -> int | None:
        """Return the last hour of a day at whose beginning a window is open."""
        hours = [
            dt.datetime.fromisoformat(f"{day}T{hour:02}:00").replace(tzinfo=inventory.timezone) for hour in range(24)
        ]
        inside = [hour.hour for hour in hours if any(w.open(hour, inventory.timezone) for w in inventory.windows)]
        assert not inside or inside[0] == 2
        return max(inside, default=None)

    days = ("2026-11-22", "2026-12-06", "2027-01-03", "2026-11-23")  # a Sunday, a month's first, a quarter's; a Monday
    assert [last_open_hour(day) for day in days] == [3, 5, 7, None]
