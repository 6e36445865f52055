"""One pytest session in which checks were asked for: it reads the inventory, and knows who collects, runs and tells.

It lives in pytest's stash, in every process of the run. What people are told lives in the reporter, on the controller.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from .. import catalogue
from ..core.humanize import counted
from ..core.limits import SEVERITIES
from ..core.results import Result
from ..core.visible import plain
from ..inventory import Inventory, load
from ..settings import Glance, home, inventory_file, reports_folder, setting
from . import fixtures, order
from .carried import carried_in, end_with_worker, require_variables
from .chosen import chosen, keep_chosen
from .collection import Collection
from .deadline import Deadlines
from .due import Due
from .ending import Ending
from .hooked import without_left_out
from .looking import asked_of, look_of, looked_at
from .masked_logs import Masking
from .masked_reports import Masked
from .order import InOrder
from .runner import Runner
from .selection import asked_suites
from .sharding import keep_parted, part_of, parted


class Session:
    """What the processes of a run share: the inventory, the suites, what is collected, and what runs it."""

    def __init__(self, config: pytest.Config, inventory: Inventory, suites: tuple[str, ...], ending: Ending) -> None:
        self.config = config
        self.look = look_of(config)
        self.ending = ending
        self.part = part_of(config, inventory) if self.look is None else None
        self.inventory = inventory = parted(looked_at(inventory, self.look), self.part)
        self.suites = suites
        self.due = Due(inventory, suites)
        self.only = chosen(config, inventory)
        self.collection = Collection(config, inventory, suites, self.due)
        fail_at, longest_s = _fail_at(config, inventory, suites), _longest_s(inventory, suites)
        self.masked = Masked(config, inventory.redactor)
        self.runner = Runner(
            config, inventory, fail_at, "+".join(suites) or None, longest_s, look=self.look, part=self.part
        )

    @classmethod
    def open(cls, config: pytest.Config, file: Path, seen: Glance, ending: Ending) -> Session:
        """Read the inventory, add the shipped checks to what is collected, and set the reports up.

        Raises InventoryError.
        """
        checks = catalogue.checks(seen.tables)
        is_carried = carried_in(config) is not None
        inventory = load(
            file,
            checks,
            reports=reports_folder(config),
            known=seen.read,
            asked=asked_of(config),
            assumes=is_carried,
        )
        if is_carried:
            require_variables(inventory)
            end_with_worker()
        inventory = without_left_out(config, inventory)
        session = cls(config, inventory, asked_suites(config.option.markexpr or "", seen.suites), ending)
        ending.last_words.append(session.runner.close)
        config.pluginmanager.register(fixtures.fixtures(session.inventory, session.runner), "opscheck-fixtures")
        config.pluginmanager.register(Masking(inventory.redactor), "opscheck-masking")
        config.pluginmanager.register(session.masked, "opscheck-masked")
        config.pluginmanager.register(Deadlines(session.runner, config), "opscheck-deadlines")
        config.pluginmanager.register(InOrder(session.runner.waiting), order.NAME)
        return session

    def keep_chosen(self, items: list[pytest.Item]) -> None:
        """Deselect what is not of the targets that the command line asks for."""
        keep_chosen(self.config, items, self.only, self.inventory)
        keep_parted(self.config, items, self.part, self.inventory, self.due)

    def is_narrowed(self) -> bool:
        """Tell whether whole files may have been left out, of which pytest says nothing: by --lf, or by names."""
        return (
            bool(getattr(self.config.option, "lf", False) or self.collection.named) or not self.collection.with_shipped
        )

    @property
    def has_none(self) -> bool:
        """Whether this shard has nothing to judge: of few targets in many shards some have none."""
        return self.part is not None and self.part.shard.of > 1 and not self.due.owed

    def header(self) -> str:
        """Return the one line that says what the run is about."""
        planned = [e for e in self.inventory.expectations if not self.suites or set(e.suites) & set(self.suites)]
        planned = [e for e in planned if self.only is None or e.target.id in self.only]
        hosts = {e.target.keys.host() if e.target.kind != "host" else e.target.name for e in planned}
        suite = "+".join(self.suites) or "no suite, individually named checks"
        counts = ", ".join(
            counted(number, word)
            for number, word in (
                (len({e.target for e in planned}), "target"),
                (len(planned), "check"),
                (len([host for host in hosts if host is not None]), "host"),
            )
        )
        file = inventory_file(self.config)
        shown = file.name if file is not None and file.parent == home(self.config) else file
        name = plain(self.inventory.redactor.text(self.inventory.name))
        only = f", only {plain(setting(self.config, 'only') or '')}" if self.only is not None else ""
        only += f", {self.part}" if self.part is not None else ""
        return f"opscheck: {name} ({plain(str(shown))}), suite {suite}{only}: {counts}"

    def uncovered(self, results: Iterable[Result]) -> tuple[str, ...]:
        """Return the targets of which a run has no result; of a part of a run others may have it."""
        if self.part is not None:
            return ()
        judged = {(result.check.partition(".")[0], result.target) for result in results}
        return tuple(target.id for target in self.inventory.targets if (target.kind, target.name) not in judged)


def _fail_at(config: pytest.Config, inventory: Inventory, suites: tuple[str, ...]) -> str:
    """Return from which severity a breach fails the run: the option's, else the mildest of the suites that run."""
    if text := setting(config, "fail_at"):
        severity = inventory.severities.get(text, text)
        if severity not in SEVERITIES:
            words = ", ".join([*SEVERITIES, *inventory.severities])
            raise pytest.UsageError(f"--opscheck-fail-at {text}: no such severity; use one of {words}")
        return severity
    return max((inventory.suites[suite].fail_at for suite in suites), default="P3")


def _longest_s(inventory: Inventory, suites: tuple[str, ...]) -> float | None:
    """Return how long a run may take: as long as the suite that may take longest, None where one may take any time."""
    limits = [inventory.suites[suite].longest_s for suite in suites]
    longest = [seconds for seconds in limits if seconds is not None]
    return max(longest) if longest and len(longest) == len(limits) else None
