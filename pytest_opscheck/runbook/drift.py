"""Where a runbook and its inventory have drifted apart: re-read statement by statement, each difference one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from . import drift_links, drift_statements, drift_values
from .compared import Compared, lines_of
from .drifts import Drift
from .headings import same, slug
from .lock import Accepted, place
from .origins import squeezed
from .stated import UNREAD, Stated

_REMEMBERED = ("", "limit", "changed")
"""What was accepted of statements that are missed when they go."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying came to: what drifted, what of it was accepted, and which entries of the lock nothing needs."""

    drifts: Sequence[Drift]
    accepted: Sequence[Drift]
    unneeded: Sequence[Accepted]
    stated: Sequence[Stated]
    silent: int
    """How many links lead to sections that say nothing of what links there."""


def verified(both: Compared, lock: Sequence[Accepted]) -> Verified:
    """Return what has drifted apart, but for what was accepted as it is now."""
    found = [*_missing(both), *drift_links.found(both), *_statements(both, lock), *_exempt(both)]
    found += _forgotten(both, lock, {each.known.id for each in found})
    known = {each.known for each in lock}
    drifts = [each for each in found if each.known not in known]
    accepted = [each for each in found if each.known in known]
    there = {each.known for each in accepted}
    gone = {each.id for each in drifts}
    unneeded = [each for each in lock if each.drift and each.known not in there and each.id not in gone]
    return Verified(sorted(drifts, key=_order), accepted, unneeded, both.stated, _silent(both))


def _order(each: Drift) -> tuple[str, int, str]:
    return each.file, each.line, each.inventory_at


def _missing(both: Compared) -> Iterator[Drift]:
    for file, key in both.missing.values():
        says = "there is no such file; correct the link, or bring the file back"
        known = Accepted("", "link", str(file), 1, "file", str(file), "", "")
        yield Drift(known, says, file=str(file), inventory_at=both.where(key))


def _statements(both: Compared, lock: Sequence[Accepted]) -> Iterator[Drift]:
    for each, judges in both.proposals():
        yield from drift_values.found(each, judges) if judges else drift_statements.unjudged(both, each)
    limited = {id(x) for each, judges in both.proposals() if any(drift_values.found(each, judges)) for x in judges}
    yield from drift_statements.of_tables(both)
    yield from drift_statements.unread(both, [each for each in lock if not each.drift])
    # What a template or a group says is one thing, however many targets are made of it.
    for x in {(x.where, x.expectation.check_id): x for x in reversed(both.expected)}.values():
        yield from drift_statements.remembered(both, x, is_told=id(x) in limited)


def _exempt(both: Compared) -> Iterator[Drift]:
    """Yield exemptions that are over, and those of the inventory that are of nothing."""
    for mark in (mark for reading in both.made.readings for mark in reading.marks if mark.over):
        known = Accepted("", "exempt", slug(mark.why), 1, "over", mark.why, "", "")
        yield Drift(known, mark.problem, file=mark.file, line=mark.line)
    for each in both.inventory.exempt:
        where = both.where(("runbook", "exempt", each.place))
        what = f'"{each.quote}"' if each.quote is not None else f"#{each.anchor}"
        known = Accepted(each.anchor or "", "exempt", what, 1, "exempt", "", what, "")
        lines = list(lines_of(both.made, each.anchor))
        if not both.pages:
            continue
        if not each.holds(both.today):
            yield Drift(known, f"the exemption of {what} ended on {each.until} ({each.why})", inventory_at=where)
        elif not lines:
            yield Drift(known, f"#{each.anchor} is exempt, and there is no such section", inventory_at=where)
        elif each.quote is not None and squeezed(each.quote) not in "".join(
            squeezed(line, whole=True) for line in lines
        ):
            yield Drift(known, f"{what} is exempt, and the runbook does not say it any more", inventory_at=where)


def _forgotten(both: Compared, lock: Sequence[Accepted], told: set[str]) -> Iterator[Drift]:
    """Yield what the lock remembers of statements that are gone, or say something else now."""
    there: Mapping[str, Stated] = {each.id: each for each in both.stated if each.is_known_by_id}
    for each in lock if not both.missing else ():
        if each.drift not in _REMEMBERED or each.check in ("link", "exempt") or each.id in told:
            continue
        now = there.get(each.id) or _also_in(each, there.values())
        if each.check == UNREAD:
            now = now or next((one for one in there.values() if both.says(each.text)), None)
        if now is None:
            yield drift_statements.forgotten(each, there.values(), place(both.inventory.file).name)
        elif not each.drift and each.check != UNREAD and not drift_values.says_same(both, now, each):
            yield drift_values.changed(both, now, each.runbook)


def _also_in(each: Accepted, there: Iterable[Stated]) -> Stated | None:
    """Return a statement that stands in several sections, of which another one comes first now."""
    alike = (one for one in there if (one.check, one.subject) == (each.check, each.subject))
    return next((one for one in alike if same(each.anchor) in one.anchors), None)


def _silent(both: Compared) -> int:
    """Return how many expectations link to sections that say nothing of them."""
    linked = [x for x in both.expected if x.links and not x.origins]
    return sum(not any({same(link.anchor) for link in x.links} & each.anchors for each in both.of(x)) for x in linked)


def known_of(found: Verified) -> list[tuple[str, Accepted]]:
    """Return what can be accepted: each difference, and each statement in which nothing differs, by their ids."""
    differing = [(each.id, each.known) for each in (*found.drifts, *found.accepted)]
    taken = {name for name, _ in differing}
    plainly = [each for each in found.stated if each.is_known_by_id and each.id not in taken]
    return [*differing, *((each.id, drift_values.known(each)) for each in plainly)]
