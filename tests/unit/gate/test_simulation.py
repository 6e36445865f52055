"""What the gate promises, it keeps: fewer deploys of each sort than in benchmarks/gate.py, always the same ones."""

from __future__ import annotations

import pytest

from pytest_opscheck.gate.values import Answer

from .simulation import Scenario, promised, simulate

pytestmark = pytest.mark.slow

DEPLOYS = 20


@pytest.mark.parametrize("name", promised())
def test_what_is_promised(name: str) -> None:
    promise = promised()[name]
    outcome = simulate(promise.scenario, DEPLOYS, seed=12)
    assert promise.kept(outcome), outcome.answers


@pytest.mark.parametrize("same", [Scenario(pauses=0.02), Scenario(correlation=0.8), Scenario(sigma=1.0)], ids=str)
def test_the_same_code_is_not_rolled_back_for_what_it_did_before(same: Scenario) -> None:
    assert not simulate(same, DEPLOYS, seed=12).answers[Answer.ROLL_BACK]


def test_where_nothing_is_slower_it_mostly_goes() -> None:
    assert simulate(Scenario(), DEPLOYS, seed=12).share(Answer.GO) > 0.9
