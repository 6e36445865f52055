"""The anchors of a Markdown page, as GitHub makes them of its headings; and those that its HTML names."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

_FENCE = re.compile(r"\s*(?:[-*+]\s+|\d+[.)]\s+)?(`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])\s+")
_ATX = re.compile(r" {0,3}#{1,6}(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_SETEXT = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_NO_PARAGRAPH = re.compile(r"\s*$| {4}|\t| {0,3}(?:#{1,6}(?:\s|$)|[-*+]\s|\d+[.)]\s|>|\||<!--)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_OWN_ID = re.compile(r"<[A-Za-z][^>]*?\b(?:id|name)\s*=\s*[\"']?([^\"'\s>]+)")
_HTML_HEADING = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1\s*>", re.IGNORECASE | re.DOTALL)
_NAMED = re.compile(r"\s*\{#([\w.:-]+)[^}]*\}\s*$")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_TAG = re.compile(r"</?[A-Za-z][^>]*>")
_EMPHASIS = re.compile(r"(?<![\w\\])(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")
_KEPT = ("L", "M", "Nd", "Nl", "Pc")
"""The categories of Unicode whose characters stay in an anchor, beside the hyphen and what becomes one."""
_LETTERS = re.compile("[\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189]")
"""Signs that are letters as well: they stay, too."""
_SELECTOR = re.compile("[\ufe0e\ufe0f]")


def anchors(text: str) -> frozenset[str]:
    """Return every anchor of a page in Markdown."""
    found: set[str] = set()
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", text.replace("\r\n", "\n"), count=1))
    for heading in _headings(text):
        named = _NAMED.search(heading)  # as MkDocs and Pandoc take it
        found.update([named[1]] if named else [])
        anchor = base = slug(heading)
        count = 0
        while anchor in found:
            count += 1
            anchor = f"{base}-{count}"
        found.add(anchor)
    return frozenset(found.union(ids(text)))


def ids(text: str) -> frozenset[str]:
    """Return the anchors that HTML names itself: <a id="...">, <h2 id="...">, <a name="...">."""
    return frozenset(html.unescape(name) for name in _OWN_ID.findall(text))


def _headings(text: str) -> Iterator[str]:
    """Yield the text of each heading, in its order; those of code blocks are none."""
    fence, paragraph = "", list[str]()
    for line in text.split("\n"):
        while quoted := _QUOTE.match(line):
            line = line[quoted.end() :]  # noqa: PLW2901 - what a quotation holds is read as any other line
        opened = _FENCE.match(line)
        if fence:
            ends = opened is not None and opened[1].startswith(fence) and not line[opened.end() :].strip()
            fence = "" if ends else fence
            continue
        if opened is not None:
            fence, paragraph = opened[1], []
            continue
        if paragraph and _SETEXT.fullmatch(line):
            yield " ".join(paragraph)
            paragraph = []
            continue
        item = _ITEM.match(line)
        if (heading := _ATX.fullmatch(line[item.end() :] if item is not None else line)) is not None:
            yield heading[1] or ""
        yield from (match[2] for match in _HTML_HEADING.finditer(line))
        paragraph = [] if _NO_PARAGRAPH.match(line) else [*paragraph, line.strip()]


def slug(heading: str) -> str:
    """Return a heading's anchor: what it says in lower case, without punctuation, each blank a hyphen."""
    codes: list[str] = []

    def kept(match: re.Match[str]) -> str:
        codes.append(match[2].strip())
        return f"\0{len(codes) - 1}\0"

    text = _LINK.sub(r"\1", _IMAGE.sub("", _CODE.sub(kept, heading)))
    text = html.unescape(_EMPHASIS.sub(r"\2", _TAG.sub("", text)))
    text = re.sub("\0(\\d+)\0", lambda match: codes[int(match[1])], text)
    return "".join(
        "-" if letter == " " else letter
        for letter in text.strip().lower()
        if letter in " -" or unicodedata.category(letter).startswith(_KEPT) or _LETTERS.match(letter)
    )


def same(anchor: str) -> str:
    """Return an anchor without what nobody sees in it, by which two that look alike are the same."""
    return _SELECTOR.sub("", anchor)
