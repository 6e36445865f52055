"""The formats of lists that others own: JSON that is data, and of which nothing is filled in from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..probes._web.json import DocumentError, document

MOST = 100_000
"""Items of one list."""
GROUP = "group"
"""The word of `where` for a group of Ansible's."""


class ListError(ValueError):
    """A list that is none; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list: what people know it by, its fields as texts, and the groups that it is in."""

    shown: str
    fields: Mapping[str, str]
    groups: frozenset[str] = field(default=frozenset())

    def is_meant(self, where: Mapping[str, str]) -> bool:
        """Tell whether it is one of those that are meant."""
        return all(
            value in self.groups if key == GROUP and self.groups else self.fields.get(key) == value
            for key, value in where.items()
        )


def items(content: bytes, format_: str) -> list[Item]:
    """Return the items of a list. Raises ListError."""
    try:
        data = document(content, "a text")
    except DocumentError as error:
        raise ListError(f"it is {error}") from None
    found = []
    for item in _FORMATS[format_](data):
        found.append(item)
        if len(found) > MOST:
            raise ListError(f"it has more than {MOST:,} items, and is not read")
    return found


def _prometheus(data: Any) -> Iterator[Item]:
    """Yield the targets of `[{"targets": ["web1:9100"], "labels": {"env": "prod"}}]`."""
    if not isinstance(data, list):
        raise ListError("it is not a list of Prometheus: [{targets, labels}]")
    for number, entry in enumerate(data, start=1):
        targets, labels = (entry.get("targets"), entry.get("labels") or {}) if isinstance(entry, dict) else (None, {})
        if not isinstance(targets, list) or not all(isinstance(each, str) for each in targets):
            raise ListError(f'its entry {number} has no list of texts "targets"')
        if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
            raise ListError(f'the "labels" of its entry {number} are not texts')
        for target in targets:
            yield Item(target, {**labels, **_address(target)})


def _address(target: str) -> dict[str, str]:
    """Return an address and its parts, in names that no user-defined label has."""
    host, _, port = target.rpartition(":")
    if not port.isdecimal() or not host:
        host, port = target, ""
    return {"__address__": target, "__host__": host.strip("[]"), **({"__port__": port} if port else {})}


def _ansible(data: Any) -> Iterator[Item]:
    """Yield the hosts of what `ansible-inventory --list` prints."""
    meta = data.get("_meta") if isinstance(data, dict) else None
    variables = meta.get("hostvars") if isinstance(meta, dict) else None
    if not isinstance(variables, dict):
        raise ListError('it is not what `ansible-inventory --list` prints: it has no "_meta" with "hostvars"')
    groups = {name: group for name, group in data.items() if name != "_meta"}
    member_of: dict[str, set[str]] = {host: set() for host in variables}
    for name in groups:
        for host in _hosts(groups, name):
            member_of.setdefault(host, set()).add(name)
    for host, names in member_of.items():
        own = variables.get(host, {})
        if not isinstance(own, dict):
            raise ListError(f"the variables of {host!r} are not a table")
        told = {"ansible_host": host} | _texts(own) | {"inventory_hostname": host}
        yield Item(host, told, frozenset({"all", *names}))


def _hosts(groups: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the hosts of a group, and of those that are in it, however deep; each group is looked at once."""
    seen, todo = {name}, [name]
    while todo:
        group_of = groups.get(todo.pop(), {})
        group = group_of if isinstance(group_of, dict) else {"hosts": group_of}
        hosts, children = group.get("hosts", []), group.get("children", [])
        for each in (hosts, children):
            if not isinstance(each, list) or not all(isinstance(entry, str) for entry in each):
                raise ListError(f"the hosts and children of its group {name!r} are not lists of names")
        yield from hosts
        todo += [child for child in children if child not in seen]
        seen.update(children)


def _texts(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that are one value each, as texts."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in variables.items()
        if isinstance(value, str | int | float)
    }


_FORMATS: Mapping[str, Callable[[Any], Iterator[Item]]] = {"prometheus": _prometheus, "ansible": _ansible}
