"""Sources: lists that others own, whose items are targets. They are read with the inventory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr

from ...core.errors import UnknownError
from ...core.humanize import counted
from ...core.secrets import without_password
from .._kind import Kind, Target
from .._web import web_url


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a list: its items' targets by their ids, what is wrong with reading it, and what has vanished.

    `gone` says since when, by the names of targets, and `severity` how severe that is. `is_open` is whether nobody has
    read it yet, so that its items are not known, and `read` when that was, where it was not now.
    """

    members: tuple[str, ...] = ()
    problem: str | None = None
    gone: Mapping[str, str] = field(default_factory=dict)
    severity: str = "P1"
    is_open: bool = False
    read: str | None = None


class Source(Target):
    """Where a list is, and which of its items are meant."""

    file: str | None = Field(
        default=None, min_length=1, description="the file that holds the list, or a pattern: `sd/*.json`"
    )
    command: tuple[Annotated[str, Field(min_length=1)], ...] | None = Field(
        default=None,
        min_length=1,
        description='the command that prints the list: `["ansible-inventory", "-i", "prod", "--list"]`',
    )
    url: Annotated[SecretStr, AfterValidator(web_url)] | None = Field(
        default=None, description="where a server has the list: `https://sd.example.com/targets`"
    )
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

    def tell(self, state: State, severity: str) -> None:
        """Note what is known of the list, and how severe it is that an item vanishes."""
        self._state = replace(state, severity=severity)

    def listed(self, members: Collection[str]) -> None:
        """Note the ids of the targets that its items are."""
        self._state = replace(self._state, members=tuple(members))

    @property
    def key(self) -> str:
        """The key that says where the list is."""
        return "command" if self.command is not None else "url" if self.url is not None else "file"

    @property
    def place(self) -> str:
        """Where the list is, as messages say it: without a password, and without a command's words."""
        if self.url is not None:
            return without_password(self.url.get_secret_value())
        return self.command[0] if self.command is not None else repr(self.file)

    @property
    def state(self) -> State:
        """What is known of the list."""
        return self._state

    def members(self) -> Collection[str]:
        """Return the ids of the targets that its items are."""
        return self._state.members

    def is_open(self) -> bool:
        """Tell whether nobody has read it yet."""
        return self._state.is_open

    def known(self) -> str:
        """Return how it is known without a contact."""
        if self._state.is_open:
            return "a list that no run has read yet"
        read = f", as it was at {self._state.read}" if self._state.read is not None else ""
        return f"a list of {counted(len(self.members()), 'item')}{read}"


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
