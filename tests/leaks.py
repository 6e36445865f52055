"""Forms in which programs write a secret, and a search by brute force for what of one is left in a text."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote

WINDOW = 8
"""So many letters of a secret in a row are a leak."""
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[: ]?){4,}")
_ESCAPED = re.compile(r"(?:\\+(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}))+")


def forms(secret: str) -> dict[str, str]:
    """Return a secret in each form, by the form's name."""
    octets = secret.encode()
    half = len(secret) // 2
    return {
        "plain": secret,
        "upper": secret.upper(),
        "lower": secret.lower(),
        "base64": base64.b64encode(octets).decode(),
        "urlsafe": base64.urlsafe_b64encode(octets).decode().rstrip("="),
        "basic": base64.b64encode(b"probe:" + octets).decode(),
        "auth plain": base64.b64encode(b"\0probe\0" + octets).decode(),
        "base64 at 1": base64.b64encode(b"x" + octets + b"\n").decode(),
        "base64 at 2": base64.b64encode(b"xy" + octets + b"yz").decode(),
        "base64 in lines": base64.encodebytes(
            b"a longer text before it, and one behind: " + octets + b"x" * 40
        ).decode(),
        "html": html.escape(secret),
        "html twice": html.escape(html.escape(secret)),
        "html numbers": "".join(f"&#{ord(letter)};" for letter in secret),
        "html hex": "".join(f"&#x{ord(letter):x};" for letter in secret),
        "hex": octets.hex(),
        "HEX": octets.hex().upper(),
        "hex dump": octets.hex(" "),
        "hex colons": octets.hex(":"),
        "x escapes": "".join(f"\\x{octet:02x}" for octet in octets),
        "u escapes": "".join(f"\\u{ord(letter):04x}" for letter in secret),
        "percent": quote(secret, safe=""),
        "percent lower": quote(secret, safe="").lower(),
        "percent all": "".join(f"%{octet:02X}" for octet in octets),
        "percent partly": quote(secret[:half], safe="") + secret[half:],
        "percent twice": quote(quote(secret, safe=""), safe=""),
        "plus": quote_plus(secret),
        "libpq": secret.replace("\\", "\\\\").replace("'", "\\'"),
        "sql": secret.replace("'", "''"),
        "shell": shlex.quote(secret),
        "repr": repr(secret),
        "repr of repr": repr(repr(secret)),
        "bytes": repr(octets),
        "bytes of repr": repr(repr(secret).encode()),
        "ascii": ascii(secret),
        "json": json.dumps(secret),
        "json in json": json.dumps(json.dumps({"said": secret})),
        "json in html": html.escape(json.dumps(secret)),
        "html in percent": quote(html.escape(secret)),
        "wrapped": f"{secret[:half]}\n    {secret[half:]}",
        "of pytest": f"E   ('{secret[:half]}'\nE     '{secret[half:]}')",
        "coloured": f"{secret[:half]}\x1b[39;49;00m\x1b[33m{secret[half:]}",
        "cut": f"'{secret[:13]}...{secret[-14:]}'",
        "start": secret[: max(WINDOW, half)],
        "end": secret[-max(WINDOW, half) :],
    }


def left(text: str, secrets: Iterable[str]) -> dict[str, str]:
    """Return which windows of which secrets are left in a text, however it is decoded."""
    windows = {window: secret for secret in secrets for window in _windows(_bare(secret))}
    seen = (window for view in set(map(_bare, _views(text))) for window in windows.keys() & _windows(view))
    return {windows[window]: window for window in seen}


def _windows(text: str) -> set[str]:
    return {text[start : start + WINDOW] for start in range(len(text) - WINDOW + 1)}


def _bare(text: str) -> str:
    return re.sub(r"[\s'\"\\]", "", text).lower()


def _views(text: str) -> Iterator[str]:
    yield text
    yield re.sub(r"\x1b\[[0-9;]*m|\n(?:[E+-]\s)?\s*", "", text)
    for once in (html.unescape(text), unquote(text), _unescaped(text)):
        yield from (once, html.unescape(once), unquote(once), _unescaped(once))
    joined = re.sub(r"\n", "", text)
    for token in {*_TOKEN.findall(text), *_TOKEN.findall(joined)}:
        for start in range(4):
            part = token.rstrip("=")[start:].replace("-", "+").replace("_", "/")
            found = base64.b64decode(part[: len(part) - (len(part) % 4 == 1)] + "==")
            yield from (found.decode("latin-1"), found.decode(errors="ignore"))
    for dump in _HEX.findall(text):
        digits = re.sub("[: ]", "", dump)
        for start in (0, 1):
            part = digits[start:]
            found = binascii.unhexlify(part[: len(part) // 2 * 2])
            yield from (found.decode("latin-1"), found.decode(errors="ignore"))


def _unescaped(text: str) -> str:
    def once(match: re.Match[str]) -> str:
        return codecs.decode(re.sub(r"\\+", r"\\", match[0]), "unicode_escape", "replace")

    return _ESCAPED.sub(once, text)
