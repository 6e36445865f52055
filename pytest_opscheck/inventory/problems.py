"""What is wrong with an inventory, gathered so that all of it is shown at once, and without its secrets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.limits import SEVERITIES
from ..core.secrets import MASK, Redactor
from ..core.visible import in_line
from .positions import Key, shown
from .written import Place, Source, Written

if TYPE_CHECKING:
    from .model import Inventory

_NEAR = 0.6
"""How alike two words are, of 1, of which one was meant."""
_MOST_CHOICES = 200
"""More of them would be a page, not a line."""
_TELLING = 3
"""A shorter name may be a part of any word."""
_RUNGS = (*SEVERITIES, "limit")
_WORD = re.compile(r"\w{4,}")
_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+): (?P<text>.*)", re.DOTALL)


class Fault(NamedTuple):
    """One error of an inventory: in which file it is, on which line, of which key, as far as that is known."""

    file: str | None
    line: int | None
    key: str
    text: str

    @classmethod
    def of(cls, text: str) -> Fault:
        """Make it of its line in a message."""
        placed = _PLACED.fullmatch(text)
        return cls(placed["file"], int(placed["line"]), "", placed["text"]) if placed else cls(None, None, "", text)

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}: {key}{self.text}" if self.file is not None else f"{key}{self.text}"


class InventoryError(Exception):
    """An inventory that cannot be used; the message has a line for each of its `faults`.

    `known` is what can be read of it, without the heartbeats, mail and channels that an error concerns, and `wrong` are
    the keys that have errors.
    """

    def __init__(
        self, faults: str | Iterable[Fault], known: Inventory | None = None, wrong: Collection[Key] = ()
    ) -> None:
        self.faults = tuple(map(Fault.of, faults.splitlines())) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))
        self.known = known
        self.wrong = wrong

    def concerns(self, *path: str) -> bool:
        """Tell whether an error is of a key, of one inside it, or of what it is in."""
        return is_concerned(path, self.wrong)


def is_concerned(path: Key, wrong: Iterable[Key]) -> bool:
    """Tell whether any of the keys is that one, or inside it, or around it."""
    return any(each and each[: len(path)] == path[: len(each)] for each in wrong)


def meant(key: str, choices: Iterable[str]) -> str | None:
    """Return the valid key nearest to a wrong one; None where none is near."""
    return next(iter(difflib.get_close_matches(key, sorted(choices), n=1, cutoff=_NEAR)), None)


def nearest(key: str, choices: Iterable[str]) -> str:
    """Return an error's end: the valid key nearest to a wrong one, and all of them where none is near."""
    return _nearest(key, tuple(sorted(choices)))


@lru_cache(maxsize=64)
def _nearest(key: str, choices: tuple[str, ...]) -> str:
    if (close := meant(key, choices)) is not None:
        return f"did you mean {close!r}?"
    if len(choices) > _MOST_CHOICES:
        return f"there are {len(choices)}, for example {', '.join(choices[:3])}"
    return f"it can be: {', '.join(choices)}" if choices else "no key is allowed here"


def _unnamed(message: str, target: Key | None) -> str:
    """Return a message without the name of its target, by which alone those of a group differ."""
    if target is None:
        return message
    name = re.escape(str(target[1]))
    return re.sub(name if len(name) >= _TELLING else rf"\b{name}\b", "\0", message)


def _is_rung(step: str | int) -> bool:
    return isinstance(step, int) or step in _RUNGS


def _of(targets: list[Key]) -> str:
    """Return of which targets an error is that stands elsewhere."""
    if not targets:
        return ""
    more = f" and {len(targets) - 1} more" if len(targets) > 1 else ""
    return f" (in {shown(targets[0])}{more})"


@dataclass
class Problems:
    """Collects the errors of an inventory, each with file, line and key, and the values that none of them may show.

    Where it `assumes` that variables are there which are not, what is noted of the keys that have one is no error.
    """

    written: Written
    names: Collection[str] = ()
    assumes: bool = False
    _found: list[tuple[Key, str, Source | None]] = field(default_factory=list)
    _causes: dict[Key, list[str]] = field(default_factory=dict)
    _secrets: dict[Key, list[str]] = field(default_factory=dict)
    _filled: dict[Key, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, path: Key, message: str, source: Source | None = None) -> None:
        """Note an error of a key; of one that does not count as the inventory's with the file that it is in."""
        self._found.append((path, message, source))

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
        return Redactor.of({value for values in self._secrets.values() for value in values}, self.names)

    @property
    def wrong(self) -> frozenset[Key]:
        """The keys of which an error is noted."""
        return frozenset(path for path, *_ in self._found)

    def raise_any(self, known: Inventory | None = None) -> None:
        """Raise InventoryError where anything was noted: in the order of the files, everything once."""
        if self._found and (faults := self.faults()):
            raise InventoryError(faults, known, self.wrong)

    def faults(self) -> list[Fault]:
        """Return what was noted."""
        redactor = self.redactor()
        return list(dict.fromkeys(self._fault(*error, redactor) for error in self._in_order(self._gathered())))

    def _gathered(self) -> dict[tuple[Source, Key, str], list[tuple[Place, str]]]:
        """Return the errors by where they are written: what is wrong with a template is so of all that it makes."""
        gathered: dict[tuple[Source, Key, str], list[tuple[Place, str]]] = {}
        for path, message, source in self._found:
            place = self.written.place(path) if source is None else Place(source, path)
            if self._follows(place.path, message) or self._is_assumed(place.path):
                continue
            alike = _unnamed(message, place.target)
            gathered.setdefault((place.source, place.path, alike), []).append((place, message))
        return gathered

    def _in_order(self, gathered: dict[Any, list[tuple[Place, str]]]) -> list[tuple[Place, str, list[Key]]]:
        """Return errors, each with the targets that it is of, in the order of the files and of their lines."""
        order = {source: number for number, source in enumerate(self.written.sources)}
        found = [(*each[0], self._targets([place for place, _ in each])) for each in gathered.values()]
        return sorted(found, key=lambda error: (order[error[0].source], error[0].line))

    def _targets(self, places: list[Place]) -> list[Key]:
        """Return the targets that an error is of, where it is not written with them."""
        found = [place.target for place in places if place.target is not None]
        return found or self.written.users(places[0].path)

    def _follows(self, path: Key, message: str) -> bool:
        """Tell whether an error has its cause in another: of the same key, or of an entry or a rung of it."""
        if message in self._causes.get(path, ()):
            return False
        depth = len(path)
        return any(cause[:depth] == path and all(map(_is_rung, cause[depth:])) for cause in self._causes)

    def _is_assumed(self, path: Key) -> bool:
        """Tell whether a key has a variable that is taken to be there, or one of its rungs has, or what it is in."""
        return any(
            path[: len(known)] == known or (known[: len(path)] == path and all(map(_is_rung, known[len(path) :])))
            for known in self.written.assumed
        )

    def _fault(self, place: Place, message: str, targets: list[Key], redactor: Redactor) -> Fault:
        paths = [place.path] if place.target is None else [place.path, place.target]
        told = self._masked(paths, redactor.text(message)) + _of(targets)
        return Fault(in_line(place.source.shown), place.line, in_line(shown(place.path)), in_line(told))

    def _masked(self, paths: Iterable[Key], message: str) -> str:
        """Mask what a message quotes of its key's secret, be it a part of that only."""
        near = [
            value
            for place, values in (*self._secrets.items(), *self._filled.items())
            if any(path and (place[: len(path)] == path or path[: len(place)] == place) for path in paths)
            for value in values
        ]
        return (
            _WORD.sub(lambda word: MASK if any(word[0] in value for value in near) else word[0], message)
            if near
            else message
        )
