"""Past runs: recorded, compared with, asked, exported and verified. This is the door; what is behind it may change."""

from __future__ import annotations

from ._chain import Link, Verified, links, verified
from ._changes import Outcome
from ._document import utc
from ._jsonl import exported, imported
from ._maintenance import Begun, begin, begun, past, stop
from ._notified import Told
from ._past import Moved, Past, opened, reading
from ._place import History
from ._queries import Judged, PastRun, Point, Records, Sample, Seen
from ._store import HistoryError, transaction

__all__ = [
    "Begun",
    "History",
    "HistoryError",
    "Judged",
    "Link",
    "Moved",
    "Outcome",
    "Past",
    "PastRun",
    "Point",
    "Records",
    "Sample",
    "Seen",
    "Told",
    "Verified",
    "begin",
    "begun",
    "exported",
    "imported",
    "links",
    "opened",
    "past",
    "reading",
    "stop",
    "transaction",
    "utc",
    "verified",
]
