"""What has the name or the shape of a secret, wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ATTRIBUTES = (
    r"file|path|dir|folder|url|uri|host|port|user|username|name|type|ttl|expiry|expires|expires_in|age|days|length|count"
    r"|min|max|enabled|policy|hint|region|algorithm"
)
"""What is told of a secret, and is none: PASSWORD_FILE, TOKEN_URL."""
_NAME = re.compile(
    r"passw|passphrase|secret|token|credential|signature|authorization|cookie|(?:api|access|private)[_-]?key"
    r"|(?:pass|pwd|pw)(?:$|[_-])|(?:^|[_-])(?:pin|auth|salt)(?:$|[_-])|[_-]key(?:$|[_-])"
)
_OTHER = re.compile(rf"[_-](?:{_ATTRIBUTES})$|^(?:old)?pwd$|(?:public|primary|sort|foreign|partition)[_-]?key$|bypass$")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_KNOWN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|[srp]k_(?:live|test)_|AKIA|ASIA|AIza|SG\.|npm_|pypi-|hf_|hvs\."
    r"|dop_v1_|shpat_|ya29\.|AGE-SECRET-KEY-)[\w.-]{12,}|\bsk-[\w-]{20,}",
    re.DOTALL,
)
"""Private keys, JWTs, and the tokens of services whose tokens tell by their beginning what they are."""
_DIGEST = re.compile(r"\b(?:sha1|sha256|sha384|sha512|md5)[:=][0-9a-fA-F]{32,}")
_APART = re.compile(r"[\s,;\"'`()<>{}|=&?]+")
_APART_IN_URL = re.compile(r"[\s,;\"'`()<>{}|=&?/:@#]+")
_PIECE = re.compile(r"[A-Za-z0-9]+")
_LETTERS = r"(?:[A-Z]?[a-z]+|[A-Z]+)"
_NATURAL = re.compile(
    rf"(?:{_LETTERS}[0-9]{{0,4}}"  # a word, and one with a number: web01
    r"|[0-9]+[A-Za-z]{0,3}"  # a number, and one with a unit: 512MiB
    rf"|{_LETTERS}[0-9]{{1,4}}{_LETTERS}"  # sha256sum
    r"|(?:[a-z]{1,4}[0-9]{1,2}){2,3}"  # a device: nvme0n1p1, enp0s31f6
    r"|[0-9]+T[0-9]+Z?|(?:[0-9]+(?:ms|us|ns|[smhdw]))+"  # a time: 20240131T101500Z, 1h30m
    r")"
)
_SHORT_PIECE, _LONG_WORD = 5, 20
_LETTERS_OF_A_HUMP = 3
_LONG_NAME, _LETTERS_OF_ITS_HUMP = 16, 3.6
"""A name of this many letters has longer words in it than what is drawn by lot."""
_ODD = 8
"""So many letters and digits that are in no word, name or number make a secret."""
_PASSWORD = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])(?=.*[!#$&^%*?@])[^\s/:\[\](){}\\|<>=,\"'+]{8,128}")
_ADDRESS = re.compile(r"[\w.-]+@[\w.-]+")


def is_secret_key(key: str) -> bool:
    """Tell whether the name of a key, a header or a variable says that its value is secret."""
    name = _HUMP.sub("_", key).lower()
    return _NAME.search(name) is not None and _OTHER.search(name) is None


def known_tokens(text: str) -> list[str]:
    """Return the private keys and tokens in a text that tell themselves what they are."""
    return _KNOWN.findall(text)


def shaped(value: str) -> Iterator[str]:
    """Yield what of a value has the shape of a secret: known tokens, and what is not a word, name or number."""
    yield from known_tokens(value)
    if _PASSWORD.fullmatch(value) and not _ADDRESS.fullmatch(value):
        yield value
    rest = _DIGEST.sub(" ", _KNOWN.sub(" ", value))
    is_place = "://" in rest or rest.startswith(("/", "./", "~/"))
    for part in (_APART_IN_URL if is_place else _APART).split(rest):
        if sum(len(piece) for piece in _PIECE.findall(part) if _is_odd(piece)) >= _ODD:
            yield part


def _is_odd(piece: str) -> bool:
    """Tell whether letters and digits are not a word, name, number or time."""
    if len(piece) <= _SHORT_PIECE:
        return False
    if piece.isalpha():
        humps = re.findall(_LETTERS, piece)
        least = _LETTERS_OF_ITS_HUMP if len(piece) >= _LONG_NAME else _LETTERS_OF_A_HUMP
        return len(max(humps, key=len)) > _LONG_WORD or len(piece) < least * len(humps)
    return _NATURAL.fullmatch(piece) is None
