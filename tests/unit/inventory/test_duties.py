"""The tables [severity.P1]: who answers for a breach, within what time, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.core.duty import Duty
from pytest_opscheck.inventory import load
from pytest_opscheck.inventory.schema import schema

Errors = Callable[..., list[str]]
WORDS = '[opscheck]\nseverities = { critical = "P0" }\n'
HOST = "[host.a]\n"


def test_who_answers_and_how_soon(tmp_path: Path) -> None:
    """Also by the inventory's own word for a severity; either may be left out."""
    text = (
        f'{WORDS}[severity.critical]\nowner = "ops on call"\nanswer_within = "15m"\n'
        f'[severity.P1]\nanswer_within = "${{WITHIN}}"\n[severity.P3]\nowner = "the team"\n{HOST}'
    )
    (tmp_path / "opscheck.toml").write_text(text, encoding="utf-8")
    duties = load(tmp_path / "opscheck.toml", checks(), {"WITHIN": "1h"}).duties
    assert duties == {"P0": Duty("ops on call", 900.0), "P1": Duty(None, 3600.0), "P3": Duty("the team")}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("severity = 'P1'\n", "1: severity: it must be tables: [severity.P1]"),
        ("[severity]\nP1 = 'ops'\n", "2: severity.P1: it must be a table: [severity.P1]"),
        ("[severity.P4]\nowner = 'x'\n", "1: severity.P4: 'P4' is not a severity; it can be: P0, P1, P2, P3"),
        ("[severity.P1]\nowners = 'x'\n", "2: severity.P1.owners: unknown key; did you mean 'owner'?"),
        ("[severity.P1]\n", "1: severity.P1: it says nothing; add owner, or answer_within, or remove it"),
        (
            "[severity.P1]\nowner = ''\n",
            "2: severity.P1.owner: it must be a text on one line, for example 'ops on call'",
        ),
        (
            "[severity.P1]\nowner = 'a\\nb'\n".replace("'", '"'),
            "2: severity.P1.owner: it must be a text on one line, for example 'ops on call'",
        ),
        (
            "[severity.P1]\nanswer_within = 1\n",
            "2: severity.P1.answer_within: 1 is not a length of time; use for example '1h'",
        ),
        (
            "[severity.P1]\nanswer_within = '0s'\n",
            "2: severity.P1.answer_within: '0s' is not a length of time; use for example '1h'",
        ),
        (
            f"{WORDS}[severity.P0]\nowner = 'x'\n[severity.critical]\nowner = 'y'\n",
            "5: severity.critical: P0 is in the file under another name, too; keep one of them",
        ),
    ],
)
def test_what_is_wrong(errors: Errors, said: str, error: str) -> None:
    assert errors(said + HOST) == [error]


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ({"P1": {"owner": "x", "answer_within": "1h"}}, True),
        ({"critical": {"owner": "${OWNER}"}}, True),
        ({"P1": {}}, False),
        ({"P4": {"owner": "x"}}, False),
        ({"P1": {"answer_within": "soon"}}, False),
        ({"P1": {"owner": ""}}, False),
    ],
)
def test_the_schema(said: object, fits: bool) -> None:
    known = jsonschema.Draft202012Validator(schema(checks(), ["critical"]))
    assert known.is_valid({"severity": said, "host": {"a": {}}}) is fits
