"""The page of a run, for people: static HTML that shows every result without scripts, network or a second file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from ..core.results import Measurement, Result, Run, State, Verdict, summary
from ..core.visible import plain
from ..files import private
from .context import ReportContext
from .links import Links
from .markup import safe, safe_lines
from .phrases import (
    after,
    by_severity,
    change,
    covers,
    headline,
    is_new,
    line,
    lines,
    quiet,
    recovered_ones,
    short,
    tone,
    when,
    word,
)
from .spark import spark

_STYLE = Path(__file__).with_name("page.css")
_SCRIPT = Path(__file__).with_name("page.js")
_MOST_AT_LENGTH = 500
"""So many results that are not ok are shown with all that people read of one; of those behind, a line."""
_MOST_LINES = 10_000
_MOST_PLOTS = 4_000
"""Bounds on a page of thousands of results, which still has to open at once on a phone."""
_MOST_TRACES = 50
_MOST_GROUPS = 60
_SHORT = 120
_LONGEST_TRACE = 4_000
_GROUPED = (Verdict.BLOCKED, Verdict.MAINTENANCE, Verdict.WAIVED)


def page(run: Run, links: Links, beside: ReportContext) -> str:
    """Return the page of a run."""
    return _Page(run, links, beside).text()


def write(text: str, file: Path) -> None:
    """Write a page, at once and whole. Raises OSError."""
    private.write(text.encode("utf-8", "backslashreplace"), file)


class _Page:
    """One page in the making: it counts what it has shown, for its size is bounded."""

    def __init__(self, run: Run, links: Links, beside: ReportContext) -> None:
        self._run = run
        self._links = links
        self._beside = beside
        self._plots = self._traces = self._shown = 0
        measured = sum(min(len(result.measurements), 5) for result in run.results)
        self._is_large = measured > _MOST_LINES

    def text(self) -> str:
        script = _SCRIPT.read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
        name = safe(f"{self._run.inventory}: {self._run.suite or 'checks'}")
        return "".join(
            [
                "<!doctype html>\n<html lang=en><head><meta charset=utf-8>",
                f'<meta http-equiv=Content-Security-Policy content="{policy}">',
                '<meta name=viewport content="width=device-width, initial-scale=1">',
                f'<meta name=color-scheme content="light dark"><title>{name}: {safe(headline(self._run))}</title>',
                f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>\n<body>",
                self._top(name),
                "<main>\n",
                *self._sections(),
                "</main>\n",
                self._foot(),
                f"<script>{script}</script></body></html>\n",
            ]
        )

    def _top(self, name: str) -> str:
        run, told = self._run, self._beside
        missed = f"Targets without a result: {', '.join(told.uncovered)}" if told.uncovered else ""
        return "".join(
            [
                f"<header><h1>{name}</h1><p class='headline {tone(run)}'>{safe(headline(run))}</p>",
                f"<p class=tiles>{self._tiles}</p><p class=when>{safe(when(run))}</p>",
                *(f"<p class=problem>{safe(problem)}</p>" for problem in told.problems),
                f"<p class=when>{safe(missed)}</p>" if missed else "",
                *(f"<p class=when>{safe(text)}</p>" for text in quiet(run)),
                "</header>\n<form id=find role=search hidden>",
                "<label>Filter <input type=search autocomplete=off placeholder='check, target or text'></label>",
                "<button type=button>Open all</button><output></output></form>\n",
            ]
        )

    @cached_property
    def _tiles(self) -> str:
        """A tile for each verdict that there is, the worst first; it leads to where those results begin."""
        numbers = summary(self._run.results)
        return " ".join(
            f"<a class='tile {verdict}' href=#{'ok' if verdict is Verdict.OK else _place(verdict)}>"
            f"<b>{numbers[verdict]}</b> {verdict}{by_severity(numbers) if verdict is Verdict.BREACH else ''}</a>"
            for verdict in Verdict
            if numbers[verdict]
        )

    def _foot(self) -> str:
        run = self._run
        told = f"pytest-opscheck {run.version} · run {run.id}" + (f" · hash {run.hash}" if run.hash else "")
        keys = (
            "<p class=keys hidden>/ filters, Esc clears the filter, j and k go through what is not ok, o opens all</p>"
        )
        return f"<footer><p>{safe(told)}</p>{keys}</footer>"

    # The sections, in the order in which people want to know

    def _sections(self) -> Iterator[str]:
        wrong = [result for result in self._run.results if result.verdict in (Verdict.BREACH, Verdict.UNKNOWN)]
        new = [result for result in wrong if is_new(result)]
        rest = [result for result in wrong if not is_new(result)]
        again = recovered_ones(self._run)
        if wrong:
            yield "<a id=wrong></a>"
        if failed := self._beside.failed:
            yield self._section(
                "Failed tests that are not checks", [_failed(each.name, each.message) for each in failed]
            )
        yield self._section("New", map(self._card, new))
        yield self._section("Recovered", map(self._again, again))
        yield self._section("Still not ok" if new else "Not ok", map(self._card, rest))
        for verdict in _GROUPED:
            found = [result for result in self._run.results if result.verdict is verdict]
            yield from self._groups(f"{str(verdict).capitalize()}", found, str(verdict))
        told = {id(result) for result in again}
        fine = [r for r in self._run.results if r.verdict is Verdict.OK and id(r) not in told]
        yield from self._groups("Ok", fine, "ok")

    @staticmethod
    def _section(title: str, entries: Iterable[str], place: str = "") -> str:
        found = list(entries)
        at = f" id={place}" if place else ""
        many = f" <small>{len(found)}</small>"
        return f"<section{at}><h2>{title}{many}</h2>\n{''.join(found)}</section>\n" if found else ""

    def _groups(self, title: str, results: Sequence[Result], place: str) -> Iterator[str]:
        """Yield results that want no attention: folded, by what blocks them, or else by their targets."""
        if not results:
            return
        groups: dict[str, list[Result]] = {}
        for result in results:
            groups.setdefault(_group(result), []).append(result)
        if len(groups) > _MOST_GROUPS:
            groups = {}
            for result in results:
                groups.setdefault(result.check.partition(".")[0], []).append(result)
        yield f"<section class=folded id={place}><h2>{title} <small>{len(results)}</small></h2>\n"
        for name, found in sorted(groups.items()):
            yield f"<details><summary>{safe(name)} <small>{len(found)}</small></summary>\n"
            yield from map(self._row, sorted(found, key=lambda result: result.id))
            yield "</details>\n"
        yield "</section>\n"

    # One result

    def _card(self, result: Result) -> str:
        """Return a result that is not ok."""
        self._shown += 1
        at_length = self._shown <= _MOST_AT_LENGTH
        said = word(result)
        since = change(result, self._run.started)
        since = "" if since == State.NEW else since  # as the section says
        small = plain(result.title + covers(result))
        tried = f"at attempt {result.attempts}" if result.attempts > 1 else ""
        notes = " · ".join(safe(note) for note in (small, result.pending or "", tried) if note)
        return (
            f"<article class='r {said.lower()}'{_id(result)} tabindex=-1><h3><b class=badge>{said}</b> "
            f"{f'<b class=badge>{safe(result.severity)}</b> ' if result.severity else ''}"
            f"<span>{safe(result.id)}</span>{f' <i>{safe(since)}</i>' if since else ''}</h3>"
            f"{f'<p class=title>{notes}</p>' if at_length and notes else ''}"
            f"<ul>{''.join(self._seen(result, at_length=at_length))}</ul>"
            f"{self._next_step(result) if at_length else ''}{self._trace(result)}</article>\n"
        )

    def _again(self, result: Result) -> str:
        """Return a result that is ok again."""
        return (
            f"<article class='r ok'{_id(result)} tabindex=-1><h3><b class=badge>OK</b> "
            f"<span>{safe(result.id)}</span> <i>{safe(after(result, self._run.started))}</i></h3>"
            f"<ul>{''.join(self._seen(result, at_length=True))}</ul></article>\n"
        )

    def _row(self, result: Result) -> str:
        """Return a result that wants no attention, in a line."""
        if result.verdict is Verdict.BLOCKED and result.blocked_by:
            blocker = plain(result.blocked_by)
            seen = f"<li>blocked by <a href='#{quote(blocker)}'>{safe(blocker)}</a>"
        else:
            seen = "".join(self._seen(result, at_length=not self._is_large))
        name = safe(result.id + covers(result))
        return f"<div class=r{_id(result)}><p>{name}</p><ul>{seen}</ul></div>\n"

    def _seen(self, result: Result, *, at_length: bool) -> Iterator[str]:
        """Yield what was observed and expected, with its past; of one that is ok each value, else what is not ok."""
        shown = _shown(result)
        if not shown:
            for said in lines(result):
                yield f"<li>{safe(said.observed if at_length else short(said.observed, _SHORT))}"
            return
        most = 5 if at_length else 1
        several = len({measurement.breached for measurement in shown}) > 1
        for measurement in shown[:most]:
            said = line(measurement)
            observed = said.observed if at_length else short(said.observed, _SHORT)
            severity = f"<b>{safe(measurement.breached)}</b> " if several and measurement.breached else ""
            expected = f" <i>{safe(said.expected)}</i>" if said.expected else ""
            yield f"<li>{self._plot(result, measurement)}{severity}{safe(observed)}{expected}"
        if len(shown) > most:
            yield f"<li>and {len(shown) - most} more in the results file"

    def _plot(self, result: Result, measurement: Measurement) -> str:
        points = self._beside.points.get((result.id, measurement.subject), ())
        if not points or self._plots >= _MOST_PLOTS:
            return ""
        drawn = spark(measurement, points)
        self._plots += bool(drawn)
        return drawn

    def _next_step(self, result: Result) -> str:
        parts = [safe(result.action)] if result.action else []
        if result.runbook:
            shown, link = safe(result.runbook), self._links.to(result.runbook)
            parts.append(f'<a href="{safe(link)}">{shown}</a>' if link else shown)
        return f"<p class=next><b>Next</b> {' · '.join(parts)}</p>" if parts else ""

    def _trace(self, result: Result) -> str:
        trace = self._beside.traces.get(result.id)
        if not trace or self._traces >= _MOST_TRACES:
            return ""
        self._traces += 1
        shown = safe_lines(short(trace, _LONGEST_TRACE))
        return f"<details><summary>Where it failed</summary><pre>{shown}</pre></details>"


def _failed(name: str, message: str) -> str:
    return (
        f"<article class='r breach' tabindex=-1><h3><b class=badge>FAILED</b> <span>{safe(name)}</span></h3>"
        f"<ul><li>{safe(short(plain(message)))}</ul></article>\n"
    )


def _shown(result: Result) -> list[Measurement]:
    """Return the measurements that tell: all where all are well, else those that are not, the worst first."""
    bad = [m for m in result.measurements if m.breached] + [m for m in result.measurements if m.problem]
    if result.verdict is Verdict.OK:
        return list(result.measurements)
    return sorted(bad, key=lambda measurement: measurement.breached or "P9")


def _group(result: Result) -> str:
    if result.verdict is Verdict.BLOCKED:
        return f"by {result.blocked_by or 'what they depend on'}"
    kind = result.check.partition(".")[0]
    return kind if result.target == "-" else f"{kind}.{result.target}"


def _place(verdict: Verdict) -> str:
    """Return where the results of a verdict stand on the page."""
    return str(verdict) if verdict in _GROUPED else "wrong"


def _id(result: Result) -> str:
    """Return the attribute by which `latest.html#host.disk@prod` leads to a result."""
    return f' id="{safe(result.id)}"'
