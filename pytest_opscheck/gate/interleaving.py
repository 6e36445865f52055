"""`opscheck gate compare`: looks at two sides that run at once in turn, ABBA, so that nothing drifts between them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..core.look import Look
from ..core.results import Result, Run, Verdict
from ..inventory import Expectation, Inventory
from ..inventory.gate import Gate
from .baseline import Baseline, GateError
from .decision import Decision, Terms, decide
from .finding import Sort
from .looking import Looker, StoppedError
from .values import LOOKS, Answer
from .waiting import awaited
from .watching import AGAIN_S, ENOUGH, FEWEST_REQUESTS, more_tell


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides: the checks of the one that is known, A, and of the one that is judged, B, and which are the same.

    same: the result id of B by that of A.
    """

    a: Mapping[str, Expectation]
    b: Mapping[str, Expectation]
    same: Mapping[str, str]

    @property
    def incomparable(self) -> dict[str, str]:
        """Why checks of B can't be compared with those of A."""
        why = "what is expected, or how it is measured, differs between the two sides"
        pairs = ((self.a[one], other, self.b[other]) for one, other in self.same.items())
        return {name: why for a, name, b in pairs if (str(a.limits), a.params) != (str(b.limits), b.params)}


def pair_of(inventory: Inventory, a: str, b: str) -> Pair:
    """Return two sides: `http.blue` and `http.green`, or `blue` and `green`, all targets of these names.

    Raises GateError.
    """
    sides = _side(inventory, a), _side(inventory, b)
    same = {}
    for of_a in sides[0].values():
        for of_b in sides[1].values():
            if _without_target(of_a) == _without_target(of_b):
                same[of_a.id] = of_b.id
    if a == b or not same:
        raise GateError(f"{a} and {b} have no check in common; name two targets of one kind, as http.blue http.green")
    return Pair(sides[0], sides[1], same)


def _side(inventory: Inventory, name: str) -> dict[str, Expectation]:
    suite = inventory.gate_suite
    targets = {target.id for target in inventory.targets if name in (target.id, target.name)}
    if not targets:
        known = ", ".join(sorted(target.id for target in inventory.targets))
        raise GateError(f"there is no target {name}; there are {known}")
    found = {each.id: each for each in inventory.expectations if each.target.id in targets and suite in each.suites}
    if not found:
        raise GateError(f"nothing of {name} is in the suite {suite}; see opscheck plan {suite}")
    return found


def _without_target(expectation: Expectation) -> str:
    return expectation.id.rpartition("@")[0]


@dataclass
class Interleaved:
    """One comparison. `looks` are all that was seen of B; `is_partial` says that somebody has ended it early."""

    looker: Looker
    pair: Pair
    terms: Terms
    tell: Callable[[str], None]
    looks: list[Run] = field(default_factory=list)
    of_a: list[Run] = field(default_factory=list)
    is_partial: bool = False
    ready_s: float | None = None
    began: float = field(default_factory=time.monotonic)

    def run(self, gate: Gate, wait_s: float) -> Decision:
        """Compare, and return what was decided; with what was seen so far where somebody ends it."""
        try:
            self._await_life(wait_s)
            self._warm_up(gate)
            self._rounds()
        except StoppedError:
            self.is_partial = True
        except GateError as error:
            if not self.looks:
                raise
            self.terms = replace(self.terms, fault=f"a look failed: {error}")
        return self.decision

    @property
    def before(self) -> Baseline | None:
        """What was seen of A, by the names of B: what B is compared with."""
        if not self.of_a:
            return None
        looks, first = tuple(map(self._as_b, self.of_a)), self.of_a[0]
        return Baseline(first.inventory, self.looker.suite, first.vantage, first.started, looks)

    @property
    def decision(self) -> Decision:
        """What can be said of all that was seen so far."""
        return decide(self.before, self.looks, self.terms_so_far)

    @property
    def terms_so_far(self) -> Terms:
        """What counts for what; there is no go where A itself does not answer. Where it does, the network is there."""
        if (gone := next(self._gone(), None)) is not None:
            return replace(self.terms, fault=f"there is nothing to compare with: {gone.id}: {gone.message}")
        return replace(self.terms, elsewhere=()) if self.of_a else self.terms

    def _gone(self) -> Iterator[Result]:
        """Yield what can't be reached of A."""
        last = {result.id: result for look in self.of_a for result in look.results}
        yield from (r for r in last.values() if r.check.endswith(".reachable") and r.verdict is not Verdict.OK)

    def _as_b(self, look: Run) -> Run:
        same = self.pair.same
        kept = (result for result in look.results if result.id in same)
        found = (replace(r, id=same[r.id], blocked_by=same.get(r.blocked_by or "", r.blocked_by)) for r in kept)
        return replace(look, results=tuple(found))

    def _await_life(self, wait_s: float) -> None:
        life = awaited(self.looker, (), self.terms, wait_s, self.tell, only=frozenset(self.pair.b))
        self.ready_s = life.seconds if life.missing is None else None
        self.terms = life.counted(self.terms)

    def _warm_up(self, gate: Gate) -> None:
        """Make the requests of both sides that are not measured."""
        params = self.looker.with_requests(max(gate.warm_up, FEWEST_REQUESTS))
        wanted = params.keys() & (self.pair.a.keys() | self.pair.b.keys())
        if gate.warm_up and wanted and self.ready_s is not None:
            with contextlib.suppress(GateError):  # the first look tells
                self.looker.look(Look(only=frozenset(wanted), params=params))

    def _rounds(self) -> None:
        """Look at both sides until it is decided, or there are enough requests."""
        made = 0
        for upto in LOOKS:
            self._round(max((upto - made + 1) // 2, FEWEST_REQUESTS), is_first=not made)
            if not made:
                self._confirm()
            made, decision = upto, self.decision
            self.tell(f"{made} requests to each side, {decision.answer} so far")
            is_enough = not self._compared or (made >= ENOUGH and not more_tell(decision))
            if decision.answer is Answer.ROLL_BACK or self.terms.broke is not None or is_enough:
                return

    def _round(self, requests: int, *, is_first: bool) -> None:
        params = self.looker.with_requests(requests)
        a, b = (self.pair.a, self.of_a), (self.pair.b, self.looks)
        for side, looks in (a, b, b, a):
            only = frozenset(side) if is_first else frozenset(side) & self._compared
            looks.append(self.looker.look(Look(only=only, params=params)))

    @property
    def _compared(self) -> frozenset[str]:
        """The checks of both sides of which more requests tell more."""
        return self.looker.compared & (self.pair.a.keys() | self.pair.b.keys()) - (self.terms.incomparable or {}).keys()

    def _confirm(self) -> None:
        """Look again at what was seen broken or unknown of B once."""
        doubtful = frozenset(each.id for each in self.decision.findings if each.sort is Sort.UNKNOWN)
        if doubtful:
            self.tell(f"looking again in {AGAIN_S:g} s at {', '.join(sorted(doubtful)[:3])}")
            time.sleep(AGAIN_S)
            self.looks.append(self.looker.look(Look(only=doubtful & self.pair.b.keys())))
