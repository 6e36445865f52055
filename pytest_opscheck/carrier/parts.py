"""The parts of a run while workers have them: what is sent, whose worker is silent, what came. It knows no broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from ..core.humanize import counted
from ..core.results import SCHEMA, Run
from ..core.shards import Part, parse_shard
from ..core.vantage import DEFAULT
from .messages import MOST_ATTEMPTS, Reply

SILENT_S = 15.0
"""How long a worker may say nothing of its part until that is sent to another one."""
NOBODY_S = 4.0
"""After how long people are told that nobody takes a part; a worker that is at it is heard every other second."""
_SHOWN = 500
"""Characters of a reason that a result has; people are shown all of it."""


@dataclass
class Sent:
    """A part, and how it stands: at which attempt, since when, who has it, and what came of it.

    heard: when its worker was heard last at this attempt, None where none has been.
    reason: why the last attempt that is over has brought no results.
    """

    part: Part
    attempt: int = 0
    is_due: bool = True
    since: float = 0.0
    heard: float | None = None
    worker: str = ""
    reason: str | None = None
    run: Run | None = None
    is_told: bool = False
    numbers: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is waited for: its results are there, or it was sent as often as it may be."""
        return self.run is not None or (not self.is_due and self.reason is not None and self.attempt == MOST_ATTEMPTS)

    def begin(self, now: float) -> None:
        """Note that it is sent."""
        self.attempt += 1
        self.is_due, self.since, self.heard, self.worker = False, now, None, ""
        self.reason, self.is_told = None, False

    def lose(self, reason: str) -> None:
        """Note that an attempt is over, and why: it is to be sent once more, unless it was sent often enough."""
        self.reason = reason
        self.is_due = self.attempt < MOST_ATTEMPTS

    def is_news(self, reply: Reply) -> bool:
        """Tell whether a worker gives this sign of life for the first time, and not somebody who has kept it."""
        said = (reply.worker, reply.of.attempt)
        newest = self.numbers.get(said, -1)
        self.numbers[said] = max(reply.number, newest)
        return reply.number > newest


@dataclass
class Parts:
    """All parts of one run. `say` tells people; times are seconds of any one clock.

    name: the inventory's, as results have it. digest: the inventory's, as orders have it.
    earlier: why the attempts before the one that is under way have brought nothing.
    """

    run: str
    suite: str
    name: str
    version: str
    digest: str
    sent: Mapping[Part, Sent]
    say: Callable[[str], object]
    fault: str | None = None
    strangers: int = 0
    earlier: dict[Part, str] = field(default_factory=dict)

    @property
    def are_over(self) -> bool:
        """Whether no part is waited for any more."""
        return all(each.is_over for each in self.sent.values())

    def connected(self, now: float) -> None:
        """Note that the broker answers, again: that nobody was heard until now says nothing of the workers."""
        if self.fault is not None:
            self.say("the broker answers again")
        self.fault = None
        for each in self.sent.values():
            each.since = now
            each.heard = now if each.heard is not None else None

    def disconnected(self, fault: str) -> None:
        """Note that the broker does not answer."""
        if self.fault is None:
            self.say(f"{fault}; it is tried again until the deadline")
        self.fault = fault

    def due(self, now: float, waiting: Callable[[str | None], int]) -> Iterator[Sent]:
        """Yield the parts that are to be sent now. Whoever sends one notes that with `begin`.

        waiting: how many orders for a vantage point the broker still has.
        """
        for each in self.sent.values():
            if each.is_over:
                continue
            if not each.is_due and (reason := _lost(each, now, waiting)) is not None:
                self._lose(each, reason)
            if each.is_due:
                yield each
            elif each.heard is None and now - each.since > NOBODY_S and not each.is_told:
                each.is_told = True
                self.say(f"{each.part}: no worker has taken it yet; {_start(each.part)}")

    def hear(self, data: Mapping[str, object] | None, now: float) -> None:
        """Take what a worker says; None for what is not signed with the run's key."""
        try:
            reply = Reply.model_validate(data)
        except ValidationError:
            self.strangers += 1
            if self.strangers == 1:
                self.say(self._strange())
            return
        each = self.sent.get(reply.of.part)
        is_ours = reply.of.run == self.run and each is not None and reply.of.attempt <= each.attempt
        if each is None or not is_ours or each.run is not None:
            return
        if reply.kind == "results":
            self._take(each, reply)
        elif reply.of.attempt == each.attempt and not each.is_over:
            if reply.kind == "refused":
                self._lose(each, f"{reply.worker} has no results of it: {reply.reason}")
            elif each.is_news(reply):
                if each.heard is None:
                    self.say(f"{each.part}: {reply.worker} is at it")
                each.heard, each.worker = now, reply.worker

    def reasons(self, now: float) -> dict[Part, str]:
        """Return why each part has brought nothing, of those that have not."""
        return {part: self._reason(each, now) for part, each in self.sent.items() if each.run is None}

    def _take(self, each: Sent, reply: Reply) -> None:
        try:
            run = _read(reply)
            problem = self._problem(run, each.part, reply.digest)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            problem = f"they are of another form: {error!r}"
        if problem is None:
            each.run = run
            self.say(f"{each.part}: {counted(len(run.results), 'result')} from {reply.worker}")
        elif reply.of.attempt == each.attempt and not each.is_over:
            self._lose(each, f"the results of {reply.worker} are not those of this part: {problem}")

    def _problem(self, run: Run, part: Part, digest: str) -> str | None:
        """Return why results are not those of a part, None where they are."""
        vantage = run.vantage if part.vantage is not None else None
        differing = [
            ("inventory", run.inventory, self.name),
            ("suite", run.suite, self.suite),
            ("version of pytest-opscheck", run.version, self.version),
            ("part", Part(vantage, parse_shard(run.shard or "")), part),
            ("digest", digest, self.digest),
        ]
        return next((f"their {what} is {came}, and not {ours}" for what, came, ours in differing if came != ours), None)

    def _lose(self, each: Sent, reason: str) -> None:
        each.lose(reason)
        self.earlier[each.part] = reason
        again = f"; it is sent again, {each.attempt + 1} of {MOST_ATTEMPTS}" if each.is_due else ""
        self.say(f"{each.part}: {reason}{again}")

    def _reason(self, each: Sent, now: float) -> str:
        earlier = self.earlier.get(each.part)
        said = [earlier] if earlier is not None else []
        if not each.is_over or not said:
            said.append(self._at_deadline(each, now))
        if self.strangers and not each.numbers:
            said.append(self._strange())
        text = "; ".join(line for reason in said for line in reason.splitlines() if line.strip())
        return text if len(text) <= _SHOWN else f"... {text[4 - _SHOWN :]}"

    def _at_deadline(self, each: Sent, now: float) -> str:
        """Return what is waited for when the deadline is over."""
        if self.fault is not None:
            return self.fault
        if each.heard is not None:
            silent_s = now - each.heard
            state = f"had not been heard for {silent_s:.0f} s" if silent_s > NOBODY_S else "was still at it"
            return f"{each.worker} {state} at the deadline"
        return f"no worker has taken it; {_start(each.part)}"

    def _strange(self) -> str:
        return (
            f"{counted(self.strangers, 'message')} came that this run's OPSCHECK_KEY has not signed: set it to the "
            "same one on each worker, or see who else can write to the broker"
        )


def _lost(each: Sent, now: float, waiting: Callable[[str | None], int]) -> str | None:
    """Return why nobody has a part any more that was sent; None where somebody may well have it."""
    if each.heard is not None:
        is_silent = now - each.heard > SILENT_S
        return f"{each.worker} has not been heard for {SILENT_S:g} s" if is_silent else None
    if now - each.since > SILENT_S and not waiting(each.part.vantage):
        return f"the broker has it no more, and no worker has been heard for {SILENT_S:g} s that would have it"
    return None


def _start(part: Part) -> str:
    return f"start one there: opscheck worker --from {part.vantage or DEFAULT}"


def _read(reply: Reply) -> Run:
    if reply.results is None or reply.results.get("schema") != SCHEMA:
        raise ValueError(f"their schema is not {SCHEMA!r}")
    return Run.from_json(reply.results)
