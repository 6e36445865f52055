"""What an inventory can say of each kind and check, as text: `opscheck checks` prints it, and docs/checks/ has it."""

from __future__ import annotations

import inspect
import textwrap
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo

from .._check import EVERY_SUITE, Check
from ..catalogue import checks_of, kind_named, kinds
from ..core.ladders import Ladder
from ..core.limits import Limit
from ..core.visible import plain
from ..probes import Kind

_NAME = ".NAME"
"""What stands behind the name of checks that the inventory names itself."""
_UNITS = {"": "a count", "set": "a set of texts"}


@dataclass(frozen=True)
class Key:
    """A key of the inventory: what it says, and in `note` whether it has to be there, or what it is by default."""

    name: str
    meaning: str
    note: str

    def __str__(self) -> str:
        return f"{self.meaning} ({self.note})" if self.note else self.meaning


@dataclass(frozen=True)
class Entry:
    """A check: what exactly it judges, when and against what by default, what it needs, and an example."""

    id: str
    title: str
    definition: str
    runs: str
    limits: str
    units: str
    keys: tuple[Key, ...]
    needs: str
    action: str
    example: str

    def has(self, check_id: str) -> bool:
        """Tell whether an id is this check's, or that of one of its family, as `host.command.nginx`."""
        own = self.id.removesuffix(_NAME)
        return check_id == own or (self.id != own and check_id.startswith(f"{own}."))


@dataclass(frozen=True)
class Chapter:
    """A kind of target: its keys and its checks."""

    kind: str
    summary: str
    keys: tuple[Key, ...]
    entries: tuple[Entry, ...]


def chapters(names: Iterable[str] | None = None) -> Iterator[Chapter]:
    """Yield what can be said, kind by kind: of the shipped ones, or of those of these names."""
    for name in kinds() if names is None else names:
        yield chapter(name)


def chapter(name: str) -> Chapter:
    """Return what can be said of one kind. Raises PackageError."""
    kind = kind_named(name)
    return Chapter(name, kind.summary, tuple(_target_keys(kind)), tuple(entry(check) for check in checks_of(name)))


def _target_keys(kind: Kind) -> Iterator[Key]:
    for field, info in kind.target.model_fields.items():
        name = info.alias or field
        meaning = info.description or ""
        yield Key(name, meaning, "" if "by default" in meaning else _default(info))


def entry(check: Check) -> Entry:
    """Return what can be said of one check."""
    definition, needs, example = _parts(inspect.getdoc(check.function) or "")
    suites = ", ".join("any suite" if suite == EVERY_SUITE else suite for suite in check.suites)
    limits = f"`{check.limits}`" if check.limits is not None else "none; the inventory says what is expected"
    return Entry(
        id=check.id + (_NAME if check.family else ""),
        title=check.title,
        definition=definition,
        runs=f"{'by default' if check.on_by_default else 'where said'}, in {suites}",
        limits=f"{limits}; a single limit breaks with {check.severity}",
        units=", ".join(_UNITS.get(unit, unit) for unit in check.units if unit not in ("*", "text")),
        keys=tuple(_check_keys(check)),
        needs=needs,
        action=check.action or "",
        example=example,
    )


def _parts(docstring: str) -> tuple[str, str, str]:
    """Return what a docstring says below its title, what stands behind `Needs:`, and the block of `Example:`."""
    text, _, example = docstring.partition("\nExample:\n")
    text, _, needs = text.partition("\nNeeds: ")
    return text.partition("\n")[2].strip(), " ".join(needs.split()), textwrap.dedent(example).strip()


def _check_keys(check: Check) -> Iterator[Key]:
    for name in check.keys:
        info = check.params.model_fields[name]
        short = "the short form sets it" if name == check.takes else ""
        yield Key(name, _type(info.annotation), "; ".join(filter(None, (_default(info), short))))


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    default = info.get_default(call_default_factory=True)
    return "" if default is None or default in ("", (), [], {}) else f"default `{_shown(default)}`"


def _shown(value: Any) -> str:
    if isinstance(value, Ladder):
        return ", ".join(f"{severity} {limit}" for severity, limit in value.texts().items())
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else plain(str(value))


_TYPES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    object: "a value",
    Limit: "a limit",
    Ladder: "limits",
}
"""What else there is has keys of its own: it is a table."""


def _type(annotation: Any) -> str:
    if annotation in _TYPES:
        return _TYPES[annotation]
    arguments = [each for each in typing.get_args(annotation) if each not in (type(None), Ellipsis)]
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return f"one of {', '.join(f'`{each}`' for each in arguments if each != '')}"
    if origin in (tuple, list):
        return f"a list, each {_type(arguments[0])}"
    if origin is dict:
        return f"a table, each {_type(arguments[1])}"
    if origin is typing.Annotated:
        return "a text" if _is_text(arguments) else _type(arguments[0])
    return " or ".join(dict.fromkeys(filter(None, map(_type, arguments)))) if arguments else "a table"


def _is_text(annotated: list[Any]) -> bool:
    """Tell whether a value of a type of our own is said as a text."""
    schemas = (each.json_schema for each in annotated if isinstance(each, WithJsonSchema))
    return any(schema == {"type": "string"} for schema in schemas)
