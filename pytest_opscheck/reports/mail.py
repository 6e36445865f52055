"""The body of a run's mail: static HTML that mail programs render, and text that says the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..core.results import Result, Run, State
from ..core.visible import in_line, plain
from .context import Failed, ReportContext
from .links import web
from .phrases import (
    after,
    blocked_by,
    change,
    counts,
    covers,
    duty,
    headline,
    lines,
    parted,
    quiet,
    recovered_ones,
    short,
    tone,
    when,
    word,
)
from .template import markup, parts, rendered

_ROOM_HTML, _ROOM_TEXT = 56_000, 20_000
"""So many bytes of each part tell results: mail programs cut what is over about 100 kB, and its end with it."""
_LONGEST_STEP = 500
_MOST_BLOCKERS = 20
_COLOURS = {
    "red": "#b3141d",
    "yellow": "#8a5a00",
    "green": "#1a6b2f",
    "breach": "#b3141d",
    "warning": "#8a5a00",
    "pending": "#8a5a00",
    "unknown": "#6b2fa0",
    "ok": "#1a6b2f",
    "failed": "#b3141d",
}
_OTHER, _WARNING, _FAINT = "#24607a", "#8a5a00", "#57606a"


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing that a mail tells: a result, or what failed and is not a check."""

    word: str
    severity: str
    name: str
    since: str
    seen: tuple[tuple[str, str], ...]
    duty: str = ""
    next_step: str = ""
    link: str | None = None

    def html(self) -> str:
        colour = _COLOURS.get(self.word.lower(), _OTHER)
        step, link = self.next_step, self.link
        if link is not None and step.endswith(link):  # with which it ends
            return str(_made().item(self, colour, step.removesuffix(link), link))
        return str(_made().item(self, colour, step, None))

    def text(self) -> str:
        head = " ".join(part for part in (self.word, self.severity, self.name) if part)
        told = [f"{head}{f' ({self.since})' if self.since else ''}"]
        told += [f"    {o}{f', expected {e}' if e else ''}" for o, e in self.seen]
        told += [f"    owner: {self.duty}"] if self.duty else []
        told += [f"    next: {self.next_step}"] if self.next_step else []
        return "\n".join(map(in_line, told)) + "\n"


class _Body:
    """The two parts in the making. What one of them has no room for, neither of them tells."""

    def __init__(self) -> None:
        self._html: list[str] = []
        self._text: list[str] = []
        self._used = [0, 0]

    def section(self, title: str, items: Iterable[_Item]) -> None:
        """Tell a list of results under a title; how many more there are, where there is no room."""
        found = list(items)
        if not found:
            return
        title = f"{title} ({len(found)})"
        self._add(str(_made().heading(title)), f"\n{title}\n")
        for told, item in enumerate(found):
            if not self._add(item.html(), item.text()):
                self.line(f"and {len(found) - told} more in the attached report")
                return

    def line(self, text: str, colour: str = _FAINT) -> None:
        """Tell one line, whatever room is left: there are few of them."""
        self._html.append(str(_made().line(text, colour)))
        self._text.append(in_line(text) + "\n")

    def _add(self, html: str, text: str) -> bool:
        sizes = [len(_ascii(html)), len(text.encode(errors="backslashreplace"))]
        used = [before + size for before, size in zip(self._used, sizes, strict=True)]
        if used[0] > _ROOM_HTML or used[1] > _ROOM_TEXT:
            return False
        self._used = used
        self._html.append(html)
        self._text.append(text)
        return True

    def html(self) -> str:
        return "".join(self._html)

    def text(self) -> str:
        return "".join(self._text)


def bodies(run: Run, beside: ReportContext) -> tuple[str, str]:
    """Return the text and the HTML of a run's mail: what is not ok, what is ok again, and the counts."""
    body = _Body()
    for problem in beside.problems:
        body.line(short(plain(problem)), _WARNING)
    body.section("Failed tests that are not checks", map(_failed, beside.failed))
    for title, results in parted(run, beside.worse).items():
        body.section(title, (_item(result, run, beside.worse.get(result.id, "")) for result in results))
    body.section("Recovered", (_again(result, run) for result in recovered_ones(run)))
    for line in blocked_by(run.results)[:_MOST_BLOCKERS]:
        body.line(short(plain(line)))
    for line in quiet(run)[:_MOST_BLOCKERS]:
        body.line(short(line))
    if beside.uncovered:
        body.line(short(plain(f"targets without a result: {', '.join(beside.uncovered)}")))
    name = plain(f"{run.inventory}: {run.suite or 'checks'}")
    foot = f"The attached report has all {len(run.results)} results."
    foot += f" Hash of the run: {run.hash}" if run.hash else ""
    text = f"{name}: {headline(run)}\n{counts(run)}\n{plain(when(run))}\n\n{body.text()}\n{foot}\n"
    return text, _document(run, name, body.html(), foot)


def _document(run: Run, name: str, body: str, foot: str) -> str:
    values = {"headline": headline(run), "counts": counts(run), "when": when(run), "colour": _COLOURS[tone(run)]}
    page = rendered("mail.html", (), "", name=name, body=markup(body), foot=foot, **values)
    return _ascii(page).decode("ascii")


def _made() -> Any:
    return parts("mail_parts.html")


def _failed(failed: Failed) -> _Item:
    return _Item("FAILED", "", plain(failed.name), "", ((short(plain(failed.message)), ""),))


def _item(result: Result, run: Run, was: str) -> _Item:
    since = change(result, run.started)
    notes = [
        note
        for note in (f"it was {was}" if was else "", "" if since == State.NEW else since, plain(result.pending or ""))
        if note
    ]
    runbook = plain(result.runbook or "")
    step = " · ".join(part for part in (plain(result.action or ""), runbook) if part)
    return _Item(
        word=word(result),
        severity=result.severity or "",
        name=plain(result.id + covers(result)),
        since=", ".join(notes),
        seen=tuple((line.observed, line.expected) for line in lines(result)),
        duty=short(duty(result)),
        next_step=short(step, _LONGEST_STEP),
        link=web(result.runbook or ""),
    )


def _again(result: Result, run: Run) -> _Item:
    return _Item("OK", "", plain(result.id), after(result, run.started), ((short(plain(result.message)), ""),))


def _ascii(html: str) -> bytes:
    """Return HTML in ASCII: a letter beyond it becomes a reference, so that no mail server has to keep its bytes."""
    return html.encode("ascii", "xmlcharrefreplace")
