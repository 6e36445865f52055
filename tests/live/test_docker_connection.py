"""The connection to a Docker engine: who may not ask, and an environment that changes while it answers."""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import docker.errors  # noqa: F401 - before the fork: its child may not be let near these files
import pytest

from pytest_opscheck.core.errors import UnreachableError
from pytest_opscheck.probes._kind import Output
from pytest_opscheck.probes.docker._engine import connected
from pytest_opscheck.probes.docker._shell import REACHABLE, answered

NOBODY = 65534


def _answer_to_nobody(url: str, heard: multiprocessing.SimpleQueue[str]) -> None:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    try:
        with connected(url, 5):
            heard.put("it was let in")
    except UnreachableError as error:
        heard.put(str(error))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_who_may_not_ask_is_told_how_to_be_let_in(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    forking = multiprocessing.get_context("fork")
    heard: multiprocessing.SimpleQueue[str] = forking.SimpleQueue()
    child = forking.Process(target=_answer_to_nobody, args=(f"unix://{closed}/docker.sock", heard))
    child.start()
    child.join(20)
    assert re.search(r"permission denied; .*usermod -aG docker \w+", heard.get())
    done = subprocess.run(
        ["sh", "-c", REACHABLE],
        env={**os.environ, "DOCKER_HOST": f"unix://{closed}/docker.sock"},
        user=NOBODY if os.geteuid() == 0 else None,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    with pytest.raises(UnreachableError, match=r"^permission denied .*; .*usermod -aG docker \w+"):
        answered(Output(done.stdout, done.stderr, done.returncode))


def test_an_engine_answers_while_the_environment_changes() -> None:
    """Between the steps of a test pytest writes PYTEST_CURRENT_TEST, and readings are taken in other threads."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            os.environ["OPSCHECK_TEST_CHURN"] = "x"
            os.environ.pop("OPSCHECK_TEST_CHURN")

    writer = threading.Thread(target=churn)
    writer.start()
    try:
        for _ in range(40):
            with connected(None, 10.0) as client:
                assert client.version()["ApiVersion"]
    finally:
        over.set()
        writer.join()
        sys.setswitchinterval(interval)
