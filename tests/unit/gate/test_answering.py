"""A wrong answer of a server that is up is judged at once; one that has not come up yet is waited for."""

from __future__ import annotations

import pytest

from pytest_opscheck.core.results import Measurement, Result, Verdict
from pytest_opscheck.gate.answering import Answering

from .test_decision import BREACH, OK, result

SHOP = Answering({"http.health": "shop:80", "http.orders": "shop:80", "http.other": "other:80"})


def status(target: str, value: int, verdict: Verdict = BREACH) -> Result:
    said = Measurement("status", value, "", {"P1": "== 200"}, breached="P1" if verdict is BREACH else None)
    return result(verdict, "P1", f"http.status@{target}", measurements=(said,))


def test_another_path_that_answers_tells_that_the_server_is_up() -> None:
    assert SHOP.up([status("health", 200, OK), status("orders", 500)]) == {"http.status@orders"}
    assert SHOP.up([status("health", 200, OK), status("orders", 404)]) == {"http.status@orders"}


@pytest.mark.parametrize("value", [502, 503, 504])
def test_a_proxy_that_says_not_yet_is_waited_for(value: int) -> None:
    assert not SHOP.up([status("health", 200, OK), status("orders", value)])


def test_where_nothing_of_a_server_answers_well_it_is_waited_for() -> None:
    assert not SHOP.up([status("health", 404), status("orders", 500)])
    assert not SHOP.up([status("other", 200, OK), status("orders", 500)])
    assert not SHOP.up([status("health", 200, OK), result(Verdict.BLOCKED, "P1", "http.status@orders")])
