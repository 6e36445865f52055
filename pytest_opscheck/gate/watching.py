"""`opscheck gate after`: waits for life, looks, looks again at what is new, and goes on until it can decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..core.look import Look
from ..core.results import Result, Run, Verdict
from ..inventory.gate import Gate, Version
from .baseline import Baseline, GateError
from .decision import Decision, Terms, decide
from .finding import Sort
from .looking import Looker, StoppedError
from .values import LOOKS, Answer
from .version import NO_VERSION, described, waited_for

_AGAIN_S = 5.0
"""After this time what is newly broken is looked at again."""
_PAUSE_S = 1.0
_LIFE = ("reachable", "status", "up", "healthy")
"""The checks that tell whether what was deployed has come up."""
_FEWEST_REQUESTS = 10
_ENOUGH = LOOKS[3]
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
    _began: float = field(default_factory=time.monotonic)

    def run(self, gate: Gate, *, wait_s: float, watch_s: float, every_s: float, version: str | None) -> Decision:
        """Watch a deploy, and return what was decided; with what was seen so far where somebody ends it."""
        try:
            self._await_life(wait_s)
            if version is not None and gate.version is not None:
                self._await_version(gate.version, wait_s, version)
            if self._rolls_back():
                return self.decision
            self._warm_up(gate)
            self._decide_once()
            until = time.monotonic() + watch_s
            while not self._rolls_back() and time.monotonic() < until:
                time.sleep(min(every_s, max(0.0, until - time.monotonic())))
                self._full_look(LOOKS[0])
                self._confirm()
        except StoppedError:
            self.is_partial = True
        except GateError as error:
            if not self.looks:
                raise
            self._note(f"a look failed: {error}")
        return self.decision

    def _rolls_back(self) -> bool:
        return self.decision.answer is Answer.ROLL_BACK

    def _note(self, fault: str) -> None:
        """Note what keeps the gate from seeing all that it should."""
        self.terms = replace(self.terms, fault=fault)

    @property
    def decision(self) -> Decision:
        """What can be said of all that was seen so far."""
        return decide(self.before, self.looks, self.terms)

    def _await_life(self, wait_s: float) -> None:
        """Wait until what was deployed answers, at most as long as is said: then the first look says what does not."""
        suite = [e for e in self.looker.inventory.expectations if self.looker.suite in e.suites]
        life = frozenset(e.id for e in suite if e.check.name in _LIFE)
        broken_before = {name for name, r in (self.before.results if self.before else {}).items() if _is_broken(r)}
        while life:
            found = self.looker.look(Look(only=life))
            missing = [r for r in found.results if r.verdict is not Verdict.OK and r.id not in broken_before]
            if not missing:
                break
            if time.monotonic() - self._began > wait_s:
                self.tell(f"not ready after {wait_s:g} s: {missing[0].id}: {missing[0].message}")
                return
            self.tell(f"waiting for {missing[0].id}: {missing[0].message}")
            time.sleep(_PAUSE_S)
        self.ready_s = time.monotonic() - self._began

    def _await_version(self, source: Version, wait_s: float, wanted: str) -> None:
        """Wait until every answer comes from the version that was deployed; that none says one proves no other."""
        others = waited_for(self.looker, source, wanted, self._began + wait_s, self.tell)
        if not others:
            return
        said = f"after {time.monotonic() - self._began:.0f} s {described(others, wanted)}, expected {wanted}"
        if all(name.startswith(NO_VERSION) for name in others if name != wanted):
            self._note(said)
        else:
            self.terms = replace(self.terms, wrong_version=said)

    def _warm_up(self, gate: Gate) -> None:
        """Make the requests that are not measured."""
        if gate.warm_up and self.looker.with_requests(gate.warm_up) and self.ready_s is not None:
            count = max(gate.warm_up, _FEWEST_REQUESTS)
            self.looker.look(
                Look(only=frozenset(self.looker.with_requests(count)), params=self.looker.with_requests(count))
            )

    def _decide_once(self) -> None:
        """Look at all of the suite, then at what is compared, until it is decided or there are enough requests."""
        self._full_look(LOOKS[0])
        self._confirm()
        made, compared = LOOKS[0], self._compared()
        for upto in LOOKS[1:] if compared else ():
            decision = self.decision
            if decision.answer is Answer.ROLL_BACK or (made >= _ENOUGH and not _more_tell(decision)):
                return
            self._look(Look(only=compared, params=self.looker.with_requests(max(upto - made, _FEWEST_REQUESTS))))
            made = upto

    def _compared(self) -> frozenset[str]:
        """Return the results of which more requests tell more: those that can be compared with the baseline."""
        incomparable = self.terms.incomparable or {}
        return frozenset() if self.before is None or "" in incomparable else self.looker.compared - incomparable.keys()

    def _confirm(self) -> None:
        """Look again at what was seen broken or unknown once: one blip decides nothing."""
        for _ in range(2):
            doubtful = frozenset(each.id for each in self.decision.findings if each.sort is Sort.UNKNOWN)
            if not doubtful:
                return
            self.tell(f"looking again in {_AGAIN_S:g} s at {', '.join(sorted(doubtful)[:3])}")
            time.sleep(_AGAIN_S)
            self._look(Look(only=doubtful))

    def _full_look(self, requests: int) -> None:
        self._look(Look(params=self.looker.with_requests(requests)))
        if self.looks[-1].narrowed:
            self._note("not all checks of the suite ran in each look; see what left them out: -x, -k, a plugin")

    def _look(self, look: Look) -> None:
        counters = self.before.counters if self.before is not None else {}
        since = self.before.recorded if self.before is not None else None
        self.looks.append(self.looker.look(Look(look.only, look.params, counters, since)))


def _more_tell(decision: Decision) -> bool:
    """Tell whether more requests may decide something that is not decided yet."""
    return any(each.sort is Sort.INCOMPARABLE and each.details for each in decision.findings)


def _is_broken(result: Result | None) -> bool:
    return result is not None and result.verdict is Verdict.BREACH
