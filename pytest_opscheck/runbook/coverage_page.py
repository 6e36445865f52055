"""The runbook as a page, with the verdicts beside its steps: what a person on call opens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from ..core.masks import masked
from ..core.visible import plain, visible
from ..reports.template import markup, rendered
from .blocks import FRONT_MATTER
from .coverage import Coverage, Covered, State
from .coverage_words import summary, told_of, unasked
from .draft import quote
from .headings import slug
from .page import Page

_MOST_MESSAGES = 4
_CODE = ("fence", "code_block")
_END = {"paragraph_open": "paragraph_close", "heading_open": "heading_close", "tr_open": "td_close"}
"""Where a block ends: of a row the first cell, for the last one may be out of sight on a phone."""
_BLOCKS = ("paragraph_open", "heading_open", "fence", "code_block", "tr_open", "html_block")


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands beside a step: its state, and what checks it."""

    state: State
    text: str
    says: str


@dataclass(frozen=True, slots=True)
class Part:
    """A runbook on the page."""

    name: str
    body: Markup


def page(found: Coverage, pages: Sequence[Page]) -> str:
    """Return the page. What the runbook has of HTML is shown as text, and no picture of it is loaded."""
    broken = [each for each in found.statements if each.state in (State.BROKEN, State.UNKNOWN)]
    bare = [each for each in found.statements if each.state in (State.NOT_CHECKED, State.DRAFTED)]
    return rendered(
        "runbook.html",
        ("look.css", "runbook.css"),
        "",
        name=found.name,
        headline=summary(found),
        tone="red" if broken else "yellow" if bare or found.percent is None else "green",
        broken=[_mark(each, found) for each in broken],
        bare=[_mark(each, found) for each in bare],
        parts=[Part(page.name, _body(page, found)) for page in pages],
        count=len(found.unasked),
        unasked=unasked(found),
        written=f"{found.at:%Y-%m-%d %H:%M %Z}",
    )


def _mark(each: Covered, found: Coverage) -> Mark:
    says = told_of(each.checks, found.at)
    wrong = [check.message for check in each.checks if check.state is State.BROKEN and check.message][:_MOST_MESSAGES]
    return Mark(each.state, quote(each.stated.text), "; ".join(filter(None, [says, *wrong])) or each.stated.why)


def _body(page: Page, found: Coverage) -> Markup:
    """Return a runbook as HTML, with a line behind each block for each of its statements."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 50}).enable("table")
    tokens = parser.parse(_readable(page.text))
    marks = _by_line(page, found)
    made = list(_with_marks(tokens, marks))
    return markup(visible(parser.renderer.render(made, parser.options, {})))


def _readable(text: str) -> str:
    """Return a runbook without its front matter and the secrets in it, its lines as many as before."""
    text = FRONT_MATTER.sub(lambda front: "\n" * front[0].count("\n"), text, count=1)
    return "\n".join(masked(line) if line.strip() else line for line in text.split("\n"))


def _by_line(page: Page, found: Coverage) -> Mapping[int, list[Mark]]:
    """Return the marks by the lines of the statements."""
    marks: dict[int, list[Mark]] = {}
    for each in found.statements:
        lines = {s.line for s in each.stated.statements if s.file == page.name} or {each.stated.line}
        if each.stated.file == page.name or each.stated.statements:
            for line in lines:
                marks.setdefault(line, []).append(_mark(each, found))
    return marks


def _with_marks(tokens: Sequence[Any], marks: Mapping[int, list[Mark]]) -> Iterator[Any]:
    """Yield the tokens of a page, with anchors at its headings, and behind each block what is said of its lines."""
    taken: set[str] = set()
    waiting: dict[str, list[Mark]] = {}
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[place + 1].content, taken))
        if token.type in _BLOCKS and token.map:
            found = [mark for line in range(token.map[0] + 1, token.map[1] + 1) for mark in marks.get(line, ())]
            waiting[_END.get(token.type, token.type)] = list(dict.fromkeys(found))
        marks_here = waiting.pop(token.type, [])
        if marks_here and token.type == "td_close":
            yield _html(_list(marks_here))
        yield token
        if marks_here and token.type != "td_close":
            yield _html(_list(marks_here, named=token.type in _CODE))


def _anchor(title: str, taken: set[str]) -> str:
    base, count = slug(title), 0
    anchor = base
    while anchor in taken:
        count += 1
        anchor = f"{base}-{count}"
    taken.add(anchor)
    return anchor


def _list(marks: Sequence[Mark], *, named: bool = False) -> str:
    """Return marks as a list; behind code of several steps, each with the step that it is of."""
    names = [f" <small>{escape(plain(mark.text))}</small>" if named and len(marks) > 1 else "" for mark in marks]
    rows = (
        f'<li class="{mark.state.replace(" ", "-")}"><b>{escape(mark.state)}</b> {escape(plain(mark.says))}{name}</li>'
        for mark, name in zip(marks, names, strict=True)
    )
    return f"<ul class=marks>{''.join(rows)}</ul>\n"


def _html(text: str) -> Any:
    from markdown_it.token import Token

    return Token("html_block", "", 0, content=text)
