"""What people write where TOML is expected, in words of theirs: the parser names a character, and not the mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRING = r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'"
_JSON = re.compile(r"\s*(?:\{|\[\s*\{)")
_YAML = re.compile(r"(?:\s*(?:#[^\n]*)?\n)*(?:---|[\w\"'-]+:[ \t]*(?:\n|$)|- )")
_IS_TOML = (
    "an inventory is TOML: [host.local] begins a target, and a key is followed by '='; `opscheck init` writes one"
)
_ESCAPE = re.compile(r'\\(?:[btnfr"\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})')
_RULES = (
    (r"[\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb]", "typographic quotes; use straight ones: \" or '"),
    (r"^\s*[\w.\"'-]+\s*:(?:\s|$)", "a key is followed by '=', not by ':'"),
    (r",\s*\}", "remove the comma before '}'"),
    (r"^\s*\[[^\]]*$", "the closing ']' is missing"),
    (
        r"^\s*\[+[^\]=]*[^\]\s\w.\"'-][^\]=]*\]|^\s*\[+\s*[\w.\"'-]+\s+[\w.\"'-]+",
        "a name has letters, digits, '_' and '-'",
    ),
    (r"=\s*(?:True|False|TRUE|FALSE|yes|no|Yes|No|on|off)\b", "write true or false"),
    (r"=\s*(?:null|None|nil|~)\s*(?:[,}]|$)", "there is no empty value; leave the key out"),
    (r"=\s*$", "a value is missing after '='"),
    (
        r"\{[^}]*$",
        "a table in braces stands on one line; a longer one has a header of its own, as [host.local.expect]",
    ),
)
"""Patterns of a line in which each text in quotes is ``, and what is wrong where one is found."""


def in_document(text: str) -> str | None:
    """Return what a text is if it is not TOML at all, and what to do; None where it may be TOML."""
    language = "JSON" if _JSON.match(text) else "YAML" if _YAML.match(text) else None
    return f"this is {language}, and {_IS_TOML}" if language else None


def in_line(line: str) -> str | None:
    """Return what is wrong with a line that is not TOML; None where that is not known. No value is shown."""
    return next(_in_quotes(line), None) or next(_beside_quotes(line), None)


def _in_quotes(line: str) -> Iterator[str]:
    rest = line
    while opening := re.search(r"""["'#]""", rest):
        if opening[0] == "#" or rest[opening.start() :].startswith(('"""', "'''")):
            return
        string = re.match(_STRING, rest[opening.start() :])
        if opening[0] == '"' and "\\" in _ESCAPE.sub("", string[0] if string else rest[opening.start() :]):
            yield "in double quotes a backslash is written twice; or use single quotes: 'C:\\backups'"
        if string is None:
            yield f"the closing {opening[0]} is missing"
            return
        rest = rest[opening.start() + string.end() :]


def _beside_quotes(line: str) -> Iterator[str]:
    bare = re.sub(r"#.*", "", re.sub(_STRING, "``", line))
    for pattern, wrong in _RULES:
        if re.search(pattern, bare):
            yield wrong
