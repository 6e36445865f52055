"""The words that pytest and the inventory share: suites, which are markers. Light, for runs that ask for none."""

from __future__ import annotations

import keyword
import re

SUITES = ("smoke", "deploy_gate", "daily", "weekly", "monthly")
GATE = "deploy_gate"
"""The suite in which a breach counts at once: it is asked one time, and no later run would tell that a breach lasts."""
DEPENDED_ON = ("smoke", "deploy_gate", "daily")
"""The suites in which `reachable` runs, beside those of the checks that depend on it."""
TABLES = (
    "opscheck",
    "suites",
    "history",
    "report",
    "maintenance",
    "waiver",
    "notify",
    "gate",
    "severity",
    "include",
    "defaults",
    "template",
    "group",
    "source",
    "runbook",
    "vantage",
)
"""The inventory's tables beside those of the targets."""
TAGS = "tags"
"""The key of every target that has the words by which it is chosen."""
RESERVED = (
    "expect",
    "request",
)
"""Words that no kind of target may have for its name."""
ATTRIBUTE = "__opscheck__"
"""Where a test function keeps what `@check` says of it."""
_PYTEST_MARKS = frozenset(
    (
        "filterwarnings",
        "opscheck",
        "parametrize",
        "skip",
        "skipif",
        "timeout",
        "tryfirst",
        "trylast",
        "usefixtures",
        "xfail",
    )
)


def suite_problem(name: str) -> str | None:
    """Return why a word can't be a suite's name, None where it can: it becomes a pytest marker."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is None or keyword.iskeyword(name):
        return f"{name!r} cannot be a pytest marker; use letters, digits and _"
    if name in _PYTEST_MARKS:
        return f"{name!r} is a marker of pytest's own; use another word"
    return None
