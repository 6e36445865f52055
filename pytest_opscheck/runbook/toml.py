"""Values as TOML writes them, and what stands for a TODO while a draft is checked."""

from __future__ import annotations

import json
import re
from typing import Any

from ..core.visible import plain
from .asks import Todo

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LITERAL = re.compile(r"[^'\x00-\x1f\x7f]*")


def key(name: str) -> str:
    """Return a key: bare where it may be, else in quotes."""
    return name if _BARE.fullmatch(name) else text(name)


def text(text: str) -> str:
    """Return a text in quotes: in single ones where double ones would need escapes."""
    text = plain(text) if not text.isprintable() else text
    if ("\\" in text or '"' in text) and _LITERAL.fullmatch(text):
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def value(given: Any, *, filled: bool = False) -> str:
    """Return a value; `filled` tells whether an example stands in for each TODO."""
    if isinstance(given, Todo):
        return text(given.example if filled else str(given))
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, dict):
        inner = ", ".join(f"{key(name)} = {value(each, filled=filled)}" for name, each in given.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(given, list | tuple):
        return f"[{', '.join(value(each, filled=filled) for each in given)}]"
    return text(str(given))
