"""What pytest collects of an inventory: the shipped checks that are asked for, and every check's parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from .. import catalogue
from .._check import EVERY_SUITE, Check, check_of
from ..catalogue import added_files, is_named, is_shipped, kind_of_file, names_shipped, shipped_argument, shipped_files
from ..inventory import Expectation, Inventory, nearest
from ..settings import setting
from . import fixtures
from .due import Due
from .items import PendingReading, case_of
from .selection import narrows, selects

_SHOWN = 3


class Collection:
    """Which checks a run has, and for which targets.

    `named` are the arguments that name shipped checks; `with_shipped` tells whether any are collected.
    """

    def __init__(self, config: pytest.Config, inventory: Inventory, suites: tuple[str, ...], due: Due) -> None:
        self.config = config
        self.inventory = inventory
        self.suites = suites
        self.due = due
        self.named: list[str] = []
        self.with_shipped = False
        self._own: dict[Check, list[Expectation]] = {}
        self._deselected: set[pytest.Item] = set()
        self._choose_shipped()

    def _choose_shipped(self) -> None:
        """Decide which shipped checks are collected: all of them for a suite, or those named by their node ids.

        Named user-defined files narrow a suite to these. With an inventory that is named, and nothing else, pytest
        looks for tests beside that rather than in the folder where it happens to be started.
        """
        config = self.config
        given = getattr(config, "workerinput", {})
        if "opscheck_named" in given:
            self.named, self.with_shipped = given["opscheck_named"], given["opscheck_shipped"]
            config.args[:] = [argument for argument in config.args if argument not in self.named]
            return
        source = pytest.Config.ArgsSource
        self.named = [argument for argument in config.args if shipped_argument(argument, config.invocation_params.dir)]
        rest = [argument for argument in config.args if argument not in self.named]
        narrowed = config.args_source is source.ARGS and narrows(rest)
        self.with_shipped = bool(self.named or (self.suites and not narrowed)) and not names_shipped(rest)
        if config.args_source is source.INVOCATION_DIR and setting(config, "inventory"):
            rest = [str(self.inventory.file.absolute().parent)]
        config.args[:] = rest
        for name in self.named:
            self._require_named(name)

    def _require_named(self, name: str) -> None:
        """Raise UsageError where an argument names no check, or none that `-m` selects: it would not be missed."""
        meant = [e for nodeid, e in self.due.shipped.items() if is_named(nodeid, [name])]
        if not meant:
            near = nearest(name, [nodeid for nodeid in self.due.shipped if nodeid.startswith(name.partition("::")[0])])
            raise pytest.UsageError(f"{name}: the inventory has no expectation of that name; {near}")
        expression = self.config.option.markexpr or ""
        if expression and not selects(expression, [e.suites for e in meant]):
            suites = ", ".join(dict.fromkeys(suite for e in meant for suite in e.suites))
            raise pytest.UsageError(f"{name} is not selected by -m {expression!r}; it is in {suites}")

    def shipped_modules(self, collector: pytest.Session) -> list[pytest.Module]:
        """Return the files of shipped checks to collect, of the kinds that have targets.

        They are no argument of pytest's: it would leave them out where the environment that they are installed in lies
        inside of the project, as `.venv` often does.
        """
        files = [file for file in [*shipped_files(), *added_files()] if self.with_shipped and not self.ignores(file)]
        return [pytest.Module.from_parent(collector, path=file, nodeid=file.name) for file in files]

    def require_collected(self, items: list[pytest.Item]) -> None:
        """Raise UsageError where a shipped check of the run's suites was not collected: it would not be missed."""
        if not self.suites or not self.with_shipped:
            return
        there = {case.expectation.id for item in items if (case := case_of(item)) is not None and case.expectation}
        wanted = [e.id for e in self.inventory.expectations if set(e.suites) & set(self.suites)]
        if missing := [check_id for check_id in wanted if check_id not in there]:
            raise pytest.UsageError(
                f"pytest did not collect {_some(missing)}; "
                "see python_files, python_functions and collect_ignore in its settings"
            )

    def keep_asked(self, items: list[pytest.Item], only: AbstractSet[str] | None) -> None:
        """Deselect all but the checks whose results are asked for."""
        if only is not None:
            left_out = {item: None for item in items if not self._is_asked(item, only)}
            items[:] = [item for item in items if item not in left_out]
            self.config.hook.pytest_deselected(items=list(left_out))

    def _is_asked(self, item: pytest.Item, only: AbstractSet[str]) -> bool:
        case = case_of(item)
        return case is not None and case.id(self.inventory) in only

    def keep_named(self, items: list[pytest.Item]) -> None:
        """Deselect shipped checks that are not named, where some are."""
        if not self.named:
            return
        ours = [item for item in items if is_shipped(item.path)]
        named = (i for i in ours if is_named(f"{i.path.name}::{i.nodeid.partition('::')[2]}", self.named))
        left_out = dict.fromkeys(ours).keys() - set(named)
        items[:] = [item for item in items if item not in left_out]
        self.config.hook.pytest_deselected(items=[item for item in ours if item in left_out])

    def note_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Remember what somebody deselects and says so."""
        items = list(items)
        self._deselected.update(items)
        self.due.leave_out(items)

    def require_kept(self, before: Iterable[pytest.Item], items: Iterable[pytest.Item]) -> None:
        """Raise UsageError where a check was taken out of pytest's list without a word: it would not be missed."""
        gone = set(before).difference(items, self._deselected)
        if lost := sorted(item.nodeid for item in gone if case_of(item) is not None):
            raise pytest.UsageError(
                f"{_some(lost)} removed by a conftest.py or plugin that does not report it; "
                "make it call config.hook.pytest_deselected(items=...) for them"
            )

    def ignores(self, path: Path) -> bool:
        """Tell whether a path is a file of shipped checks of whose kind there is no target."""
        kinds = {target.kind for target in self.inventory.targets}
        return (
            path.suffix == ".py"
            and is_shipped(path)
            and path.stem.startswith("test_")
            and kind_of_file(path) not in kinds
        )

    def has_no_target(self, function: object) -> bool:
        """Tell whether a function is a shipped check of which the inventory has no target."""
        found = check_of(function)
        return found is not None and _is_shipped(function) and not self._expectations(found, function)

    def _expectations(self, check: Check, function: Any) -> list[Expectation]:
        """Return what a check expects of each target: of a shipped one as the inventory says, else as it says itself.

        Raises UsageError where a user-defined check has the name of a shipped one: their results would be one.
        """
        if _is_shipped(function):
            return list(self.inventory.of_check(check.id))
        if any(check.id == known.id for known in catalogue.checks_of(check.kind)):
            raise pytest.UsageError(f"{check.id} is a shipped check; give {function.__name__} another name")
        for other in self._own:
            if other.id == check.id and other is not check:
                raise pytest.UsageError(f"there are two checks {check.id}; give one {function.__name__} another name")
        for suite in check.suites:
            if suite != EVERY_SUITE and suite not in self.inventory.suites:
                hint = nearest(suite, self.inventory.suites)
                raise pytest.UsageError(f"{function.__name__}: there is no suite {suite!r}; {hint}")
        if check not in self._own:
            params = _defaults(check, function)
            self._own[check] = [
                Expectation(
                    check=check,
                    target=target,
                    limits=check.limits,
                    severity=check.severity,
                    suites=tuple(self.inventory.suites) if EVERY_SUITE in check.suites else check.suites,
                    params=params,
                    timeout_s=check.probe.timeout_s,
                    action=check.action,
                )
                for target in self.inventory.of_kind(check.kind)
            ]
        return self._own[check]

    @contextmanager
    def parametrized(self, metafunc: pytest.Metafunc) -> Iterator[None]:
        """Parametrize a check over its expectations, a user-defined test over the targets of the kinds it asks for."""
        found = check_of(metafunc.function)
        if found is not None:
            expectations = self._expectations(found, metafunc.function)
            params = [
                pytest.param(PendingReading(expectation), id=expectation.param_id, marks=_marks(expectation.suites))
                for expectation in expectations
            ]
            metafunc.parametrize(found.probe.name, params or [_without_target(found)])
        with fixtures.parametrized(metafunc, self.inventory, skip=found.probe.name if found else None):
            yield


def _defaults(check: Check, function: Any) -> dict[str, Any]:
    """Return what a user's own check is asked and judged with: the inventory says nothing of it. Raises UsageError."""
    fields = check.params.model_fields
    if missing := [name for name in check.options if fields[name].is_required()]:
        raise pytest.UsageError(
            f"{function.__name__}: nothing sets {', '.join(missing)}; give each a default in your own check"
        )
    raw = {name: info.get_default(call_default_factory=True) for name, info in fields.items()}
    if not check.options:
        return raw
    try:
        made = check.params(**{name: value for name, value in raw.items() if not fields[name].is_required()})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise pytest.UsageError(f"{function.__name__}: the default of {place}: {first['msg']}") from None
    return raw | {name: getattr(made, name) for name in check.options}


def _is_shipped(function: Any) -> bool:
    return is_shipped(Path(function.__code__.co_filename))


def _marks(suites: Iterable[str]) -> list[pytest.MarkDecorator]:
    return [getattr(pytest.mark, suite) for suite in suites]


def _without_target(check: Check) -> Any:
    """Return the parameter of a user-defined check that has nothing to look at: skipped, it is unknown."""
    suites = [] if EVERY_SUITE in check.suites else check.suites
    why = f"the inventory has no target of the kind {check.kind}"
    return pytest.param(None, id="no-target", marks=[*_marks(suites), pytest.mark.skip(reason=why)])


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
