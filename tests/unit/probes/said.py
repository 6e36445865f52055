"""Readings out of what a script on a host has printed, as the programs there print it."""

from __future__ import annotations

import textwrap
from typing import Any

from pytest_opscheck.probes import Output, Probe


def read(probe: Probe, text: str, *, ahead_s: tuple[float, float] | None = None, **params: Any) -> Any:
    """Return what a probe reads out of a text, whose indent is the test's."""
    assert probe.shell is not None
    return probe.shell.parse(Output(textwrap.dedent(text).lstrip("\n"), "", 0, ahead_s=ahead_s), **params)
