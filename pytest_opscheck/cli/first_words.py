"""How names that others have chosen are written into a first inventory."""

from __future__ import annotations

import json
import re

from ..core.visible import plain


def key_of(name: str) -> str:
    """Return a name as a target's: letters, digits, `_` and `-`, beginning with a letter or digit."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name).strip("-_") or "stack"


def quoted(text: str) -> str:
    """Return a text as TOML reads it, of which nothing is a variable."""
    return json.dumps(plain(text), ensure_ascii=False).replace("${", "$${")
