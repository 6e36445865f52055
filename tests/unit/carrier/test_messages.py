"""Orders and replies: what is none of them is refused before anything is written or run."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_opscheck.carrier.broker import Broker
from pytest_opscheck.carrier.messages import SKEW_S, Of, Order, addressed, is_inside, shortened, version
from pytest_opscheck.carrier.running import RefusedError
from pytest_opscheck.carrier.signing import Key
from pytest_opscheck.carrier.worker import Worker, require_values

OF = {"run": "0" * 32, "vantage": "dmz", "shard": "1/2", "attempt": 1}
ORDER: dict[str, Any] = {
    "of": OF,
    "version": "0.1",
    "sent": 1.0,
    "deadline": 2.0,
    "suite": "daily",
    "digest": "",
    "main": "opscheck.toml",
    "texts": {"opscheck.toml": "", "teams/web.toml": ""},
    "values": {},
    "defaulted": [],
    "lists": {},
}


def test_an_order() -> None:
    assert str(Order.model_validate(ORDER).of.part) == "vantage dmz, shard 1/2"


@pytest.mark.parametrize(
    "changed",
    [
        {"texts": {}},
        {"texts": {"opscheck.toml": "", "../evil.toml": ""}},
        {"texts": {"opscheck.toml": "", "conftest.py": ""}},
        {"main": "other.toml"},
        {"sent": "now"},
        {"more": 1},
        {"of": {**OF, "run": "../x"}},
        {"of": {**OF, "run": "0" * 32 + "\n"}},
        {"of": {**OF, "shard": "3/2"}},
        {"of": {**OF, "attempt": 4}},
        {"of": {**OF, "attempt": True}},
        {"values": {"A": 1}},
    ],
)
def test_what_is_no_order(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Order.model_validate({**ORDER, **changed})


@pytest.mark.parametrize(
    "path",
    [
        "/etc/x.toml",
        "../x.toml",
        "a/../x.toml",
        "./x.toml",
        "a//b.toml",
        "x",
        "x.py",
        "pyproject.toml",
        "a/pytest.toml",
        "x.toml/",
        "",
        "a\nb.toml",
        "a\x00.toml",
    ],
)
def test_a_path_that_leads_elsewhere_or_to_settings(path: str) -> None:
    assert not is_inside(path)


@given(st.text())
def test_a_path_inside_stays_inside(path: str) -> None:
    if is_inside(path):
        assert not path.startswith(("/", "../"))
        assert "/../" not in path
        assert path.endswith(".toml")


@given(st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.none() | st.integers()))
def test_what_has_no_address(of: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own says what is wrong
        addressed({"of": of})


def test_a_reason_has_a_bound_and_keeps_its_end() -> None:
    assert shortened("short") == "short"
    assert len(shortened("x" * 10_000 + "end")) == 4000
    assert shortened("x" * 10_000 + "end").endswith("end")


KEY = Key("k" * 32)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"of": {**OF, "vantage": "office"}}, "this worker looks from dmz"),
        ({"of": {**OF, "vantage": None}}, "this worker looks from dmz"),
        ({"version": "0.0.9"}, "and the run 0.0.9; install the same one"),
        ({"version": None}, "and the run None; install the same one"),
        ({"deadline": time.time() - 2 * SKEW_S}, "its deadline was over"),
        ({"suite": "daily or weekly"}, "cannot be a pytest marker"),
        ({"texts": {}}, "its order is not understood"),
        ({"values": {"PATH": "x"}}, "PATH has another value on this worker"),
    ],
)
def test_an_order_that_a_worker_does_not_run(changed: dict[str, Any], said: str) -> None:
    """An order for another place may be put before this worker by who can write to the broker."""
    worker = Worker(Broker("redis://127.0.0.1/"), KEY, "dmz", threading.Event(), lambda _: None)
    now = time.time()
    with pytest.raises(RefusedError, match=re.escape(said)):
        worker._results({**ORDER, "version": version(), "sent": now, "deadline": now + 60, **changed})


@pytest.mark.parametrize(
    ("there", "here", "is_defaulted", "said"),
    [
        ("a", "a", False, None),
        ("a", "b", False, "DSN has another value on this worker than where the run was started"),
        ("a", None, False, None),  # the run says so itself where its targets need it
        ("a", None, True, "DSN is not set on this worker, and it is where the run was started"),
        (None, "a", False, None),  # a secret of this machine's
        (None, "a", True, "DSN is set on this worker, and it is not where the run was started"),
        (None, None, True, None),
        ("a", "", True, "DSN is not set on this worker, and it is where the run was started"),
    ],
)
def test_a_variable_that_is_another_one_is_refused_by_its_name(
    there: str | None, here: str | None, is_defaulted: bool, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DSN", raising=False)
    if here is not None:
        monkeypatch.setenv("DSN", here)
    of = Of.model_validate(OF)
    values = {"DSN": None if there is None else KEY.of_value(of.run, "DSN", there)}
    order = Order.model_validate({**ORDER, "values": values, "defaulted": ["DSN"] if is_defaulted else []})
    if said is None:
        require_values(order, KEY)
        return
    with pytest.raises(RefusedError) as caught:
        require_values(order, KEY)
    assert str(caught.value) == said
