"""Reads certificates: whoever made them, without a warning, and out of a PEM file as people have them."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ._kind import UnknownError

if TYPE_CHECKING:
    from cryptography import x509

_SEQUENCE, _INTEGER, _VERSION = 0x30, 0x02, 0xA0
_LONG = 0x80
_NEGATIVE = 0x80


def parsed(der: bytes) -> x509.Certificate:
    """Return a certificate. Raises UnknownError for one that can't be read.

    One with a serial number of 0 or below, as roots of several trust stores have, is read with another number in its
    place: cryptography warns of such numbers, and says that it will refuse them. Its own signature is of no use then.
    """
    from cryptography import x509

    try:
        start, end = _serial(der)
        if not any(der[start:end]) or der[start] & _NEGATIVE:
            der = der[:start] + b"\x01" * (end - start) + der[end:]
        return x509.load_der_x509_certificate(der)
    except (ValueError, IndexError) as error:
        raise UnknownError(f"the certificate can't be read: {error}") from None


def as_it_is(der: bytes) -> bool:
    """Tell whether `parsed` reads a certificate with its own serial number."""
    try:
        start, end = _serial(der)
    except (ValueError, IndexError):
        return False
    return any(der[start:end]) and not der[start] & _NEGATIVE


def readable(ders: Iterable[bytes]) -> Iterator[x509.Certificate]:
    """Yield those of some certificates that can be read: of what stands around one, that is enough."""
    for der in ders:
        with contextlib.suppress(UnknownError):
            yield parsed(der)


def blocks(lines: Iterable[str]) -> list[bytes]:
    """Return the certificates of a PEM file, of which these are the lines. Raises UnknownError where one is damaged.

    A TRUSTED CERTIFICATE has what OpenSSL is to trust it for behind it, which is left out.
    """
    found: list[bytes] = []
    text = ""
    for line in (line.strip() for line in lines):
        if line.startswith("-----BEGIN "):
            text = ""
        elif line.startswith("-----END "):
            try:
                der = base64.b64decode(text, validate=True)
                found.append(der[: _span(der, 0)[1]])
            except (ValueError, IndexError):
                raise UnknownError(f"certificate {len(found) + 1} in it is damaged: it is not PEM as a whole") from None
        else:
            text += line
    return found


def names(leaf: x509.Certificate) -> list[str]:
    """Return the names of hosts that a certificate bears."""
    from cryptography import x509

    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def bears(leaf: x509.Certificate, name: str) -> bool:
    """Tell whether a certificate is for a name, which `*.` in it may stand for the first part of."""
    _, _, parent = name.lower().partition(".")
    return not {name.lower(), f"*.{parent}"}.isdisjoint(each.lower() for each in names(leaf))


def ascii_name(name: str) -> str:
    """Return the name of a host as it is looked up and as certificates have it. Raises ValueError for what is none."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(name))
    plain = name.rstrip(".")
    if not plain.isascii():
        import idna

        try:
            plain = idna.encode(plain, uts46=True).decode()
        except idna.IDNAError:
            plain = ""
    if not all(0 < len(label) < 64 for label in plain.split(".")):  # noqa: PLR2004 - the longest that there is
        raise ValueError("it can't be the name of a host: each part between dots has 1 to 63 characters")
    return plain


def _serial(der: bytes) -> tuple[int, int]:
    """Return where the bytes of a certificate's serial number are. Raises IndexError, ValueError where it is none."""
    at = _span(der, 0, _SEQUENCE)[0]
    at = _span(der, at, _SEQUENCE)[0]
    if der[at] == _VERSION:
        at = _span(der, at)[1]
    return _span(der, at, _INTEGER)


def _span(der: bytes, at: int, tag: int | None = None) -> tuple[int, int]:
    """Return where the content of a value in DER begins and ends."""
    if tag is not None and der[at] != tag:
        raise ValueError("it is not a certificate")
    length, at = der[at + 1], at + 2
    if length & _LONG:
        count = length & ~_LONG
        length, at = int.from_bytes(der[at : at + count]), at + count
    if at + length > len(der):
        raise ValueError("it is cut off")
    return at, at + length
