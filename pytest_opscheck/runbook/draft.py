"""The draft of an inventory: targets, what is expected of each and where that stands, and what was not read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._check import Check
from ..core.humanize import counted as plural
from ..core.masks import has_secret, masked
from ..core.units import example
from ..core.visible import plain
from . import toml
from .asks import TargetHint, Todo, literal
from .entries import Entry, by_severity, carries
from .measures import HIGH, METRICS
from .statements import Fate, LineFate
from .targets import Names

LONGEST_QUOTE = 140
_ORDER = (
    "host",
    "docker",
    "http",
    "tls",
    "dns",
    "postgres",
    "redis",
    "celery",
    "prometheus",
    "metrics",
    "logs",
    "backup",
    "availability",
)
TIMED = ("maintenance", "suites")
"""Tables of the inventory that are no targets: windows, and when suites run."""
_VALUED = ("host.command", "docker.exec")
"""Families whose number is judged by the key `value`."""
_EXAMPLES = {
    "percentage": "< 80%",
    "duration": "< 1h",
    "size": "< 10GB",
    "rate": "< 10/day",
    "count": "< 100",
    "text": "== x",
    "set": "== {a}",
}
_MORE_IS_BETTER = {metric.check for metric in METRICS if metric.good == HIGH}
_TIMES = (
    ("http", "< 500ms"),
    ("dns", "< 100ms"),
    ("plan", "< 100ms"),
    ("query_time", "< 100ms"),
    ("clock", "< 5s"),
    ("drilled", "<= 31d"),
)
_HEAD = """\
# A draft of an inventory, out of {runbooks}: written by `opscheck runbook import`, which ran nothing and asked nobody.
# Read it from top to bottom. Over each entry stands where it comes from.
#   TODO: ...     only you know it; `opscheck validate` names each until it is filled in
#   # look: ...   likely right; see whether it is what you mean, and remove the remark
#   # disk = ...  in comments: unsure, or out of troubleshooting; remove the # of what you want
# What was not read stands at the end, by section.
"""


@dataclass
class Draft:
    """All that a draft is written from."""

    title: str
    runbooks: list[str]
    entries: list[Entry]
    lines: list[LineFate]
    checks: Mapping[str, Check]
    timezone: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    """By the file of a statement, what its links begin with: nothing where it is the inventory's own runbook."""

    @property
    def names(self) -> Names:
        """The names of its targets."""
        return Names.of(entry.target for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Written:
    """A draft as text; `places` are the keys of its active entries, by which an error of the inventory finds one."""

    text: str
    places: Mapping[tuple[str, ...], Entry]


def write(draft: Draft, *, filled: bool = False) -> Written:
    """Return a draft; `filled` puts an example in the place of each TODO, so that the inventory can be read."""
    writer = _Writer(draft, filled=filled)
    return Written("\n".join(writer.lines()).rstrip() + "\n", writer.places)


class _Writer:
    """Writes a draft line by line."""

    def __init__(self, draft: Draft, *, filled: bool) -> None:
        self._draft = draft
        self._filled = filled
        self._names = draft.names
        self.places: dict[tuple[str, ...], Entry] = {}

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        yield from _HEAD.format(runbooks=" and ".join(plain(each) for each in self._draft.runbooks)).splitlines()
        yield ""
        yield from self._general()
        for entry in self._draft.entries:
            if entry.target.kind in TIMED:
                yield from self._timed(entry)
        for kind in _ORDER:
            yield from self._kind(kind)
        yield from self._unread()

    def _general(self) -> Iterator[str]:
        yield "[opscheck]"
        yield f"name = {toml.text(self._draft.title)}"
        zone: str | Todo | None = self._draft.timezone
        timed = [each for each in self._draft.entries if each.target.kind in TIMED and each.status != "off"]
        if zone is None and timed:
            zone = Todo("the time zone of the times below, for example Europe/Berlin", "UTC")
        if zone is not None:
            yield f"timezone = {toml.value(zone, filled=self._filled)}"
        if self._draft.runbooks:
            yield f"runbook = {toml.text(literal(self._draft.runbooks[0]))}"
        yield ""

    def _timed(self, entry: Entry) -> Iterator[str]:
        name = self._names.of_target(entry.target)
        off = "# " if entry.status == "off" else ""
        yield from self._origins(entry)
        yield f"{off}[{entry.target.kind}.{name}]"
        for key, value in entry.keys.items():
            yield f"{off}{toml.key(key)} = {toml.value(value, filled=self._filled)}"
        yield ""
        if not off:
            self.places[entry.target.kind, name] = entry

    def _kind(self, kind: str) -> Iterator[str]:
        mine = [entry for entry in self._draft.entries if entry.target.kind == kind]
        identities = dict.fromkeys(entry.target.identity for entry in mine)
        for identity in identities:
            yield from self._target([entry for entry in mine if entry.target.identity == identity])

    def _target(self, entries: list[Entry]) -> Iterator[str]:
        hint = entries[0].target
        name = self._names.of_target(hint)
        off = "" if any(entry.status != "off" for entry in entries) else "# "
        yield f"{off}[{hint.kind}.{toml.key(name)}]"
        for key, value in self._keys_of(hint, entries).items():
            yield f"{off}{toml.key(key)} = {toml.value(self._safe(value), filled=self._filled)}"
        yield from self._expectations(hint.kind, name, [entry for entry in entries if entry.name is None])
        for entry in entries:
            if entry.name is not None:
                yield from self._question(hint.kind, name, entry)
        yield ""

    def _keys_of(self, hint: TargetHint, entries: Iterable[Entry]) -> dict[str, Any]:
        keys = dict(hint.keys)
        if hint.kind == "availability":
            keys["of"] = self._past()
        for entry in entries:
            for key, value in entry.target.keys.items():
                if key not in keys or (isinstance(keys[key], Todo) and not isinstance(value, Todo)):
                    keys[key] = value
        return keys

    def _past(self) -> str | Todo:
        """Return the check whose past results an availability is of: the first that asks for a status."""
        asked = [entry for entry in self._draft.entries if entry.check == "http.status" and entry.status != "off"]
        if not asked:
            return Todo("the id of the check whose past counts, for example http.status@api", "host.disk@main")
        return f"http.status@{self._names.of_target(asked[0].target)}"

    def _expectations(self, kind: str, name: str, entries: list[Entry]) -> Iterator[str]:
        if not entries:
            return
        off = "" if any(entry.status != "off" for entry in entries) else "# "
        yield f"{off}[{kind}.{toml.key(name)}.expect]"
        seen: set[str] = set()
        for entry in sorted(entries, key=lambda each: each.status == "off"):
            expectation = entry.check.partition(".")[2]
            again = expectation in seen
            yield from self._origins(entry)
            off = "# " if entry.status == "off" or again else ""
            yield f"{off}{expectation} = {toml.value(self._long(entry) or True, filled=self._filled)}"
            if not off:
                seen.add(expectation)
                self.places[kind, name, "expect", expectation] = entry

    def _question(self, kind: str, name: str, entry: Entry) -> Iterator[str]:
        family = entry.check.partition(".")[2]
        own = self._own_name(kind, name, family, entry)
        off = "# " if entry.status == "off" else ""
        yield from self._origins(entry)
        yield f"{off}[{kind}.{toml.key(name)}.{family}.{toml.key(own)}]"
        for key, value in self._table(entry).items():
            yield f"{off}{toml.key(key)} = {toml.value(value, filled=self._filled)}"
        if not off:
            self.places[kind, name, family, own] = entry

    def _own_name(self, kind: str, name: str, family: str, entry: Entry) -> str:
        own, number = entry.name or "question", 1
        while (kind, name, family, own) in self.places:
            number += 1
            own = f"{entry.name}_{number}"
        return own

    def _long(self, entry: Entry) -> dict[str, Any]:
        """Return an expectation's table: its limits by severity, its keys, its suites, its place in the runbook."""
        return {**self._limits(entry), **self._safe(self._entry_keys(entry)), **self._more(entry)}

    def _table(self, entry: Entry) -> dict[str, Any]:
        limits = self._limits(entry)
        key = "value" if entry.check in _VALUED else "expect"
        keys: dict[str, Any] = dict(self._safe(self._entry_keys(entry)))
        if limits and entry.check != "host.file":
            keys["memory" if entry.check == "host.processes" else key] = limits
        if any("/" in str(limit).rpartition(" ")[2] for limit in limits.values()) and entry.check in (
            "docker.logs",
            "host.journal",
            "logs.count",
        ):
            keys.pop("since", None)
        return {**keys, **self._more(entry)}

    def _entry_keys(self, entry: Entry) -> dict[str, Any]:
        return dict(entry.keys.items())

    def _limits(self, entry: Entry) -> dict[str, Any]:
        check = self._draft.checks[entry.check]
        limits: dict[str, Any] = dict(by_severity(entry, check.severity))
        if limits or not entry.needs_limit or carries(entry):
            return limits
        dimensions = sorted(check.dimensions, key=list(_EXAMPLES).index) if check.dimensions else ["count"]
        shown = _example(check, dimensions[0])
        return {check.severity: Todo(f"the limit, for example {shown}", shown)}

    def _more(self, entry: Entry) -> dict[str, Any]:
        check = self._draft.checks[entry.check]
        more: dict[str, Any] = {}
        missing = [suite for suite in entry.suites if suite not in check.suites and not _covered(suite, check.suites)]
        if missing:
            more["suites"] = [*check.suites, *missing]
        if (link := self._link(entry)) is not None:
            more["runbook"] = literal(link)
        return more

    def _link(self, entry: Entry) -> str | None:
        first = next((each for each in entry.statements if each.anchor), None)
        return None if first is None else f"{self._draft.links.get(first.file, '')}#{first.anchor}"

    def _safe(self, value: Any) -> Any:
        """Return a value without a secret of the runbook: what has one is for a person to write."""
        if isinstance(value, dict):
            return {key: self._safe(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._safe(each) for each in value]
        if isinstance(value, str) and has_secret(value):
            return Todo("it has a secret in it; write it with ${NAME}", "x")
        return value

    def _origins(self, entry: Entry) -> Iterator[str]:
        for statement in sorted(entry.statements, key=lambda each: (each.file, each.line)):
            yield f'# {plain(statement.file)}:{statement.line} "{quote(statement.text)}"'
        for look in entry.looks:
            yield f"# look: {plain(look)}"
        if entry.refused:
            yield f"# look: the inventory does not take it: {plain(masked(entry.refused))}"
        elif entry.status == "look" and not entry.looks:
            yield "# look: is this what is meant?"

    def _unread(self) -> Iterator[str]:
        lines = [line for line in self._draft.lines if line.fate is Fate.NOT_READ]
        yield f"# ---- not read: {plural(len(lines), 'line')}"
        for (file, path), group in itertools.groupby(
            lines, key=lambda line: (line.file, tuple(each.title for each in line.section.path))
        ):
            yield "#"
            yield f"# {plain(file)}: {quote(' > '.join(path) or 'before the first heading')}"
            for line in group:
                yield f"#   {line.number} ({plain(masked(line.reason))}): {quote(line.text)}"


def _example(check: Check, dimension: str) -> str:
    """Return a limit as a check may have one."""
    if dimension == "duration":
        shown = next((shown for kind, shown in _TIMES if kind in check.id), "< 5m")
    else:
        shown = _EXAMPLES.get(dimension, example("count"))
    return shown.replace("<", ">") if check.id in _MORE_IS_BETTER else shown


_OFTEN = ("daily", "weekly", "monthly")


def _covered(suite: str, suites: Iterable[str]) -> bool:
    """Tell whether a check runs as often as a suite asks for: what is daily is weekly too."""
    if "*" in suites:
        return True
    often = _OFTEN[: _OFTEN.index(suite)] if suite in _OFTEN else ()
    return any(each in suites for each in often)


def quote(text: str) -> str:
    """Return a text as a comment quotes it: in one line, without its secrets, and not too long."""
    quoted = plain(masked(" ".join(text.split())))
    return quoted if len(quoted) <= LONGEST_QUOTE else f"{quoted[: LONGEST_QUOTE - 1]}…"
