"""A history as the tests of the status page need it: a shop whose daily suite ran for a while."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pytest_opscheck.catalogue import checks
from pytest_opscheck.core.results import Result, Run
from pytest_opscheck.history import Past, reading
from pytest_opscheck.inventory import Inventory, load
from pytest_opscheck.reports.status import Overview, Status

from .values import STARTED, run

SHOP = """
[opscheck]
name = "shop"
timezone = "America/New_York"
[suites.daily]
at = "08:00"
[severity.P1]
owner = "ops on call"
answer_within = "1h"
[host.prod]
"""


class Shop:
    """An inventory, its history and its reports, in a folder."""

    def __init__(self, folder: Path, inventory: str = SHOP) -> None:
        (folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
        self.inventory: Inventory = load(folder / "opscheck.toml", checks(), {})
        self.reports = folder / "reports"
        self._past = Past(self.inventory.history)
        self._number = 0

    def ran(self, *results: Result, days: float = 0.0, status: int | None = None, **fields: object) -> Run:
        """Record a run of some days ago, and return it."""
        self._number += 1
        at = STARTED.astimezone(self.inventory.timezone) - dt.timedelta(days=days)
        compared = self._past.compared(results, at)
        failed = any(result.fails for result in compared)
        made = replace(
            run(*compared, exit_status=int(failed) if status is None else status),
            id=str(self._number),
            started=at,
            finished=at + dt.timedelta(seconds=3),
            **fields,  # type: ignore[arg-type]
        )
        self._past.record(made)
        return made

    def left(self, suite: str, days: Iterable[float]) -> None:
        """Leave the pages of runs of some days ago."""
        (self.reports / suite).mkdir(parents=True, exist_ok=True)
        (self.reports / suite / "latest.json").touch()
        for each in days:
            at = STARTED.astimezone(self.inventory.timezone) - dt.timedelta(days=each)
            (self.reports / suite / f"{at:%Y-%m-%dT%H%M%S}.html").write_text(f"the page of {at}", encoding="utf-8")

    def status(self, hours: float = 1.0, ended: Run | None = None) -> Status:
        """Return what the status page shows so many hours after the newest run."""
        now = STARTED.astimezone(self.inventory.timezone) + dt.timedelta(hours=hours)
        with reading(self.inventory.history) as records:
            return Overview(self.inventory, self.reports, now, ended).status(records)
