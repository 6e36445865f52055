"""Reads [defaults], [template] and [group], and puts the targets together that they and the kinds' own tables make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import packages
from ..catalogue import kind_named, kinds
from ..core.ranges import RangeError, names_of
from ..core.suites import TABLES
from ..probes import Kind
from .layers import Layer, Layers
from .model import name_problem
from .placeholders import blanks, fill, has_blanks, source_keys
from .positions import Key
from .problems import Problems, nearest

if TYPE_CHECKING:
    from .lists import Item

MOST = 100_000
"""So many targets one group can have."""
_NAMES = 'for example names = ["web[001:400]", "db1"]'
_ABOUT = {"template": ("kind", "template"), "group": ("kind", "template", "names")}
"""The keys of a template and a group that are not those of their targets."""
Families = Callable[[str], frozenset[str]]


def layer_of(path: Key, table: Mapping[str, Any]) -> Layer:
    """Return what a table says of its targets."""
    about = source_keys(table) if path[0] == "source" else _ABOUT.get(str(path[0]), ())
    return Layer(path, {key: value for key, value in table.items() if key not in about} if about else table)


@dataclass(frozen=True)
class Composed:
    """A target as it is put together: its kind, its name, and what its table says then."""

    kind: Kind
    name: str
    table: dict[str, Any]

    @property
    def path(self) -> Key:
        """Its key in the inventory: `("host", "prod")`."""
        return self.kind.name, self.name


@dataclass(frozen=True)
class _Template:
    kind: Kind
    layer: Layer


@dataclass(frozen=True, eq=False)
class _Group:
    """What the targets of a group have in common: the tables that they are made of, and what these say together."""

    kind: Kind
    layers: Layers
    made: dict[str, Any]


@dataclass
class Composer:
    """Puts the targets of an inventory together, and notes what is wrong with the tables that they are made of.

    families: the user-defined questions that targets of a kind can have, by its name.
    note: is told of each text in which a placeholder was filled.
    lists: the items of lists that are targets, by the source and the target's name.
    notes: what is accepted, and may well not be meant. listed: the ids of the targets of each list.
    """

    document: Mapping[str, Any]
    families: Families
    problems: Problems
    note: Callable[[Key, str], object]
    lists: Mapping[str, Mapping[str, Item]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    listed: dict[str, list[str]] = field(default_factory=dict)
    _defaults: dict[str, Layer] = field(default_factory=dict)
    _templates: dict[str, _Template] = field(default_factory=dict)
    _members: dict[Key, _Group] = field(default_factory=dict)

    def targets(self) -> Iterator[Composed]:
        """Yield every target: those of groups and lists, and those that have a table alone."""
        self._read_defaults()
        self._read_templates()
        self._read_groups()
        yield from filter(None, self._composed_all())

    def _composed_all(self) -> Iterator[Composed | None]:
        own = dict(self._own_tables())
        self._note_the_same([group for path, group in self._members.items() if path not in own])
        for path, group in self._members.items():
            table = own.pop(path, None)
            layers = group.layers if table is None else group.layers.under(Layer(path, table))
            yield self._composed(group.kind, path, layers, group.made if table is None else layers.merged())
        for path, table in own.items():
            kind = kind_named(str(path[0]))
            yield self._alone(kind, path, table)

    def _note_the_same(self, groups: Sequence[_Group]) -> None:
        """Note each group, given once for each target that says nothing itself, whose targets are one and the same."""
        for group, count in Counter(groups).items():
            if count > 1 and not has_blanks(group.made):
                name = ".".join(map(str, group.layers.layers[-1].path))
                self.notes.append(
                    f"{name}: {{name}} is nowhere in it, so {count} of its targets are the same one under other names; "
                    "use it, for example in connect, url or on"
                )

    def _alone(self, kind: Kind, path: Key, table: dict[str, Any]) -> Composed | None:
        """Return a target of no group; without defaults it is as it is written."""
        if (below := self._defaults.get(kind.name)) is None:
            return Composed(kind, str(path[1]), table)
        layers = Layers((below, Layer(path, table)), self.families(kind.name))
        return self._composed(kind, path, layers, layers.merged())

    def _composed(self, kind: Kind, path: Key, layers: Layers, made: dict[str, Any]) -> Composed | None:
        self.problems.written.layers[path] = layers
        name = str(path[1])
        values = {**self.problems.written.fields.get(path, {}), "name": name}
        wrong = [(here, problem) for here, each in blanks(made) if (problem := each.problem(values))]
        for here, problem in wrong:
            self.problems.add((*path, *here), problem)
        return None if wrong else Composed(kind, name, fill(made, values, self.note, path))

    def _own_tables(self) -> Iterator[tuple[Key, dict[str, Any]]]:
        """Yield the tables of targets that stand in the inventory, by their keys: `[host.prod]`."""
        for key, table in self.document.items():
            if key in TABLES or self._kind(key, (key,)) is None:
                continue
            needed = f"a {key} needs a name: [{key}.NAME]"
            if not isinstance(table, dict) or not table:
                self.problems.add((key,), needed)
                continue
            for name, entry in table.items():
                if isinstance(entry, dict):
                    yield (key, name), entry
                else:
                    self.problems.add((key, name), needed)

    def _kind(self, name: object, path: Key) -> Kind | None:
        """Return a kind of target; one that there is not, or that can't be used, is noted."""
        is_key = path[-1:] == (name,) and len(path) == 1
        if name == "source":
            self.problems.add(path, "a source has a table of its own: [source.NAME]")
            return None
        try:
            return kind_named(str(name))
        except KeyError:
            known = [*kinds(), *packages.installed(packages.KINDS), *(TABLES if is_key else ())]
            self.problems.add(
                path, f"unknown kind of target{'' if is_key else f' {name!r}'}; {nearest(str(name), known)}"
            )
        except packages.PackageError as error:
            self.problems.add(path, str(error))
        return None

    def _tables(self, word: str, needed: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the named tables of one word: `[template.NAME]`."""
        found = self.document.get(word, {})
        if not isinstance(found, dict) or (word in self.document and not found):
            self.problems.add((word,), needed)
            return
        for name, entry in found.items():
            if not isinstance(entry, dict) or not entry:
                self.problems.add((word, name), needed if not isinstance(entry, dict) else "it says nothing; remove it")
            else:
                yield name, entry

    def _read_defaults(self) -> None:
        for name, entry in self._tables("defaults", "defaults need the kind that they are for: [defaults.KIND]"):
            path: Key = ("defaults", name)
            if self._kind(name, path) is not None:
                self._defaults[name] = Layer(path, entry)

    def _read_templates(self) -> None:
        for name, entry in self._tables("template", "a template needs a name: [template.NAME]"):
            path: Key = ("template", name)
            if problem := name_problem(name):
                self.problems.add(path, problem)
            if "template" in entry:
                self.problems.add((*path, "template"), "a template can't use another one; write it all into one")
            elif "kind" not in entry:
                self.problems.add(path, "the key 'kind' is needed: kind = \"host\"")
            elif (kind := self._kind(entry["kind"], (*path, "kind"))) is not None:
                self._templates[name] = _Template(kind, layer_of(path, entry))

    def _read_groups(self) -> None:
        used = set()
        for name, entry in self._tables("group", "a group needs a name: [group.NAME]"):
            path: Key = ("group", name)
            if problem := name_problem(name):
                self.problems.add(path, problem)
            used.add(entry.get("template") if isinstance(entry.get("template"), str) else None)
            places = {each: (*path, "names", place) for each, place in self._names(entry, path).items()}
            if (group := self._group(entry, path)) is not None:
                self._add(group, places)
        for name, entry in self._tables("source", "a source needs a name: [source.NAME]"):
            used.add(entry.get("template") if isinstance(entry.get("template"), str) else None)
            if (group := self._group(entry, ("source", name))) is not None:
                self._add_listed(group, self.lists.get(name, {}), ("source", name))
        for name in self._said_templates() - used:
            self.problems.add(("template", name), f"no group uses it; say template = {name!r} in one, or remove it")

    def _group(self, table: Mapping[str, Any], path: Key) -> _Group | None:
        """Return what the targets of a group or a list have in common; None where their kind can't be told."""
        if (found := self._group_kind(table, path)) is None:
            return None
        kind, template = found
        layers = (self._defaults.get(kind.name), template.layer if template else None, layer_of(path, table))
        made = Layers(tuple(filter(None, layers)), self.families(kind.name))
        return _Group(kind, made, made.merged())

    def _add_listed(self, group: _Group, members: Mapping[str, Item], path: Key) -> None:
        """Add the items of a list."""
        self._add(group, dict.fromkeys(members, (*path, "name")))
        self.listed[str(path[1])] = [f"{group.kind.name}.{name}" for name in members]
        for name, item in members.items():
            if self._members.get(key := (group.kind.name, name)) is group:
                self.problems.written.fields[key] = item.fields

    def _said_templates(self) -> set[str]:
        found = self.document.get("template", {})
        return set(found) if isinstance(found, dict) else set()

    def _group_kind(self, table: Mapping[str, Any], path: Key) -> tuple[Kind, _Template | None] | None:
        """Return the kind of a group's targets, and its template; None where that can't be told."""
        named, own = table.get("template"), table.get("kind")
        if named is None and own is None:
            self.problems.add(path, 'a template or a kind is needed: template = "NAME", or kind = "host"')
            return None
        if named is not None and not (isinstance(named, str) and named in self._said_templates()):
            hint = nearest(str(named), self._said_templates()) if self._said_templates() else "add [template.NAME]"
            self.problems.add((*path, "template"), f"there is no template {named!r}; {hint}")
            return None
        template = self._templates.get(str(named))
        kind = self._kind(own, (*path, "kind")) if own is not None else None
        if template is not None and kind is not None and kind is not template.kind:
            said_kind = template.kind.name
            self.problems.add(
                (*path, "kind"), f"its template is of the kind {said_kind!r}; leave kind out, or use another"
            )
        found = template.kind if template is not None else kind if named is None else None
        return (found, template) if found is not None else None

    def _names(self, table: Mapping[str, Any], path: Key) -> dict[str, int]:
        """Return the names of a group's targets, each with the place of its entry."""
        here = (*path, "names")
        entries = table.get("names")
        if "names" not in table:
            self.problems.add(path, f"the key 'names' is needed, {_NAMES}")
            return {}
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            self.problems.add(here, f"it must be a list of names, {_NAMES}")
            return {}
        if not entries:
            self.problems.add(
                here, f"this list is empty: the group has no targets; add names, {_NAMES}, or remove the group"
            )
        found: dict[str, int] = {}
        for place, entry in enumerate(entries):
            self._add_names(entry, found, place, here)
        if len(found) > MOST:
            self.problems.add(here, f"it stands for {len(found)} names; one group can have at most {MOST}")
            return {}
        return found

    def _add_names(self, entry: str, found: dict[str, int], place: int, here: Key) -> None:
        try:
            names = names_of(entry)
        except RangeError as error:
            self.problems.add((*here, place), str(error))
            return
        if problem := name_problem(names[0]):
            self.problems.add((*here, place), problem)
            return
        if twice := [name for name, count in Counter(names).items() if count > 1 or name in found]:
            self.problems.add((*here, place), f"{_some(twice)} in this group already; keep one")
        found |= dict.fromkeys(names, place)

    def _add(self, group: _Group, places: Mapping[str, Key]) -> None:
        """Add a group's targets, but for those that another group has: each such pair of entries is noted once."""
        double: dict[tuple[Key, Key], list[str]] = {}
        for name, place in places.items():
            there = self._members.setdefault((group.kind.name, name), group)
            if there is not group:
                double.setdefault((place, there.layers.layers[-1].path), []).append(f"{group.kind.name}.{name}")
        for (place, other), found in double.items():
            self.problems.add(
                place,
                f"{_some(found)} in [{'.'.join(map(str, other))}] as well; keep one of the two",
            )


def _some(names: list[str]) -> str:
    """Return the first of several names and how many there are, with their verb."""
    return f"{names[0]} is" if len(names) == 1 else f"{names[0]} and {len(names) - 1} more are"
