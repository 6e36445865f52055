"""Simulates deploys, and prints what the gate says of them and what the usual tests would have said, as tables.

    python benchmarks/gate.py [--quick]

1,000 deploys of each sort (100 with --quick), always with the same dice. Ends with 1 where one of the bounds that the
gate promises is missed.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from pytest_opscheck.gate.distributions import normal_quantile
from pytest_opscheck.gate.interval import interval
from pytest_opscheck.gate.percentiles import percentile
from pytest_opscheck.gate.statistics import errors, shift, tail
from pytest_opscheck.gate.values import ONCE, Answer, Series, Tally
from tests.unit.gate.simulation import DRIFT, TOLERANCE, Outcome, Scenario, first, promised, simulate, simulate_errors

MANY, FEW = 1000, 100
DRIFTS = {
    "same code, drift, compared with one moment": Scenario(drift=DRIFT),
    "same code, half the drift, compared with one moment": Scenario(drift=DRIFT / 2),
    "same code, drift, 8 earlier runs": Scenario(drift=DRIFT, past=8),
    "same code, drift, 20 earlier runs": Scenario(drift=DRIFT, past=20),
    "same code, drift, interleaved": Scenario(drift=DRIFT, windows=0.05, interleaved=True),
    "+40 %, drift, compared with one moment": Scenario(drift=DRIFT, slower=1.4),
    "+40 %, drift, 8 earlier runs": Scenario(drift=DRIFT, past=8, slower=1.4),
    "+40 %, drift, 20 earlier runs": Scenario(drift=DRIFT, past=20, slower=1.4),
    "+70 %, drift, 20 earlier runs": Scenario(drift=DRIFT, past=20, slower=1.7),
    "+40 %, drift, interleaved": Scenario(drift=DRIFT, windows=0.05, interleaved=True, slower=1.4),
}
OTHERS = {
    "+10 %": Scenario(slower=1.1),
    "+20 %": Scenario(slower=1.2),
    "+30 %": Scenario(slower=1.3),
    "+40 %, sigma 1": Scenario(slower=1.4, sigma=1.0),
    "2 % ten times slower": Scenario(slow=0.02),
    "5 % three times slower": Scenario(slow=0.05, slow_by=3),
    "same code, each request much like the last (correlation 0.8)": Scenario(correlation=0.8),
    "+40 %, each request much like the last": Scenario(correlation=0.8, slower=1.4),
    "same code, a pause of 10 requests every 500": Scenario(pauses=0.02),
    "+40 %, such pauses before and after": Scenario(pauses=0.02, slower=1.4),
    "5 % ten times slower, such pauses before and after": Scenario(pauses=0.02, slow=0.05),
    "such pauses, new with the deploy": Scenario(new_pauses=0.02),
    "5 % ten times slower, in pauses of 10, new with the deploy": Scenario(new_pauses=0.05),
}
ERRORS = ((0.001, 0.001), (0.01, 0.01), (0.05, 0.05), (0.001, 0.02), (0.001, 0.03), (0.001, 0.05), (0.05, 0.1))
USUAL = {
    "same code": Scenario(),
    "same code, 5 % between windows": Scenario(windows=0.05),
    "same code, drift": Scenario(drift=DRIFT),
    "+40 %": Scenario(slower=1.4),
}


def main() -> None:
    deploys = FEW if "--quick" in sys.argv[1:] else MANY
    with ProcessPoolExecutor() as pool:
        missed = show_promises(pool, deploys)
        show("\n| drift of 10 % between before and after", DRIFTS, pool, deploys)
        show("\n| what else there is", OTHERS, pool, deploys)
        show_errors(pool, deploys)
    show_usual(deploys)
    show_times()
    sys.exit(f"missed: {', '.join(missed)}" if missed else 0)


def show_promises(pool: ProcessPoolExecutor, deploys: int) -> list[str]:
    """Print what is promised and what is so; return what is not kept."""
    outcomes = simulated(pool, [promise.scenario for promise in promised().values()], deploys)
    print(f"| {deploys} deploys each | promised | roll back | undecided | go | requests |")
    print("| --- " * 6 + "|")
    missed = []
    for (name, promise), outcome in zip(promised().items(), outcomes, strict=True):
        print(f"| {name} | {promise} |{row(outcome)}")
        missed += [] if promise.kept(outcome) else [name]
    return missed


def show(title: str, scenarios: dict[str, Scenario], pool: ProcessPoolExecutor, deploys: int) -> None:
    outcomes = simulated(pool, list(scenarios.values()), deploys)
    print(f"{title} | roll back | undecided | go | requests |\n| --- | --- | --- | --- | --- |")
    for name, outcome in zip(scenarios, outcomes, strict=True):
        print(f"| {name} |{row(outcome)}")


def show_errors(pool: ProcessPoolExecutor, deploys: int) -> None:
    outcomes = pool.map(simulate_errors, *zip(*ERRORS, strict=True), [deploys] * len(ERRORS))
    print("\n| requests that fail before, after | roll back | undecided | go | requests |")
    print("| --- " * 5 + "|")
    for (before, after), outcome in zip(ERRORS, outcomes, strict=True):
        print(f"| {before:.1%}, {after:.1%} |{row(outcome)}")


def simulated(pool: ProcessPoolExecutor, scenarios: list[Scenario], deploys: int) -> list[Outcome]:
    return list(pool.map(simulate, scenarios, [deploys] * len(scenarios)))


def row(outcome: Outcome) -> str:
    answers = "".join(f" {outcome.share(answer):.1%} |" for answer in Answer)
    return f"{answers} {statistics.median(outcome.ends):.0f} |"


def naive(before: Series, after: Series) -> bool:
    few = [percentile(first(side, 20).samples, 95) for side in (before, after)]
    return few[1] > few[0] * (1 + TOLERANCE)


def proven(before: Series, after: Series, alpha: float, requests: int, at_least: float) -> bool:
    """Tell whether a Mann-Whitney test finds it slower, and the estimate is over a ratio."""
    found = interval(before, first(after, requests), ONCE)
    error = found.errors.requests or 1.0
    return found.estimate - normal_quantile(alpha) * error > 0 and found.estimate > at_least


RULES: dict[str, Callable[[Series, Series], bool]] = {
    "p95 of 20 requests over p95 of 20 before + 20 %": naive,
    "Mann-Whitney under 0.05, 100 requests": lambda before, after: proven(before, after, 0.05, 100, 0.0),
    "Mann-Whitney under 0.05, 1,000 requests": lambda before, after: proven(before, after, 0.05, 1000, 0.0),
    "the same, and over + 20 %": lambda before, after: proven(before, after, 0.05, 1000, 0.182),
}


def show_usual(deploys: int) -> None:
    """Print how often the usual rules roll back."""
    print(f"\n| the usual rules roll back | {' | '.join(USUAL)} |\n|{' --- |' * (len(USUAL) + 1)}")
    for name, rule in RULES.items():
        print(f"| {name} |" + "".join(f" {rolled_back(rule, scenario, deploys):.1%} |" for scenario in USUAL.values()))


def rolled_back(rule: Callable[[Series, Series], bool], scenario: Scenario, deploys: int) -> float:
    dice = random.Random(1)
    return statistics.fmean(rule(*scenario.sides(dice)) for _ in range(deploys))


def show_times() -> None:
    before, after = Scenario().sides(random.Random(1))
    work = {
        "shift": lambda: shift(before, after, TOLERANCE),
        "tail": lambda: tail(before, after, TOLERANCE),
        "errors": lambda: errors(Tally(1, 1000), Tally(12, 1000), 0.01),
    }
    print("\n| 1,000 requests against 1,000 | fastest of 50 |\n| --- | --- |")
    for name, compare in work.items():
        print(f"| {name} | {min(timed(compare) for _ in range(50)) * 1000:.1f} ms |")


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
