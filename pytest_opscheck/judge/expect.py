"""Takes what a check measures: `expect(value, unit)` compares it with the ladder that applies now."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from typing import Any

from ..core import humanize, sets
from ..core.judgeable import UnjudgeableError, judgeable
from ..core.ladders import Ladder, Rung, parse_ladder, parse_single, severity_of, single
from ..core.lengths import LONGEST, Clean, as_shown, beginning
from ..core.limits import Limit
from ..core.relative import RelativeLimit
from ..core.results import Counted, Measurement
from ..core.secrets import MASK
from ..core.units import LimitError, dimension, window_s
from ..history import CounterGrowth
from ..inventory import Expectation
from ..probes import UnknownError

DEFAULT_SEVERITY = "P2"
MOST = 10_000
"""Measurements of a sort that one test keeps: as expected, breached by severity, not judged. Others are counted."""
MOST_SAMPLES = 1000
"""Single times that a measurement keeps."""
UNJUDGED = "not judged"
_TEXTS = ("subject", "value", "problem", "observed", "expected")


class Against(Enum):
    """What a run makes of a limit that is relative to a baseline, of which it has none itself."""

    NOTHING = "left to absolute limits, where there are any"
    REFUSED = "unknown: this run decides on a deploy"
    LATER = "left to whoever asked for the run, and has the baseline"

    def problem(self, ladder: Ladder, value: object, unit: str) -> str | None:
        """Return why a value, which keeps the absolute limits, can't be judged; None where it need not be."""
        if self is Against.LATER:
            return _not_comparable(ladder, value, unit)
        if self is Against.NOTHING and ladder.rungs:
            return None
        limit = ladder.relative[0].limit
        return f"'{limit}' compares with a baseline, which only `opscheck gate` has; run: opscheck gate after"


class Expect:
    """Records what a check measures, goes on after a breach, and lets `conclude` fail the test once, at its end."""

    def __init__(
        self,
        expectation: Expectation | None,
        now: dt.datetime,
        words: Mapping[str, str],
        moved: Callable[[Counted, float | None], CounterGrowth] | None = None,
        clean: Clean = str,
        *,
        against: Against | None = None,
    ) -> None:
        self._expectation = expectation
        self._now = now
        self._words = words
        self._moved = moved
        self._clean = clean
        self._against = against or Against.NOTHING
        self._counted: Counter[str | None] = Counter()
        self.measurements: list[Measurement] = []
        self.counters: list[Counted] = []
        self.concluded = False

    def __call__(
        self,
        value: Any,
        unit: str = "",
        *,
        subject: str | None = None,
        limit: str | float | Limit | Ladder | Mapping[str, object] | None = None,
        severity: str | None = None,
        also: Mapping[str, Any] | None = None,
        observed: str | None = None,
        secret: bool = False,
        why: str | None = None,
        note: str | None = None,
        most: int | None = None,
        samples: Sequence[int] = (),
        share: tuple[int, int] | None = None,
    ) -> bool:
        """Judge a value, and return whether it is as expected.

        value: a number, a text or a truth, or several texts for a limit over sets; None where it could not be told, for
            which `why` gives the reason.
        unit: of the value: %, ms, s, m, h, d, B, kB, MB, GB, KiB, MiB, GiB, a rate such as /day, or none for a count.
        subject: what was measured, where a check measures several things.
        limit: what is expected, where the check itself does not say it: a limit, or a ladder {"P3": "< 70%", ...}.
        severity: of breaking a single `limit`: P0 to P3, or a word of the inventory; by default the check's.
        also: the same value in other units, for limits that are said in those.
        observed: how to say the value where the number alone would say too little: "no file", "97 (most are app: 60)".
        secret: whether to show `observed` instead of the value, which then appears nowhere.
        note: what to say in brackets behind the value: of how many, since when.
        most: where a count is known within bounds, `value` is the least that it may be, and this the most. It is judged
            where any number between them is judged alike; else it is unknown, for which `why` gives the reason.
        samples: of a time the single ones that it was made of, in whole microseconds, in their order, at most 1,000.
        share: of a percentage of how many things how many were counted: failed, all.

        Raises LimitError for a limit or a severity that does not exist, and TypeError where there is no limit at all,
        or a severity without a single limit. Nothing has been judged then, and the check is not ok.
        """
        if self.concluded:
            raise RuntimeError("the check is over: expect() measures while its test runs, not when it is torn down")
        try:
            ladder = self._ladder(limit, severity)
        except (LimitError, TypeError) as error:  # whoever catches it goes on without having judged this
            self._record(Measurement(subject, None, unit, {}, problem=str(error)))
            raise
        if isinstance(value, Decimal):
            value = int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
        value, unit = _fitting(value, unit, also or {}, ladder)
        breached, problem = None, why
        try:
            rung = ladder.breached(value, unit)
        except UnjudgeableError as error:
            rung, problem = None, why or str(error)
        else:
            problem = None
            breached = rung.severity if rung else None
            if most is not None and any(
                ladder.breached(each, unit) is not rung for each in _between(value, most, ladder)
            ):
                problem = why or f"it is only known to be from {value} to {most}"
                value = rung = breached = None
            elif most is not None and most != value:
                note = f"at most {most}"
        if ladder.relative and breached is None and problem is None:
            problem = self._against.problem(ladder, value, unit)
        limit_shown = rung.limit if rung is not None else ladder.mildest
        if secret and value is not None:
            value = observed = observed or MASK
            problem = problem and (why or f"its value, which is not shown, can't be judged by {limit_shown}")
        value, note = _shown(value, note, limit_shown, breached)
        shown = "" if value is None else humanize.observed(value, unit, limit_shown, _judged_as(ladder, rung))
        observed = (observed or shown) + (f" ({note})" if note and value is not None else "")
        self._record(
            Measurement(
                subject=subject,
                value=_plain(value),
                unit=unit,
                limits=ladder.texts(),
                breached=breached,
                problem=problem,
                observed=observed,
                expected=limit_shown.expected,
                samples=tuple(samples[:MOST_SAMPLES]),
                share=share,
            )
        )
        return breached is None and problem is None

    def since_last_run(
        self, subject: str | None = None, *, counted_by: str | None = None, unit: str = "", **counters: float | Decimal
    ) -> CounterGrowth:
        """Return the increase of counters since the last run of the suite, and store them for the next one.

        counters: what is counted, as it stands: restarts=5. Those that are reset together are named together.
        subject: whose counters they are, where a check has several.
        counted_by: what tells the server, process or container that has counted from the one after its restart.
        unit: of the limit. Where it is a rate, growth is counted over the rate's window, as far as past runs tell.

        `by` of the answer has the growth of each, and `since` says since when. Without an earlier run `by` has what is
        counted as it stands, and `since` is None. Counters that are smaller than before, or that another one has
        counted, started over, and all that they say has been counted since then.

        Raises UnknownError for a counter that is not a number.
        """
        counts = {name: _count(name, value) for name, value in counters.items()}
        counted = Counted(subject, counts, counted_by)
        self.counters.append(counted)
        return self._moved(counted, window_s(unit)) if self._moved is not None else CounterGrowth(counts)

    def _record(self, measurement: Measurement) -> None:
        """Keep a measurement, of its texts the beginning; it has been judged as a whole."""
        sort = UNJUDGED if measurement.problem else measurement.breached
        self._counted[sort] += 1
        if self._counted[sort] <= MOST:
            texts = {name: getattr(measurement, name) for name in _TEXTS}
            long = {name: text for name, text in texts.items() if isinstance(text, str) and len(text) > LONGEST}
            cut: dict[str, Any] = {name: beginning(text, self._clean) for name, text in long.items()}
            self.measurements.append(replace(measurement, **cut) if cut else measurement)

    @property
    def unkept(self) -> dict[str | None, int]:
        """How many measurements are not kept, of each sort: None as expected, not judged, or breached, by severity."""
        return {sort: count - MOST for sort, count in self._counted.items() if count > MOST}

    @property
    def has_limit(self) -> bool:
        """Whether there is a limit for what is measured without one of its own."""
        return self._expectation is not None and self._expectation.limits is not None

    @property
    def by_default(self) -> bool:
        """Whether the limits are the check's own, and not the inventory's."""
        return self._expectation is not None and self._expectation.limits is self._expectation.check.limits

    def _ladder(self, limit: Any, severity: str | None) -> Ladder:
        """Return the limits to judge by. Raises as `expect` does."""
        own = self._expectation.severity if self._expectation else DEFAULT_SEVERITY
        breaking = own if severity is None else severity_of(severity, self._words)
        if isinstance(limit, str | int | float):
            return parse_single(limit, breaking)
        if isinstance(limit, Limit):
            return single(limit, breaking)
        if severity is not None:
            raise TypeError(
                f"severity={severity!r} is for a single limit, for example "
                f'expect(age, "s", limit="< 6h", severity={severity!r}); a ladder names its own severities'
            )
        if isinstance(limit, Ladder):
            return limit
        if isinstance(limit, Mapping):
            return parse_ladder(limit, self._words)
        if limit is not None:
            raise TypeError(f"limit={limit!r} is not a limit; use for example limit='< 6h'")
        if self._expectation is None or self._expectation.limits is None:
            raise TypeError('expect() needs a limit here, for example expect(age, "s", limit="< 6h")')
        return self._expectation.limits.at(self._now)


def _shown(value: Any, note: str | None, limit: Limit | RelativeLimit, breached: str | None) -> tuple[Any, str | None]:
    """Return a value as it is kept, and what to say behind it: of a set also what is missing and unexpected."""
    if isinstance(value, str | int | float | bool | None):
        return value, note
    try:
        found = sets.texts(value) if sets.is_set(value) else None
    except ValueError:
        found = None
    if found is None or isinstance(limit, RelativeLimit) or limit.members is None:
        return as_shown(value), note
    difference = sets.difference(limit.operator, limit.members, found) if breached else ""
    return sets.shown(found), "; ".join(filter(None, (difference, note))) or None


def _not_comparable(ladder: Ladder, value: object, unit: str) -> str | None:
    """Return why a value can't be compared with an earlier one by the relative limits."""
    try:
        for rung in ladder.relative:
            rung.limit.holds(judgeable(value), 0.0, unit)
    except UnjudgeableError as error:
        return str(error)
    return None


def _fitting(value: Any, unit: str, also: Mapping[str, Any], ladder: Ladder) -> tuple[Any, str]:
    """Return the form of a value whose unit the ladder's limits have."""
    wanted = ladder.dimension
    for other, same in also.items():
        if wanted not in ("text", dimension(unit)) and dimension(other) == wanted:
            return same, other
    return value, unit


def _between(least: int, most: int, ladder: Ladder) -> list[int]:
    """Return the counts within bounds at which a ladder may begin to judge otherwise."""
    near = {round(rung.limit.number or 0) + step for rung in ladder.rungs for step in (-1, 0, 1)}
    return [most, *(each for each in near if least < each < most)]


def _judged_as(ladder: Ladder, rung: Rung | None) -> Callable[[float, str], bool]:
    """Return what tells whether a number is judged as the one is that breaks a rung, or none."""

    def same(number: float, unit: str) -> bool:
        try:
            return ladder.breached(number, unit) is rung
        except UnjudgeableError:
            return rung is None  # as the value itself: its unit is not that of the limit

    return same


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinities become text, anything unknown its text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _count(name: str, value: object) -> float:
    """Return a counter as the history keeps it: PostgreSQL's sums are decimals, and of nothing NULL."""
    if isinstance(value, int) and abs(value) < sys.float_info.max:
        return int(value)
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return float(value)
    raise UnknownError(f"the counter {name} is {value!r}, and only numbers can be compared with those of the last run")
