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


def text(said: str) -> str:
    """Return a text in quotes: in single ones where double ones would need escapes."""
    said = plain(said) if not said.isprintable() else said
    if ("\\" in said or '"' in said) and _LITERAL.fullmatch(said):
        return f"'{said}'"
    return json.dumps(said, ensure_ascii=False)


def value(said: Any, *, filled: bool = False) -> str:
    """Return a value; `filled` tells whether an example stands in for each TODO."""
    if isinstance(said, Todo):
        return text(said.example if filled else str(said))
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, int | float):
        return str(said)
    if isinstance(said, dict):
        inner = ", ".join(f"{key(name)} = {value(each, filled=filled)}" for name, each in said.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(said, list | tuple):
        return f"[{', '.join(value(each, filled=filled) for each in said)}]"
    return text(str(said))
