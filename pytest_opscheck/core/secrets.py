"""Keeps secrets in: what is one by its place, its name or its shape is masked wherever text leaves the program."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from ._needles import Needles
from ._plain import plain
from .shapes import is_secret_key, shaped

MASK = "***"
_SHORTEST = 4
_SHORTEST_NUMBER = 6
"""A shorter text or number, such as a PIN, stands in what was measured too often to be masked everywhere."""
_RESULTS = "breach unknown blocked waived maintenance ok true false null none"
"""Words of the results themselves: masking one would leave a result without its verdict."""
_EVERYBODYS = """
admin administrator api app backup cache changeme check checks database debug default demo deploy dev development
elastic error example failed grafana guest healthy host http https info local localhost main mariadb master minio
minioadmin missing monitor monitoring mysql nagios ops oracle passwd password postgres postgresql present private prod
production prometheus public rabbitmq reachable read readonly ready redis replica root secret server service
staging status system test tester testing tests token user username vagrant warning zabbix
"""
"""Passwords that everybody knows, and words of what is said about servers."""
_ORDINARY = frozenset([*_RESULTS.split(), *_EVERYBODYS.split()])
_PLACE = re.compile(
    r"://[^\s/@:]*:$|--password\s$|\b(?:auth|identified by)[\s\"']+$"
    r"|(?:passw(?:or)?d|passphrase|pass|pwd|pin|secret|token|credentials?|(?:api|access|private)[_-]?key|auth\w*)[\\\"']*\s*(?:[:=]|=>)\s*[\\\"']*$",
    re.IGNORECASE,
)
"""What stands in front of a password."""
_PLACE_CHARACTERS = 80

_QUERY_KEY = re.compile(r"key|auth|sig|pwd|pass", re.IGNORECASE)
_CONNECTION_PASSWORD = re.compile(
    r"\b(?:ssl)?(?:password|passwd|pwd)\s*=\s*(?:'((?:\\.|[^'\\])*)'|([^\s'&;]+))", re.IGNORECASE
)
_USER_INFO = re.compile(r"(?:^|[\s;,/])([^\s/@:;,]*):(?!//)([^\s@]+)@(?!sha256:)")
"""A user and password in front of a host, in whatever URL or host spec, also one that no parser takes."""
_AUTHORIZATION = re.compile(r"(?:Bearer|Basic|Token|ApiKey)\s+(\S+)", re.IGNORECASE)
_COOKIES = re.compile(r"[\w.-]+=[^;=\s]+(?:;\s*[\w.-]+=[^;=\s]+)*;?")
_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_LIMIT = re.compile(r"(?:[<>=!]=?|~)\s*")
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:\s]*)(?::[0-9]*)?")
_PORT_AND_PATH = re.compile(r"[0-9]{1,5}/")
_ADDRESS_WORD = re.compile(
    r"[A-Za-z_-]{1,15}|v[0-9]{1,2}|[0-9]{1,5}|localhost(?::[0-9]+)?|\[?[\w.-]*\.[\w.-]*\]?(?::[0-9]+)?"
)
"""A part of an address that is a word, a version, a port or a host."""
_PATH = re.compile(r"[~.]{0,2}/\S+")


@dataclass(frozen=True, repr=False)
class Redactor:
    """Replaces every known secret in text, in each form that a program may print it in, and long parts of it.

    `everywhere` is masked wherever it stands, `in_place` where a password or token does: it is an ordinary word.
    """

    everywhere: frozenset[str] = frozenset()
    in_place: frozenset[str] = frozenset()

    @classmethod
    def of(cls, secrets: Iterable[str], names: Collection[str] = ()) -> Redactor:
        """Make a redactor of secret values; `names` stand in the inventory as plain words, so they tell nothing."""
        found = {secret for item in secrets for each in _told_by(item) if (secret := each.strip())}
        words = _ORDINARY | {name.lower() for name in names}
        in_place = {secret for secret in found if secret.lower() in words or not _tells(secret)}
        return cls(frozenset(found - in_place), frozenset(in_place))

    def __repr__(self) -> str:
        return f"<Redactor of {len(self.everywhere) + len(self.in_place)} secrets>"

    @cached_property
    def _needles(self) -> Needles:
        known = self.everywhere | self.in_place
        pairs = {each for each in self.everywhere if each.partition(":")[2] in known}
        return Needles(self.everywhere - pairs, pairs)

    @cached_property
    def _words(self) -> re.Pattern[str]:
        longest_first = sorted(self.in_place, key=lambda word: (-len(word), word))
        return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])")

    def text(self, text: str) -> str:
        """Return text without secrets."""
        if self.everywhere:
            text = _masked(text, self._needles.spans(text))
        if self.in_place:
            text = _masked(text, [word.span() for word in self._words.finditer(text) if _is_in_place(word)])
        return text

    def data(self, data: Any) -> Any:
        """Return plain data (lists, mappings, texts, numbers) without secrets. Keys are the program's own words."""
        if not self.everywhere and not self.in_place:
            return data
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {key: self._of_key(key, value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(value) for value in data]
        return data

    def _of_key(self, key: Any, value: Any) -> Any:
        if isinstance(value, str) and value in self.in_place and isinstance(key, str) and is_secret_key(key):
            return MASK
        return self.data(value)


def _tells(secret: str) -> bool:
    """Tell whether a secret is long enough to be known by itself wherever it stands."""
    read = plain(secret)
    return len(read) >= (_SHORTEST_NUMBER if re.fullmatch(r"[0-9.]+", read) else _SHORTEST)


def _is_in_place(word: re.Match[str]) -> bool:
    before = word.string[max(word.start() - _PLACE_CHARACTERS, 0) : word.start()]
    place = _PLACE.search(before)
    return place is not None and (not place[0].startswith("://") or word.string[word.end() : word.end() + 1] == "@")


def _masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in spans:
        pieces += [text[at:start], MASK]
        at = end
    return "".join([*pieces, text[at:]]) if pieces else text


def secrets_at(key: str, value: str) -> Iterator[str]:
    """Yield what is secret of the value of a key, header or variable that is named so.

    Of an address, a header or cookies it is the password, token or value, and not the words around.
    """
    if _LIMIT.match(value):  # of what has to stand there, not what stands there
        yield from (*secret_parts(value), *shaped(_LIMIT.sub("", value, count=1)))
    elif key.lower().endswith("key") and _PATH.fullmatch(value):
        yield from shaped(value)
    elif "cookie" in key.lower() and _COOKIES.fullmatch(value):
        yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
    else:
        yield from _told_by(value)


def _told_by(value: str) -> Iterator[str]:
    """Yield a secret value, or of an address or a header only what is secret in it."""
    yield from secret_parts(value)
    if _URL.match(value):
        yield from shaped(value)
    elif not _AUTHORIZATION.fullmatch(value.strip()) and not _CONNECTION_PASSWORD.search(value):
        yield value


def secrets_in(key: str, value: str, name: str = "") -> Iterator[str]:
    """Yield what is secret of a value: of one that is named so, what its place says, of another what its shape says.

    `name` is the target's: it stands in every report, so a host that is called so is no secret, whatever its shape.
    """
    if is_secret_key(key):
        yield from secrets_at(key, value)
    else:
        is_odd = any(shaped(name))
        yield from (*secret_parts(value), *shaped(value.replace(name, " ") if is_odd else value))


def secrets_of_data(data: Any, key: str = "") -> Iterator[str]:
    """Yield what is secret of plain data, by its keys and its shape."""
    if isinstance(data, str):
        yield from secrets_in(key, data)
    elif isinstance(data, Mapping):
        for name, value in data.items():
            yield from secrets_of_data(value, str(name))
    elif isinstance(data, list | tuple):
        for value in data:
            yield from secrets_of_data(value, key)


def secret_parts(text: str) -> tuple[str, ...]:
    """Return the passwords and tokens of a URL, connection string, host spec or header, none for other text.

    A user and password are one too where they stand together, for that is what `Authorization: Basic` encodes.
    """
    found = [quoted or bare for quoted, bare in _CONNECTION_PASSWORD.findall(text)]
    if header := _AUTHORIZATION.fullmatch(text.strip()):
        found += [header[1], *_basic(header[1])]
    for user, password in _USER_INFO.findall(text):
        if not _PORT_AND_PATH.match(password):
            # An unescaped / # or ? ends the host early, and a parser then complains of the part before it.
            found += [password, *re.split(r"[/#?]", password), *_pair(user, password)]
    if "://" in text:
        found += _url_parts(text)
    return tuple(dict.fromkeys(form for part in found if part for form in (part, unquote(part))))


def _pair(user: str, password: str) -> list[str]:
    return [f"{user}:{password}"] if user and password else []


def _basic(encoded: str) -> list[str]:
    """Return the user and password that `Authorization: Basic` holds, and the password alone."""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return []
    return [password, *_pair(user, password)] if password else []


def _url_parts(text: str) -> Iterator[str]:
    try:
        parts = urlsplit(text)
        yield parts.password or ""
    except ValueError:
        return
    yield from _pair(parts.username or "", parts.password or "")
    if parts.scheme in ("http", "https") and parts.username and not parts.password:
        yield parts.username  # a token alone, as in https://TOKEN@host/
    for pair in parts.query.split("&"):
        key, _, value = pair.partition("=")
        if is_secret_key(key) or _QUERY_KEY.fullmatch(key):
            yield value


def address_parts(address: str) -> Iterator[str]:
    """Yield each part of an address that may be a token, where whoever knows the address may use it: a webhook's.

    Of apprise's addresses the host is one, where it has no dot: slack://TOKEN_A/TOKEN_B.
    """
    yield from (*secret_parts(address), *shaped(address))
    for part in re.split(r"[/?&#@]", address.partition("://")[2]):
        for piece in (part, part.partition("=")[2], *part.split(":")):
            if piece and not _ADDRESS_WORD.fullmatch(piece):
                yield from (piece, unquote(piece))


def without_password(url: str) -> str:
    """Return a URL as a message may show it: scheme, host, port and path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    hosts = parts.netloc.rpartition("@")[2]
    # An unescaped / # or ? in a password ends the host early, and leaves the password where none is looked for.
    odd = "@" in parts.path or "@" in parts.fragment or ("@" in parts.query and not parts.path)
    if not parts.scheme or odd or not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        return MASK
    return f"{parts.scheme}://{hosts}{parts.path}"
