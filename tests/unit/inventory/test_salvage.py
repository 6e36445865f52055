"""Of a file that is not TOML as a whole, the tables that can be read are read, and of the others it is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import InventoryError, load
from pytest_opscheck.inventory.problems import Problems
from pytest_opscheck.inventory.salvage import salvaged
from pytest_opscheck.inventory.written import Source, Written

TEXT = """
[opscheck]
name = "shop"
[suites.daily]
heartbeat = "https://hc.example.com/ping"
[notify.chat]
file = = "alerts.jsonl"
[[waiver]]
result = "a"
[[waiver]]
result = "b"
[history
url = "postgresql://x"
"""


def test_table_by_table() -> None:
    problems = Problems(Written(Source("opscheck.toml", TEXT)))
    found = salvaged(TEXT, problems)
    assert found == {
        "opscheck": {"name": "shop"},
        "suites": {"daily": {"heartbeat": "https://hc.example.com/ping"}},
        "waiver": [{"result": "a"}, {"result": "b"}],
    }
    assert problems.wrong == {("notify", "chat"), ("history",)}
    salvaged("[opscheck]\n[= x]\n", nameless := Problems(Written(Source("opscheck.toml"))))
    assert nameless.wrong == {("opscheck",), ("history",)}


def test_what_an_error_concerns_is_known(tmp_path: Path) -> None:
    """The error is the parser's, with its line."""
    file = tmp_path / "opscheck.toml"
    file.write_text(TEXT, encoding="utf-8")
    with pytest.raises(InventoryError, match=r"opscheck\.toml:7: .*not a valid TOML value") as caught:
        load(file, checks())
    error = caught.value
    assert error.known is not None
    assert (error.known.name, error.known.suites["daily"].heartbeat) == ("shop", "https://hc.example.com/ping")
    paths = (("history",), ("opscheck", "name"), ("notify", "chat"))
    assert [error.concerns(*path) for path in paths] == [True, False, True]
