"""The JSON document of an HTTP answer, read where it is not too large, and where it says each key once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

MOST_VALUES = 250_000
"""Values in a document that is read: one of two letters takes a hundred times that in memory."""
_MARKS = (b"[", b"{", b",")


class DocumentError(ValueError):
    """A body that is not a document to be read; the message says what it is instead."""


class LargeError(DocumentError):
    """A document of too many values."""


def document(body: bytes, sort: str) -> Any:
    """Return the document that a body is; `sort` is its content type. Raises DocumentError."""
    if sum(map(body.count, _MARKS)) > MOST_VALUES:
        raise LargeError(f"a document of more than {MOST_VALUES:,} values, which is not read; ask for less")
    try:
        return json.loads(body, object_pairs_hook=_object)
    except DocumentError:
        raise
    except (ValueError, RecursionError):
        raise DocumentError(f"{sort} that is not JSON" if body.strip() else "an empty body") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of the document. Parsers differ in which of two values of a key they take."""
    made = dict(pairs)
    if len(made) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        key = next(key for key, times in counted.items() if times > 1)
        raise DocumentError(f"a JSON object that has the key {key!r:.80} twice, so its value can't be told")
    return made
