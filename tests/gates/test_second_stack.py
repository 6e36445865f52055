"""The same on a stack whose containers are replaced where they stand: the SaaS on Django."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .gating import Pipeline, load
from .saas import NEW, Saas, saas

FAULTS = {
    "crash": ("docker.up@stack: ", 15),
    "one_path": ("http.status@latest: ", 15),
    "migration": ("docker.exec.migrations@stack: ", 15),
    "log_errors": ("docker.logs.backend_errors@stack: ", 30),
    "worker": ("docker.up@stack: ", 60),
}


@pytest.fixture(scope="module")
def running_saas() -> Iterator[Saas]:
    with saas() as stack:
        yield stack


@pytest.fixture
def stack(running_saas: Saas) -> Saas:
    """The SaaS with the old release, and nothing left of the test before."""
    running_saas.reset()
    return running_saas


@pytest.fixture
def pipeline(stack: Saas, tmp_path: Path) -> Iterator[Pipeline]:
    """A pipeline that deploys the SaaS."""
    made = Pipeline.of(tmp_path, stack.folder / "opscheck.toml", stack.environment)
    yield made
    made.kill()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_rolled_back(stack: Saas, pipeline: Pipeline, fault: str) -> None:
    reason, within_s = FAULTS[fault]
    pipeline.before()
    stack.deploy(fault)
    if fault != "crash":
        stack.wait("backend")
    ended = pipeline.after("--version", NEW)
    print(f"found after {ended.took_s:.1f} s, {load()}: {ended.verdict}")
    assert ended.status == 1, ended
    assert reason in ended.said, ended
    assert pipeline.after_in_a_window("--wait", "5s").status == 1
    assert ended.took_s < within_s, (load(), ended)


def test_one_of_two_is_still_old(stack: Saas, pipeline: Pipeline) -> None:
    pipeline.before()
    stack.deploy(to_all=False)
    ended = pipeline.after("--version", NEW, "--wait", "10s")
    assert ended.status == 1, ended
    assert "answers came from 2026.11.3, expected 2026.12.0" in ended.said


def test_the_same_code_goes(stack: Saas, pipeline: Pipeline) -> None:
    pipeline.before(windows=10)
    stack.deploy()
    ended = pipeline.after("--version", NEW)
    assert ended.status == 0, ended
    assert pipeline.after_in_a_window("--version", NEW).status == 0
