"""What there is to check: the kinds of targets and their checks, the shipped ones and those of other packages.

Kinds and checks are imported where they are asked for: a run that asks for no suite needs to know the files alone, and
other packages are looked for only where a kind is named that is not shipped.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from . import packages
from .core.suites import RESERVED, TABLES, TAGS
from .packages import KINDS, PackageError

if TYPE_CHECKING:
    from ._check import Check
    from .probes import Kind

_PROBES = Path(__file__).parent / "probes"
CHECKS = Path(__file__).parent / "checks"
_WITHOUT_FIXTURE = ("availability", "source")
"""Kinds that have nothing to hand to a user's own test: their targets are past runs and lists."""


@dataclass(frozen=True)
class Added:
    """A kind that another package adds, with its checks, and the file that they are in."""

    kind: Kind
    checks: tuple[Check, ...]
    file: Path


_ADDED: dict[str, Added] = {}
"""What was asked for of other packages in this process, by the name of the kind."""


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
    """Return every shipped kind by its name, in alphabetical order."""
    return _Kinds()


def kind_named(name: str) -> Kind:
    """Return a kind, a shipped one or one of another package. Raises KeyError, and PackageError."""
    if name in kinds():
        return kinds()[name]
    if (found := _added(name)) is None:
        raise KeyError(name)
    return found.kind


def every_kind() -> Mapping[str, Kind]:
    """Return every kind that is installed, by its name. Raises PackageError."""
    names = sorted({*kinds(), *packages.installed(KINDS)})
    return {name: kind_named(name) for name in names}


def checks(kinds: Collection[str] | None = None) -> tuple[Check, ...]:
    """Return every shipped check, or those of some kinds, by kind and in the order of its file."""
    files = [file for file in shipped_files() if kinds is None or kind_of_file(file) in kinds]
    return tuple(check for file in files for check in _checks_of(file))


def added_checks(names: Iterable[str]) -> tuple[Check, ...]:
    """Return the checks of those kinds that other packages add, as far as they can be used."""
    return tuple(check for name in names if (found := _usable(name)) is not None for check in found.checks)


def checks_of(kind: str) -> tuple[Check, ...]:
    """Return the checks of a kind, of one of another package where the inventory names it."""
    return _ADDED[kind].checks if kind in _ADDED else checks((kind,))


@cache
def shipped_fixtures() -> tuple[str, ...]:
    """Return what a user's own test may ask for: how to measure, and a target of each shipped kind."""
    return ("expect", *(name for name in kinds() if name not in _WITHOUT_FIXTURE))


def fixture_names() -> tuple[str, ...]:
    """Return what a user's own test may ask for, with the kinds of other packages that the inventory names."""
    return (*shipped_fixtures(), *_ADDED) if _ADDED else shipped_fixtures()


def _usable(name: str) -> Added | None:
    """Return what a package adds; None where none does, or it can't be used, which the inventory's reader says."""
    if name in TABLES or name in kinds():
        return None
    try:
        return _added(name)
    except PackageError:
        return None


def _added(name: str) -> Added | None:
    """Return the kind of a name that a package adds, None where none does. Raises PackageError."""
    from .probes import Kind

    if name not in _ADDED and (kind := packages.added(KINDS, name, Kind)) is not None:
        package = packages.package_of(KINDS, name)
        if not name.isidentifier() or name in (*TABLES, *RESERVED):
            raise PackageError(f"{package}: {name!r} can't be the name of a kind; use another word")
        _ADDED[name] = _with_checks(kind, package)
    return _ADDED.get(name)


def _with_checks(kind: Kind, package: str) -> Added:
    """Return a kind with the checks of its package. Raises PackageError."""
    from pytest import register_assert_rewrite  # noqa: PT013 - late: an idle run does not come here

    from ._check import check_of

    if kind.checks is None:
        wanted = f"Kind(..., checks='PACKAGE.test_{kind.name}')"
        raise PackageError(f"{package}: the kind {kind.name!r} names no module of checks; say {wanted}")
    if TAGS in kind.target.model_fields:
        raise PackageError(f"{package}: {TAGS!r} is a key of every target; give that of {kind.name!r} another name")
    module = packages.imported(package, kind.checks, register_assert_rewrite)
    file = Path(getattr(module, "__file__", None) or "")
    if file.name != f"test_{kind.name}.py":
        raise PackageError(
            f"{package}: the checks of {kind.name!r} are in {file.name}; call that file test_{kind.name}.py"
        )
    found = tuple(check for value in vars(module).values() if (check := check_of(value)) is not None)
    for check in found:
        if kind.probes.get(check.probe.name) is not check.probe:
            raise PackageError(
                f"{package}: test_{check.name} of {kind.checks} judges {check.probe!r}, which is not a probe of "
                f"{kind.name!r}; it has {', '.join(kind.probes)}"
            )
    if not found:
        raise PackageError(f"{package}: there is no check in {kind.checks}; make one with @check")
    return Added(kind, found, file)


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


def added_files() -> list[Path]:
    """Return the files of the checks of other packages, one a kind, of those kinds that were asked for."""
    return [found.file for found in _ADDED.values()]


def kind_of_file(file: Path) -> str:
    """Return the kind of target that a file of shipped checks is for."""
    return file.stem.removeprefix("test_")


@cache
def _places() -> tuple[Path, ...]:
    """Return the folder of the shipped checks as it may be written; tests are asked for it one by one."""
    return CHECKS.absolute(), CHECKS.resolve()


def is_shipped(file: Path) -> bool:
    """Tell whether a file is one of the shipped checks, or those of another package, however its path is written."""
    absolute = file.absolute()
    if any(absolute == place or place in absolute.parents for place in _places()):
        return True
    return any(file.name == other.name and absolute.resolve() == other.resolve() for other in added_files())


def shipped_argument(argument: str, root: Path) -> str | None:
    """Return the node id of a shipped check, or its file's name, where that is what an argument names."""
    name = argument.partition("::")[0]
    if (root / name).exists() or Path(name).parent != Path():
        return None
    is_file = CHECKS / name in shipped_files() or (
        name.startswith("test_") and name.endswith(".py") and _usable(kind_of_file(Path(name))) is not None
    )
    return argument if is_file else None


def is_named(nodeid: str, names: Collection[str]) -> bool:
    """Tell whether a shipped check, by its node id, is among those named: itself, its function, or its file."""
    return any(nodeid == name or nodeid.startswith((f"{name}[", f"{name}::")) for name in names)


def names_shipped(arguments: Sequence[str], tables: Iterable[str] = ()) -> bool:
    """Tell whether any argument names shipped checks by their path, or those of a kind that an inventory names."""
    paths = [Path(argument.partition("::")[0]) for argument in arguments]
    for table in tables:
        if any(path.name == f"test_{table}.py" for path in paths):
            _usable(table)  # it is asked for, so it is known where its checks are
    return any(is_shipped(path) for path in paths)
