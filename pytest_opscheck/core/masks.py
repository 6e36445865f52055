"""Secrets that people write into a runbook or a command line, masked in whatever is told of it."""

from __future__ import annotations

import re

from .secrets import MASK, secret_parts
from .shapes import is_secret_key, known_tokens

LONGEST = 4000
_PAIR = re.compile(
    r"(?P<key>[A-Za-z_][\w.-]{2,60})(?P<quote>[\"'`]?)(?P<sign>\s*(?:=|:(?!//))\s*)(?P<open>[\"'`]?)(?P<value>[^\s\"'`,;&|)<>]{3,})"
)
_OPTION = re.compile(
    r"(?P<option>(?:^|\s)(?:--?(?i:password|pass|passwd|token|secret|api[_-]?key|auth)(?:="
    r"|\s+)|-a\s+(?=\S+)|-u\s+[\w.-]+:|--user[= ][\w.-]+:|(?:^|(?<=\s))sshpass\s+-p\s+|-p(?=['\"\w]*[A-Z\d]\S*(?:\s"
    r"|$))))(?P<quote>['\"]?)(?P<value>[^\s'\"]{3,})",
)
_BEARER = re.compile(r"\b(Bearer|Basic|Token|ApiKey)(\s+)([^\s\"'`]{8,})", re.IGNORECASE)
_OPEN = re.compile(
    r"^(?:\$|<|\[|\{|\*|x{3,}|\.{3}|…|your|Bearer$|Basic$|Token$|secret$|token$|password$)", re.IGNORECASE
)


def masked(text: str) -> str:
    """Return a text without the secrets in it: passwords of addresses and options, tokens, values of such keys."""
    shown = text[:LONGEST]
    for secret in sorted({*known_tokens(shown), *secret_parts(shown)}, key=len, reverse=True):
        if len(secret) > 2 and not _OPEN.match(secret):  # noqa: PLR2004 - of a shorter one nothing would be left to read
            shown = shown.replace(secret, MASK)
    shown = _BEARER.sub(lambda found: f"{found[1]}{found[2]}{found[3] if _OPEN.match(found[3]) else MASK}", shown)
    shown = _PAIR.sub(_of_pair, shown)
    return _OPTION.sub(_of_option, shown)


def _of_pair(found: re.Match[str]) -> str:
    if not is_secret_key(found["key"]) or _OPEN.match(found["value"]) or found["value"].startswith(MASK):
        return found[0]
    return f"{found['key']}{found['quote']}{found['sign']}{found['open']}{MASK}"


def _of_option(found: re.Match[str]) -> str:
    programs = found["option"].strip() in ("-a", "-p")
    if _OPEN.match(found["value"]) or (
        programs and not re.search(r"redis|valkey|mysql|maria", found.string[: found.start()], re.IGNORECASE)
    ):
        return found[0]
    return f"{found['option']}{found['quote']}{MASK}"


def has_secret(text: str) -> bool:
    """Tell whether a text holds a secret."""
    return masked(text) != text[:LONGEST]
