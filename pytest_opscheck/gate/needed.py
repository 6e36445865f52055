"""How many requests more decide what is undecided, if they are as those so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator

_STEP = 1.05
"""So much more with each try: nobody needs to know it better than to a twentieth."""


def needed(have: int, fewest: int, most: int, decided: Callable[[int], bool]) -> int | None:
    """Return how many requests are missing to a number, at most `most`, with which it is decided; None without one."""
    found = next((number for number in _numbers(max(have + 1, fewest), most) if decided(number)), None)
    return None if found is None else found - have


def _numbers(first: int, last: int) -> Iterator[int]:
    number = first
    while number < last:
        yield number
        number = max(number + 1, int(number * _STEP))
    if first <= last:
        yield last
