"""Which values can be measured, so that a limit that none of them breaks, or that none of them keeps, is refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .limits import Limit, parse_limit
from .units import LimitError, quantity

_NEAR = 1e-6
"""A value this near to a limit (relative) is on its other side for certain: numbers much nearer are equal."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The numbers that can be measured, from `least` to `most`; None where there is no such bound.

    They are in the base of `unit`, which is also that in which people are told of them.
    """

    least: float | None = 0.0
    most: float | None = None
    unit: str = ""

    def __str__(self) -> str:
        bounds = (("below", self.least), ("above", self.most))
        return " and ".join(
            f"never {side} {quantity(f'{bound:g}', self.unit if bound else '')}"
            for side, bound in bounds
            if bound is not None
        )

    def near(self, number: float) -> Iterator[float]:
        """Yield values on all sides of a number, as far as they can be measured."""
        step, far = _NEAR * abs(number) or _NEAR, 1 + abs(number)
        least = min(number - far, -far if self.most is None else self.most - far) if self.least is None else self.least
        most = max(number + far, least + far) if self.most is None else self.most
        for value in (least, number - step, number, number + step, most):
            if least <= value <= most:
                yield value


_UNLIKE = ("", "0", "ready", "Zq 7", "-", "é", "{}", "a\tb")
"""Texts that have nothing in common: a pattern that is found in all of them is found in every one."""
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
AMOUNT = Domain()
"""Counts, sizes, lengths of time, rates, and percentages of anything: nothing is below 0."""


def domain_of(measures: str, least: str | None, most: str | None) -> Domain:
    """Return the numbers of a dimension between bounds that are said as limits are: `0`, `100%`.

    A bound is one of its own dimension alone: what is at most 100 % may be any number of bytes. Of other dimensions
    the least is 0, unless there is none. Raises LimitError for a bound that is not a number.
    """
    low, high = (parse_limit(bound) if bound is not None else None for bound in (least, most))
    for bound in (low, high):
        if bound is not None and bound.number is None:
            raise LimitError(f"{bound.operand!r} is not a number, as the bound of a value is; use for example '100%'")
    of = [bound for bound in (low, high) if bound is not None and bound.dimension == measures]
    return Domain(
        None if low is None else low.number if low in of else 0.0,
        high.number if high is not None and high in of else None,
        of[-1].unit if of else "",
    )


def refuse_open(limit: Limit) -> Limit:
    """Return a limit, unless it is a regular expression that is found in every text. Raises LimitError for such."""
    if limit.pattern is not None and all(limit.pattern.search(text) is not None for text in _UNLIKE):
        raise LimitError(f"'{limit}' can't be broken: every text matches it; use a pattern such as '~ ^ready$'")
    return limit


def refuse_idle(limit: Limit, domain: Domain, of: str, hint: str) -> None:
    """Refuse a limit that decides nothing: every value keeps it, or none does.

    of: what is measured, in the error's words; hint: a limit that can be meant, quoted, where the sign is not all that
    is wrong.

    Raises LimitError.
    """
    kept = _kept(limit, domain)
    if len(kept) != 1:
        return
    never = "can't be broken" if True in kept else "can't hold"
    meant = hint
    if (limit.number or 0) < 0:
        unsigned = parse_limit(f"{limit.operator} {limit.operand.lstrip('-')}{limit.unit}")
        meant = f"'{unsigned}'" if len(_kept(unsigned, domain)) > 1 else hint
    known = [*([] if limit.number is not None else ["a number"]), *([text] if (text := str(domain)) else [])]
    raise LimitError(f"'{limit}' {never}: {of} is {', '.join(known)}; use for example {meant}")


def _kept(limit: Limit, domain: Domain) -> set[bool]:
    """Return whether values on all sides of a limit's number keep it: both where it decides something.

    A limit for texts is tried on the whole numbers of a domain that has bounds, as they are written. Without bounds it
    is only known that no number is another text.
    """
    if limit.number is not None:
        return {limit.holds_number(value) for value in domain.near(limit.number)}
    if domain.least is None or domain.most is None:
        return {True} if limit.operator == "!=" else set()
    return {limit.holds(str(value)) for value in range(int(domain.least), int(domain.most) + 1)}


def refuse_blind(pattern: object, ignore: object) -> None:
    """Refuse what leaves out every line that is looked for: nothing would ever be counted. Raises LimitError."""
    if isinstance(ignore, Collection) and not isinstance(ignore, str) and "*" in ignore:
        raise LimitError("'*' leaves out everything; name what is harmless, or use false to switch the check off")
    try:
        left_out = re.compile(ignore) if isinstance(ignore, str) and ignore else None
    except re.error:
        return  # whoever takes it says what is wrong, or reads it in another way
    if left_out is None:
        return
    literal = pattern if isinstance(pattern, str) and not _SPECIAL.search(pattern) else None
    if all(left_out.search(text) for text in _UNLIKE) or (literal and left_out.search(literal)):
        raise LimitError(f"{ignore!r} leaves out every line that is looked for; name only what is harmless")
