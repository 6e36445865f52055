"""Reading the environment in one thread while another writes it, as pytest does around each step of a test."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from pytest_opscheck.probes._environ import steady


@pytest.fixture
def restless() -> Iterator[None]:
    """Set and remove a variable without a pause, as pytest does with PYTEST_CURRENT_TEST."""
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            os.environ["OPSCHECK_TEST_CHURN"] = "x"
            os.environ.pop("OPSCHECK_TEST_CHURN")

    thread = threading.Thread(target=churn)
    thread.start()
    yield
    over.set()
    thread.join()


def listed() -> dict[str, str]:
    return dict(os.environ.items())


@pytest.mark.usefixtures("restless")
def test_listing_the_environment_fails_where_it_changes_on_the_way() -> None:
    def often() -> None:
        for _ in range(100_000):
            listed()

    with pytest.raises((KeyError, RuntimeError)):
        often()


@pytest.mark.usefixtures("restless")
def test_a_steady_listing_does_not() -> None:
    for _ in range(3_000):
        assert "PATH" in steady(listed)


def test_an_error_that_stays_is_the_callers() -> None:
    with pytest.raises(KeyError, match="MISSING"):
        steady(lambda: os.environ["OPSCHECK_MISSING"])
