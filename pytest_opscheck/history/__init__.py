"""Past runs: recorded, compared with, asked, exported and verified. This is the door; what is behind it may change."""

from __future__ import annotations

from ._announced import Announced, announce, close
from ._chain import Link, Verified, links, verified
from ._changes import Outcome
from ._document import utc
from ._gates import Gated, gate_levels, gate_lines, last_go, note_gate
from ._jsonl import exported, imported
from ._maintenance import ManualMaintenance, begin, begun, past, stop
from ._notified import Notification
from ._past import CounterGrowth, Past, grown_since, opened, reading
from ._place import History
from ._queries import Judged, PastResult, PastRun, Point, Records, Sample, Standing
from ._store import HistoryError, transaction
from ._story import Spell, Story

__all__ = [
    "Announced",
    "CounterGrowth",
    "Gated",
    "History",
    "HistoryError",
    "Judged",
    "Link",
    "ManualMaintenance",
    "Notification",
    "Outcome",
    "Past",
    "PastResult",
    "PastRun",
    "Point",
    "Records",
    "Sample",
    "Spell",
    "Standing",
    "Story",
    "Verified",
    "announce",
    "begin",
    "begun",
    "close",
    "exported",
    "gate_levels",
    "gate_lines",
    "grown_since",
    "imported",
    "last_go",
    "links",
    "note_gate",
    "opened",
    "past",
    "reading",
    "stop",
    "transaction",
    "utc",
    "verified",
]
