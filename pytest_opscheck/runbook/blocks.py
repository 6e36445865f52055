"""A page in Markdown as its blocks, in their order: headings, texts, code, rows of tables, each with its lines."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from .headings import anchors, slug
from .page import Page

FRONT_MATTER = re.compile(r"\A(---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*)(?:\n|\Z)", re.DOTALL)
_TASK = re.compile(r"^\[([ xX])\]\s+")
_TAG = re.compile(r"<[^<>]{0,500}>")
_HTML_HEADING = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1\s*>", re.IGNORECASE)
_QUOTED_NUMBER = re.compile(r"\s*(?:[-*+]\s+)?>\s*[\d.]+\s*(?:%|[a-zA-Z])")
_SUMMARY = re.compile(r"<summary[^>]*>(.*?)</summary>", re.IGNORECASE)
_EXEMPT = re.compile(r"<!--\s*opscheck:\s*none\b(.*?)-->", re.DOTALL | re.IGNORECASE)
_ESCAPED = re.compile(r"\\([\\*_{}\[\]()#+.!|<>~-])")
_CODE = re.compile(r"(`[^`]*`)")
_UNTIL = re.compile(r"\buntil\s*=?\s*(\S+)", re.IGNORECASE)
_REASON = re.compile(r"[\"“](.*?)[\"”]")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it; the root has neither title nor anchor."""

    title: str = ""
    anchor: str | None = None
    level: int = 0
    line: int = 0
    parent: Section | None = None

    @property
    def path(self) -> tuple[Section, ...]:
        """The sections that this one is in, and itself, from the outermost on."""
        return (*(self.parent.path if self.parent else ()), self) if self.level else ()


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page: its kind, its lines, and where it stands.

    kind: heading, text, code, row, html, front or exempt. `depth` counts the lists that it is in, `item` is the line of
    the entry of a list that it belongs to. Of a row, `cells` are its cells and `head` those of the table's first row.
    Of an exemption, `language` is the reason, and `until` what it says as its last day.
    """

    kind: str
    lines: tuple[tuple[int, str], ...]
    section: Section
    language: str = ""
    depth: int = 0
    item: int = 0
    task: bool = False
    begins_item: bool = False
    ordered: bool = False
    cells: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    fence: bool = False
    until: str = ""

    @property
    def text(self) -> str:
        """Its lines as one text."""
        return "\n".join(line for _, line in self.lines)


@dataclass
class Reading:
    """The blocks of a page, and what is odd about it."""

    blocks: list[Block] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"maxNesting": 50}).enable("table").disable("inline")


def read(page: Page) -> Reading:
    """Return the blocks of a page."""
    front = FRONT_MATTER.match(page.text)
    text = page.text
    reading = Reading()
    if front:
        count = front[1].count("\n") + 1
        lines = tuple(enumerate(page.lines[:count], start=1))
        reading.blocks.append(Block("front", lines, Section()))
        text = "\n" * count + "\n".join(page.lines[count:])
    _Walk(page, reading).walk(_parser().parse(text))
    return reading


class _Walk:
    """Goes through the parser's tokens, and knows which section and which lists it is in."""

    def __init__(self, page: Page, reading: Reading) -> None:
        self._page = page
        self._source = page.lines
        self._reading = reading
        self._section = Section()
        self._known = anchors(page.text)
        self._taken: set[str] = set()
        self._items: list[int] = []
        self._ordered: list[bool] = []
        self._begins = False
        self._heading = 0
        self._row: list[str] | None = None
        self._row_line = 0
        self._head: tuple[str, ...] = ()
        self._in_head = False

    def walk(self, tokens: list[Any]) -> None:
        """Note every block."""
        for token in tokens:
            handler = getattr(self, f"_{token.type}", None)
            if handler is not None:
                handler(token)

    def _add(self, kind: str, lines: tuple[tuple[int, str], ...], **more: Any) -> None:
        block = Block(
            kind, lines, self._section, depth=len(self._items), item=self._items[-1] if self._items else 0, **more
        )
        self._reading.blocks.append(
            replace(block, begins_item=self._begins, ordered=bool(self._ordered and self._ordered[-1]))
        )
        self._begins = False

    def _bullet_list_open(self, _token: Any) -> None:
        self._ordered.append(False)

    def _ordered_list_open(self, _token: Any) -> None:
        self._ordered.append(True)

    def _bullet_list_close(self, _token: Any) -> None:
        self._ordered.pop()

    _ordered_list_close = _bullet_list_close

    def _list_item_open(self, token: Any) -> None:
        self._items.append(token.map[0] + 1)
        self._begins = True

    def _list_item_close(self, _token: Any) -> None:
        self._items.pop()
        self._begins = False

    def _heading_open(self, token: Any) -> None:
        self._heading = int(token.tag[1:])

    def _heading_close(self, _token: Any) -> None:
        self._heading = 0

    def _inline(self, token: Any) -> None:
        if self._row is not None:
            self._row.append(_unescaped(token.content))
            return
        if token.map is None:
            return
        lines = _numbered(token.content, token.map[0] + 1)
        if self._heading:
            self._enter(token.content, self._heading, token.map[0] + 1)
            self._add("heading", lines)
            return
        if _QUOTED_NUMBER.match(self._source[lines[0][0] - 1]):  # which is meant as `more than`
            lines = ((lines[0][0], f"> {lines[0][1]}"), *lines[1:])
        task = _TASK.match(lines[0][1]) if self._items and self._begins else None
        if task:
            lines = ((lines[0][0], lines[0][1][task.end() :]), *lines[1:])
        self._add("text", tuple((number, _unescaped(line)) for number, line in lines), task=task is not None)

    def _enter(self, title: str, level: int, line: int) -> None:
        """Begin a section: its anchor is GitHub's, where the page is known to have it."""
        anchor: str | None = slug(title)
        count = 0
        while anchor in self._taken:
            count += 1
            anchor = f"{slug(title)}-{count}"
        self._taken.add(anchor or "")
        parent = self._section
        while parent.level >= level and parent.parent is not None:
            parent = parent.parent
        known = (
            anchor
            if anchor and anchor in self._known
            else next((each.anchor for each in reversed(parent.path) if each.anchor), None)
        )
        self._section = Section(_shown(title), known, level, line, parent)

    def _fence(self, token: Any) -> None:
        first, last = token.map
        lines = _numbered(token.content.removesuffix("\n"), first + 2) if token.content else ()
        if last - first < len(lines) + 2 or not self._closes(last, token.markup):
            self._reading.warnings.append(
                f"{self._page.name}:{first + 1}: this block of code is not closed; what follows was read as code"
            )
        words = token.info.split()
        language = re.sub(r"^\{?\.?|\}$", "", words[0]).lower() if words else ""
        self._add("code", lines, language=language, fence=True)

    def _closes(self, last: int, markup: str) -> bool:
        line = self._source[last - 1] if 0 < last <= len(self._source) else ""
        return line.strip(" \t>").startswith(markup)

    def _code_block(self, token: Any) -> None:
        self._add("code", _numbered(token.content.rstrip("\n"), token.map[0] + 1))

    def _html_block(self, token: Any) -> None:
        lines = _numbered(token.content.rstrip("\n"), token.map[0] + 1)
        if found := _EXEMPT.search(token.content):
            reason = _REASON.search(found[1])
            until = _UNTIL.search(_REASON.sub("", found[1]))
            self._add("exempt", lines, language=reason[1].strip() if reason else "", until=until[1] if until else "")
            return
        for number, line in lines:
            if title := (_HTML_HEADING.search(line) or _SUMMARY.search(line)):
                level = int(title[1]) if title.re is _HTML_HEADING else min(self._section.level + 1, 6)
                self._enter(title[title.re.groups], level, number)
        self._add("html", tuple((number, html.unescape(_TAG.sub(" ", line)).strip()) for number, line in lines))

    def _table_open(self, _token: Any) -> None:
        self._head = ()

    def _thead_open(self, _token: Any) -> None:
        self._in_head = True

    def _thead_close(self, _token: Any) -> None:
        self._in_head = False

    def _tr_open(self, token: Any) -> None:
        self._row, self._row_line = [], token.map[0] + 1

    def _tr_close(self, _token: Any) -> None:
        cells = tuple(self._row or ())
        self._row = None
        if self._in_head:
            self._head = cells
        line = self._row_line
        text = self._source[line - 1] if line <= len(self._source) else ""
        self._add("head" if self._in_head else "row", ((line, text),), cells=cells, head=self._head)


def _numbered(content: str, first: int) -> tuple[tuple[int, str], ...]:
    return tuple(enumerate(content.split("\n"), start=first))


def _unescaped(text: str) -> str:
    """Return a text without entities and escapes; code stays as it is."""
    if "&" not in text and "\\" not in text:
        return text
    return "".join(
        part if part.startswith("`") else html.unescape(_ESCAPED.sub(r"\1", part)) for part in _CODE.split(text) if part
    )


def _shown(title: str) -> str:
    """Return a heading as people read it: without marks of emphasis, links and code."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return html.unescape(re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", _TAG.sub("", text))).strip()
