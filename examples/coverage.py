"""Writes COVERAGE.md: which check covers each line of the five runbooks. `python -m examples.coverage`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from examples.stack import NAMES, Stack
from pytest_opscheck import catalogue
from pytest_opscheck.inventory import Inventory, load

PAGE = Path(__file__).with_name("COVERAGE.md")
RUNBOOKS = {
    "IF": ("income-fortress", 50),
    "FS": ("financial-stronghold", 22),
    "AP": ("analytics-platform", 27),
    "SD": ("saas-django", 24),
    "TB": ("trading-bot", 37),
}
"""The runbooks by the letters of their ids: the example's folder, and how many lines there are."""
LATER = {
    "IF-49": "how soon a severity is to be answered",
    "FS-20": "how soon a severity is to be answered",
    "AP-27": "how soon a severity is to be answered",
    "SD-06": "a suite that is watched for a while",
    "SD-23": "the verdict of a gate, compared with the run before",
    "SD-24": "how soon a severity is to be answered",
    "TB-11": "the record of a deploy",
    "TB-12": "a suite that is watched for a while",
}
"""The lines that later work is for."""
OTHERWISE = {
    "FS-19": "`[report.mail]`: the subject begins with the worst severity",
    "AP-17": '`every = "5m"` in `[suites.smoke]`, by which `opscheck schedule` makes a timer',
    "IF-47": "`[notify.pager]` and the others of the inventory",
    "IF-48": "`[maintenance.week]`, `[maintenance.month]` and `[maintenance.quarter]`",
    "AP-24": "the run's exit status; `deploy.sh` rolls back where it is not 0",
    "AP-25": '`[report.mail]` with `when = "warning"`',
    "TB-17": "`opscheck report`",
}
"""The lines that are kept by something else than a check."""
HEAD = """# What covers the runbooks' lines

This page is written by `examples/coverage.py` from the five inventories.

"""


def inventories(name: str) -> Mapping[str, Inventory]:
    """Return an example's inventories by their files' names, read with what its stack would set."""
    stack = Stack(name)
    return {file: load(stack.folder / file, catalogue.checks(), stack.environment) for file in stack.inventories}


def covering(letters: str) -> Mapping[str, list[str]]:
    """Return the checks that cover each line of a runbook, by the line's id."""
    name, count = RUNBOOKS[letters]
    found: dict[str, list[str]] = {f"{letters}-{number:02}": [] for number in range(1, count + 1)}
    for file, inventory in inventories(name).items() if name in NAMES else ():
        where = "" if file == "opscheck.toml" else f" of {file}"
        for expectation in inventory.expectations:
            for line in expectation.covers:
                found.setdefault(line, []).append(f"`{expectation.id}`{where}")
    return found


def page() -> str:
    """Return the page."""
    return HEAD + "\n".join(line for letters in RUNBOOKS for line in _table(letters))


def _table(letters: str) -> Iterator[str]:
    name, _ = RUNBOOKS[letters]
    yield f"## [{name}]({name}/opscheck.toml)\n"
    yield "| line | covered by |\n| --- | --- |"
    for line, checks in covering(letters).items():
        said = [", ".join(checks)] if checks else []
        said += [OTHERWISE[line]] if line in OTHERWISE else []
        said += [f"later: {LATER[line]}"] if line in LATER else []
        yield f"| {line} | {'; '.join(said)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
