"""Certificates as they are shown, or as people have them in files, and the names of hosts that they are for."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
from collections.abc import Iterable, Iterator

from ..core.errors import UnknownError
from ._der import X509, first_value, x509


def parsed(der: bytes) -> X509:
    """Return a certificate. Raises UnknownError for one that can't be read."""
    try:
        return x509(der)
    except ValueError as error:
        raise UnknownError(f"the certificate can't be read: {error}") from None


def readable(ders: Iterable[bytes]) -> Iterator[X509]:
    """Yield those of some certificates that can be read: of what stands around one, that is enough."""
    for der in ders:
        with contextlib.suppress(ValueError):
            yield x509(der)


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
                found.append(first_value(base64.b64decode(text, validate=True)))
            except ValueError:
                raise UnknownError(f"certificate {len(found) + 1} in it is damaged: it is not PEM as a whole") from None
        else:
            text += line
    return found


def bears(leaf: X509, name: str) -> bool:
    """Tell whether a certificate is for a name, which `*.` in it may stand for the first part of."""
    _, _, parent = name.lower().partition(".")
    return not {name.lower(), f"*.{parent}"}.isdisjoint(each.lower() for each in leaf.names)


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
