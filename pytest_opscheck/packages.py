"""What other packages add, by their entry points: looked for where an inventory names it, and never before."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from .core.api import API_VERSION

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

KINDS, REPORTS, CHANNELS = "pytest_opscheck.kinds", "pytest_opscheck.reports", "pytest_opscheck.channels"


class PackageError(Exception):
    """A package adds something that can't be used; the message names the package, the place, and what to do."""


class Extension(Protocol):
    """What a package adds: it has the name of its entry point, and says for which version of the API it was made."""

    @property
    def name(self) -> str:
        """The name by which the inventory has it."""

    @property
    def api(self) -> int | None:
        """The version of the API."""


E = TypeVar("E", bound=Extension)


def installed(group: str) -> frozenset[str]:
    """Return the names that packages add to a group; nothing of them is imported."""
    return frozenset(point.name for point in _points(group, tuple(sys.path)))


def added(group: str, name: str, form: type[E]) -> E | None:
    """Return what a package adds to a group under a name, None where none does. Raises PackageError."""
    if (point := _point(group, name)) is None:
        return None
    package = _package(point)
    with refused(package, point.value):
        found = point.load()
    if not isinstance(found, form):
        raise PackageError(f"{package}: {point.value} is not a {form.__name__}; see its entry point {group}")
    if found.name != name:
        raise PackageError(f"{package}: {point.value} is called {found.name!r}, and its entry point {name!r}")
    _require_version(package, found.api, form)
    return found


def package_of(group: str, name: str) -> str:
    """Return the package that adds something, with its version, as a message names it."""
    point = _point(group, name)
    return _package(point) if point is not None else name


def imported(package: str, module: str, prepare: Callable[[str], object]) -> object:
    """Import a module of a package, `prepare`d for it by its name. Raises PackageError."""
    with refused(package, module):
        prepare(module)
        return importlib.import_module(module)


@contextmanager
def refused(package: str, value: str) -> Iterator[None]:
    """Say in a sentence why a module can't be imported: what it raises is no fault of ours, nor of any target."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - also SystemExit, and what pytest.skip() raises
        reason = described(error, value)
        raise PackageError(f"{package} can't be imported: {reason}; install it again, or remove it") from None


def described(error: BaseException, otherwise: str = "its place is unknown") -> str:
    """Return what somebody's code raises in one line, with the place that it comes from."""
    lines = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return f"{reason} ({_place(error) or otherwise})"


def _points(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    return _scanned(path).get(group, ())


@cache
def _scanned(path: tuple[str, ...]) -> dict[str, tuple[EntryPoint, ...]]:  # noqa: ARG001 - the key of the cache
    from importlib.metadata import entry_points

    return {group: tuple(entry_points(group=group)) for group in (KINDS, REPORTS, CHANNELS)}


def _point(group: str, name: str) -> EntryPoint | None:
    found = {_package(point): point for point in _points(group, tuple(sys.path)) if point.name == name}
    if len(found) > 1:
        both = " and ".join(sorted(found))
        raise PackageError(f"{both} both add {name!r} ({group}); remove one of them")
    return next(iter(found.values()), None)


def _package(point: EntryPoint) -> str:
    return f"the package {point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def _require_version(package: str, version: int | None, form: type[object]) -> None:
    if version is None:
        wanted = f"{form.__name__}(..., api={API_VERSION})"
        raise PackageError(f"{package} does not say for which version of the API it was made; say {wanted}")
    if version != API_VERSION:
        raise PackageError(
            f"{package} was made for version {version} of the API, and this pytest-opscheck has version {API_VERSION}; "
            f"{'upgrade pytest-opscheck' if version > API_VERSION else 'install a newer version of the package'}"
        )


def _place(error: BaseException) -> str | None:
    """Return where in somebody's module an error comes from."""
    if isinstance(error, SyntaxError) and error.filename:
        return _short(error.filename, error.lineno)
    frames = traceback.extract_tb(error.__traceback__)
    last = next((f for f in reversed(frames) if f.filename != __file__ and not _is_between(f.filename)), None)
    return _short(last.filename, last.lineno) if last is not None else None


def _is_between(filename: str) -> bool:
    """Tell whether a file only carries out what somebody's module says: imports it, or skips."""
    return filename.startswith("<frozen") or not {"importlib", "_pytest", "pluggy"}.isdisjoint(Path(filename).parts)


def _short(filename: str, line: int | None) -> str:
    return f"{'/'.join(Path(filename).parts[-2:])}:{line}"
