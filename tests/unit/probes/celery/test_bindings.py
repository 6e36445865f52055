"""In which queues a message of an exchange stood, by the patterns of a broker that anybody may have written to."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes.celery._redis import _queues


@pytest.mark.parametrize(
    ("pattern", "queues"), [(r"stock\.[^.]+$", ["orders"]), (r"stock$", ["stock.new"]), ("(?:)|x", ["orders"])]
)
def test_the_queues_whose_pattern_fits(pattern: str, queues: list[str]) -> None:
    assert _queues("stock.new", [("other", pattern, "orders")]) == queues


@pytest.mark.parametrize("pattern", ["(a|aa)+$", "(", "(?P<a>"])
def test_a_pattern_that_never_ends_or_is_none(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_opscheck.core.patterns.SECONDS", 0.1)
    with pytest.raises(UnknownError, match="a binding of the broker has a pattern that can't be used"):
        _queues("a" * 60 + "!", [("other", pattern, "orders")])
