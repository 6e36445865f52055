"""What is read of JSON, and of the workers' answers together."""

from __future__ import annotations

import json

import pytest

from pytest_opscheck.answers.bounds import MOST_BYTES, MOST_VALUES, TooLongError, loads
from pytest_opscheck.probes.celery._target import Heard


@pytest.mark.parametrize("said", ["[" + "{}," * MOST_VALUES + "{}]", "[" * (MOST_VALUES + 1)])
@pytest.mark.parametrize("kind", [str, str.encode])
def test_many_small_values_are_not_made(said: str, kind: type) -> None:
    with pytest.raises(TooLongError, match="the answer has more than 50,000 values"):
        loads(kind(said))


def test_json_that_is_nested_too_deeply_is_none() -> None:
    with pytest.raises(ValueError, match="nested"):
        loads("[" * 40_000)


def test_one_long_text_is_one_value() -> None:
    assert loads(json.dumps({"body": "x" * 3_000_000}))["body"] == "x" * 3_000_000


def test_the_workers_answers_are_bounded_together() -> None:
    heard = Heard()
    for worker in range(40):
        heard.add(json.dumps({f"w{worker}": "x" * 90_000}))
    assert len(heard.by_worker) == 40
    with pytest.raises(TooLongError, match="longer than 4 MB"):
        heard.add(json.dumps({"w": "x" * (MOST_BYTES // 5)}))


def test_the_values_of_the_workers_answers_are_counted_together() -> None:
    heard = Heard()
    heard.add(json.dumps({"w1": [1] * (MOST_VALUES // 2)}))
    with pytest.raises(TooLongError, match="more than 50,000 values"):
        heard.add(json.dumps({"w2": [1] * (MOST_VALUES // 2)}))
