"""Whether a host's times can be compared with those of others: by how much its clock was off in this contact."""

from __future__ import annotations

import datetime as dt

from ..core.errors import UnknownError
from ..core.humanize import duration_text
from ._files import CLOCK_SKEW_S
from ._kind import Output


def off_s(output: Output) -> float:
    """Return the seconds by which the host's clock is at least ahead of this machine's; below 0 where it is behind."""
    least, most = output.ahead_s or (0.0, 0.0)
    return max(least, 0.0) + min(most, 0.0)


def require_clock(output: Output, what: str) -> None:
    """Raise UnknownError where the host's clock is too far off to tell `what`: others may have written those times."""
    if (why := doubt(output, what)) is not None:
        raise UnknownError(why)


def doubt(output: Output, what: str) -> str | None:
    """Return why `what` can't be told by the host's clock; None where the clock is right."""
    off = off_s(output)
    if abs(off) <= CLOCK_SKEW_S:
        return None
    about = duration_text(dt.timedelta(minutes=round(abs(off) / 60)))
    side = "ahead of" if off > 0 else "behind"
    return f"the host's clock is {about} {side} this machine's, so {what} is unknown; see timedatectl there"
