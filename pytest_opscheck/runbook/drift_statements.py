"""Statements that nothing judges, and those that the inventory remembers and the runbook does not say any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from . import sentences
from .compared import Compared, lines_of
from .draft import quote
from .drift_values import drafted, worded
from .drifts import Drift, of_statement
from .expected import Expected
from .headings import slug
from .lock import Accepted
from .matching import names
from .origins import Origin, all_numbers, numbers, squeezed
from .stated import Sort, Stated
from .statements import Fate, Statement
from .values import Number, alike, limit_of

_HOW = "see whether the check is still right, and correct its comment"


def unjudged(both: Compared, each: Stated) -> Iterator[Drift]:
    """Yield a statement that nothing judges, but for what is commented out in the inventory, or unsure."""
    texts = {squeezed(statement.text) for statement in each.statements} - {""}
    if each.is_sure and not texts <= both.origins.known:
        says = f"nothing checks this; import proposes {each.check}@{each.target}; add it, or exempt this with a reason"
        yield of_statement(each, "new", says, runbook=worded(each))


def unread(both: Compared, remembered: Sequence[Accepted]) -> Iterator[Drift]:
    """Yield what import can't read and is new: a number or a command that neither the draft nor the lock has."""
    listed = both.origins.unread
    if not listed and not remembered:
        return
    reasons = {why for why, _ in listed}
    texts = [*(text for _, text in listed), *(each.text for each in remembered)]
    known = frozenset(each for text in texts for each in all_numbers(text)) | both.origins.numbers
    for each, judges in both.unread():
        says_more = bool(all_numbers(quote(each.text)) - known)
        if not judges and (says_more or (each.why.startswith("no check for") and each.why not in reasons)):
            says = f"this is new, and import can't read it ({each.why}); add a check, or exempt it with a reason"
            yield of_statement(each, "new", says)


def forgotten(each: Accepted, there: Iterable[Stated], lock: str) -> Drift:
    """Return the drift of a statement that the lock remembers, and that is gone."""
    moved = next((one for one in there if (one.check, one.subject) == (each.check, each.subject)), None)
    hint = f"; it stands in #{moved.section.anchor} now" if moved is not None else ""
    known = Accepted(each.anchor, each.check, each.subject, each.ordinal, "gone", "", each.runbook, each.text)
    says = f'the runbook does not say "{each.text}" any more, which was accepted{hint}'
    return Drift(known, says, inventory_at=lock)


def remembered(both: Compared, x: Expected, *, is_told: bool) -> Iterator[Drift]:
    """Yield what an expectation's own comments, or `runbook_says`, know of the runbook and it does not say any more.

    is_told: whether a limit that differs is told already.
    """
    present = [statement for each in both.of(x) if _counts(each, x) for statement in each.statements]
    if x.origins and _is_read(both, x):
        yield from _of_origins(both, x, present, is_told=is_told)
    for limit in x.expectation.runbook_says:
        if x.links and not _is_said(both, x, limit):
            says = f"{x.id}: runbook_says is {limit}, and the runbook does not say that any more"
            yield _of_expected(x, "gone", says, runbook=limit)


def of_tables(both: Compared) -> Iterator[Drift]:
    """Yield what the comments over windows and schedules quote, and the runbook does not say any more."""
    lines_there = {squeezed(line.text) for line in both.made.lines}
    for at, origin in both.origins.tables:
        key = squeezed(origin.text)
        if both.pages and not any(key in line for line in lines_there):
            known = Accepted("", at.rpartition(":")[0], slug(origin.text), 1, "gone", "", "", origin.text)
            yield Drift(known, f'the runbook does not say "{origin.text}" any more', origin.file, inventory_at=at)


def _counts(each: Stated, x: Expected) -> bool:
    """Tell whether a statement is one that its expectation stands for, and no symptom that says much alike."""
    return each.is_sure or drafted(each, x)


def _is_read(both: Compared, x: Expected) -> bool:
    """Tell whether the runbook that its comments quote is among those that were read."""
    return not x.links or any(link.real in both.pages for link in x.links)


def _of_origins(both: Compared, x: Expected, present: Sequence[Statement], *, is_told: bool) -> Iterator[Drift]:
    known = Counter(key for _, key in {(origin.line, squeezed(origin.text)) for origin in x.origins})
    now = Counter(key for _, key in {(each.line, squeezed(each.text)) for each in present})
    exempt = _exempt(both)
    missing = [key for key in (known - now).elements() if key and key not in exempt]
    new = [key for key in (now - known).elements() if key]
    gone = _unlike(missing, new)[: max(len(missing) - len(new), 0)]
    texts = {squeezed(origin.text): origin for origin in x.origins}
    for key in gone:
        yield _gone(x, texts[key])
    reworded = [texts[key] for key in missing if key not in gone]
    if not gone and not is_told:
        yield from _changed(x, present, reworded)


def _exempt(both: Compared) -> str:
    tables = [each.text for each in both.stated if each.sort is Sort.EXEMPT]
    marked = [line.text for line in both.made.lines if line.fate is Fate.EXEMPT]
    return "".join(map(squeezed, [*tables, *marked]))


def _unlike(missing: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return what is missing, that first which is least like anything new."""
    return sorted(missing, key=lambda key: max((SequenceMatcher(None, key, each).ratio() for each in new), default=0.0))


def _gone(x: Expected, origin: Origin) -> Drift:
    says = (
        f'{x.id}: the runbook does not say "{origin.text}" any more; if the check is still wanted, remove its comment'
    )
    return _of_expected(x, "gone", says, inventory=origin.text, text=origin.text)


def _changed(x: Expected, present: Sequence[Statement], reworded: Sequence[Origin]) -> Iterator[Drift]:
    """Yield what is worded otherwise where that changes a number or a command."""
    before = frozenset(each for origin in x.origins for each in all_numbers(origin.text))
    now = frozenset(each for statement in present for each in all_numbers(statement.text))
    lost = _lost(x, before, now)
    commands = [origin for origin in reworded if sentences.is_command(origin.text)]
    if not present or not (lost or commands):
        return
    first = commands[0] if commands else next(o for o in x.origins if all_numbers(o.text) & lost)
    says = f'{x.id}: the runbook said "{first.text}", and says something else now; {_HOW}'
    made = _of_expected(x, "changed", says, inventory=first.text, runbook=" · ".join(each.text for each in present))
    like = max(present, key=lambda each: SequenceMatcher(None, each.text, first.text).ratio())
    yield Drift(made.known, says, like.file, like.line, like.text, x.where)


def _lost(x: Expected, before: frozenset[Number], now: frozenset[Number]) -> frozenset[Number]:
    """Return the numbers that the runbook does not say any more, unless the inventory has followed it."""
    lost, new = before - now, now - before
    turned = {number[1:] for number in lost} & {number[1:] for number in new}
    followed = bool(new) and not turned and all(_relies_on(x, number) for number in new)
    return frozenset() if followed else lost


def _relies_on(x: Expected, number: Number) -> bool:
    """Tell whether an expectation has a number, as a limit or for how long that is broken."""
    lasting = x.expectation.lasting
    return names(x, number) or (lasting is not None and (lasting.seconds, "duration") == number[1:])


def _of_expected(x: Expected, sort: str, says: str, *, runbook: str = "", inventory: str = "", text: str = "") -> Drift:
    anchor = next((link.anchor for link in x.links), "")
    known = Accepted(anchor, x.expectation.check_id, x.expectation.target.name, 1, sort, runbook, inventory, text)
    return Drift(known, says, inventory_at=x.where, file=next((str(link.file) for link in x.links), ""))


def _is_said(both: Compared, x: Expected, limit: str) -> bool:
    """Tell whether the runbook says a limit: in a statement that an expectation judges, or where it links to."""
    wanted = limit_of(limit)
    if wanted is None or wanted.number is None:
        return True
    rungs = [limit_of(rung.limit) for each in both.of(x) for rung in each.rungs]
    if any(
        rung is not None and rung.number is not None and alike(rung.number, rung.dimension, wanted) for rung in rungs
    ):
        return True
    texts = [line for link in x.links for line in lines_of(both.made, link.anchor or None)]
    return any(alike(each.value, each.measures, wanted) for text in texts for each in numbers(text))
