"""The inventory as values: targets, and what is expected of each."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._check import Check
from ..core.dayparts import Limits
from ..core.pending import Lasting
from ..core.secrets import Redactor
from ..core.suites import GATE
from ..core.vantage import DEFAULT
from ..history._place import History
from ..probes import Target
from .metrics import Metrics

if TYPE_CHECKING:
    from ..core.duty import Duty
    from ..core.extensions import ReportFormat
    from ..core.schedule import Schedule
    from .channels import Channel
    from .exempt import Exempt
    from .gate import Gate
    from .report import Mail
    from .sources import Listed
    from .waivers import Waiver
    from .windows import Window
    from .written import Written

FAIL_AT = "P3"
"""By default every breach fails the run."""
REPORTS_KEEP_S = 90 * 86400.0
"""How long the reports of a run stay in their folder."""
_ROUNDS = 200_000
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
"""What a target, or a user-defined question, may be called: it stands in node ids, reports and mails."""


def name_problem(name: str) -> str | None:
    """Return why a word can't be the name of a target or a question, None where it can."""
    if re.fullmatch(NAME, name):
        return None
    return f"{name!r} can't be a name; use letters, digits, '_', '-' and '.', a letter or digit first"


@dataclass(frozen=True)
class Suite:
    """A suite, and the severity from which a breach fails a run of it.

    `schedule` says when it runs by itself, `deadline_s` how long a run may take, and `heartbeat` is called then.
    """

    name: str
    fail_at: str = FAIL_AT
    schedule: Schedule | None = None
    deadline_s: float | None = None
    heartbeat: str | None = field(default=None, repr=False)

    @property
    def longest_s(self) -> float | None:
        """How long a run may take; None where nothing says it."""
        return self.schedule.deadline_s if self.schedule is not None else self.deadline_s


@dataclass(frozen=True, eq=False)
class InventoryTarget:
    """One target of the inventory: its kind, its opaque name, its keys and its tags.

    vantage: from where it is looked at. One that is looked at from several places is several: `shop#dmz`.
    """

    kind: str
    name: str
    keys: Target
    tags: tuple[str, ...] = ()
    vantage: str = DEFAULT

    @property
    def id(self) -> str:
        """For example `host.prod`."""
        return f"{self.kind}.{self.name}"

    @property
    def path(self) -> tuple[str, str]:
        """Its key in the inventory: `("host", "prod")`, from wherever it is looked at."""
        return self.kind, self.name.partition("#")[0]


@dataclass(frozen=True, slots=True)
class Step:
    """A next step that is the right one where another check, by its id, is not ok."""

    when: str
    action: str


@dataclass(frozen=True, eq=False)
class Expectation:
    """One check of one target, with all that the run needs: the default and the inventory's word put together.

    `name` is that of a user-defined question, for example `stuck_jobs`. `params` are the keyword arguments of its probe
    and its check. `covers` are the ids of the runbook's lines that it stands for. Of `steps`, the first whose condition
    holds is shown, else `action`. `runbooks` lead to its steps, and `runbook_says` are the limits that these say
    where it has others on purpose. `lasting` says how long a breach has to last before it counts.
    """

    check: Check
    target: InventoryTarget
    limits: Limits | None
    severity: str
    suites: tuple[str, ...]
    params: Mapping[str, Any]
    timeout_s: float
    name: str | None = None
    runbooks: tuple[str, ...] = ()
    runbook_says: tuple[str, ...] = ()
    action: str | None = None
    steps: tuple[Step, ...] = ()
    covers: tuple[str, ...] = ()
    lasting: Lasting | None = None

    @property
    def check_id(self) -> str:
        """For example `host.disk` or `postgres.query.stuck_jobs`."""
        return f"{self.check.id}.{self.name}" if self.name else self.check.id

    @property
    def runbook(self) -> str | None:
        """Where the step stands that is shown with a breach: the first of its links."""
        return self.runbooks[0] if self.runbooks else None

    @property
    def asked(self) -> dict[str, Any]:
        """What its probe is asked with. Expectations that differ in what should be alone share one reading."""
        return self.check.asked(self.params)

    @property
    def options(self) -> dict[str, Any]:
        """What its check gets beside the reading."""
        return {name: self.params[name] for name in self.check.options if name in self.params}

    @property
    def id(self) -> str:
        """For example `host.disk@prod`."""
        return f"{self.check_id}@{self.target.name}"

    @property
    def param_id(self) -> str:
        """What stands in brackets in the node id: the target, and a question's own name."""
        return f"{self.target.name}-{self.name}" if self.name else self.target.name

    def __repr__(self) -> str:
        return f"<{self.id}>"


@dataclass(frozen=True, eq=False)
class Inventory:
    """All that `opscheck.toml` says.

    `content` is the same for two processes that read the same text and find the same environment. `left_out` has the
    reasons of plugins for what they have left out of the expectations, by result id, `notes` what is accepted and
    should be written otherwise, `duties` who answers for a breach of a severity, `exempt` what of the runbook need not
    be checked, `vantages` are the places from where targets are looked at, beside the default one.
    """

    file: Path
    name: str
    timezone: zoneinfo.ZoneInfo | dt.timezone
    runbook: str | None
    severities: Mapping[str, str]
    suites: Mapping[str, Suite]
    targets: tuple[InventoryTarget, ...]
    expectations: tuple[Expectation, ...]
    history: History
    written: Written = field(repr=False)
    content: str = field(default="", repr=False)
    metrics: Metrics = field(default_factory=Metrics)
    windows: tuple[Window, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    channels: tuple[Channel, ...] = ()
    redactor: Redactor = field(default_factory=Redactor)
    mail: Mail | None = None
    reports_keep_s: float = REPORTS_KEEP_S
    formats: tuple[ReportFormat, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    gate: Gate | None = None
    duties: Mapping[str, Duty] = field(default_factory=dict)
    exempt: tuple[Exempt, ...] = ()
    vantages: tuple[str, ...] = ()
    lists: tuple[Listed, ...] = field(default=(), repr=False)

    @property
    def digest(self) -> str:
        """The same for two processes on one machine that read the same file, and find the same environment."""
        return hashlib.sha256(f"{self.file.resolve()} {self.content}".encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """What two machines know by that they have the same inventory and environment.

        It stands in results files, and secrets are part of what it is made of: so it takes long to make, and who tries
        to guess one by it gets nowhere.
        """
        return hashlib.pbkdf2_hmac("sha256", self.content.encode(), b"opscheck", _ROUNDS).hex()

    @property
    def gate_suite(self) -> str:
        """The suite that decides on a deploy."""
        return (self.gate.suite if self.gate is not None else None) or GATE

    def of_kind(self, kind: str) -> list[InventoryTarget]:
        """Return the targets of a kind, by name."""
        return sorted((target for target in self.targets if target.kind == kind), key=lambda target: target.name)

    @property
    def hosts(self) -> dict[str, str]:
        """How to get to the hosts, by their names."""
        return {target.name: target.keys.connect for target in self.of_kind("host")}  # type: ignore[attr-defined]

    def of_check(self, check_id: str) -> Iterator[Expectation]:
        """Yield what is expected in terms of one check, by target."""
        yield from sorted((e for e in self.expectations if e.check.id == check_id), key=lambda e: e.param_id)

    def target(self, kind: str, name: str) -> InventoryTarget | None:
        """Return a target, None where there is none of that name."""
        return next((t for t in self.targets if t.kind == kind and t.name == name), None)

    def now(self) -> dt.datetime:
        """Return this moment in the inventory's time zone."""
        return dt.datetime.now(self.timezone)
