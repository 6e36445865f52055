"""What a certificate says, read out of its DER without a library's opinion of it: for the kind tls.

cryptography warns of serial numbers of 0, which several public roots have, and of names like `C=Unknown`, which Java's
keytool writes; in a test run, warnings may be errors.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_SEQUENCE, _SET, _BOOLEAN, _OCTETS, _OID = 0x30, 0x31, 0x01, 0x04, 0x06
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS, _KEY_ID = 0x82, 0x87, 0x80
_LONG = 0x80
_ALTERNATIVE, _BASIC, _OWN_KEY, _ISSUERS_KEY = "2.5.29.17", "2.5.29.19", "2.5.29.14", "2.5.29.35"
_RSA = "1.2.840.113549.1.1."
_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
_ENCODINGS = {0x0C: "utf-8", 0x14: "latin-1", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
_TIME = re.compile(r"(\d\d|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z", re.ASCII)
_TURN = 50
"""Two digits of a year are of 1950 to 2049."""


@dataclass(frozen=True, slots=True)
class X509:
    """A certificate: who is certified by whom, from when until when, and what leads to the issuer's own.

    subject, issuer: as people write names. names: of hosts, and addresses. rsa: whether its key is one of RSA.
    public_key: as DER. key, issuer_key: identifiers of keys, where it has them.
    """

    der: bytes = field(repr=False)
    subject: str
    issuer: str
    begins: dt.datetime
    ends: dt.datetime
    rsa: bool
    ca: bool
    names: tuple[str, ...]
    public_key: bytes = field(repr=False)
    key: bytes | None
    issuer_key: bytes | None

    def may_issue(self, other: X509) -> bool:
        """Tell whether this one's name, and its key's, are those of another one's issuer."""
        same = _compared(self.subject) == _compared(other.issuer)
        return same and self.der != other.der and (None in (self.key, other.issuer_key) or self.key == other.issuer_key)


def x509(der: bytes) -> X509:
    """Read a certificate. Raises ValueError for what is none, or is damaged."""
    try:
        return _read(der)
    except (IndexError, StopIteration, UnicodeError):
        raise ValueError("it is damaged") from None


def first_value(der: bytes) -> bytes:
    """Return the first value of DER without what stands behind it. Raises ValueError where it is cut off."""
    try:
        return der[: _span(der, 0)[2]]
    except IndexError:
        raise ValueError("it is cut off") from None


def _read(der: bytes) -> X509:
    tag, start, end = _span(der, 0)
    body = next(_values(der[start:end]))[1] if tag == _SEQUENCE else b""
    parts = list(_values(body))
    if parts and parts[0][0] == _VERSION:
        del parts[0]
    _serial, _algorithm, issuer, valid, subject, key = (content for _, content in parts[:6])
    begins, ends = (_time(content) for _, content in _values(valid))
    _, algorithm = next(_values(key))
    found = dict(_extensions(next((content for tag, content in parts[6:] if tag == _EXTENSIONS), b"")))
    basic = list(_values(_inner(found.get(_BASIC))))
    issuers = dict(_values(_inner(found.get(_ISSUERS_KEY))))
    return X509(
        der=der,
        subject=_name(subject),
        issuer=_name(issuer),
        begins=begins,
        ends=ends,
        rsa=_oid(next(_values(algorithm))[1]).startswith(_RSA),
        ca=bool(basic) and basic[0][0] == _BOOLEAN and any(basic[0][1]),
        names=tuple(_hosts(_inner(found.get(_ALTERNATIVE)))),
        public_key=_sequence(key),
        key=_inner(found.get(_OWN_KEY)) or None,
        issuer_key=issuers.get(_KEY_ID),
    )


def _extensions(content: bytes) -> Iterator[tuple[str, bytes]]:
    for _, extension in _values(_inner(content or None)):
        parts = list(_values(extension))
        yield _oid(parts[0][1]), parts[-1][1]


def _hosts(content: bytes) -> Iterator[str]:
    for tag, name in _values(content):
        if tag == _DNS_NAME:
            yield name.decode("latin-1")
        elif tag == _IP_ADDRESS and len(name) in (4, 16):
            yield str(ipaddress.ip_address(name))


def _name(content: bytes) -> str:
    """Return a name as RFC 4514 writes it, its last part first."""
    parts = []
    for _, together in _values(content):
        for _, part in _values(together):
            (_, kind), (tag, value) = _values(part)
            text = re.sub(r"[\x00-\x1f\x7f]", "?", value.decode(_ENCODINGS.get(tag, "latin-1")))
            text = re.sub(r'([,+"\\<>;])', r"\\\1", text)
            parts.append(f"{_SHORT.get(_oid(kind), _oid(kind))}={text}")
    return ",".join(reversed(parts)) or "without a name"


def _compared(name: str) -> str:
    return " ".join(name.casefold().split())


def _time(content: bytes) -> dt.datetime:
    match = _TIME.fullmatch(content.decode("ascii"))
    if match is None:
        raise ValueError("its dates can't be read")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    if len(match[1]) == 2:  # noqa: PLR2004 - digits
        year += 1900 if year >= _TURN else 2000
    return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)


def _oid(content: bytes) -> str:
    numbers, value = [], 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & _LONG:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def _inner(content: bytes | None) -> bytes:
    """Return what a value in DER holds; nothing where there is none."""
    return next(_values(content))[1] if content else b""


def _values(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each value."""
    at = 0
    while at < len(content):
        tag, start, at = _span(content, at)
        yield tag, content[start:at]


def _sequence(content: bytes) -> bytes:
    """Return a sequence in DER that holds this."""
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([_SEQUENCE, *([_LONG | len(length)] if len(content) >= _LONG else [])]) + length + content


def _span(der: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of a value in DER, and where its content begins and ends."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & _LONG:
        count = length & ~_LONG
        length, start = int.from_bytes(der[start : start + count]), start + count
    if start + length > len(der):
        raise ValueError("it is cut off")
    return tag, start, start + length
