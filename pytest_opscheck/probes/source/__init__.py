"""Sources: lists that others own, whose items are targets. They are read with the inventory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field, PrivateAttr

from ...core.errors import UnknownError
from ...core.humanize import counted
from .._kind import Kind, Target


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a list: its items' targets by their ids, what is wrong with reading it, and what has vanished.

    `gone` says since when, by the names of targets, and `severity` how severe that is.
    """

    members: tuple[str, ...] = ()
    problem: str | None = None
    gone: Mapping[str, str] = field(default_factory=dict)
    severity: str = "P1"


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
    vanished: str = Field(
        default="P1", alias="gone", description="how severe it is that an item vanishes; by default P1"
    )
    _state: State = PrivateAttr(default_factory=State)

    def tell(self, state: State) -> None:
        """Note what is known of the list."""
        self._state = state

    def listed(self, members: Collection[str]) -> None:
        """Note the ids of the targets that its items are."""
        self._state = replace(self._state, members=tuple(members))

    @property
    def state(self) -> State:
        """What is known of the list."""
        return self._state

    def members(self) -> Collection[str]:
        """Return the ids of the targets that its items are."""
        return self._state.members

    def known(self) -> str:
        """Return how it is known without a contact."""
        return f"a list of {counted(len(self.members()), 'item')}"


kind = Kind("source", Source, "a list that others own: each of its items is a target")


@dataclass(frozen=True, slots=True)
class Items:
    """How many items a list has and has to have, and what has vanished from it: since when, and how severe that is."""

    count: int
    at_least: int
    gone: Mapping[str, str]
    severity: str


@kind.probe()
def reachable(target: Source) -> str:
    """How the list was read. Raises UnknownError where it could not be, and the last known items are checked."""
    if (problem := target.state.problem) is not None:
        raise UnknownError(problem)
    return "a list"


@kind.probe()
def complete(target: Source) -> Items:
    """How many items the list has, and what has vanished from it."""
    state = target.state
    return Items(len(state.members), target.at_least, state.gone, state.severity)
