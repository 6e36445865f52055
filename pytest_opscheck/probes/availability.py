"""Availability: the share of past runs in which a check was ok. Nothing is contacted; the run history answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from ..core.errors import UnknownError
from ..core.humanize import counted
from ..core.results import Verdict
from ..core.units import parse_time
from ..history import HistoryError, reading
from ..history._place import History
from ._kind import Kind, PastResults, Target

LEAST_RUNS = 10
"""With fewer the share says more about chance than about the target."""
_LEFT_OUT = (Verdict.MAINTENANCE, Verdict.WAIVED)
"""What was agreed on is not an outage."""


class Availability(Target):
    """Past results of one check."""

    of: str = Field(min_length=1, description="the id of the check whose past results count: `http.status@api`")
    over: Annotated[float, BeforeValidator(parse_time), WithJsonSchema({"type": "string"})] = Field(
        default=30 * 86400.0, description="how far back they count, for example `7d`; by default `30d`"
    )

    def past(self) -> PastResults:
        """Return which past results count."""
        return PastResults(self.of, self.over)


kind = Kind("availability", Availability, "the share of past runs in which a check was ok")


@dataclass(frozen=True, slots=True)
class Share:
    """Past results of a check by verdict; those of maintenance and of what was waived are not among them."""

    of: str
    counts: Mapping[Verdict, int]

    @property
    def runs(self) -> int:
        """How many count."""
        return sum(self.counts.values())

    @property
    def percent(self) -> float:
        """Those that were ok, of all that count."""
        return 100 * self.counts.get(Verdict.OK, 0) / self.runs

    @property
    def breakdown(self) -> str:
        """How many runs there were, and what the others were: `of 720 runs: 5 breach, 1 unknown`."""
        others = ", ".join(
            f"{number} {verdict}" for verdict, number in self.counts.items() if verdict is not Verdict.OK
        )
        return f"of {self.runs} runs" + (f": {others}" if others else "")


@kind.probe()
def uptime(target: Availability, *, past: Annotated[History, WithJsonSchema({})]) -> Share:
    """Past results of the check within the time, by verdict.

    What was unknown was not seen to be up, and what was blocked had something down before it: neither is ok.
    """
    since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=target.over)
    try:
        with reading(past) as records:
            found = records.counts(since, check_id=target.of) if records is not None else {}
    except HistoryError as error:
        raise UnknownError(str(error)) from None
    verdicts = found.get(target.of, {})
    share = Share(
        target.of,
        {verdict: verdicts[verdict] for verdict in Verdict if verdict in verdicts and verdict not in _LEFT_OUT},
    )
    if share.runs < LEAST_RUNS:
        verb = "is" if share.runs == 1 else "are"
        raise UnknownError(
            f"{counted(share.runs, 'past run')} of {target.of} {verb} recorded in that time, "
            f"and it takes {LEAST_RUNS}; wait for more, or let `over` reach further back"
        )
    return share
