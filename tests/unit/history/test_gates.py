"""What gates leave for later ones, in both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pytest_opscheck.history import Gated, History, gate_levels, gate_lines, last_go, note_gate, opened

from .conftest import MORNING


def gated(hours: int, level: float, verdict: str | None = None, baseline: Mapping[str, Any] | None = None) -> Gated:
    line = {"verdict": verdict} if verdict else {}
    return Gated("deploy_gate", MORNING + dt.timedelta(hours=hours), line, {"http.p95@api": level}, baseline)


def test_what_later_gates_find(history: History) -> None:
    with opened(history, create=True) as store:
        assert store is not None
        assert (gate_lines(store, "shop", 9), last_go(store, "shop", "deploy_gate")) == ([], None)
        for each in (gated(0, 1.0), gated(1, 2.0, "go", {"of": "1.4"}), gated(2, 9.0, "roll back")):
            note_gate(store, "shop", each)
        note_gate(store, "shop", gated(3, 3.0, "go", {"of": "1.5"}))
        note_gate(store, "another", gated(4, 7.0, "go", {"of": "7"}))
        assert [line["verdict"] for line in gate_lines(store, "shop", 2)] == ["roll back", "go"]
        assert gate_levels(store, "shop", "deploy_gate") == {"http.p95@api": (1.0, 2.0, 3.0)}
        assert gate_levels(store, "shop", "daily") == {}
        assert last_go(store, "shop", "deploy_gate") == {"of": "1.5"}
        kept = store.rows("SELECT number FROM opscheck_gate WHERE inventory = 'shop' AND baseline IS NOT NULL")
        assert len(kept) == 1, "the samples of the last go alone"
