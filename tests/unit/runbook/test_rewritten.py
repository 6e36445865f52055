"""A runbook is rewritten: every edit that changes what it says is found, and hardly ever one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import coverage
from examples.stack import NAMES, Stack
from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import Inventory, load
from pytest_opscheck.runbook import lock
from pytest_opscheck.runbook.compared import Compared, compared
from pytest_opscheck.runbook.drift import Verified, verified
from pytest_opscheck.runbook.headings import slug
from pytest_opscheck.runbook.importing import imported
from tests.unit.runbook.measure import CORPUS
from tests.unit.runbook.rewriting import HARMLESS, Real
from tests.unit.runbook.test_importing import ENVIRONMENT, filled

pytestmark = pytest.mark.slow

PAGES = ("small-shop", "vm-postgres", "trading", "saas-tables", "incident-first", "exploitation")
ADDRESSES = {
    "DATABASE_URL": "postgresql://127.0.0.1/x",
    "DSN": "postgresql://127.0.0.1/x",
    "REDIS": "redis://127.0.0.1",
}


def drafted(folder: Path, page: str) -> Inventory:
    """Return the inventory that import makes of a runbook, each TODO filled in."""
    (folder / "runbook.md").write_text(page, encoding="utf-8")
    made = imported([folder / "runbook.md"], folder / "opscheck.toml")
    (folder / "opscheck.toml").write_text(filled(made.draft), encoding="utf-8")
    return load(folder / "opscheck.toml", checks(), ENVIRONMENT)


def after(inventory: Inventory, page: str) -> tuple[Verified, Compared]:
    """Return what verifying says of an inventory whose runbook is now this page."""
    inventory.file.with_name("runbook.md").write_bytes(page.encode())
    both = compared(inventory, (), inventory.now().date())
    return verified(both, lock.read(lock.place(inventory.file))), both


def missed_and_cried(
    inventory: Inventory, page: str, lines: list[int], anchored: list[str]
) -> tuple[list[str], list[str]]:
    """Return the real edits that were not found, and the harmless ones that were."""
    missed = [name for name, new in Real(page, lines, anchored).all() if not after(inventory, new)[0].drifts]
    cried = [edit.__name__ for edit in HARMLESS if (new := edit(page)) and after(inventory, new)[0].drifts]
    return missed, cried


def lines_and_headings(both: Compared, page: str) -> tuple[list[int], list[str]]:
    """Return the lines of which there are checks, and the headings to which they link."""
    judged = [each for each, judges in both.proposals() if judges and each.is_sure]
    lines = sorted({statement.line for each in judged for statement in each.statements if statement.line > 1})
    anchors = {link.anchor for each in both.expected for link in each.links}
    headings = [line for line in page.split("\n") if line.startswith("##") and slug(line.lstrip("# ")) in anchors]
    return lines, headings


@pytest.mark.parametrize("name", PAGES)
def test_a_runbook_that_a_draft_was_made_of(name: str, tmp_path: Path) -> None:
    page = (CORPUS / f"{name}.md").read_text(encoding="utf-8")
    inventory = drafted(tmp_path, page)
    found, both = after(inventory, page)
    assert [str(each) for each in found.drifts] == []
    assert missed_and_cried(inventory, page, *lines_and_headings(both, page)) == ([], [])


@pytest.mark.parametrize("name", NAMES)
def test_the_runbook_of_an_example(name: str, tmp_path: Path) -> None:
    """Their inventories were written by hand: what the runbooks said is in their locks."""
    known = coverage.inventories(name)["opscheck.toml"]
    for file in ("opscheck.toml", "opscheck.lock", "runbook.md"):
        (tmp_path / file).write_bytes(known.file.with_name(file).read_bytes())
    inventory = load(tmp_path / "opscheck.toml", checks(), Stack(name).environment)
    page = (tmp_path / "runbook.md").read_text(encoding="utf-8")
    found, both = after(inventory, page)
    assert [str(each) for each in found.drifts] == []
    assert missed_and_cried(inventory, page, *lines_and_headings(both, page)) == ([], [])
