"""What stays of a gate: all that it saw, as one document, and a line on each decision."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import getpass
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.results import Run
from ..files import private
from ..inventory.places import lines_of
from .baseline import Baseline
from .decision import Decision, Terms, decide
from .interleaving import Interleaved
from .values import Answer
from .watching import Watch

SCHEMA = "opscheck.gate/1"
_NOT_NOTED = ("findings", "file", "lines", "rollback", "terms", "before", "after")
"""What a line on a decision leaves out: a file of its own has it."""
Watched = Watch | Interleaved


def document(
    watch: Watched, decision: Decision, *, version: str | None, version_before: str | None, status: int
) -> dict[str, Any]:
    """Return a decision with all that it was made of."""
    inventory, before = watch.looker.inventory, watch.before
    text = inventory.redactor.text
    return {
        "schema": SCHEMA,
        "inventory": text(inventory.name),
        "suite": watch.looker.suite,
        "at": inventory.now().isoformat(timespec="seconds"),
        "who": f"{_user()}@{platform.node()}",
        "version": text(version) if version else None,
        "version_before": text(version_before) if version_before else None,
        "took_s": round(time.monotonic() - watch.began, 1),
        "ready_s": None if watch.ready_s is None else round(watch.ready_s, 1),
        "partial": watch.is_partial,
        "exit_status": status,
        "rollback": inventory.gate.rollback if inventory.gate else None,
        **decision.to_json(),
        "file": str(inventory.file),
        "lines": lines_of(inventory),
        "terms": dataclasses.asdict(watch.terms_so_far),
        "before": before.to_json() if before else None,
        "after": [look.to_json() for look in watch.looks],
    }


def keep(kept: Mapping[str, Any], file: Path) -> None:
    """Write a document, at once and whole. Raises OSError."""
    private.make_folder(file.resolve().parent)
    private.write(json.dumps(kept).encode("utf-8", "backslashreplace"), file)


def line_of(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a decision in short: who, which version, what, when, and why."""
    return {name: entry for name, entry in kept.items() if name not in _NOT_NOTED}


def note(line: Mapping[str, Any], file: Path) -> None:
    """Add a line on a decision to a file. Raises OSError."""
    private.make_folder(file.resolve().parent)
    with file.open("a", encoding="utf-8", errors="backslashreplace") as lines:
        lines.write(json.dumps(line) + "\n")


def why_not_back(earlier: Sequence[Mapping[str, Any]], version: str | None, before: Baseline | None) -> str | None:
    """Return why rolling back would not help, by what is said of earlier decisions; None where it may.

    Nothing is known of a version that nobody named. A baseline that was recorded since shows that another one runs.
    """
    if version is None:
        return None
    of_version = [line for line in earlier if line.get("version") == version]
    last = max(reversed(of_version), key=_at, default=None)
    was_rolled_back = last is not None and last.get("verdict") == Answer.ROLL_BACK
    if was_rolled_back and (before is None or before.recorded <= _at(last or {})):
        return f"the last gate on {version} rolled it back already"
    if before is None and not any(line.get("verdict") == Answer.GO for line in earlier):
        return "no version is known to be good"
    return None


def _at(line: Mapping[str, Any]) -> dt.datetime:
    """Return when a decision was made; the beginning of time where its line does not say it."""
    with contextlib.suppress(ValueError):
        if (at := dt.datetime.fromisoformat(str(line.get("at")))).tzinfo is not None:
            return at
    return dt.datetime.min.replace(tzinfo=dt.UTC)


def noted(file: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the lines on earlier decisions; what is none is passed over."""
    with contextlib.suppress(OSError):
        for text in file.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, Mapping):
                    yield line


def decided_again(kept: Mapping[str, Any]) -> Decision:
    """Decide again, of a document. Raises ValueError where it is none."""
    if kept.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {kept.get('schema')!r}, and that of a gate is {SCHEMA!r}")
    try:
        before = Baseline.from_json(kept["before"]) if kept["before"] else None
        found = decide(before, [Run.from_json(look) for look in kept["after"]], Terms(**kept["terms"]))
        return found.ended_early() if kept.get("partial") else found
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it lacks a part, or one is something else: {error}") from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
