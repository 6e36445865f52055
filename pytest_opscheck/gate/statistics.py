"""The rules of the gate: shift, tail and errors, each with one of three answers."""

from __future__ import annotations

from .values import Comparison, Series, Setting, Tally

_SETTING = Setting()


def shift(before: Series, after: Series, tolerance: float, setting: Setting = _SETTING) -> Comparison:
    """Judge whether all requests have become slower, by more than a share: 0.2 is 20 %."""
    raise NotImplementedError


def tail(before: Series, after: Series, tolerance: float, setting: Setting = _SETTING) -> Comparison:
    """Judge whether more requests than before are far slower than the rest, whatever all of them have in common."""
    raise NotImplementedError


def errors(before: Tally, after: Tally, tolerance: float, setting: Setting = _SETTING) -> Comparison:
    """Judge whether more requests fail, by more than a share of all: 0.01 is one percentage point."""
    raise NotImplementedError


def typical(series: Series) -> float | None:
    """Return the median of a series in microseconds: what `Setting.past` holds of each earlier run."""
    raise NotImplementedError
