"""The past of one result as the page shows it: the newest runs with what they saw, and every time it was not ok."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.humanize import duration_text
from ..core.results import Measurement, Result, Run, Verdict
from ..core.units import quantity
from ..history import Outcome, Spell, Story
from .context import ReportContext
from .earlier import EarlierPages
from .phrases import short
from .plot import said_at

_MOST_COLUMNS = 3
_MOST_SPELLS = 20
_SHORT = 120
_WRONG = (Verdict.BREACH, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run: when, where its page is, what came of the check, and its values; `classes` are those of its look."""

    when: str
    link: str | None
    verdict: str
    classes: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastSpell:
    """A time in which it was not ok."""

    began: str
    link: str | None
    ended: str
    lasted: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class ShownPast:
    """What opens below a result. `columns` name the values of a run."""

    title: str
    columns: tuple[str, ...]
    runs: tuple[PastRun, ...]
    spells: tuple[PastSpell, ...]
    has_verdicts: bool


class Pasts:
    """Makes the pasts of the results of a run."""

    def __init__(self, run: Run, beside: ReportContext, pages: EarlierPages) -> None:
        self._run = run
        self._beside = beside
        self._pages = pages
        self._zone = run.started.tzinfo

    def of(self, result: Result, drawn: Sequence[Measurement]) -> ShownPast | None:
        """Return what is known of a result, of which some measurements are drawn; None where that is nothing."""
        story = self._beside.stories.get(result.id, Story())
        columns = drawn[:_MOST_COLUMNS]
        values = [self._values(result, measurement) for measurement in columns]
        outcomes = {outcome.started: outcome for outcome in story.outcomes}
        moments = sorted({*outcomes, *(moment for column in values for moment in column)}, reverse=True)
        if len(moments) <= 1 and not story.spells:
            return None
        return ShownPast(
            title=_title(story, len(moments)),
            columns=tuple(measurement.subject or "value" for measurement in columns),
            runs=tuple(self._past_run(moment, outcomes.get(moment), values) for moment in moments),
            spells=tuple(map(self._past_spell, story.spells[:_MOST_SPELLS])),
            has_verdicts=bool(outcomes),
        )

    def _values(self, result: Result, measurement: Measurement) -> dict[dt.datetime, tuple[str, str]]:
        """Return what was measured, and the severity that it broke, by when."""
        points = self._beside.points.get((result.id, measurement.subject), ())
        return {point.started: (_value(point.value, measurement), point.breached or "") for point in points}

    def _past_run(
        self, moment: dt.datetime, outcome: Outcome | None, values: Sequence[dict[dt.datetime, tuple[str, str]]]
    ) -> PastRun:
        seen = [column.get(moment, ("", "")) for column in values]
        severity = min((broke for _, broke in seen if broke), default="")
        if outcome is not None:
            severity = (outcome.severity or "") if outcome.verdict in _WRONG else ""
        return PastRun(
            when=said_at(moment, self._zone),
            link=self._pages.of(moment),
            verdict=f"{outcome.verdict} {severity}".strip() if outcome is not None else severity,
            classes=severity,
            values=tuple(text + (f" ({broke})" if broke else "") for text, broke in seen),
        )

    def _past_spell(self, spell: Spell) -> PastSpell:
        lasted = (spell.ended or self._run.started) - spell.began
        return PastSpell(
            began=said_at(spell.began, self._zone),
            link=self._pages.of(spell.began),
            ended=said_at(spell.ended, self._zone) if spell.ended else "now",
            lasted=duration_text(lasted),
            severity=spell.severity or "",
            message=short(spell.message, _SHORT),
        )


def _title(story: Story, runs: int) -> str:
    if not story.outcomes:
        return f"History: {runs} runs"
    wrong = sum(outcome.verdict in _WRONG for outcome in story.outcomes)
    return f"History: not ok in {wrong} of the last {len(story.outcomes)} runs"


def _value(value: object, measurement: Measurement) -> str:
    if value is None:
        return "unknown"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return quantity(f"{value:.4g}", measurement.unit) if is_number else short(str(value), 60)
