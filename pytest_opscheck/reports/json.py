"""The results file, whose form `results.schema.json` beside this module fixes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..core.results import Run
from ..core.visible import as_json
from ..files import private


def schema() -> dict[str, Any]:
    """Return the JSON Schema of results files."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("results.schema.json").read_text(encoding="utf-8"))
    return found


def _text(data: dict[str, Any]) -> str:
    """Return the document, with a line for each result: that can be searched, and is written fast."""
    results = [as_json(result) for result in data["results"]]
    head = as_json({**data, "results": []}, indent=1)
    body = "[\n  " + ",\n  ".join(results) + "\n ]" if results else "[]"
    return head.removesuffix("[]\n}") + body + "\n}\n"


def write(run: Run, file: Path) -> None:
    """Write a run's results, at once and whole; to a pipe or device as they are.

    Bytes that are not UTF-8, which a target's output may hold, become escapes that JSON readers understand.
    """
    private.make_folder(file.resolve().parent)
    private.write(_text(run.to_json()).encode("utf-8", "backslashreplace"), file)
