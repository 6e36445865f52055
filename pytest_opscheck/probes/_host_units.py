"""A host's systemd: the states of its units."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from ._host_target import kind
from ._kind import Output, UnknownError


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit; `state` is its ActiveState, or `not-found` where there is none of that name."""

    name: str
    state: str
    sub_state: str


@kind.shell(
    'command -v systemctl >/dev/null || { echo "systemctl is not installed; services need systemd" >&2; exit 9; }\n'
    'for unit; do echo "unit $unit"; systemctl show -p LoadState -p ActiveState -p SubState -- "$unit"; done',
    args=lambda _target, names: names,
)
def services(output: Output, *, names: tuple[str, ...]) -> tuple[Unit, ...]:
    """The states of systemd units by name; `.service` may be left out."""
    found: list[dict[str, str]] = []
    for line in output.lines():
        if line.startswith("unit "):
            found.append({"name": line.removeprefix("unit ")})
        else:
            key, _, value = line.partition("=")
            found[-1][key] = value
    if [unit["name"] for unit in found] != list(names) or not all("ActiveState" in unit for unit in found):
        raise UnknownError("systemctl did not say what the units' states are")
    return tuple(
        Unit(
            unit["name"],
            unit["LoadState"] if unit["LoadState"] != "loaded" else unit["ActiveState"],
            unit.get("SubState", ""),
        )
        for unit in found
    )


@dataclass(frozen=True, slots=True)
class FailedUnits:
    """The units that systemd lists as failed, without those to ignore."""

    names: tuple[str, ...]

    @property
    def described(self) -> str:
        """How many there are, and which."""
        return f"{len(self.names)} ({', '.join(self.names)})" if self.names else "0"


@kind.shell(
    '[ -d /run/systemd/system ] || { echo "systemd does not run there; leave failed_units out" >&2; exit 9; }\n'
    "systemctl list-units --all --state=failed --plain --no-legend --no-pager --full"
)
def failed_units(output: Output, *, ignore: tuple[str, ...] = ()) -> FailedUnits:
    """The units in state failed, of every type; `ignore` holds names, in which * stands for anything."""
    names = (line.split()[0] for line in output.lines() if line.strip())
    kept = (name for name in names if not any(fnmatch.fnmatchcase(name, pattern) for pattern in ignore))
    return FailedUnits(tuple(sorted(kept)))
