"""The page of a run, for people: static HTML that shows every result without scripts, network or a second file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.results import Result, Run, Verdict, summary
from ..core.visible import plain
from ..files import private
from .context import Failed, ReportContext
from .entries import Entries, Entry
from .left_out import did_not_run
from .links import Links
from .phrases import by_severity, headline, parted, quiet, recovered_ones, short, tone, when
from .slowest import slowest
from .template import rendered

_MOST_GROUPS = 60
_GROUPED = (Verdict.BLOCKED, Verdict.MAINTENANCE, Verdict.WAIVED)


@dataclass(frozen=True, slots=True)
class Group:
    """Results that want no attention, folded under a name."""

    name: str
    rows: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: cards, or groups that are folded. `place` is by which links lead there."""

    title: str
    place: str = ""
    failed: tuple[Failed, ...] = ()
    cards: tuple[Entry, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def count(self) -> int:
        """How many results it shows."""
        return len(self.failed) + len(self.cards) + sum(len(group.rows) for group in self.groups)


@dataclass(frozen=True, slots=True)
class Tile:
    """How many results have a verdict, and where these begin."""

    verdict: str
    count: int
    more: str
    place: str


def page(run: Run, links: Links, beside: ReportContext) -> str:
    """Return the page of a run."""
    return rendered(
        "page.html",
        ("look.css", "page.css"),
        "page.js",
        name=f"{run.inventory}: {run.suite or 'checks'}",
        headline=headline(run),
        tone=tone(run),
        tiles=tuple(_tiles(run)),
        facts=tuple(_facts(run, beside)),
        problems=beside.problems,
        sections=tuple(section for section in _sections(run, Entries(run, links, beside), beside) if section.count),
        foot=f"pytest-opscheck {run.version} · run {run.id}" + (f" · hash {run.hash}" if run.hash else ""),
    )


def write(text: str, file: Path) -> None:
    """Write a page, at once and whole. Raises OSError."""
    private.write(text.encode("utf-8", "backslashreplace"), file)


def _tiles(run: Run) -> Iterator[Tile]:
    """Yield a tile for each verdict that there is, the worst first."""
    numbers = summary(run.results)
    for verdict in Verdict:
        if numbers[verdict]:
            more = by_severity(numbers) if verdict is Verdict.BREACH else ""
            yield Tile(verdict, numbers[verdict], more, "ok" if verdict is Verdict.OK else _place(verdict))
    if again := recovered_ones(run):
        yield Tile("recovered", len(again), "", "recovered")


def _facts(run: Run, beside: ReportContext) -> Iterator[str]:
    yield when(run)
    if slow := slowest(run.results):
        yield f"Slowest targets: {', '.join(slow)}"
    if beside.uncovered:
        yield f"Targets without a result: {', '.join(beside.uncovered)}"
    yield from did_not_run(run, beside.unjudged)
    yield from quiet(run)


def _sections(run: Run, entries: Entries, beside: ReportContext) -> Iterator[Section]:
    """Yield the sections, in the order in which people want to know."""
    failed = tuple(Failed(each.name, short(plain(each.message))) for each in beside.failed)
    yield Section("Failed tests that are not checks", failed=failed)
    place = "wrong"
    for title, results in parted(run, beside.worse).items():
        yield Section(title, place if results else "", cards=tuple(map(entries.card, results)))
        place = "" if results else place
    for verdict in _GROUPED:
        found = [result for result in run.results if result.verdict is verdict]
        yield _folded(str(verdict).capitalize(), str(verdict), found, entries)
    again = recovered_ones(run)
    told = {id(result) for result in again}
    fine = [r for r in run.results if r.verdict is Verdict.OK and id(r) not in told]
    yield _folded("Ok", "ok", fine, entries)
    yield Section("Recovered", "recovered", cards=tuple(map(entries.again, again)))


def _folded(title: str, place: str, results: Sequence[Result], entries: Entries) -> Section:
    """Return results that want no attention, by what blocks them, or their targets; by kinds where those are many."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(_group(result), []).append(result)
    if len(groups) > _MOST_GROUPS:
        groups = {}
        for result in results:
            groups.setdefault(result.check.partition(".")[0], []).append(result)
    made = [
        Group(name, tuple(map(entries.row, sorted(found, key=lambda result: result.id))))
        for name, found in sorted(groups.items())
    ]
    return Section(title, place, groups=tuple(made))


def _group(result: Result) -> str:
    if result.verdict is Verdict.BLOCKED:
        return f"by {result.blocked_by or 'what they depend on'}"
    kind = result.check.partition(".")[0]
    return kind if result.target == "-" else f"{kind}.{result.target}"


def _place(verdict: Verdict) -> str:
    """Return where the results of a verdict stand on the page."""
    return str(verdict) if verdict in _GROUPED else "wrong"
