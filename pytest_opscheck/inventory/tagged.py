"""Which targets a word means: `host.prod` with all that is reached through it, or `tag:dc1` likewise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .model import Expectation, InventoryTarget
from .problems import nearest

TAG = "tag:"


class Places:
    """The targets of an inventory by the words that mean them."""

    def __init__(self, targets: Iterable[InventoryTarget]) -> None:
        targets = tuple(targets)
        self.is_open = any(target.keys.is_open() for target in targets)
        hosts = {target.name: target for target in targets if target.kind == "host"}
        self._meant: dict[str, set[str]] = {}
        for target in targets:
            for word in _words(target, hosts):
                self._meant.setdefault(word, set()).add(target.id)

    def of(self, words: Iterable[str]) -> frozenset[str]:
        """Return the ids of the targets that any of several words means."""
        return frozenset(found for word in words for found in self._meant.get(word, ()))

    def problem(self, word: str) -> str | None:
        """Return why a word means no target, None where it does."""
        if word in self._meant or self.is_open:  # then it may be that of an item nobody has read yet
            return None
        tags = [each for each in self._meant if each.startswith(TAG)]
        if word.startswith(TAG):
            hint = nearest(word, tags) if tags else "no target has tags; add some: tags = ['dc1']"
            return f"no target has the tag {word.removeprefix(TAG)!r}; {hint}"
        known = [each for each in self._meant if each not in tags]
        meant = [each for each in known if each.endswith(f".{word}")]
        return f"there is no target {word!r}; {nearest(meant[0] if meant else word, known)}"


def _words(target: InventoryTarget, hosts: Mapping[str, InventoryTarget]) -> Iterator[str]:
    """Yield what means a target: its id, its tags, and what means the host that it is reached through."""
    yield from dict.fromkeys((target.id, ".".join(target.path)))
    yield from (f"{TAG}{tag}" for tag in target.tags)
    if (host := hosts.get(target.keys.host() or "")) is not None and host is not target:
        yield from _words(host, {})


def at(words: Iterable[str], expectations: Iterable[Expectation]) -> frozenset[str]:
    """Return the ids of the results of the targets that any of several words means."""
    expectations = tuple(expectations)
    meant = places_of(expectations).of(words)
    return frozenset(each.id for each in expectations if each.target.id in meant)


def places_of(expectations: Iterable[Expectation]) -> Places:
    """Return the targets of which anything is expected, by the words that mean them."""
    return Places({each.target.id: each.target for each in expectations}.values())
