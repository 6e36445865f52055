"""A run as metrics: gauges in a text that is OpenMetrics and the older format of Prometheus at once.

node_exporter's textfile collector and the Pushgateway read only the older one, so that there are neither state sets nor
units in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..core.limits import SEVERITIES
from ..core.results import Measurement, Result, Run, Verdict, summary
from ..core.schedule import Schedule
from ..core.units import LimitError, dimension, to_base, window_s
from ..core.visible import plain

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_SUBJECTS = 50
"""So many values of one check are told, those that break a limit first: who measures each of 10,000 queues looks at
the report, and Prometheus keeps each for weeks."""
MOST_VALUES = 2000
"""So many values of a run are told."""
_SUFFIXES = {"percentage": "_ratio", "duration": "_seconds", "size": "_bytes", "rate": "_per_second"}
_WRONG = (Verdict.BREACH, Verdict.UNKNOWN)


@dataclass
class _Family:
    """A metric: its name, what it says, and its values by their labels, each once."""

    name: str
    help: str
    values: dict[str, float] = field(default_factory=dict)

    def add(self, value: float, **labels: str) -> None:
        labelled = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        self.values.setdefault(f"{{{labelled}}}", value)

    def lines(self) -> Iterator[str]:
        if self.values:
            yield f"# HELP {self.name} {self.help}"
            yield f"# TYPE {self.name} gauge"
            yield from (f"{self.name}{labels} {_number(value)}" for labels, value in self.values.items())


def text(run: Run, schedule: Schedule | None = None) -> str:
    """Return a run's metrics; with a schedule, also when the next run is overdue."""
    families = [*_of_run(run, schedule), *_of_checks(run), *_of_values(run)]
    return "\n".join([*(line for family in families for line in family.lines()), "# EOF"]) + "\n"


def _of_run(run: Run, schedule: Schedule | None) -> Iterator[_Family]:
    own = _own(run)
    moment = run.finished.timestamp()
    told = (
        ("last_run_timestamp_seconds", "When the last run ended.", moment),
        ("last_run_duration_seconds", "How long the last run took.", run.duration_s),
        ("last_run_exit_status", "The exit status of the last run; 0 is success.", run.exit_status),
    )
    for name, help_text, value in told:
        family = _Family(f"opscheck_{name}", help_text)
        family.add(value, **own)
        yield family
    if schedule is not None:
        overdue = _Family("opscheck_overdue_timestamp_seconds", "The time from which the next run is overdue.")
        overdue.add(schedule.overdue(run.started).timestamp(), **own)
        yield overdue
    counts = summary(run.results)
    verdicts = _Family("opscheck_last_run_results", "Number of results of the last run, by verdict.")
    for verdict in Verdict:
        verdicts.add(counts[verdict], **own, verdict=str(verdict))
    yield verdicts
    breaches = _Family("opscheck_last_run_breaches", "Number of breaches in the last run, by severity.")
    for severity in SEVERITIES:
        breaches.add(counts["by_severity"].get(severity, 0), **own, severity=severity)
    yield breaches


def _of_checks(run: Run) -> Iterator[_Family]:
    verdicts = _Family("opscheck_check_verdict", "1 for the verdict of a check, 0 for the others.")
    wrong = _Family("opscheck_check_not_ok", "1 for each check that is in breach or unknown, unless it is pending.")
    for result in run.results:
        own = {**_own(run), "check": result.check, "target": result.target}
        for verdict in Verdict:
            verdicts.add(float(result.verdict is verdict), **own, verdict=str(verdict))
        if result.verdict in _WRONG and result.pending is None:
            wrong.add(1, **own, verdict=str(result.verdict), severity=result.severity or "")
    yield from (verdicts, wrong)


def _of_values(run: Run) -> Iterator[_Family]:
    families: dict[str, _Family] = {}
    left_out = told = 0
    for result in run.results:
        measured = [measurement for measurement in result.measurements if _is_number(measurement.value)]
        kept = _kept(measured)[: max(0, MOST_VALUES - told)]
        told, left_out = told + len(kept), left_out + len(measured) - len(kept)
        for measurement in kept:
            _add(families, run, result, measurement)
    yield from (families[name] for name in sorted(families))
    rest = _Family(
        "opscheck_last_run_values_left_out",
        "Number of values of the last run that are not exported, because there are too many.",
    )
    rest.add(left_out, **_own(run))
    yield rest


def _kept(measured: Iterable[Measurement]) -> list[Measurement]:
    return sorted(measured, key=lambda measurement: measurement.breached or "P9")[:MOST_SUBJECTS]


def _add(families: dict[str, _Family], run: Run, result: Result, measurement: Measurement) -> None:
    suffix, value = _in_base_unit(float(measurement.value), measurement.unit)
    name = f"opscheck_value{suffix}"
    family = families.setdefault(name, _Family(name, "What a check measured, in the base unit."))
    subject = measurement.subject or ""
    family.add(value, **_own(run), check=result.check, target=result.target, subject=subject)


def _in_base_unit(value: float, unit: str) -> tuple[str, float]:
    """Return the end of the metric's name, and the value in Prometheus's base units: seconds, bytes, a share of 1."""
    try:
        measures = dimension(unit)
    except LimitError:  # a unit of a user-defined check
        return "", value
    if measures == "percentage":
        value /= 100
    elif measures == "rate":
        value /= window_s(unit) or 1
    else:
        value = to_base(value, unit)
    return _SUFFIXES.get(measures, ""), value


def _is_number(value: object) -> bool:
    """Tell whether a value can be told; an integer beyond every float can't."""
    try:
        return isinstance(value, int | float) and float(value) is not None
    except OverflowError:
        return False


def _own(run: Run) -> dict[str, str]:
    return {"inventory": run.inventory, "suite": run.suite or ""}


def _escaped(label: str) -> str:
    return plain(label).replace("\\", "\\\\").replace('"', '\\"')


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
