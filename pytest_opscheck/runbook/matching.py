"""Which expectations of the inventory judge a statement of the runbook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import dropwhile
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from .addresses import split
from .expected import Expected
from .origins import all_numbers, numbers, squeezed
from .stated import Sort, Stated, names_id
from .values import Number, alike, limit_of

_LIST_KEYS = ("names", "services", "paths", "tables", "patterns", "records", "workers", "queues", "includes")
_ASKED = ("run", "sql", "pattern", "unit", "path", "query", "metric")
"""Keys that say what is asked by a question of one's own."""

_ADDRESSES = ("url", "address", "path")
"""Keys of a target that say which server or file it is."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_RUNNING = ("host.command", "docker.exec")
"""Checks that run a command of one's own, each in its place."""
_STARTS = re.compile(r"(?:\S*/)?(?:sudo|python[\d.]*|env|exec)$")

Matches = Mapping[int, Sequence[Expected]]
"""By the place of a statement, the expectations that judge it."""


def matched(stated: Sequence[Stated], known: Sequence[Expected], real: Mapping[str, str]) -> Matches:
    """Return which expectations judge each statement; `real` are the paths of the runbooks by their names."""
    by_check: dict[str, list[Expected]] = {}
    for each in known:
        by_check.setdefault(each.expectation.check.id, []).append(each)
    found = {
        place: _judges(each, by_check, known, real.get(each.file, each.file))
        for place, each in enumerate(stated)
        if each.entry is not None or each.sort is Sort.UNREAD
    }
    return _one_address_each(stated, found)


def _one_address_each(stated: Sequence[Stated], found: Matches) -> Matches:
    """Return matches in which a target stands for one address of the runbook alone: its own, else the first."""
    of: dict[int, dict[str, None]] = {}
    for place, judges in found.items():
        if (address := _address(stated[place])) is not None:
            for x in judges:
                of.setdefault(id(x), {})[address] = None

    def stands(each: Stated, x: Expected) -> bool:
        address, others = _address(each), of.get(id(x), {})
        if address is None or len(others) < 2 or _is_meant(each, x):  # noqa: PLR2004 - there is no other one
            return True
        own = _own_address(x)
        return address == (own if own in others else next(iter(others)))

    return {place: [x for x in judges if stands(stated[place], x)] for place, judges in found.items()}


def _is_meant(each: Stated, x: Expected) -> bool:
    """Tell whether the inventory itself says that an expectation is of a statement: by its id, or a comment."""
    texts = {squeezed(statement.text) for statement in each.statements} - {""}
    return names_id(_text(each), x.expectation.covers) or any(squeezed(origin.text) in texts for origin in x.origins)


def _address(each: Stated) -> str | None:
    """Return what a statement is about, as far as it says so: a server, a file."""
    keys = each.entry.target.keys if each.entry is not None else {}
    return _place_of(next((keys[key] for key in _ADDRESSES if key in keys), None))


def _own_address(x: Expected) -> str | None:
    keys = x.expectation.target.keys
    found = next((value for key in _ADDRESSES if (value := getattr(keys, key, None)) is not None), None)
    return _place_of(_shown(found))


def _shown(value: Any) -> Any:
    """Return a value of a target, also one that may be secret: it is compared, and shown to nobody."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _place_of(value: Any) -> str | None:
    """Return the server of an address, else the value itself; None for what a person or a variable has to say."""
    if not isinstance(value, str) or "${" in value:
        return None
    parts = split(value)
    if not parts.netloc:
        return value
    host = "localhost" if parts.hostname in _LOOPBACK else parts.hostname
    return f"{host}:{parts.port or {'https': 443, 'http': 80}.get(parts.scheme)}"


def _judges(
    each: Stated, by_check: Mapping[str, list[Expected]], known: Sequence[Expected], real: str
) -> list[Expected]:
    named = [x for x in known if x.expectation.covers and names_id(_text(each), x.expectation.covers)]
    if named:
        return named
    if each.entry is not None and (found := _of_check(each, by_check.get(each.entry.check, []), real)):
        return found
    if each.entry is not None and (run := _words(each.entry.keys.get("run"))):
        elsewhere = [x for check in _RUNNING for x in by_check.get(check, [])]
        if found := [x for x in elsewhere if _words(x.expectation.params.get("run"))[: len(run)] == run]:
            return found
    return _of_numbers(each, [x for x in known if x.links_to(real, _around(each))])


def _text(each: Stated) -> str:
    return "\n".join([each.text, *(statement.text for statement in each.statements)])


def _around(each: Stated) -> frozenset[str]:
    return each.anchors | frozenset(section.anchor for section in each.section.path[-1:] if section.anchor)


def _of_check(each: Stated, candidates: list[Expected], real: str) -> list[Expected]:
    """Return those of the expectations of a check that are of the statement: the first sort of which there are any."""
    texts = {squeezed(statement.text) for statement in each.statements} - {""}
    tests: list[Callable[[Expected], bool]] = [
        lambda x: any(squeezed(origin.text) in texts for origin in x.origins),
        lambda x: x.expectation.target.name == each.target and x.links_to(real, each.anchors),
        lambda x: x.links_to(real, each.anchors),
        lambda x: x.expectation.target.name == each.target,
        lambda _: True,
    ]
    is_question = each.entry is not None and each.entry.name is not None
    fitting = [x for x in candidates if _fits(each, x)]
    if is_question:
        tests = [tests[0], lambda x: _asks_same(each, x), lambda x: _is_named(each, x), tests[2]]
    for test in tests:
        if found := [x for x in fitting if test(x)]:
            return found
    return []


def _words(run: Any) -> list[str]:
    """Return the words of a command, without what only starts it."""
    words = (
        [str(word) for word in run] if isinstance(run, list | tuple) else run.split() if isinstance(run, str) else []
    )
    return list(dropwhile(_STARTS.match, words))


def _is_named(each: Stated, x: Expected) -> bool:
    return each.entry is not None and x.expectation.name == each.entry.name


def _asks_same(each: Stated, x: Expected) -> bool:
    """Tell whether a question of one's own asks what a statement does."""
    keys = each.entry.keys if each.entry is not None else {}
    asked = [(keys[key], x.expectation.params.get(key)) for key in _ASKED if key in keys]
    return bool(asked) and all(_plain(one) == _plain(other) for one, other in asked)


def _plain(value: Any) -> str:
    return squeezed(
        " ".join(map(str, value)) if isinstance(value, list | tuple) else str(getattr(value, "pattern", value))
    )


def _fits(each: Stated, x: Expected) -> bool:
    """Tell whether nothing speaks against that an expectation is of a statement: another address, other names."""
    assert each.entry is not None  # noqa: S101 - only proposals are compared so
    url = each.entry.target.keys.get("url")
    own = _shown(getattr(x.expectation.target.keys, "url", None))
    if each.entry.target.kind == "http" and isinstance(url, str) and isinstance(own, str):
        paths = {_path(own), *(_path(str(path)) for path in _listed(x.expectation.params.get("paths")))}
        return _path(url) in paths
    return all(
        not (wanted and there) or bool(wanted & there)
        for key in _LIST_KEYS
        if (wanted := set(map(str, _listed(each.entry.keys.get(key)))))
        if (there := set(map(str, _listed(x.expectation.params.get(key)))))
    )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | Mapping | frozenset | set) else []


def _path(url: str) -> str:
    try:
        return re.sub(r"\$\{[^}]*\}", "", urlsplit(url).path).rstrip("/") or "/"
    except ValueError:
        return url


def _of_numbers(each: Stated, linked: list[Expected]) -> list[Expected]:
    """Return the expectations of a section whose limits are all the numbers that a statement names."""
    wanted = _numbers(each)
    named = [[x for x in linked if names(x, number)] for number in wanted]
    if not named or not all(named):
        return []
    return list(dict.fromkeys(x for found in named for x in found))


def names(x: Expected, number: Number) -> bool:
    """Tell whether an expectation names a number: as a limit, or in what it asks."""
    if any(alike(number.value, number.measures, limit) for _, limit in x.all_limits):
        return True
    asked = [text for key in _ASKED if isinstance(text := x.expectation.params.get(key), str)]
    return any(each[1:] == number[1:] for text in asked for each in all_numbers(text))


def _numbers(each: Stated) -> Iterable[Number]:
    """Return the numbers that a statement names: those of its limits, or of its text where that was not read."""
    if each.entry is None:
        return numbers(each.text)
    limits = [limit_of(rung.limit) for rung in each.rungs]
    return [
        Number("", limit.number, limit.dimension) for limit in limits if limit is not None and limit.number is not None
    ]
