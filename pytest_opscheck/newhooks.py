"""The hooks that other plugins and a conftest.py may implement, as they do pytest's own.

They are called in runs that ask for checks. Only what is named is needed: an implementation may leave arguments out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .core.results import Result, Run
    from .inventory import Expectation


@pytest.hookspec
def pytest_opscheck_planned(config: pytest.Config, expectations: Sequence[Expectation]) -> Mapping[str, str] | None:
    """Leave out some of what the inventory expects: return a reason for each, by result id (`host.disk@prod`).

    Called when the inventory is read, before anything is collected or probed, in each process of a run: on the
    controller and, with `-n`, in every worker. All have to leave out the same. What is left out is not probed, has no
    result, and is named with its reason on the terminal and in every report.
    """


@pytest.hookspec
def pytest_opscheck_result(config: pytest.Config, result: Result) -> None:
    """Hear of each result, as soon as its test has ended.

    Called on the controller alone, once a result, without secrets in it. With `-n` they come in the order in which the
    workers judge. Whether the result is new, or has changed since the last run, is known when the run is finished.
    """


@pytest.hookspec
def pytest_opscheck_finished(config: pytest.Config, run: Run) -> None:
    """Hear of the whole run, when its exit status is decided and its reports are written and sent.

    Called on the controller alone, once, also where the run was interrupted or its deadline was over.
    """


@pytest.hookspec(firstresult=True)
def pytest_opscheck_next_step(config: pytest.Config, result: Result) -> str | None:
    """Return the next step of a breach or an unknown result, to show in the place of `result.action`.

    Called on the controller alone, once for each such result, before it is shown in a report or told to a channel. The
    first answer that is not None counts; where there is none, all stays as it is.
    """
