"""Links to the runbook that lead nowhere any more, or to another section than was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice

from ..core.humanize import counted
from .blocks import Section
from .compared import Compared, lines_of
from .drifts import Drift
from .expected import Expected, Link
from .headings import same, slug
from .links import ANYWHERE
from .lock import Accepted
from .origins import squeezed

Links = dict[tuple[str, str], list[tuple[Expected, Link]]]
"""By the path of a page and an anchor, what links there."""


def found(both: Compared) -> Iterator[Drift]:
    """Yield each link that does not lead to what it checks."""
    for (real, anchor), links in _by_anchor(both).items():
        if same(anchor) not in both.anchors[real]:
            yield _gone(both, real, anchor, links)
        elif (namesakes := _namesakes(both, real, anchor)) and (drift := _another(both, anchor, links, namesakes)):
            yield drift
        elif _is_empty(both, real, anchor):
            says = f"there is nothing below the heading of #{anchor} any more"
            yield _drift(both, "empty", anchor, links, says=says, now="")
        else:
            yield from _moved(both, real, anchor, links)


def _by_anchor(both: Compared) -> Links:
    links: Links = {}
    for x in both.expected:
        for link in x.links:
            if link.real in both.pages and not ANYWHERE.fullmatch(link.anchor):
                links.setdefault((link.real, link.anchor), []).append((x, link))
    return links


def _drift(
    both: Compared, sort: str, anchor: str, links: Sequence[tuple[Expected, Link]], *, says: str, now: str
) -> Drift:
    x, link = links[0]
    more = f" ({x.id} and {counted(len(links) - 1, 'other check')})" if len(links) > 1 else f" ({x.id})"
    known = Accepted(anchor, "link", "", 1, sort, now, "", "")
    return Drift(known, says + more, file=both.pages[link.real].name, inventory_at=both.where(link.key))


def _gone(both: Compared, real: str, anchor: str, links: Sequence[tuple[Expected, Link]]) -> Drift:
    now = _renamed(both, real, anchor, links)
    hint = f"its statements stand under #{now} now" if now else "see its headings"
    says = f"there is no heading with the anchor #{anchor} any more; {hint}"
    return _drift(both, "anchor", anchor, links, says=says, now=now)


def _renamed(both: Compared, real: str, anchor: str, links: Sequence[tuple[Expected, Link]]) -> str:
    """Return the anchor under which the statements of a section stand now, or else one that looks alike."""
    for x, _ in links:
        texts = {squeezed(origin.text) for origin in x.origins}
        stated = [each for each in both.of(x) if both.real[each.file] == real]
        alike = [s for each in stated for s in each.statements if squeezed(s.text) in texts and s.anchor]
        fresh = [s.anchor for s in alike if not _is_linked(both, real, s.anchor)] + [s.anchor for s in alike]
        if fresh and fresh[0]:
            return fresh[0]
        if now := next((each.section.anchor for each in stated if each.section.anchor), None):
            return now
    free = [each for each in both.anchors[real] if not _is_linked(both, real, each)]
    return next(iter(get_close_matches(anchor, sorted(free), n=1, cutoff=0.5)), "")


def _is_linked(both: Compared, real: str, anchor: str | None) -> bool:
    return anchor is not None and any(x.links_to(real, frozenset((same(anchor),))) for x in both.expected)


def _is_empty(both: Compared, real: str, anchor: str) -> bool:
    """Tell whether a section has neither a text nor a section in it."""
    known = any(each.anchor and same(each.anchor) == same(anchor) for each in both.sections[real])
    lines = list(islice(lines_of(both.made, anchor), 2)) if known else []
    return len(lines) == 1


def _namesakes(both: Compared, real: str, anchor: str) -> list[Section]:
    """Return the sections with the heading of an anchor, where there are several."""
    sections = both.sections[real]
    mine = next((each for each in sections if each.anchor and same(each.anchor) == same(anchor)), None)
    alike = [each for each in sections if mine is not None and slug(each.title) == slug(mine.title)]
    return alike if len(alike) > 1 else []


def _another(
    both: Compared, anchor: str, links: Sequence[tuple[Expected, Link]], namesakes: Sequence[Section]
) -> Drift | None:
    """Return the drift of an anchor that names another section than that with the statements of what links there."""
    stand = [frozenset().union(*(each.anchors for each in both.of(x))) for x, _ in links]
    if any(same(anchor) in anchors for anchors in stand):
        return None
    mine = next((each for each in namesakes if same(each.anchor or "") == same(anchor)), namesakes[0])
    others = [each for each in namesakes if each is not mine]
    meant = next((each for each in others if any(same(each.anchor or "") in anchors for anchors in stand)), None)
    lines = " and ".join(str(each.line) for each in namesakes)
    if meant is not None:
        says = f"#{anchor} names the section on line {mine.line} now; meant was #{meant.anchor}, on line {meant.line}"
    elif not any(stand) and mine is namesakes[0]:
        says = (
            f"#{anchor} is the first of {len(namesakes)} sections with this heading, on lines {lines}; which is meant?"
        )
    else:
        return None
    drift = _drift(both, "section", anchor, links, says=says, now=meant.anchor or "" if meant is not None else "")
    return Drift(drift.known, drift.says, drift.file, mine.line, mine.title, drift.inventory_at)


def _moved(both: Compared, real: str, anchor: str, links: Sequence[tuple[Expected, Link]]) -> Iterator[Drift]:
    """Yield what was drafted out of a section, and stands in another one now."""
    if not any(each.anchor and same(each.anchor) == same(anchor) for each in both.sections[real]):
        return  # an anchor of its own, in the middle of a section
    for x, link in links:
        stated = [each for each in both.of(x) if both.real[each.file] == real]
        stand = frozenset().union(*(each.anchors for each in stated))
        if x.origins and stand and not any(same(other.anchor) in stand for other in x.links):
            first = stated[0]
            says = f"{x.id} links to #{anchor}, and what it checks stands in #{first.section.anchor} now"
            known = Accepted(
                anchor, x.expectation.check_id, x.expectation.target.name, 1, "moved", ", ".join(sorted(stand)), "", ""
            )
            yield Drift(known, says, first.file, first.line, first.text, both.where(link.key))
