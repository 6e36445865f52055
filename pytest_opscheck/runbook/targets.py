"""The targets of a draft: those that the runbook names, and which of them is meant where it names none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from .addresses import split
from .asks import Ask, TargetHint, Todo, named
from .families import http, tls
from .statements import Finding

_HEALTH = re.compile(r"health|ready|live|status|ping|up\b|sante|alive", re.IGNORECASE)
_HERE = ("localhost", *map(str, range(256)))
"""First labels of hosts that name none: that of an address is a number."""
_OPEN = ("?", "*", "backups")
"""What stands for a target that the runbook does not name."""


def resolved(findings: Iterable[Finding], urls: Iterable[str]) -> list[Finding]:
    """Return findings on targets that the runbook names, as far as it does."""
    found = list(findings)
    known = {kind: _first(found, kind, urls) for kind in ("http", "tls", "backup", "prometheus")}
    made = [_on(finding, known.get(finding.ask.target.kind)) for finding in found]
    return _with_availability(made, known.get("http") or http.unnamed())


def _on(finding: Finding, target: TargetHint | None) -> Finding:
    hint = finding.ask.target
    if target is None or not (
        hint.identity in _OPEN or (hint.kind == "prometheus" and isinstance(hint.keys.get("url"), Todo))
    ):
        return finding
    return replace(finding, ask=replace(finding.ask, target=target))


def _first(findings: list[Finding], kind: str, urls: Iterable[str]) -> TargetHint | None:
    """Return the target of a kind that is meant where none is named: of addresses the one that tells of health."""
    named = [
        each.ask.target
        for each in sorted(findings, key=lambda each: not each.active)
        if each.ask.target.kind == kind and each.ask.target.identity not in _OPEN
    ]
    named = [each for each in named if not any(isinstance(value, Todo) for value in each.keys.values())]
    if kind == "http":
        return (
            next((each for each in named if _HEALTH.search(each.identity)), None)
            or next(iter(named), None)
            or _of_url(urls)
        )
    if kind == "tls" and not named:
        first = next((url for url in urls if url.startswith("https://")), None)
        return tls.of_url(first) if first else None
    return next(iter(named), None)


def _of_url(urls: Iterable[str]) -> TargetHint | None:
    usable = [url for url in urls if not re.search(r"/api/v1/(?:alerts|query|rules)|/metrics|:9090", url)]
    url = next((url for url in usable if _HEALTH.search(url)), None) or next(iter(usable), None)
    return http.target_of(url) if url else None


def _with_availability(findings: list[Finding], target: TargetHint) -> list[Finding]:
    """Return findings with the check whose past an availability is of."""
    first = next((each for each in findings if each.ask.target.kind == "availability"), None)
    if first is None or any(
        each.ask.check == "http.status" and each.ask.target.identity == target.identity and each.active >= first.active
        for each in findings
    ):
        return findings
    ask = Ask("http.status", target, sure=0.8)
    return [*findings, replace(first, ask=ask, rungs=())]


def _names(hint: TargetHint) -> Iterator[str]:
    """Yield what a target may be called, the shortest first."""
    yield hint.name
    if hint.kind == "http" and "://" in hint.identity:
        parts = split(hint.identity)
        host, _, port = parts.netloc.rpartition("@")[2].partition(":")
        label = named(host.partition(".")[0], "")
        yield from (f"{hint.name}_{each}" for each in (label, port) if each and each not in _HERE)
    yield from (f"{hint.name}_{number}" for number in count(2))


@dataclass(frozen=True, slots=True)
class Names:
    """The names of targets: of two with the same name, the second has its host, its port or a number as well."""

    known: dict[tuple[str, str], str]

    @classmethod
    def of(cls, hints: Iterable[TargetHint]) -> Names:
        """Give each target its name."""
        known: dict[tuple[str, str], str] = {}
        for hint in hints:
            key = (hint.kind, hint.identity)
            if key in known:
                continue
            taken = {name for (kind, _), name in known.items() if kind == hint.kind}
            names = (name for name in _names(hint) if name not in taken)
            known[key] = next(names)
        return cls(known)

    def of_target(self, hint: TargetHint) -> str:
        """Return a target's name."""
        return self.known[hint.kind, hint.identity]
