"""The body of a run's mail: static HTML that mail programs render, and text that says the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..core.results import Result, Run, State
from ..core.visible import in_line, plain
from .context import Failed, ReportContext
from .links import web
from .markup import safe
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
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_INK, _FAINT = "color:#1b1f24", "color:#57606a"
_DARK = (
    "<style>@media (prefers-color-scheme:dark){"
    ".ground{background:#14171b!important}.sheet{background:#1d2127!important}"
    ".ink{color:#e6e9ed!important}.faint{color:#a0a9b4!important}a{color:#7ab8ff!important}}</style>"
)


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
        colour = _COLOURS.get(self.word.lower(), "#24607a")
        badges = " ".join(_badge(text, colour) for text in (self.word, self.severity) if text)
        parts = [f"{badges} <b>{safe(self.name)}</b>{f' {_faint(self.since)}' if self.since else ''}"]
        parts += [safe(o) + (f" {_faint('expected ' + e)}" if e else "") for o, e in self.seen]
        parts += [f"{_faint('owner:')} {safe(self.duty)}"] if self.duty else []
        parts += [f"{_faint('next:')} {_linked(self.next_step, self.link)}"] if self.next_step else []
        style = f"border-left:4px solid {colour};background:#f6f7f9;padding:8px 12px;{_INK}"
        gap = '<tr><td style="height:6px;font-size:0">&nbsp;</td></tr>'
        told = "<br>\n".join(parts)
        return f'<tr><td class="sheet ink" style="{style}">\n{told}</td></tr>\n{gap}\n'

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
        self._add(*_heading(f"{title} ({len(found)})"))
        for told, item in enumerate(found):
            if not self._add(item.html(), item.text()):
                self.line(f"and {len(found) - told} more in the attached report")
                return

    def line(self, text: str, style: str = "") -> None:
        """Tell one line, whatever room is left: there are few of them."""
        self._html.append(f'<tr><td class="faint" style="{_FAINT};padding:2px 0;{style}">{safe(text)}</td></tr>\n')
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
        body.line(short(plain(problem)), "color:#8a5a00")
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
    faint = f'class="faint" style="{_FAINT};font-size:13px;padding:4px 0"'
    table = 'role="presentation" width="100%" cellpadding="0" cellspacing="0"'
    wide = f"max-width:680px;table-layout:fixed;word-break:break-word;{_FONT};font-size:15px;line-height:1.45"
    verdict = f"background:{_COLOURS[tone(run)]};color:#ffffff;font-size:19px;font-weight:bold;padding:10px 14px"
    made = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="color-scheme" content="light dark"><title>{safe(name)}</title>',
        f'{_DARK}</head>\n<body class="ground" style="margin:0;padding:0;background:#ffffff">',
        f'<table {table} class="ground" style="background:#ffffff"><tr><td align="center" style="padding:12px">',
        f'<table {table} align="center" style="{wide};text-align:left">',
        f'<tr><td class="ink" style="{_INK};font-weight:bold;padding:4px 0">{safe(name)}</td></tr>',
        f'<tr><td style="{verdict};border-radius:6px">{safe(headline(run))}</td></tr>',
        f"<tr><td {faint}>{safe(counts(run))}<br>\n{safe(when(run))}</td></tr>",
        f"{body}<tr><td {faint}>{safe(foot)}</td></tr>",
        "</table></td></tr></table></body></html>\n",
    ]
    return _ascii("\n".join(made)).decode("ascii")


def _badge(text: str, colour: str) -> str:
    style = f"background:{colour};color:#ffffff;padding:1px 7px;border-radius:4px;font-size:12px;font-weight:bold"
    return f'<span style="{style}">{safe(text)}</span>'


def _faint(text: str) -> str:
    return f'<span class="faint" style="{_FAINT}">{safe(text)}</span>'


def _heading(title: str) -> tuple[str, str]:
    style = f"{_INK};font-weight:bold;padding:12px 0 6px"
    return f'<tr><td class="ink" style="{style}">{safe(title)}</td></tr>\n', f"\n{title}\n"


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


def _linked(step: str, link: str | None) -> str:
    """Return a next step as HTML, in which the runbook's address, with which it ends, is a link."""
    if link is None or not step.endswith(link):
        return safe(step)
    return f'{safe(step.removesuffix(link))} <a href="{safe(link)}" style="color:#0b5cad">{safe(link)}</a>'


def _ascii(html: str) -> bytes:
    """Return HTML in ASCII: a letter beyond it becomes a reference, so that no mail server has to keep its bytes."""
    return html.encode("ascii", "xmlcharrefreplace")
