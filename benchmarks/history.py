"""Times what a daily report asks of a history of 1,000,000 measurements: SQLite, and PostgreSQL where a URL is given.

    python benchmarks/history.py [postgresql://user:password@host/empty_database]

1,000 runs of 250 checks with four measurements each: two runs a day for more than a year. `cold` is the first time that
a connection asks, `warm` the median of ten more. The tables are filled run by run, as in life.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_opscheck.core.results import Measurement, Result, Run, Verdict
from pytest_opscheck.history import History, Past, Records, opened, reading, verified

RUNS, CHECKS, SUBJECTS = 1000, 250, 4
BEGAN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ROUNDS = 10


def run_of(number: int) -> Run:
    """Return a run in which each check is wrong for one run in fifty."""
    started = BEGAN + dt.timedelta(hours=number)
    return Run(
        id=f"run{number}",
        suite="daily",
        inventory="shop",
        started=started,
        finished=started + dt.timedelta(seconds=5),
        vantage="ops-1",
        version="0.1.0",
        results=tuple(result_of(check, number) for check in range(CHECKS)),
        exit_status=1,
    )


def result_of(check: int, number: int) -> Result:
    wrong = (check + number) % 50 == 0
    measurements = tuple(
        Measurement(
            subject=f"/mnt/{subject}",
            value=round((check * 7 + number * 13 + subject) % 1000 / 10, 1),
            unit="%",
            limits={"P3": "< 70%", "P1": "< 90%"},
            breached="P3" if wrong else None,
            observed="51.5 %",
            expected="< 70 %",
        )
        for subject in range(SUBJECTS)
    )
    return Result(
        id=f"host.disk@host{check}",
        check="host.disk",
        target=f"host{check}",
        title="Every mounted filesystem has room",
        suites=("smoke", "daily"),
        verdict=Verdict.BREACH if wrong else Verdict.OK,
        severity="P3" if wrong else None,
        message="/mnt/0 is at 75.2 %, expected < 70 %" if wrong else "all 2 as expected",
        measurements=measurements,
        action="Find what grew" if wrong else None,
        fails=wrong,
    )


def asked(records: Records) -> dict[str, Callable[[], Any]]:
    """Return what a daily report asks, by what that is."""
    newest = records.runs("daily", newest=1)[0].seq
    return {
        "latest states": records.latest,
        "changes": lambda: records.changes(seq=newest),
        "last 9 results": lambda: records.outcomes(9),
        "last 30 values": lambda: records.values(newest, 30),
    }


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def fill(history: History) -> None:
    for number in range(RUNS):
        Past(history).record(run_of(number))


def bench(name: str, history: History) -> None:
    began = time.perf_counter()
    history = replace(history, keep_s=1e9)
    filling = multiprocessing.get_context("spawn").Process(target=fill, args=(history,))
    filling.start()  # in a process of its own: the one that asks for a report has not recorded a thousand runs before
    filling.join()
    print(f"{name}: {RUNS * CHECKS * SUBJECTS} measurements in {time.perf_counter() - began:.0f} s")
    if history.url is not None:
        with opened(history) as store:
            assert store is not None
            store.rows("VACUUM ANALYZE")  # which autovacuum does within minutes
    else:
        print(f"  the file has {history.path.stat().st_size / 1e6:.0f} MB")
    print(f"  {'record one more run':24}{timed(lambda: Past(history).record(run_of(RUNS))):8.1f} ms")
    with reading(history) as records:
        assert records is not None
        cold = {what: timed(ask) for what, ask in asked(records).items()}
        warm = {what: statistics.median(timed(ask) for _ in range(ROUNDS)) for what, ask in asked(records).items()}
    for what, milliseconds in cold.items():
        print(f"  {what:24}{milliseconds:8.1f} ms cold{warm[what]:8.1f} ms warm")
    print(f"  {'in all':24}{sum(cold.values()):8.1f} ms cold{sum(warm.values()):8.1f} ms warm")
    with opened(history) as store:
        assert store is not None
        print(f"  {'verify':24}{timed(lambda: verified(store)) / 1000:8.1f} s")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench("SQLite", History(Path(folder) / "history.sqlite3", "shop"))
    if len(sys.argv) > 1:
        bench("PostgreSQL", History(Path("none"), "shop", url=sys.argv[1]))


if __name__ == "__main__":
    main()
