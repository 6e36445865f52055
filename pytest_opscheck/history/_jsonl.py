"""Past runs as JSON lines: a line for each run, the oldest first, by which another history can be made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..core.humanize import counted
from ..core.visible import as_json
from ._chain import links
from ._record import take_over
from ._store import HistoryError, Store, transaction

SCHEMA = "opscheck.history/1"


def exported(store: Store) -> Iterator[str]:
    """Yield each run as a line, as all of them are now."""
    with transaction(store, writes=False):
        for each in links(store):
            head = {"schema": SCHEMA, "seq": each.seq, "before": each.before, "hash": each.hash}
            yield as_json({**head, **each.data}, separators=(",", ":"))


def imported(store: Store, lines: Iterable[str]) -> tuple[int, int]:
    """Write the runs of lines that are not there yet; returns how many were written, and how many were there.

    They have to continue the chain that is there: an empty history takes any beginning, another one only its own
    continuation. Each run that is right is written, up to the first that is not. Raises HistoryError for that.
    """
    written = lines_read = 0
    for place, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = _line(text)
            if not _is_there(store, line):
                data = {"run": line["run"], "results": line["results"]}
                take_over(store, line["seq"], line["before"], line["hash"], data)
                written += 1
        except HistoryError as error:
            raise HistoryError(f"line {place}: {error}; {counted(written, 'run')} before it imported") from None
        except (KeyError, TypeError, ValueError, AttributeError):
            raise HistoryError(f"line {place}: it is not a run as `opscheck history export` writes one") from None
        lines_read += 1
    return written, lines_read - written


def _is_there(store: Store, line: dict[str, Any]) -> bool:
    """Tell whether a run is there already. Raises HistoryError where another one has its place."""
    rows = store.rows("SELECT hash FROM opscheck_run WHERE seq = ?", (line["seq"],))
    if rows and rows[0][0] != line["hash"]:
        raise HistoryError(f"run {line['seq']} is another one here, so these two histories can't become one")
    return bool(rows)


def _line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HistoryError(f"it is not JSON: {error}") from None
    if not isinstance(line, dict) or line.get("schema") != SCHEMA:
        raise HistoryError(f'it is not a run as `opscheck history export` writes one, which has "schema": "{SCHEMA}"')
    wanted = {"seq": int, "before": str, "hash": str, "run": dict, "results": list}
    for key, kind in wanted.items():
        if not isinstance(line.get(key), kind):
            raise HistoryError(f"{key} is missing, or is not what it should be")
    return line
