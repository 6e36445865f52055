"""The results file, whose form `results.schema.json` beside this module fixes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..results import Run
from . import streams


def schema() -> dict[str, Any]:
    """Return the JSON Schema of results files."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("results.schema.json").read_text(encoding="utf-8"))
    return found


def _text(data: dict[str, Any]) -> str:
    """Return the document, with a line for each result: that can be searched, and is written fast."""
    results = [json.dumps(result, ensure_ascii=False, allow_nan=False) for result in data["results"]]
    head = json.dumps({**data, "results": []}, indent=1, ensure_ascii=False, allow_nan=False)
    body = "[\n  " + ",\n  ".join(results) + "\n ]" if results else "[]"
    return head.removesuffix("[]\n}") + body + "\n}\n"


def write(run: Run, file: Path) -> None:
    """Write a run's results, at once and whole; to a pipe or device as they are.

    Bytes that are no UTF-8, which a target's output may hold, become escapes that JSON readers understand.
    """
    content = _text(run.to_json()).encode(errors="backslashreplace")
    if not streams.is_file(file):
        streams.write(file, content)
        return
    file = file.resolve()  # of a link, what it leads to
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(file)
