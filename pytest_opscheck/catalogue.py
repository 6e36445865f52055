"""What there is to check: the kinds of targets, and the shipped checks, read from their files in `checks/`.

Kinds and checks are imported where they are asked for: a run that asks for no suite needs to know the files alone.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._check import Check
    from .probes import Kind

_PROBES = Path(__file__).parent / "probes"
CHECKS = Path(__file__).parent / "checks"


class _Kinds(Mapping[str, "Kind"]):
    """The kinds by name; a kind's module is imported where it is asked for."""

    def __init__(self) -> None:
        modules = (module.name for module in pkgutil.iter_modules([str(_PROBES)]))
        self._names = tuple(sorted(name for name in modules if not name.startswith("_")))

    def __getitem__(self, name: str) -> Kind:
        if name not in self._names:
            raise KeyError(name)
        kind: Kind = importlib.import_module(f"{__package__}.probes.{name}").kind
        return kind

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in alphabetical order."""
    return _Kinds()


def checks(kinds: Collection[str] | None = None) -> tuple[Check, ...]:
    """Return every shipped check, or those of some kinds, by kind and in the order of its file."""
    files = [file for file in shipped_files() if kinds is None or kind_of_file(file) in kinds]
    return tuple(check for file in files for check in _checks_of(file))


@cache
def _checks_of(file: Path) -> tuple[Check, ...]:
    from ._check import check_of

    module = importlib.import_module(f"pytest_opscheck.checks.{file.stem}")
    return tuple(check for value in vars(module).values() if (check := check_of(value)) is not None)


def shipped_files() -> list[Path]:
    """Return the files of the shipped checks, one a kind.

    Raises UsageError where there are none: a run without them would judge nothing.
    """
    if found := sorted(CHECKS.glob("test_*.py")):
        return found
    from pytest import UsageError  # noqa: PT013 - late: the command needs it here alone

    raise UsageError(
        f"the shipped checks are missing: {CHECKS} is not a folder that has them. In a checkout it is a link to "
        "../checks, which zip files and some file systems lose: create it again, or install without -e"
    )


def kind_of_file(file: Path) -> str:
    """Return the kind of target that a file of shipped checks is for."""
    return file.stem.removeprefix("test_")


def is_shipped(file: Path) -> bool:
    """Tell whether a file is one of the shipped checks, however its path is written."""
    places = {CHECKS.absolute(), CHECKS.resolve()}
    absolute = file.absolute()
    return any(absolute == place or place in absolute.parents for place in places)


def shipped_argument(argument: str, root: Path) -> str | None:
    """Return the node id of a shipped check, or its file's name, where that is what an argument names."""
    name = argument.partition("::")[0]
    if (root / name).exists() or Path(name).parent != Path():
        return None
    return argument if CHECKS / name in shipped_files() else None


def is_named(nodeid: str, names: Collection[str]) -> bool:
    """Tell whether a shipped check, by its node id, is among those named: itself, its function, or its file."""
    return any(nodeid == name or nodeid.startswith((f"{name}[", f"{name}::")) for name in names)


def names_shipped(arguments: Sequence[str]) -> bool:
    """Tell whether any argument names shipped checks by their path."""
    return any(is_shipped(Path(argument.partition("::")[0])) for argument in arguments)
