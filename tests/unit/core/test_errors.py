"""What a probe fails with crosses from one process to another."""

from __future__ import annotations

import pickle

import pytest

from pytest_opscheck.probes import BlockedError, UnknownError, UnreachableError


@pytest.mark.parametrize(
    "error", [UnknownError("why"), UnreachableError("why", transient=True), BlockedError("fresh", "why")]
)
def test_errors_survive_pickling(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), "why", vars(error))
