"""Reads lists where they are: in files, from commands and at addresses; all of an inventory's at once."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..answers.command import CommandError, printed_by
from ..core.errors import UnknownError, UnreachableError
from ..files.matching import matched
from ..files.reading import content
from ..probes._web import WebTarget, connect
from ..probes._web.body import Whole
from ..probes._web.redirect import Follow
from ..probes.source import Source
from .document import shown_path
from .lists import Item, ListError, items

MOST_BYTES = 20_000_000
"""Of one file, or one answer."""
LONGEST_S = 60.0
"""How long a command or a server may take."""
_LEAVE_S = 1.0
"""How long commands may take to be ended."""
_OK = 200


@dataclass
class Asking:
    """Lists being read, each in a thread of its own, and seen from a folder."""

    folder: Path
    _found: queue.SimpleQueue[tuple[str, list[Item] | ListError]] = field(default_factory=queue.SimpleQueue)
    _stop: threading.Event = field(default_factory=threading.Event)

    def replies(self, sources: Mapping[str, Source]) -> Mapping[str, list[Item] | ListError]:
        """Return the items that are meant of each list, or why there are none."""
        for name, source in sources.items():
            threading.Thread(target=self._ask, args=(name, source), name=f"opscheck-{name}", daemon=True).start()
        try:
            return dict(self._found.get() for _ in sources)
        except BaseException:  # somebody has stopped the run: no command goes on
            self._stop.set()
            with contextlib.suppress(queue.Empty):
                for _ in sources:
                    self._found.get(timeout=_LEAVE_S)
            raise

    def _ask(self, name: str, source: Source) -> None:
        try:
            self._found.put((name, _meant(source, list(self._items(source)))))
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            self._found.put((name, error if isinstance(error, ListError) else ListError(f"{source.place}: {error!r}")))

    def _items(self, source: Source) -> Iterator[Item]:
        """Yield the items of a list. Raises ListError, which says where it is."""
        for where, read in self._contents(source):
            try:
                yield from items(read(), source.format)
            except OSError as error:
                raise ListError(f"{where}: {error.strerror}") from None
            except ListError as error:
                raise ListError(f"{where}: {error}") from None
            except CommandError as error:
                raise ListError(str(error)) from None

    def _contents(self, source: Source) -> Collection[tuple[str, Callable[[], bytes]]]:
        """Return where the parts of a list are, and how each is read."""
        if (command := source.command) is not None:
            return [(command[0], lambda: printed_by(command, self.folder, LONGEST_S, MOST_BYTES, self._stop))]
        if source.url is not None:
            return [(source.place, lambda: _fetched(source))]
        return [(shown_path(file), partial(content, file, MOST_BYTES)) for file in _files(source, self.folder)]


def _files(source: Source, folder: Path) -> list[Path]:
    try:
        found = matched(folder, source.file or "")
    except (OSError, ValueError) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise ListError(f"{reason}; let whoever runs this read it") from None
    if not found:
        raise ListError(f"{source.file!r} matches no file, seen from the inventory's folder")
    return found


def _fetched(source: Source) -> bytes:
    """Return what a server has at a list's address. Raises ListError."""
    assert source.url is not None  # noqa: S101 - for the type checker
    taker = Whole(MOST_BYTES)
    try:
        with connect(WebTarget(url=source.url), LONGEST_S, follow=Follow.PAGE, taker=taker) as web:
            answer = web.answer.of_asked()
    except (UnknownError, UnreachableError) as error:
        raise ListError(str(error).removeprefix(f"{source.place}: ")) from None
    if answer.problem or answer.status != _OK:
        raise ListError(answer.problem or f"its server answers {answer.status}, and not {_OK}")
    return bytes(taker.body)


def _meant(source: Source, found: list[Item]) -> list[Item]:
    """Return the items that are meant. Raises ListError where there are none."""
    meant = [item for item in found if item.is_meant(source.chosen)]
    if not meant:
        raise ListError(
            f"{source.place}: " + (f"none of its {len(found)} items is one of `where`" if found else "it has no items")
        )
    return meant
