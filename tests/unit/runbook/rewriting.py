"""Edits of a runbook, as people make them: real ones, which change what it says, and harmless ones, which do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Edit = Callable[[str], str | None]
"""Returns the page after the edit, None where there is nothing on it to edit so."""


def _lines(page: str) -> Iterator[tuple[str, bool | None]]:
    """Yield each line, and whether it stands in a block of code; of a fence None."""
    inside = False
    for line in page.split("\n"):
        if line.lstrip().startswith("```"):
            yield line, None
            inside = not inside
        else:
            yield line, inside


def _prose(page: str, change: Callable[[str], str]) -> str:
    return "\n".join(change(line) if inside is False else line for line, inside in _lines(page))


def blank_lines(page: str) -> str:
    return page.replace("\n\n", "\n\n\n")


def windows_lines(page: str) -> str:
    return page.replace("\n", "\r\n")


def wrapped(page: str) -> str:
    made: list[str] = []
    words: list[str] = []

    def flush() -> None:
        line = ""
        for word in words:
            if len(line) + len(word) > 60:
                made.append(line)
                line = ""
            line = f"{line} {word}".strip()
        made.extend([line] if line else [])
        words.clear()

    for line, inside in _lines(page):
        if inside is False and re.match(r"(?!\*\*|\d+[.)])[\w`(]", line):
            words += line.split()
        else:
            flush()
            made.append(line)
    flush()
    return "\n".join(made)


def reordered(page: str) -> str:
    head, *sections = re.split(r"(?m)^(?=## )", page)
    return head + "".join(f"{section.rstrip()}\n\n" for section in reversed(sections))


def renumbered(page: str) -> str:
    return _prose(page, lambda line: re.sub(r"^(\s*)\d+([.)] )", r"\g<1>1\2", line))


def other_bullets(page: str) -> str:
    return _prose(page, lambda line: re.sub(r"^(\s*)- ", r"\1* ", line))


def other_fences(page: str) -> str:
    return page.replace("```bash", "```sh").replace("```", "~~~")


def italics(page: str) -> str:
    return _prose(page, lambda line: re.sub(r"\*\*([^*\n]+)\*\*", r"*\1*", line))


def more_prose(page: str) -> str:
    return _prose(
        page, lambda line: f"{line}\n\nThe team went through this part last spring." if line[:3] == "## " else line
    )


HARMLESS: tuple[Edit, ...] = (
    blank_lines,
    windows_lines,
    wrapped,
    reordered,
    renumbered,
    other_bullets,
    other_fences,
    italics,
    more_prose,
)


class Real:
    """The edits of a page that change what it says; `lines` are those that an inventory has checks of."""

    def __init__(self, page: str, lines: list[int], anchored: list[str]) -> None:
        self._page = page
        self._lines = page.split("\n")
        self._known = lines
        self._anchored = anchored

    def _with(self, number: int, line: str | None) -> str:
        return "\n".join([*self._lines[: number - 1], *([] if line is None else [line]), *self._lines[number:]])

    def _first(self, pattern: str, made: Callable[[re.Match[str]], str]) -> str | None:
        for number in self._known:
            line = self._lines[number - 1]
            if found := re.search(pattern, line):
                return self._with(number, line[: found.start()] + made(found) + line[found.end() :])
        return None

    def limit_changed(self) -> str | None:
        return self._first(
            r"(?<=[<>≤≥] )\d+|(?<=[<>≤≥])\d+|(?<=[<>]=)\d+|(?<=[Oo]ver )\d+", lambda found: str(int(found[0]) // 2 + 3)
        )

    def direction_changed(self) -> str | None:
        return self._first(r"[<>](?==? ?\d)", lambda found: {"<": ">", ">": "<"}[found[0]])

    def unit_changed(self) -> str | None:
        return self._first(
            r"(?<=\d)( ?)(ms|GB|%)(?= |$|`|\))", lambda found: {"ms": " s", "GB": " TB", "%": " GB"}[found[2]]
        )

    def statement_removed(self) -> str | None:
        return self._with(self._known[0], None) if self._known else None

    def statement_added(self) -> str:
        return f"{self._page}\n\n## What came later\n\nThe Redis hit rate is > 61 %, or people are called.\n"

    def command_changed(self) -> str | None:
        return self._first(r"^(df|free|docker|redis-cli|curl|psql|ls|systemctl) .*$", lambda found: f"{found[0]}-v2")

    def heading_renamed(self) -> str | None:
        return self._at_heading(lambda line: line.replace("# ", "# Formerly known as ", 1))

    def same_heading_above(self) -> str | None:
        return self._at_heading(lambda line: f"{line}\n\nSee below.\n\n{line}")

    def _at_heading(self, made: Callable[[str], str]) -> str | None:
        for number, line in enumerate(self._lines, start=1):
            if line in self._anchored:
                return self._with(number, made(line))
        return None

    def all(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each edit that there is something for, and the page after it."""
        for name in (
            "limit_changed",
            "direction_changed",
            "unit_changed",
            "statement_removed",
            "statement_added",
            "command_changed",
            "heading_renamed",
            "same_heading_above",
        ):
            if (page := getattr(self, name)()) is not None:
                yield name, page
