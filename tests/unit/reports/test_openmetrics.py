"""A run's metrics: read by both of Prometheus's formats, and by promtool."""

from __future__ import annotations

import math
import subprocess
import zoneinfo
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from pytest_opscheck.core.results import Result, Run, Verdict
from pytest_opscheck.core.schedule import Schedule
from pytest_opscheck.reports.openmetrics import MOST_SUBJECTS, MOST_VALUES, text
from tests.live.processes import program

from .values import blocked, measurement, ok, result, run, unknown

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(made: str) -> Samples:
    """Return the samples of a text, which both formats have to read alike, and each of which stands there once."""
    both: list[Samples] = []
    for read in (openmetrics, prometheus):
        found = [sample for family in read(made) for sample in family.samples]
        both.append({(each.name, frozenset(each.labels.items())): each.value for each in found})
        assert len(both[-1]) == len(found)
    first, second = (
        sorted((name, sorted(keys), repr(float(value))) for (name, keys), value in each.items()) for each in both
    )
    assert first == second  # by their reprs, for NaN is not NaN
    return both[0]


def told(made: str, name: str, **labels: str) -> dict[tuple[str, ...], float]:
    """Return the values of a metric by those of its labels that are not named."""
    wanted = set(labels.items())
    return {
        tuple(value for key, value in sorted(keys - wanted) if key not in ("inventory", "suite")): value
        for (found, keys), value in samples(made).items()
        if found == name and wanted <= keys
    }


def of(*results: Result, **fields: Any) -> Run:
    return run(*results, **fields)


def test_verdicts_and_what_to_alert_on() -> None:
    pending = result(id="host.cpu@prod", check="host.cpu", pending="counts after 10 min", fails=False)
    made = text(of(result(), ok(id="host.memory@prod", check="host.memory"), unknown(target="db"), pending, blocked()))
    assert told(made, "opscheck_check_verdict", check="host.disk", target="prod") == {
        (str(verdict),): float(verdict is Verdict.BREACH) for verdict in Verdict
    }
    assert told(made, "opscheck_check_not_ok") == {
        ("host.disk", "P1", "prod", "breach"): 1,
        ("host.disk", "P1", "db", "unknown"): 1,
    }
    assert told(made, "opscheck_last_run_results")["breach",] == 2
    assert told(made, "opscheck_last_run_breaches") == {("P0",): 0, ("P1",): 2, ("P2",): 0, ("P3",): 0}


def test_the_run_and_when_the_next_is_overdue() -> None:
    one = of(ok())
    made = text(one, Schedule((540,), zone=zoneinfo.ZoneInfo("America/New_York"), delay_s=120, deadline_s=900))
    assert told(made, "opscheck_last_run_timestamp_seconds") == {(): one.finished.timestamp()}
    assert told(made, "opscheck_last_run_exit_status") == {(): one.exit_status}
    assert told(made, "opscheck_last_run_duration_seconds") == {(): pytest.approx(one.duration_s)}
    due = one.started.replace(hour=9).timestamp()
    assert told(made, "opscheck_overdue_timestamp_seconds") == {(): due + 120 + 900 + 60}
    assert "overdue" not in text(one)


BASE_UNITS: list[tuple[float, str, str, float]] = [
    (75.5, "%", "_ratio", 0.755),
    (2, "h", "_seconds", 7200),
    (250, "ms", "_seconds", 0.25),
    (3, "GiB", "_bytes", 3 * 2**30),
    (60, "/min", "_per_second", 1),
    (8, "", "", 8),
    (8, "widgets", "", 8),
    (True, "", "", 1),
    (-0.5, "", "", -0.5),
    (math.inf, "", "", math.inf),
]


@pytest.mark.parametrize(("value", "unit", "name", "said"), BASE_UNITS)
def test_a_value_in_its_base_unit(value: float, unit: str, name: str, said: float) -> None:
    made = text(of(ok(measurements=(measurement(value=value, unit=unit),))))
    assert told(made, f"opscheck_value{name}", subject="/var") == {("host.disk", "prod"): pytest.approx(said)}


def test_what_is_no_number_is_left_to_the_report() -> None:
    values = (None, "healthy", [1], 10**400, math.nan)
    made = text(of(ok(measurements=tuple(measurement(value=value, subject=repr(value)[:9]) for value in values))))
    [found] = told(made, "opscheck_value_ratio").values()
    assert math.isnan(found)


ODD = 'a"b\\c\nd\x1b[2J\udc80 é'


def test_names_that_steer_nothing() -> None:
    """Quotes, lines and what is not text at all stay within their label; the same subject twice is told once."""
    made = text(of(ok(measurements=(measurement(subject=ODD), measurement(subject=ODD, value=1)), target='x"y')))
    made = made.encode("utf-8", "backslashreplace").decode()
    [((check, subject, target), value)] = told(made, "opscheck_value_ratio").items()
    assert (check, target, value) == ("host.disk", 'x"y', 0.95)
    assert subject == 'a"b\\c d\\x1b[2J\\udc80 é'


@pytest.mark.slow
def test_there_are_not_too_many() -> None:
    """What breaks a limit is told first, and how much is not told is told too."""
    many = [measurement(subject=f"/{n}", breached="P1" if n == 900 else None) for n in range(1000)]
    one = ok(measurements=tuple(many))
    made = text(of(one))
    found = told(made, "opscheck_value_ratio")
    assert len(found) == MOST_SUBJECTS
    assert ("host.disk", "/900", "prod") in found
    assert told(made, "opscheck_last_run_values_left_out") == {(): 1000 - MOST_SUBJECTS}
    made = text(of(*(ok(target=f"t{n}", measurements=tuple(many)) for n in range(100))))
    assert len(told(made, "opscheck_value_ratio")) == MOST_VALUES
    assert told(made, "opscheck_last_run_values_left_out") == {(): 100 * 1000 - MOST_VALUES}


@pytest.mark.server
def test_promtool_takes_it() -> None:
    """Verdicts, values of every unit and of none, odd names, and when the next run is overdue."""
    values = [measurement(subject=f"{value}{unit}", value=value, unit=unit) for value, unit, _, _ in BASE_UNITS]
    others = [measurement(subject=repr(value)[:9], value=value) for value in (None, "healthy", [1], 10**400, math.nan)]
    pending = result(id="host.cpu@prod", check="host.cpu", pending="counts after 10 min", fails=False)
    odd = ok(measurements=(measurement(subject=ODD),), target='x"y')
    one = of(result(), ok(measurements=(*values, *others)), unknown(target="db"), pending, blocked(), odd)
    made = text(one, Schedule((540,), delay_s=120, deadline_s=900)).encode("utf-8", "backslashreplace")
    done = subprocess.run([program("promtool"), "check", "metrics"], input=made, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
