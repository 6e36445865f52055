"""What pytest's items are to us: what a check waits for, whether a test is ours, and the id of its result."""

from __future__ import annotations

import functools
import inspect
import re
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pytest

from .._check import check_of
from ..catalogue import fixture_names
from ..core.results import Result
from ..inventory import Expectation, Inventory
from ..judge.expect import Expect
from ..judge.subject import Subject

_NODE = re.compile(r"(?P<file>.*?\.py)::(?P<names>[^\[]*)(?:\[(?P<param>.*)\])?", re.DOTALL)
_EXPECT = "expect"


class PendingReading:
    """Stands for a reading until its test runs. It shows nothing of it: pytest prints arguments."""

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation

    def __repr__(self) -> str:
        return repr(self.expectation)


@dataclass(eq=False)
class Case:
    """A test of ours: what it judges, and what has come of it so far. Each item carries its own.

    expectation: what the inventory expects; None for a user's own test.
    attempt: which attempt of the test this is: pytest-rerunfailures and others run one again.
    failed_parts: what failed of it in subtests, in a line each.
    """

    item: pytest.Function
    expectation: Expectation | None
    attempt: int = 0
    expect: Expect | None = None
    result: Result | None = None
    failed_parts: list[str] = field(default_factory=list)
    _subject: Subject | None = None

    def begin(self) -> None:
        """Begin an attempt, which knows nothing of the one before it."""
        self.attempt += 1
        self.forget()

    def forget(self) -> None:
        """Keep nothing of an attempt: pytest keeps every test to the run's end."""
        self.expect, self.result, self.failed_parts, self._subject = None, None, [], None

    def id(self, inventory: Inventory) -> str:
        """Return the id of its result."""
        return self.expectation.id if self.expectation is not None else self.subject(inventory).id

    def subject(self, inventory: Inventory) -> Subject:
        """Return what it judges."""
        if self._subject is None:
            expectation = self.expectation
            self._subject = Subject.of(expectation, inventory) if expectation else _own(self.item, inventory)
        return self._subject


_CASE: pytest.StashKey[Case | None] = pytest.StashKey()


def case_of(item: pytest.Item) -> Case | None:
    """Return the case of a check, or of a user's own test that takes a target or measures; None for any other test."""
    if _CASE not in item.stash:
        item.stash[_CASE] = _case(item)
    return item.stash[_CASE]


def _case(item: pytest.Item) -> Case | None:
    if not isinstance(item, pytest.Function):
        return None
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    pending = next((value for value in values if isinstance(value, PendingReading)), None)
    if (
        pending is None
        and check_of(item.function) is None
        and not any(name in item.fixturenames for name in fixture_names())
    ):
        return None
    return Case(item, pending.expectation if pending is not None else None)


def node_id(expectation: Expectation) -> str:
    """Return the node id of a shipped check's test: `test_host.py::test_disk[prod]`."""
    check = expectation.check
    return f"test_{check.kind}.py::test_{check.name}[{expectation.param_id}]"


def _own(item: pytest.Function, inventory: Inventory) -> Subject:
    title = inspect.getdoc(item.function) or _title(item.originalname)
    suites = tuple(suite for suite in inventory.suites if item.get_closest_marker(suite))
    return own_subject(item.nodeid, suites, inventory.runbook, title.strip().splitlines()[0].rstrip("."))


def own_subject(nodeid: str, suites: tuple[str, ...], runbook: str | None, title: str | None = None) -> Subject:
    """Return what a user's own test judges, by its node id alone: what a process knows of one that it did not run.

    Folders, file and class are part of the check's name: no other test has the same place and name.
    """
    found = _NODE.fullmatch(nodeid)
    if found is None:
        return Subject(f"{nodeid}@-", nodeid, "-", title or nodeid, suites, runbook=runbook)
    file = PurePosixPath(found["file"])
    *classes, name = found["names"].split("::")
    folders = () if file.is_absolute() or ".." in file.parts else file.parent.parts
    check = ".".join([*folders, file.stem.removeprefix("test_"), *classes, name.removeprefix("test_")])
    target = found["param"] or "-"
    return Subject(f"{check}@{target}", check, target, title or _title(name), suites, runbook=runbook)


def _title(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def stand_in(item: pytest.Function) -> str | None:
    """Return where a user's own test gets an `expect` from that is not ours, None where it is ours or none.

    One that is made of ours, as `def expect(expect)`, measures with ours.
    """
    found = item._fixtureinfo.name2fixturedefs.get(_EXPECT)  # noqa: SLF001 - pytest has no public way to ask
    if not found or found[-1].func.__module__ == f"{__package__}.fixtures" or _EXPECT in found[-1].argnames:
        return None
    return found[-1].baseid or found[-1].func.__module__


@dataclass
class Called:
    """What is known of the call of a test's function: whether there was one, and what it returned."""

    ran: bool = False
    returned: object = None

    @property
    def doubt(self) -> str | None:
        """Why the call decides nothing, None where it does."""
        if not self.ran:
            return "its function was not called: a conftest.py or plugin answered in its place"
        if self.returned is not None and self.returned is not True:
            returned = reprlib.repr(self.returned)
            return f"it returned {returned}, but a test's return value judges nothing; use `assert` or `expect` instead"
        return None


@contextmanager
def left_out(item: pytest.Function) -> Iterator[None]:
    """Have a test end without its function: what came of it is known already."""
    function: Callable[..., Any] = item.obj
    item.obj = lambda **_: None
    try:
        yield
    finally:
        item.obj = function


@contextmanager
def bound(item: pytest.Function, values: Mapping[str, object]) -> Iterator[Called]:
    """Have a test's function called with these values, whatever fixture, hook or parameter stands in their place."""
    function: Callable[..., Any] = item.obj
    names = set(item._fixtureinfo.argnames)  # noqa: SLF001 - no public way
    if not names.issuperset(values):  # those with defaults
        names.update(inspect.signature(function).parameters)
    ours = {name: value for name, value in values.items() if name in names}
    called = Called()

    def call(*args: Any, **arguments: Any) -> Any:
        __tracebackhide__ = True
        called.ran = True
        called.returned = function(*args, **{**arguments, **ours})
        return called.returned

    async def call_async(*args: Any, **arguments: Any) -> Any:
        __tracebackhide__ = True
        called.ran = True
        called.returned = await function(*args, **{**arguments, **ours})
        return called.returned

    item.obj = functools.wraps(function)(call_async if inspect.iscoroutinefunction(function) else call)
    try:
        yield called
    finally:
        item.obj = function
