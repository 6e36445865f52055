"""What is said of a value of the wrong type or out of bounds: what is needed, in the inventory's words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, create_model

from pytest_opscheck import catalogue
from pytest_opscheck._check import GIVEN
from pytest_opscheck.catalogue import kinds
from pytest_opscheck.inventory.problems import InventoryError, Problems
from pytest_opscheck.inventory.validation import note_validation
from pytest_opscheck.inventory.written import Source, Written
from pytest_opscheck.probes.http import WebAddress

VALUES: tuple[Any, ...] = (
    "x",
    "two words",
    "",
    5,
    -1,
    5.5,
    True,
    [],
    ["x"],
    [5],
    [["x"]],
    {},
    {"a": 5},
    {"a": {}},
    dt.date(2020, 1, 1),
)


def said_of(model: type[BaseModel], **said: Any) -> list[str]:
    """Return the errors of a model's keys; those that are missing do not count."""
    problems = Problems(Written(Source("opscheck.toml")))
    try:
        model.model_validate(said, context={"words": {}, "severity": "P2"})
        problems.raise_any()
    except ValidationError as error:
        note_validation(error, problems, (), said, model.model_fields)
        with pytest.raises(InventoryError) as caught:
            problems.raise_any()
        lines = [line.removeprefix("opscheck.toml:1: ") for line in str(caught.value).splitlines()]
        return [line for line in lines if not line.startswith("the key '")]
    return []


def models() -> Iterator[tuple[str, type[BaseModel]]]:
    yield from ((kind.name, kind.target) for kind in kinds().values())
    yield from ((check.id, check.probe.params) for check in catalogue.checks())


@pytest.mark.parametrize(("owner", "model"), list(models()), ids=lambda value: value if isinstance(value, str) else "")
def test_no_key_shows_the_words_of_a_library(owner: str, model: type[BaseModel]) -> None:
    """Whatever is said in whichever key."""
    del owner
    names = [name for name in model.model_fields if name not in GIVEN]
    found = [line for name in names for value in VALUES for line in said_of(model, **{name: value})]
    assert [line for line in found if "nput should" in line or "should have" in line or "valid " in line] == []


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"method": "POST"}, "method: it must be 'GET' or 'HEAD', not 'POST'"),
        ({"follow_redirects": "never"}, "follow_redirects: true or false is needed"),
        ({"verify": 5}, "verify: true or false or a text in quotes is needed"),
        ({"headers": "X-Token: 5"}, 'headers: a table is needed: { name = "value" }'),
        ({"headers": {"X-Token": 123456}}, "headers.X-Token: a text in quotes is needed"),
        ({"url": 5}, "url: a text in quotes is needed"),
    ],
)
def test_what_is_needed(said: dict[str, Any], error: str) -> None:
    assert said_of(WebAddress, **said) == [error]


def test_numbers() -> None:
    model = create_model("model", whole=(int, ...), part=(float, ...))
    assert said_of(model, whole="x", part=1) == ["whole: a whole number is needed: 20"]
    assert said_of(model, whole=5.5, part="x") == [
        "whole: a whole number is needed: 20",
        "part: a number is needed: 0.5",
    ]
