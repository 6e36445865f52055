"""What other plugins have to say in a run, by the hooks of `newhooks.py`. What fails of that is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..core.results import Result, Run, Verdict
from ..inventory import Inventory, nearest
from ..packages import described

_WITH_STEP = (Verdict.BREACH, Verdict.UNKNOWN)


def without_left_out(config: pytest.Config, inventory: Inventory) -> Inventory:
    """Return an inventory without what plugins leave out, and with their reasons. Raises UsageError."""
    hook = config.hook.pytest_opscheck_planned
    if not hook.get_hookimpls():
        return inventory
    try:
        answers = hook(config=config, expectations=inventory.expectations)
        reasons = {str(name): str(why) for each in answers for name, why in (each or {}).items()}
    except Exception as error:  # noqa: BLE001 - whatever somebody's code raises
        raise pytest.UsageError(f"pytest_opscheck_planned of a plugin failed: {described(error)}") from None
    known = {expectation.id for expectation in inventory.expectations}
    for name in reasons:
        if name not in known:
            raise pytest.UsageError(
                f"pytest_opscheck_planned leaves {name!r} out, which is not expected; {nearest(name, known)}"
            )
    kept = tuple(expectation for expectation in inventory.expectations if expectation.id not in reasons)
    return replace(inventory, expectations=kept, left_out=reasons)


class Hooks:
    """The hooks that are called on the controller. `problems` get what fails of them."""

    def __init__(self, config: pytest.Config, inventory: Inventory, problems: list[str]) -> None:
        self._config = config
        self._clean = inventory.redactor.text
        self._problems = problems

    def heard(self, result: Result, *, has_steps: bool = False) -> Result:
        """Tell plugins of a result; returns it with the next step that they want, where it has not steps of its own."""
        result = result if has_steps else self.stepped(result)
        self._call("pytest_opscheck_result", result=result)
        return result

    def stepped(self, result: Result) -> Result:
        """Return a result with the next step that a plugin wants."""
        step = self._call("pytest_opscheck_next_step", result=result) if result.verdict in _WITH_STEP else None
        return replace(result, action=self._clean(str(step))) if step else result

    def finished(self, run: Run) -> None:
        """Tell plugins of the whole run."""
        self._call("pytest_opscheck_finished", run=run)

    def _call(self, name: str, **about: Result | Run) -> object:
        hook = getattr(self._config.hook, name)
        if not hook.get_hookimpls():
            return None
        try:
            return hook(config=self._config, **about)
        except Exception as error:  # noqa: BLE001 - likewise; no verdict depends on it
            problem = self._clean(f"{name} of a plugin failed, which is no fault of any target: {described(error)}")
            if problem not in self._problems:
                self._problems.append(problem)
            return None
