"""What all tests have in common."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import hypothesis
import pytest

# How long one example may take is a matter of the machine and of what else it does.
hypothesis.settings.register_profile("busy", deadline=None)
hypothesis.settings.load_profile("busy")


_SELDOM = (
    "hypothesispytest",
    "rerunfailures",
    "pytest_jsonreport",
    "allure_pytest",
    "pytest-md-report",
    "pytest_reportlog",
)


@pytest.fixture(scope="session", autouse=True)
def pytests_that_start_fast() -> Iterator[None]:
    """Let the pytests that tests start leave out plugins that take long to load and that hardly any of them uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{name}" for name in _SELDOM))
        patch.delenv("GITHUB_ACTIONS", raising=False)  # what these pytests find is nothing to show beside a line
        yield


@pytest.fixture(scope="session", autouse=True)
def processes_that_take_ctrl_c() -> None:
    """Have what tests start take SIGINT, also where they run in the background of a script, and so ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
