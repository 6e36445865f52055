"""`opscheck gate after`: waits for life, looks, looks again at what is new, and goes on until it can decide."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from ..core.look import Look
from ..core.results import Result, Run, Verdict
from ..inventory.gate import Gate, Version
from .baseline import Baseline, GateError
from .decision import MOST_MISSED, Decision, Terms, decide
from .finding import Sort
from .looking import Looker, StoppedError
from .values import LOOKS, Answer
from .version import NO_VERSION, described, waited_for
from .waiting import awaited, ended_in, life_of

AGAIN_S = 5.0
"""After this time what is newly broken is looked at again."""
FEWEST_REQUESTS = 10
ENOUGH = LOOKS[3]
"""Requests after which nothing but an open comparison asks for more."""


@dataclass
class Watch:
    """One gate after a deploy. `looks` are all that was seen; `is_partial` says that somebody has ended it early."""

    looker: Looker
    before: Baseline | None
    terms: Terms
    tell: Callable[[str], None]
    looks: list[Run] = field(default_factory=list)
    is_partial: bool = False
    ready_s: float | None = None
    _since: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    began: float = field(default_factory=time.monotonic)
    _full: list[str | None] = field(default_factory=list)
    """Of each look at the whole suite what was wrong with it; None where nothing was."""

    def run(self, gate: Gate, *, wait_s: float, watch_s: float, every_s: float, version: str | None) -> Decision:
        """Watch a deploy, and return what was decided; with what was seen so far where somebody ends it."""
        try:
            self._await_life(wait_s)
            if self.ready_s is not None and version is not None and gate.version is not None:
                self._await_version(gate.version, wait_s, version)
            if self.terms.broke is not None:
                return self.decision
            self._decide_once(gate, every_s)
            self._go_on(watch_s, every_s)
        except StoppedError:
            self.is_partial = True
        return self.decision

    def _go_on(self, watch_s: float, every_s: float) -> None:
        """Look again and again, as long as is said; ended early only by what rolls back."""
        began = last = time.monotonic()
        while not self._rolls_back() and time.monotonic() - began < watch_s:
            if self._died_until(min(last + every_s, began + watch_s)):
                return
            last = time.monotonic()
            self._full_look(LOOKS[0])
            self._confirm()
            passed = min(time.monotonic() - began, watch_s)
            self.tell(f"watched {passed:.0f} s of {watch_s:.0f} s, {self.decision.answer} so far")

    def _died_until(self, moment: float) -> bool:
        """Wait, and look in the middle of it whether all is still up: that it has died is not left to the next look."""
        half = (moment - time.monotonic()) / 2
        if half > AGAIN_S:
            time.sleep(half)
            self._look(Look(only=life_of(self.looker), patience_s=AGAIN_S))
            self._confirm()
        if self._rolls_back():
            return True
        time.sleep(max(0.0, moment - time.monotonic()))
        return False

    def _rolls_back(self) -> bool:
        return self.decision.answer is Answer.ROLL_BACK

    def _note(self, fault: str) -> None:
        """Note what keeps the gate from seeing all that it should."""
        self.terms = replace(self.terms, fault=fault)

    @property
    def decision(self) -> Decision:
        """What can be said of all that was seen so far."""
        return decide(self.before, self.looks, self.terms_so_far)

    @property
    def terms_so_far(self) -> Terms:
        """What counts for what; there is no go where too many looks were not whole, or the last one was not."""
        missed = [why for why in self._full if why is not None]
        if not missed or (self._full[-1] is None and len(missed) <= MOST_MISSED * len(self._full)):
            return self.terms
        fault = f"{len(missed)} of {len(self._full)} looks at the suite were not whole: {missed[-1]}"
        return replace(self.terms, fault=fault)

    def _await_life(self, wait_s: float) -> None:
        """Wait until what was deployed answers; where it does not in time, that is a breach."""
        broken = {name for name, r in (self.before.results if self.before else {}).items() if _is_broken(r)}
        life = awaited(self.looker, broken, self.terms, wait_s, self.tell)
        self.ready_s = life.seconds if life.missing is None else None
        self.terms = life.counted(self.terms)
        self.looks += life.seen if self.terms.broke is not None else ()

    def _await_version(self, source: Version, wait_s: float, wanted: str) -> None:
        """Wait until every answer comes from the version that was deployed; that none says one proves no other."""
        others = waited_for(self.looker, source, wanted, self.began + wait_s, self.tell)
        if not others:
            return
        message = f"after {time.monotonic() - self.began:.0f} s {described(others, wanted)}, expected {wanted}"
        if all(name.startswith(NO_VERSION) for name in others if name != wanted):
            self._note(message)
        else:
            self.terms = replace(self.terms, broke=message)
            self._full_look(LOOKS[0])

    def _first_look(self, gate: Gate) -> None:
        """Look at all of the suite while it warms up; the requests of this look are made, and not measured."""
        timed = frozenset(self.looker.with_requests(LOOKS[0]))
        if not (gate.warm_up and timed and self.ready_s is not None):
            self._full_look(LOOKS[0])
            return
        self._full_look(max(gate.warm_up, FEWEST_REQUESTS), unmeasured=timed)
        self._confirm()
        if not self._rolls_back():
            self._look(Look(only=timed, params=self.looker.with_requests(LOOKS[0])))

    def _decide_once(self, gate: Gate, every_s: float) -> None:
        """Look at all of the suite, then at what is compared, until it is decided or there are enough requests.

        That may take minutes, and what the requests wear out shows elsewhere: so all is looked at again meanwhile.
        """
        self._first_look(gate)
        self._confirm()
        made, compared, last = LOOKS[0], self._compared(), time.monotonic()
        for upto in LOOKS[1:] if compared else ():
            decision = self.decision
            if decision.answer is Answer.ROLL_BACK or (made >= ENOUGH and not more_tell(decision)):
                return
            self._look(Look(only=compared, params=self.looker.with_requests(max(upto - made, FEWEST_REQUESTS))))
            made = upto
            if time.monotonic() - last >= every_s:
                last = time.monotonic()
                self._full_look(LOOKS[0])
                self._confirm()

    def _compared(self) -> frozenset[str]:
        """Return the results of which more requests tell more: those that can be compared with the baseline."""
        incomparable = self.terms.incomparable or {}
        return frozenset() if self.before is None or "" in incomparable else self.looker.compared - incomparable.keys()

    def _confirm(self) -> None:
        """Look again at what was not seen broken often enough to count, or is unknown: one blip decides nothing."""
        for _ in range(max([3, *(within for _, within in self.terms.own_of.values())])):
            doubtful = frozenset(each.id for each in self.decision.findings if each.sort is Sort.UNKNOWN)
            if not doubtful or self._rolls_back():
                return
            self.tell(f"looking again in {AGAIN_S:g} s at {', '.join(sorted(doubtful)[:3])}")
            time.sleep(AGAIN_S)
            ended = doubtful & ended_in(self.looks[-1])  # is told at once, where what answered no more takes its time
            self._look(Look(only=ended or doubtful | self._witnesses(doubtful)))

    def _witnesses(self, doubtful: Collection[str]) -> frozenset[str]:
        """Return who tells whether this machine is cut off, where one of those in doubt can't be reached."""
        expected = {each.id: each for each in self.looker.inventory.expectations if each.check.name == "reachable"}
        if not any(name in expected for name in doubtful):
            return frozenset()
        return frozenset(name for name, each in expected.items() if each.target.id in self.terms.elsewhere)

    def _full_look(self, requests: int, unmeasured: Collection[str] = ()) -> None:
        why = self._look(Look(params=self.looker.with_requests(requests)), unmeasured)
        if why is None and self.looks[-1].narrowed:
            why = "not all checks of the suite ran; see what left them out: -x, -k, a plugin"
        self._full.append(why)

    def _look(self, look: Look, unmeasured: Collection[str] = ()) -> str | None:
        """Look, and return what went wrong; what is unmeasured is left out of what was seen. Raises StoppedError."""
        known = self.before
        since = known.recorded if known is not None else self._since
        counting = self.looker.counting_from(since)
        params = {n: {**counting.get(n, {}), **look.params.get(n, {})} for n in {*counting, *look.params}}
        counters = known.counters if known is not None else {}
        try:
            found = self.looker.look(replace(look, params=params, counters=counters, since=since))
        except GateError as error:
            return str(error)
        self.looks.append(replace(found, results=tuple(r for r in found.results if r.id not in unmeasured)))
        return None


def more_tell(decision: Decision) -> bool:
    """Tell whether more requests may decide something that is not decided yet."""
    return any(each.sort is Sort.INCOMPARABLE and each.details for each in decision.findings)


def _is_broken(result: Result | None) -> bool:
    return result is not None and result.verdict is Verdict.BREACH
