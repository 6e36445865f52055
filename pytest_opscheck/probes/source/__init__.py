"""Sources: lists that others own, whose items are targets. They are read with the inventory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, PrivateAttr

from .._kind import Kind, Target


class Source(Target):
    """Where a list is, and which of its items are meant."""

    file: str = Field(min_length=1, description="the file that holds the list, or a pattern: `sd/*.json`")
    format: Literal["prometheus", "ansible"] = Field(
        description="`prometheus`: [{targets, labels}], as of file_sd and http_sd; "
        "`ansible`: what `ansible-inventory --list` prints"
    )
    chosen: dict[str, str] = Field(
        default={},
        alias="where",
        description='the items that are meant: `{ env = "prod" }`, of Ansible `{ group = "web" }`; by default all',
    )
    name: str = Field(description="the name of an item's target, out of fields that stay: `{inventory_hostname}`")
    at_least: int = Field(ge=1, description="how many items there have to be")
    _members: tuple[str, ...] = PrivateAttr(default=())

    def listed(self, members: Collection[str]) -> None:
        """Note the ids of the targets that its items are."""
        self._members = tuple(members)

    def members(self) -> Collection[str]:
        """Return the ids of the targets that its items are."""
        return self._members

    def known(self) -> str:
        """Return how it is known without a contact."""
        return "a list, read with the inventory"


kind = Kind("source", Source, "a list that others own: each of its items is a target")


@dataclass(frozen=True, slots=True)
class Counted:
    """How many items a list has, and how many it has to have."""

    items: int
    at_least: int


@kind.probe()
def complete(target: Source) -> Counted:
    """How many items the list has, and how many it has to have."""
    return Counted(len(target.members()), target.at_least)
