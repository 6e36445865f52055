"""`opscheck checks`: what an inventory can say, in the terminal; docs/checks/ has the same text."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace
from typing import Any

import click

from ..catalogue import every_kind
from ..packages import PackageError
from .as_json import answering, json_option
from .manual import Chapter, Entry, Key, chapter, chapters
from .options import Usage, say

_WIDTH = 80
_FOOT = "What exactly is judged, with an example: opscheck checks KIND or KIND.NAME"


@click.command()
@click.argument("name", metavar="[KIND[.NAME]]", required=False, default="")
@json_option
def checks(name: str, *, to_json: bool) -> None:
    """List what can be expected of each kind of target, or show all about one kind or check.

    \b
    opscheck checks            a line for each check
    opscheck checks host       the keys of a host, and all its checks
    opscheck checks host.disk  what exactly is judged, defaults, keys, needs, an example
    """  # noqa: D301 - click's mark for lines that stay as they are
    with answering("checks", wanted=to_json) as tell:
        try:
            if to_json:
                tell({"kinds": _data(name)})
                return
            for line in _asked(name) if name else _overview():
                say(line)
        except PackageError as error:
            raise Usage(str(error)) from None


def _data(name: str) -> list[dict[str, Any]]:
    """Return the kinds and checks that are asked for as plain data, all without a name."""
    if not name:
        return [asdict(each) for each in chapters(every_kind())]
    found, entry = _meant(name)
    return [asdict(found if entry is None else replace(found, entries=(entry,)))]


def _asked(name: str) -> Iterator[str]:
    found, entry = _meant(name)
    return _chapter(found) if entry is None else described(entry)


def _meant(name: str) -> tuple[Chapter, Entry | None]:
    """Return the kind that is asked for, and the check, where one is."""
    kind, _, check = name.partition("@")[0].partition(".")  # the id of a result has its target behind @
    if kind not in (known := every_kind()):
        raise _unknown("kind", kind, _of_that_name(kind), list(known))
    found = chapter(kind)
    if not check:
        return found, None
    for entry in found.entries:
        if entry.has(f"{kind}.{check}"):
            return found, entry
    raise _unknown("check", f"{kind}.{check}", [], [entry.id for entry in found.entries])


def _of_that_name(name: str) -> list[str]:
    """Return the checks that have a kind's place: who asks for `disk` may mean host.disk."""
    return [entry.id for each in chapters(every_kind()) for entry in each.entries if entry.has(f"{each.kind}.{name}")]


def _unknown(what: str, name: str, meant: Collection[str], choices: Collection[str]) -> Usage:
    near = meant or difflib.get_close_matches(name, choices, n=1)
    guess = f"did you mean {' or '.join(near)}? It" if near else "it"
    return Usage(f"there is no {what} {name!r}; {guess} can be: {', '.join(choices)}")


def _overview() -> Iterator[str]:
    for each in chapters(every_kind()):
        yield from _wrapped(f"{each.kind}: {each.summary}", "")
        yield from _columns([(entry.id.removeprefix(f"{each.kind}."), entry.title) for entry in each.entries])
        yield ""
    yield _FOOT


def _chapter(found: Chapter) -> Iterator[str]:
    yield from _wrapped(f"{found.kind}: {found.summary}", "")
    yield from _keys(found.keys)
    for entry in found.entries:
        yield "\n"
        yield from described(entry)


def described(entry: Entry) -> Iterator[str]:
    """Yield all about one check, as a terminal shows it."""
    yield from _wrapped(f"{entry.id}: {entry.title}", "")
    for paragraph in paragraphs(entry):
        yield ""
        yield paragraph
    yield ""
    facts = {
        "runs": entry.runs,
        "default limit": entry.limits,
        "limited in": entry.units,
        "needs": entry.needs,
        "next step": entry.action,
    }
    yield from _columns([(label, text) for label, text in facts.items() if text])
    yield from _keys(entry.keys)
    if entry.example:
        yield "\nExample:"
        yield textwrap.indent(entry.example, "  ")


def paragraphs(entry: Entry) -> Iterator[str]:
    """Yield what exactly a check judges, wrapped."""
    for paragraph in entry.definition.split("\n\n") if entry.definition else ():
        yield "\n".join(_wrapped(paragraph, ""))


def _keys(keys: Collection[Key]) -> Iterator[str]:
    if keys:
        yield "\nKeys:"
        yield from _columns([(key.name, str(key)) for key in keys])


def _columns(rows: Collection[tuple[str, str]]) -> Iterator[str]:
    width = max((len(label) for label, _ in rows), default=0) + 4
    for label, text in rows:
        yield from _wrapped(text, " " * width, f"  {label}".ljust(width))


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
