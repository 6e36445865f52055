"""Deploys of services whose times are known: what a gate says of them, for the tests here and for benchmarks/gate.py.

A service answers in lognormal times with a sigma of 0.6 (its p95 is 2.7 times its median), as a web service does whose
pages differ. What else may happen is a scenario. A gate looks at what it has after 20, 50, 100, 200, 500 and 1,000
requests, and ends as soon as shift and tail together say go or roll back.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_opscheck.gate.statistics import errors, shift, tail, typical
from pytest_opscheck.gate.values import LOOKS, Answer, Comparison, Series, Setting, Tally, worst

TOLERANCE = 0.2
MORE_ERRORS = 0.01
_LOOKING = Setting(looks=len(LOOKS))
WINDOWS, A_WINDOW = 10, 100
_MEDIAN_S = 0.1
_PAUSE = 10
DRIFT = 0.1 / math.sqrt(2)
"""Between moments, so that before and after differ by 10 %."""


@dataclass(frozen=True)
class Scenario:
    """What is so, and what is known of it.

    slower: times all take after the deploy. slow: the share that takes `slow_by` times as long. sigma: of one request.
    windows: the spread from window to window. drift: the standard deviation from one moment to another, of which before
    and after are two. correlation: of a request with the next one. pauses: the share of requests that meet a pause, ten
    after each other; new_pauses: those after the deploy alone. past: so many earlier runs are known, each of another
    moment. interleaved: both sides are measured in turn.
    """

    slower: float = 1.0
    slow: float = 0.0
    slow_by: float = 10.0
    sigma: float = 0.6
    windows: float = 0.0
    drift: float = 0.0
    correlation: float = 0.0
    pauses: float = 0.0
    new_pauses: float = 0.0
    past: int = 0
    interleaved: bool = False

    def setting(self, dice: random.Random) -> Setting:
        """Return how the comparison comes about, with the history that it knows."""
        past = tuple(self.earlier(dice) for _ in range(self.past))
        return Setting(looks=len(LOOKS), interleaved=self.interleaved, past=past)

    def earlier(self, dice: random.Random) -> float:
        """Return the typical time of an earlier run."""
        series = self.measured(dice, self.levels(dice), deployed=False)
        return typical(series) or 0.0

    def levels(self, dice: random.Random) -> list[float]:
        """Return the levels of the windows of one moment."""
        moment = dice.gauss(0, self.drift)
        return [moment + dice.gauss(0, self.windows) for _ in range(WINDOWS)]

    def measured(self, dice: random.Random, levels: list[float], *, deployed: bool) -> Series:
        """Measure one side."""
        return Series.of_seconds([list(self._window(dice, level, deployed=deployed)) for level in levels])

    def sides(self, dice: random.Random) -> tuple[Series, Series]:
        """Measure both sides: at two moments, or both at one."""
        levels = self.levels(dice)
        others = levels if self.interleaved else self.levels(dice)
        return self.measured(dice, levels, deployed=False), self.measured(dice, others, deployed=True)

    def _window(self, dice: random.Random, level: float, *, deployed: bool) -> Iterator[float]:
        fresh = math.sqrt(1 - self.correlation**2)
        state, paused = dice.gauss(0, 1), 0
        pauses = self.pauses + (self.new_pauses if deployed else 0)
        for _ in range(A_WINDOW):
            paused = _PAUSE if dice.random() < pauses / _PAUSE else paused - 1
            time = _MEDIAN_S * math.exp(level + self.sigma * state) * (self.slow_by if paused > 0 else 1)
            if deployed:
                time *= self.slower * (self.slow_by if dice.random() < self.slow else 1)
            yield time
            state = self.correlation * state + fresh * dice.gauss(0, 1)


@dataclass
class Outcome:
    """What a gate said of many deploys, by whom, and after how many requests."""

    answers: Counter[Answer] = field(default_factory=Counter)
    ends: list[int] = field(default_factory=list)

    def add(self, answer: Answer, end: int) -> None:
        """Add one deploy."""
        self.answers[answer] += 1
        self.ends.append(end)

    def share(self, answer: Answer) -> float:
        """Return how often an answer was given."""
        return self.answers[answer] / self.answers.total()


def simulate(scenario: Scenario, deploys: int, seed: int = 1) -> Outcome:
    """Return what the gate says of so many deploys."""
    dice = random.Random(seed)
    outcome = Outcome()
    for _ in range(deploys):
        before, after = scenario.sides(dice)
        outcome.add(*gate(before, after, scenario.setting(dice)))
    return outcome


def simulate_errors(before: float, after: float, deploys: int, seed: int = 1) -> Outcome:
    """Return what the gate says of so many deploys, of which a share of requests fails before and after."""
    dice = random.Random(seed)
    outcome = Outcome()
    for _ in range(deploys):
        baseline = Tally(sum(dice.random() < before for _ in range(WINDOWS * A_WINDOW)), WINDOWS * A_WINDOW)
        failed = [dice.random() < after for _ in range(LOOKS[-1])]
        found = (errors(baseline, Tally(sum(failed[:look]), look), MORE_ERRORS, _LOOKING).answer for look in LOOKS)
        ends = [(answer, look) for answer, look in zip(found, LOOKS, strict=True) if answer is not Answer.UNDECIDED]
        outcome.add(*next(iter(ends), (Answer.UNDECIDED, LOOKS[-1])))
    return outcome


def gate(before: Series, after: Series, setting: Setting) -> tuple[Answer, int]:
    """Look at a growing series until it is decided; return the answer and how many requests it took."""
    answer = Answer.UNDECIDED
    for look in LOOKS:
        answer = worst(
            comparison.answer
            for comparison in compared(
                first(before, look) if setting.interleaved else before, first(after, look), setting
            )
        )
        if answer is not Answer.UNDECIDED:
            return answer, look
    return answer, LOOKS[-1]


def compared(before: Series, after: Series, setting: Setting) -> tuple[Comparison, Comparison]:
    """Return what `p95 <= baseline + 20%` means: no shift, and no tail."""
    return shift(before, after, TOLERANCE, setting), tail(before, after, TOLERANCE, setting)


def first(series: Series, requests: int) -> Series:
    """Return the first requests of a series."""
    whole, rest = divmod(requests, A_WINDOW)
    windows = series.windows[:whole]
    return Series((*windows, series.windows[whole][:rest]) if rest else windows)


@dataclass(frozen=True)
class Bound:
    """How often an answer is given at most, or at least."""

    scenario: Scenario
    answer: Answer = Answer.ROLL_BACK
    most: float = 1.0
    least: float = 0.0

    def __str__(self) -> str:
        if not self.most:
            return f"{self.answer} never"
        return f"{self.answer} in at {f'most {self.most:.0%}' if self.most < 1 else f'least {self.least:.0%}'}"

    def kept(self, outcome: Outcome) -> bool:
        """Tell whether it is kept."""
        return self.least <= outcome.share(self.answer) <= self.most


def promised() -> dict[str, Bound]:
    """Return what the gate promises, by the name of what is deployed."""
    return {
        "same code": Bound(Scenario(), most=0.01),
        "same code, 5 % between windows": Bound(Scenario(windows=0.05), most=0.03),
        "same code, 10 % drift, 8 earlier runs": Bound(Scenario(drift=DRIFT, past=8), most=0.01),
        "same code, 10 % drift, interleaved": Bound(Scenario(drift=DRIFT, windows=0.05, interleaved=True), most=0.0),
        "+40 %": Bound(Scenario(slower=1.4), least=0.95),
        "+40 %, 5 % between windows": Bound(Scenario(slower=1.4, windows=0.05), least=0.95),
        "+40 %, 10 % drift, interleaved": Bound(
            Scenario(slower=1.4, drift=DRIFT, windows=0.05, interleaved=True), least=0.99
        ),
        "5 % ten times slower": Bound(Scenario(slow=0.05), least=0.75),
        "5 % ten times slower, 5 % between windows": Bound(Scenario(slow=0.05, windows=0.05), least=0.75),
    }
