"""What all tests have in common."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from . import preloaded

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
        preloaded.stop()


@pytest.fixture(scope="session", autouse=True)
def processes_that_take_ctrl_c() -> None:
    """Have what tests start take SIGINT, also where they run in the background of a script, and so ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Start pytest out of a process that has imported it."""
    popen = pytester.popen

    def started(command: Sequence[str], **options: Any) -> preloaded.Run | subprocess.Popen[Any]:
        if command[:2] != (sys.executable, "-mpytest"):
            other: subprocess.Popen[Any] = popen(command, **options)
            return other
        path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))  # as pytester does
        output, errors = options["stdout"].fileno(), options["stderr"].fileno()
        return preloaded.start(command[2:], Path.cwd(), {**os.environ, "PYTHONPATH": path}, output, errors)

    monkeypatch.setattr(pytester, "popen", started)
    return pytester
