"""Versions are compared number by number, and of as many numbers as the limit names."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from pytest_opscheck.core.judgeable import UnjudgeableError
from pytest_opscheck.core.ladders import Ladder
from pytest_opscheck.probes._versions import VersionParam

PARAM: TypeAdapter[Ladder] = TypeAdapter(VersionParam)


@pytest.mark.parametrize(
    ("limit", "version", "holds"),
    [
        (">= 20.10", "20.9", False), (">= 20.10", "20.10.24+dfsg1", True), (">= 20.10", "20.2.1", False),
        (">= 20.10.5", "20.10", False), (">= 20.10.5", "20.10.5", True), (">= 20.10", "100.0", True),
        ("== 15", "15.3", True), (15, "15.3 (Debian 15.3-1)", True), (15, "150.1", False), ("!= 15", "16.1", True),
        ("> 20.10", "20.10.24", False), ("<= 20.10", "20.10.24", True), ("< 20.10", "20.9.9", True),
        ("24", "v24.0.0-rc1", True),
    ],
)  # fmt: skip
def test_a_version_is_compared_number_by_number(limit: str | int, version: str, holds: bool) -> None:
    assert (PARAM.validate_python(limit).breached(version) is None) is holds


def test_the_worst_rung_that_is_broken_counts() -> None:
    ladder = PARAM.validate_python({"P3": ">= 24", "P1": ">= 20.10"})
    assert [getattr(ladder.breached(version), "severity", None) for version in ("20.9", "23.0", "24.0")] == [
        "P1",
        "P3",
        None,
    ]


def test_what_is_no_version_cannot_be_judged() -> None:
    with pytest.raises(UnjudgeableError, match="'dev' is not a version"):
        PARAM.validate_python(">= 20.10").breached("dev")


@pytest.mark.parametrize("said", [20.10, True, "newest", ">= 20.x", -1, ""])
def test_what_is_no_limit_of_a_version_is_refused(said: object) -> None:
    with pytest.raises(ValidationError, match=r"say a text such as '>= 20\.10'"):
        PARAM.validate_python(said)
    if isinstance(said, float):
        with pytest.raises(ValidationError, match="a number loses its last zero"):
            PARAM.validate_python(said)
