"""What is wrong with an inventory, gathered so that all of it is shown at once, and without its secrets."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.secrets import MASK, Redactor
from ..core.visible import in_line
from .positions import Key
from .written import Place, Written

if TYPE_CHECKING:
    from .model import Inventory

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WORD = re.compile(r"\w{4,}")


class InventoryError(Exception):
    """An inventory that cannot be used; the message has a line for each of its errors.

    `known` is what can be read of it, without the heartbeats, mail and channels that an error concerns, and `wrong` are
    the keys that have errors.
    """

    def __init__(self, message: str, known: Inventory | None = None, wrong: Collection[Key] = ()) -> None:
        super().__init__(message)
        self.known = known
        self.wrong = wrong

    def concerns(self, *path: str) -> bool:
        """Tell whether an error is of a key, of one inside it, or of what it is in."""
        return is_concerned(path, self.wrong)


def is_concerned(path: Key, wrong: Iterable[Key]) -> bool:
    """Tell whether any of the keys is that one, or inside it, or around it."""
    return any(each and each[: len(path)] == path[: len(each)] for each in wrong)


def nearest(key: str, choices: Iterable[str]) -> str:
    """Return an error's end: the valid key nearest to a wrong one, and all of them where none is near."""
    choices = sorted(choices)
    close = difflib.get_close_matches(key, choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"it can be: {', '.join(choices)}" if choices else "no key is allowed here"


def shown(path: Key) -> str:
    """Return a key as TOML writes it, with the places of list entries: `redis.cache.expect.hit_rate[1].P2`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (
                step if _BARE_KEY.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            )
    return text


@dataclass
class Problems:
    """Collects the errors of an inventory, each with file, line and key, and the values that none of them may show."""

    written: Written
    names: Collection[str] = ()
    _found: list[tuple[Key, str]] = field(default_factory=list)
    _causes: dict[Key, list[str]] = field(default_factory=dict)
    _secrets: dict[Key, list[str]] = field(default_factory=dict)
    _filled: dict[Key, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, path: Key, message: str) -> None:
        """Note an error of a key."""
        self._found.append((path, message))

    def add_cause(self, path: Key, message: str) -> None:
        """Note an error of a key that leaves it without a value: whatever else is noted of it follows from that."""
        self.add(path, message)
        self._causes.setdefault(path, []).append(message)

    def keep_secret(self, path: Key, *values: str) -> None:
        """Remember that a key holds secret values."""
        if values:
            self._secrets.setdefault(path, []).extend(values)

    def keep_filled(self, path: Key, value: str) -> None:
        """Remember what came into a key from the environment: no error quotes it, for it may be anything by mistake."""
        self._filled.setdefault(path, []).append(value)

    def redactor(self) -> Redactor:
        """Return what masks every secret that is known by now."""
        return Redactor.of((value for values in self._secrets.values() for value in values), self.names)

    @property
    def wrong(self) -> frozenset[Key]:
        """The keys of which an error is noted."""
        return frozenset(path for path, _ in self._found)

    def raise_any(self, known: Inventory | None = None) -> None:
        """Raise InventoryError where anything was noted: in the order of the file, everything once."""
        if self._found:
            redactor = self.redactor()
            found = [(path, message) for path, message in self._found if not self._follows(path, message)]
            places = [(self.written.place(path), message) for path, message in found]
            texts = (self._line(place, message, redactor) for place, message in self._in_order(places))
            raise InventoryError("\n".join(dict.fromkeys(texts)), known, self.wrong)

    def _in_order(self, found: Iterable[tuple[Place, str]]) -> list[tuple[Place, str]]:
        """Return errors in the order of the files, and of their lines."""
        order = {source: number for number, source in enumerate(self.written.sources)}
        return sorted(found, key=lambda error: (order[error[0].source], error[0].line))

    def _follows(self, path: Key, message: str) -> bool:
        """Tell whether an error has its cause in another: of the same key, or of an entry of the list that it is."""
        if message in self._causes.get(path, ()):
            return False
        depth = len(path)
        return any(
            cause[:depth] == path and all(isinstance(step, int) for step in cause[depth:]) for cause in self._causes
        )

    def _line(self, place: Place, message: str, redactor: Redactor) -> str:
        key = shown(place.path)
        told = self._masked(place.path, redactor.text(message))
        return in_line(f"{place.source.shown}:{place.line}: {key + ': ' if key else ''}{told}")

    def _masked(self, path: Key, message: str) -> str:
        """Mask what a message quotes of its key's secret, be it a part of that only."""
        near = [
            value
            for place, values in (*self._secrets.items(), *self._filled.items())
            if path and (place[: len(path)] == path or path[: len(place)] == place)
            for value in values
        ]
        return (
            _WORD.sub(lambda word: MASK if any(word[0] in value for value in near) else word[0], message)
            if near
            else message
        )
