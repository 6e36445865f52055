"""The numbers of a sentence as limits of what it speaks of, each with its severity."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..core.limits import parse_limit
from . import metrics, quantities
from .direction import FREE_KEYS, Rung, Unread, rung
from .metrics import Found, Metric
from .quantities import Quantity
from .words import Role, is_normal, says_well, severity_in

_BETWEEN = re.compile(r"[,;|/(]|\s(?:and|und|et|or|but|while|aber)\s|\.\s|->|→")
_SAID_OF_NUMBERS = re.compile(
    r"\b(?:alert\w*|warn\w*|critical|emergency|raise[sd]?|when|fewer|less|more|than|above|below|under|over|least|most|exceed\w*|days?|hours?|minutes?|seconds?|percent"
    r"|normal|expected|target|should|must|remain\w*|left|used|free|usage|available|page\w*|trigger\w*|high|load|stay\w*|keep|there|with|that|this|between|within|maximum|minimum"
    r"|unter|über|weniger|mehr|alerte|belegt|frei|threshold|value|limit|anything|level|always|never)\b",
    re.IGNORECASE,
)
_BACKUP = re.compile(r"back-?up|dump|snapshot|sicherung|sauvegarde|restore", re.IGNORECASE)
_REMOVED = re.compile(r"delet|remov|prun|clean|lösch|supprim", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FEW, _NEAR = 2, 40
_BAD = re.compile(r"\b(?:alert\w*|page[sd]?|warn\w*|alarm\w*|trigger\w*|escalat\w*)\b", re.IGNORECASE)
_WORSE_FIRST = ("P1", "P2", "P3")
_CONDITION = re.compile(
    r"\b(?:if|when|once|whenever|wenn|falls|sobald|si|lorsque|alert|page|warn|trigger|fires?|escalate|alarm)\w*\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a sentence says of one metric."""

    metric: Metric
    rungs: tuple[Rung, ...]
    lasting: str | None = None


@dataclass
class Numbers:
    """What was read of the numbers of a sentence, and which of them make no limit, with the reason."""

    measured: list[Measured] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    quantities: tuple[Quantity, ...] = ()

    @property
    def compares(self) -> bool:
        """Whether a number of the sentence is compared with something."""
        return any(each.use == "limit" and each.operator for each in self.quantities)


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a sentence: what its label and section say, and the metric that they name."""

    role: Role = Role.NONE
    severity: str | None = None
    metric: Metric | None = None
    scope: str = ""
    line: int = 0
    forced: bool = False
    """Whether every number is of that metric: it is what a command shows."""
    sticks: bool = True
    """Whether the metric is meant whatever else the sentence speaks of: it is that of a row or a command."""
    free: bool = False
    """Whether what stands around speaks of what is free."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A number of a sentence, and the words that belong to it."""

    quantity: Quantity
    before: str
    after: str


def read(text: str, context: Context) -> Numbers:
    """Return the limits that a sentence says."""
    found = tuple(quantities.read(text))
    limits = [each for each in found if each.use == "limit"]
    numbers = Numbers(quantities=found)
    mentioned = metrics.find(text)
    lasting = _lasting(found)
    for quantity, before, after in _parts(text, limits):
        if (
            not quantity.operator
            and not quantity.unit
            and not context.sticks
            and context.role is not Role.NORMAL
            and not is_normal(before)
        ):
            continue  # a number of prose that nothing compares
        part = _Part(quantity, before, after)
        metric = _metric_of(part, mentioned, context, text)
        if metric is None:
            if quantity.operator or context.role is not Role.NONE:
                numbers.unread.append("a limit without a known metric")
            continue
        made = _rung(metric, part, context, text)
        if isinstance(made, Unread):
            numbers.unread.append(made.why)
        elif not metric.check:
            numbers.unread.append(metric.why or "there is no check of it")
        else:
            _add(numbers, metric, made, lasting)
    numbers.measured = [replace(each, rungs=_as_ladder(each.rungs)) for each in numbers.measured]
    return numbers


def _as_ladder(rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """Return limits of one sentence as a ladder, where they only say what should not be and not how bad it is."""
    bare = [each for each in rungs if each.severity is None and each.alarm]
    if len(bare) < 2 or len(bare) < len(rungs):  # noqa: PLR2004 - a ladder has two rungs or more
        return rungs
    upper = bare[0].limit.startswith("<")
    widest_first = sorted(bare, key=lambda each: parse_limit(each.limit).number or 0.0, reverse=upper)
    return tuple(replace(each, severity=severity) for each, severity in zip(widest_first, _WORSE_FIRST, strict=False))


def _add(numbers: Numbers, metric: Metric, made: Rung, lasting: str | None) -> None:
    for place, each in enumerate(numbers.measured):
        if each.metric.check == metric.check:
            if made.limit not in [rung.limit for rung in each.rungs]:
                numbers.measured[place] = Measured(each.metric, (*each.rungs, made), each.lasting)
            return
    numbers.measured.append(Measured(metric, (made,), lasting))


def _lasting(found: Sequence[Quantity]) -> str | None:
    duration = next((each for each in found if each.use == "lasting" and each.unit in ("s", "m", "h")), None)
    return duration.text if duration else None


def _parts(text: str, limits: list[Quantity]) -> Iterator[tuple[Quantity, str, str]]:
    """Yield each number with the words that belong to it: those before it, and those behind it up to the next one's."""
    edges = [0]
    for one, other in itertools.pairwise(limits):
        between = text[one.end : other.start]
        cuts = [match.end() for match in _BETWEEN.finditer(between)]
        edges.append(one.end + (cuts[-1] if cuts else 0))
    edges.append(len(text))
    for place, quantity in enumerate(limits):
        yield quantity, text[edges[place] : quantity.start], text[quantity.end : edges[place + 1]]


def _metric_of(part: _Part, mentioned: list[Found], context: Context, text: str) -> Metric | None:
    """Return the metric of a number: the last one before it, else the first behind it, else the context's."""
    quantity = part.quantity
    if context.forced:
        return context.metric
    if (own := _own(part)) is not None:
        return own
    fits = [
        each
        for each in mentioned
        if each.metric.takes(quantity.unit) or (_is_share(each.metric, quantity) and quantity.start - each.end < _NEAR)
    ]
    before = [each for each in fits if each.end <= quantity.start]
    after = [each for each in fits if each.start >= quantity.end]
    near = _nearest(before, after)
    if near is not None:
        return metrics.scoped(metrics.narrowed(near, text), f"{text} {context.scope}")
    return _of_context(quantity, mentioned, context, text)


def _of_context(quantity: Quantity, mentioned: list[Found], context: Context, text: str) -> Metric | None:
    """Return the metric that is spoken of around a sentence, where the sentence hardly says more than its number."""
    spoken = context.metric if context.sticks or is_bare(text) else None
    if spoken is not None and (spoken.takes(quantity.unit) or _is_share(spoken, quantity) or not mentioned):
        return metrics.scoped(spoken, f"{text} {context.scope}")
    return metrics.scoped(mentioned[0].metric, text) if mentioned else None


def _own(part: _Part) -> Metric | None:
    """Return the metric that the words before a number name, where they name one that it does not fit.

    Nothing else of the sentence is meant then: of `availability under 99 %, errors over 2 %`, the errors are a rate.
    """
    named = [each for each in metrics.find(part.before) if each.metric.key != "retention"]
    if not named or any(
        each.metric.takes(part.quantity.unit) or _is_share(each.metric, part.quantity) for each in named
    ):
        return None
    if named[-1].metric.key == "errors" and part.quantity.unit == "%":
        return metrics.named("error_rate")
    return named[-1].metric


def _nearest(before: list[Found], after: list[Found]) -> Found | None:
    """Return the metric that stands nearest: `95th percentile` behind a time that is named before it says how."""
    if before:
        last = before[-1]
        how = next((each for each in after if each.metric.key in ("p95", "p99")), None)
        if last.metric.key == "latency" and how is not None:
            return how
        specific = [each for each in before if each.metric.key in ("p99", "answer_time", "retention", "drill")]
        return specific[-1] if specific else last
    return after[0] if after else None


def is_bare(text: str) -> bool:
    """Tell whether a text says hardly more than its numbers: it goes on about what was spoken of."""
    rest = _SAID_OF_NUMBERS.sub(" ", text)
    return len(list(re.findall(r"[^\W\d_]{4,}", rest))) <= _FEW


def _is_share(metric: Metric, quantity: Quantity) -> bool:
    return metric.dimensions == ("percentage",) and quantity.unit == ""


def _rung(metric: Metric, part: _Part, context: Context, text: str) -> Rung | Unread:
    """Return the limit that a number says, or why it says none."""
    quantity = part.quantity
    if (why := _unfit(metric, quantity, f"{text} {context.scope}", text)) is not None:
        return Unread(why)
    role, severity = _role(metric, part, context)
    if _contradicts(metric, part, context):
        return Unread(f"the words say that it is bad, and of {metric.check} it is good")
    free = quantities.says_free(text[max(quantity.start - 30, 0) : quantity.end + 25]) or context.free
    return rung(metric, quantity, role, severity, context.line, free=free)


def _unfit(metric: Metric, quantity: Quantity, words: str, text: str) -> str | None:
    """Return why a number can't be of a metric; None where it can."""
    if metric.key == "retention" and not _BACKUP.search(words):
        return "how long something is kept: of which files?"
    if metric.key == "containers" and not says_well(text):
        return "a number of services that says nothing of how they are"
    if metric.key == "retention" and quantity.operator in (">", ">=") and not _REMOVED.search(text):
        return "how long backups are kept at least: backup.kept counts them"
    if quantity.unit in _SECONDS and not metrics.is_likely(metric, float(quantity.number) * _SECONDS[quantity.unit]):
        return f"a time that does not fit {metric.check or metric.key}"
    return None


def _contradicts(metric: Metric, part: _Part, context: Context) -> bool:
    """Tell whether the words next to a number say that it is bad, and its direction that it is good."""
    labelled = context.severity is not None and context.role is Role.ALARM and not context.sticks
    bad = labelled or severity_in(part.before) is not None or _BAD.search(part.before) is not None
    if not bad or part.quantity.denied or metric.good == metrics.EITHER or is_normal(part.before):
        return False
    free = metric.key in FREE_KEYS and quantities.says_free(part.before + part.after)
    good = metrics.HIGH if (metric.good == metrics.HIGH) is not free else metrics.LOW
    return part.quantity.operator in ((">", ">=") if good == metrics.HIGH else ("<", "<="))


def _role(metric: Metric, part: _Part, context: Context) -> tuple[Role, str | None]:
    """Return whether a number says what should be or what should not, and how bad that is."""
    severity = severity_in(part.before) or severity_in(part.after)
    role = context.role
    if is_normal(part.before):
        role = Role.NORMAL
    elif severity is not None or _CONDITION.search(part.before) or _CONDITION.search(part.after):
        role = Role.ALARM
    if role is not Role.NORMAL:
        severity = severity or context.severity
    bare = not part.quantity.operator
    share = role is Role.NONE and part.quantity.unit == "%" and metric.good == metrics.HIGH
    if bare and (metric.key == "retention" or share):
        role = Role.NORMAL
    return role, severity
