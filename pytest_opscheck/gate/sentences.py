"""What comparisons say to people: the reason of an answer, and what a comparison could not have seen."""

from __future__ import annotations

import math
from collections.abc import Iterator

from .values import Comparison, Figure, Source, Tally

_DIGITS = 3
_LARGE = 1000
_MULTIPLE = 3
"""From this ratio on it is said as such: 300 % more is read as 300 %."""
_HARDLY = 1e-6
_SIDES = {"before": "before the deploy", "after": "after the deploy"}
_SOURCES = {
    Source.REQUESTS: "single requests",
    Source.WINDOWS: "windows of the baseline",
    Source.PAST: "different moments",
}


def lines(comparison: Comparison) -> Iterator[str]:
    """Give all that is to be shown of a comparison, a line each: the answer and its reason first."""
    yield f"{comparison.measure}: {comparison.answer}: {comparison.why}"
    yield f"{comparison.before_n:,} requests before, {comparison.after_n:,} after"
    yield from map(figure, comparison.figures)
    if comparison.spread:
        parts = ", ".join(f"{_SOURCES[source]} {share * 100:.0f} %" for source, share in comparison.spread if share)
        yield f"the interval's width comes from {parts or 'nothing: all values are alike'}"
    if comparison.unseen:
        yield comparison.unseen


def figure(compared: Figure) -> str:
    """Return one figure as a line: `typical time: 100 ms before, 143 ms after, +43 % (+31 % to +55 %)`."""
    of_times = compared.unit == "us"
    value, change = (time, ratio) if of_times else (share, points)
    text = f"{compared.name}: {value(compared.before)} before, {value(compared.after)} after, {change(compared.change)}"
    if compared.low is None and compared.high is None:
        return text
    low = "no lower bound" if compared.low is None else change(compared.low)
    high = "no upper bound" if compared.high is None else change(compared.high)
    return f"{text} ({low} to {high})"


def slower(compared: Figure, tolerance: float) -> str:
    """Say that all requests have become slower."""
    bound = f"at least {ratio(compared.low or 1)}, so it is not chance"
    return (
        f"{_times(compared)}: all in all {ratio(compared.change)} ({bound}), more than the allowed {percent(tolerance)}"
    )


def as_fast(compared: Figure, tolerance: float) -> str:
    """Say that requests are as fast as before."""
    bound = f"at most {ratio(compared.high or 0)}, which is under twice the allowed {percent(tolerance)}"
    return f"{_times(compared)}: all in all {ratio(compared.change)}, {bound}"


def perhaps_slower(compared: Figure, needed: int | None) -> str:
    """Say that it is open whether requests have become slower."""
    low = "no lower bound" if compared.low is None else ratio(compared.low)
    high = "no upper bound" if compared.high is None else ratio(compared.high)
    return f"{_times(compared)}: all in all {ratio(compared.change)}, but it may be {low} to {high}; {more(needed)}"


def slow_requests(compared: Figure, probability: float) -> str:
    """Say that more requests are far slower than the rest."""
    grown = f"{share(compared.after)}, {share(compared.before)} before: {points(compared.change)}"
    return f"{compared.name} (here {time(compared.over or 0)}): {grown}; by chance {_chance(probability)}"


def shares_alike(compared: Figure) -> str:
    """Say by how much a share may have grown at most."""
    shares = f"{compared.name}: {share(compared.after)}, {share(compared.before)} before"
    return f"{shares}; at most {points(compared.high or 0)}"


def more_errors(compared: Figure, after: Tally, probability: float, tolerance: float) -> str:
    """Say that more requests fail."""
    counted = (
        f"{after.hits:,} of {after.of:,} requests failed ({share(compared.after)}), {share(compared.before)} before"
    )
    return f"{counted}: {points(compared.change)}, allowed {points(tolerance)}; by chance {_chance(probability)}"


def perhaps_more(compared: Figure, needed: int | None) -> str:
    """Say that it is open whether a share has grown."""
    low, high = points(compared.low or 0), points(compared.high or 0)
    alike = f"{compared.name}: {share(compared.after)}, {share(compared.before)} before"
    return f"{alike}; the difference may be {low} to {high}; {more(needed)}"


def more(needed: int | None) -> str:
    """Say how many more requests decide it."""
    if needed is None:
        return "more requests would not decide it: measure both sides in turn, or allow more"
    return f"about {needed:,} more requests decide it, if they are like these"


def unseen_slowdown(finds_from: float | None, drift: float | None) -> str:
    """Say which slowdown a comparison could not have seen."""
    found = f"a slowdown under {percent(finds_from - 1)}" if finds_from else "any slowdown"
    found += " may be unseen"
    assumed = f"compared with one moment, {percent(drift or 0)} of drift assumed: fewer than 8 earlier runs are known"
    return found if drift is None else f"{found}; {assumed}"


def unseen_tail(finds_from: float | None, far: Figure) -> str:
    """Say which tail a comparison could not have seen."""
    return f"{_growth(finds_from)} {far.name} may be unseen"


def unseen_errors(finds_from: float | None) -> str:
    """Say which errors a comparison could not have seen."""
    return f"{_growth(finds_from)} failed requests may be unseen; failures in bursts count as if each came alone"


def slower_than(factor: float, percent_: int) -> str:
    """Name slow requests by the baseline: `requests over 2 x the baseline's p95`."""
    return f"requests over {factor:g} x the baseline's p{percent_}"


def no_tolerance(tolerance: float, most: float) -> str:
    """Say that a tolerance is none."""
    return f"a tolerance of {tolerance!r} is none: give a share from 0 to {most:g}, for example 0.2 for 20 %"


def no_time(side: str, time: object, count: int) -> str:
    """Say that samples are no times."""
    others = f", and {count - 1:,} more are none" if count > 1 else ""
    return f"a sample from {_SIDES[side]} is no time in whole microseconds: {time!r}{others}; measure that side again"


def no_tally(side: str, tally: Tally) -> str:
    """Say that numbers of requests are none."""
    return f"{tally.hits!r} failed of {tally.of!r} requests {_SIDES[side]} are no counts; measure that side again"


def no_requests(side: str) -> str:
    """Say that a side has no data."""
    return f"there are no requests from {_SIDES[side]}"


def all_equal(side: str, requests: int, microseconds: int) -> str:
    """Say that times are no measured ones."""
    return f"all {requests:,} requests from {_SIDES[side]} took {time(microseconds)}: no clock says so; measure again"


def not_in_turn(alone: int) -> str:
    """Say that sides are not interleaved."""
    how = "send as many requests to both in each window"
    return f"the two sides were not measured in turn: {alone:,} requests have none of the other side beside them; {how}"


def small_baseline(requests: int, windows: int, fewest: int, fewest_windows: int) -> str:
    """Say that the side before the deploy is too small."""
    has = f"the baseline has {requests:,} requests in {windows} windows of two or more"
    return f"{has}; it takes {fewest:,} in {fewest_windows}"


def before_first_look(requests: int, first: int) -> str:
    """Say that the side after the deploy is too small."""
    return f"{requests} requests after the deploy are too few: the first look is at {first}"


def time(microseconds: float) -> str:
    """Return a time in the unit that fits: `1.2 s`, `143 ms`, `0.34 ms`."""
    seconds = microseconds / 1_000_000
    return f"{_rounded(seconds)} s" if seconds >= 1 else f"{_rounded(seconds * _LARGE)} ms"


def ratio(value: float) -> str:
    """Return a ratio as a change: `+43 %`, and from three times on as a multiple."""
    return f"{_rounded(value)} times" if value >= _MULTIPLE else f"{_signed((value - 1) * 100, 0)} %"


def percent(value: float) -> str:
    """Return a share without a sign: `20 %`."""
    return f"{_rounded(value * 100)} %"


def share(value: float) -> str:
    """Return a share of requests: `4.5 %`."""
    return f"{value * 100:.1f} %"


def points(value: float) -> str:
    """Return a difference of shares: `+4.2 points`."""
    return f"{_signed(value * 100, 1)} points"


def _times(compared: Figure) -> str:
    return f"{compared.name} {time(compared.after)}, {time(compared.before)} before"


def _growth(finds_from: float | None) -> str:
    return "any growth of" if finds_from is None else f"a growth by under {_rounded(finds_from * 100)} points of"


def _chance(probability: float) -> str:
    return "less often than once in a million" if probability < _HARDLY else f"once in {1 / probability:,.0f}"


def _signed(number: float, places: int) -> str:
    text = f"{number:+.{places}f}"
    return text if float(text) else f"{0:.{places}f}"


def _rounded(number: float) -> str:
    before = math.floor(math.log10(number)) + 1 if number > 0 else 1
    text = f"{number:,.{max(0, _DIGITS - before)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
