"""Whether what an inventory says of its runbook leads somewhere: the file is there, and the heading in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..inventory import Expectation, Inventory, nearest
from ..inventory.positions import Key
from ..inventory.problems import Problems
from ..judge.subject import runbook_link
from .headings import anchors, ids, same

MOST_BYTES = 16_000_000
"""How much of a page is read; a longer one is taken as it is."""
_MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")
_HTML = (".html", ".htm", ".xhtml")
_MOST_SHOWN = 12
ANYWHERE = re.compile(r"(?:top)?|L\d+(?:C\d+)?(?:-L\d+(?:C\d+)?)?")
"""Anchors that each page has: its top, and on GitHub its lines."""


def refuse_dead_links(inventory: Inventory) -> None:
    """Raise InventoryError with each link to the runbook whose file or heading is not there.

    Files are looked for from the inventory's folder. What has an address on the web is not asked for.
    """
    problems = Problems(inventory.written)
    pages = _Pages(inventory.file.absolute().parent)
    for path, link in _said(inventory):
        if problem := _problem(pages, inventory.runbook, link):
            problems.add(path, inventory.redactor.text(problem))
    problems.raise_any()


def _said(inventory: Inventory) -> Iterator[tuple[Key, str]]:
    if inventory.runbook is not None:
        yield ("opscheck", "runbook"), inventory.runbook
    for each in inventory.expectations:
        for link in each.runbooks:
            yield (*place(each), "runbook"), link


def place(expectation: Expectation) -> Key:
    """Return the key of an expectation in the inventory."""
    target: Key = expectation.target.path
    if expectation.name is None:
        return (*target, "expect", expectation.check.name)
    return (*target, expectation.check.name, expectation.name)


def _problem(pages: _Pages, base: str | None, text: str) -> str | None:
    """Return why a link leads nowhere, None where it leads somewhere, or nobody can tell from here."""
    if text.startswith("#") and base is None:
        return (
            f"{text!r} is a heading of the inventory's runbook, but there is none: add runbook = 'FILE' to [opscheck]"
        )
    try:
        parts = urlsplit(runbook_link(base, text) or "")
    except ValueError:
        return f"{text!r} is not an address or a file; write for example 'docs/runbook.md#disk'"
    if parts.scheme or parts.netloc:
        return None
    if (file := pages.file(parts.path)) is not None:
        return pages.problem(file, parts.path, parts.fragment)
    # A heading of a page that is not there: the inventory's own line says what is wrong.
    return None if text.startswith("#") else pages.missing(parts.path)


class _Pages:
    """The pages of a runbook, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._anchors: dict[Path, Collection[str] | None] = {}

    def file(self, path: str) -> Path | None:
        """Return the file that a link names, as it stands or with %20 for a blank; None where there is none."""
        named = [self._folder / each for each in (path, unquote(path)) if each]
        return next((each for each in named if _exists(each)), None)

    def missing(self, path: str) -> str:
        """Return what to say of a file that is not there."""
        if not path:
            return "it does not name a file; write for example 'docs/runbook.md'"
        try:
            files = (self._folder / path).parent.iterdir()
            there = sorted(file.name for file in files if file.suffix.lower() in (*_MARKDOWN, *_HTML))
        except (OSError, ValueError):
            there = []
        hint = nearest(Path(path).name, there[:_MOST_SHOWN]) if there else "create it, or correct the path"
        return f"there is no file {path} in the inventory's folder, {self._folder}; {hint}"

    def problem(self, file: Path, path: str, anchor: str) -> str | None:
        """Return why a page has no such anchor, None where it has it, or only its own reader knows."""
        if ANYWHERE.fullmatch(anchor):
            return None
        try:
            if file not in self._anchors:
                self._anchors[file] = _anchors(file)
        except OSError as error:
            return f"{path} can't be read: {error.strerror}; let whoever runs this read it"
        known = self._anchors[file]
        if known is None or {same(anchor), same(unquote(anchor))} & {same(each) for each in known}:
            return None
        near = get_close_matches(anchor, known, n=_MOST_SHOWN, cutoff=0.6)
        choices = near or (known if len(known) <= _MOST_SHOWN else ())
        hint = nearest(f"#{anchor}", [f"#{each}" for each in choices]) if choices else "see its headings"
        return f"{path} has no heading whose anchor is '#{anchor}'; {hint}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _anchors(file: Path) -> frozenset[str] | None:
    """Return a page's anchors, None for a kind of file of which only its own reader knows them. Raises OSError."""
    kind = file.suffix.lower()
    if kind not in (*_MARKDOWN, *_HTML) or file.is_dir():
        return None
    with file.open("rb") as page:
        content = page.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return None
    text = content.decode("utf-8-sig", "replace")
    return anchors(text) if kind in _MARKDOWN else ids(text)
