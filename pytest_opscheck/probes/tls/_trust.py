"""Whether a certificate is trusted, and why not: for the kind tls.

OpenSSL decides also of a file: it is shown the certificates as a server would show them in a handshake, up to where it
has judged them. So a file is judged as the server will be that loads it, by name, purpose, key and date.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...core.errors import UnknownError
from .._certificate import bears, parsed, readable
from .._der import X509
from .._wire import tls_failure, trusting
from ._chain import anchors, way

# OpenSSL's X509_V_ERR numbers of what is found here without its help.
_UNKNOWN_ISSUER, _EARLY, _EXPIRED, _BAD_SIGNATURE, _NO_CA, OTHER_NAME = 20, 9, 10, 7, 79, 62
_PURPOSE = 26
_HANDSHAKE, _SERVER_HELLO, _CERTIFICATE, _RECORD = 22, 2, 11, 16000
_BY_RSA, _BY_EC = b"\xc0\x2f", b"\xc0\x2b"
_RENEGOTIATION = bytes.fromhex("0005ff01000100")
_MOST_SHOWN = 60_000
"""Bytes of certificates that are shown to OpenSSL, which takes 100 KiB at most."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a client makes of a certificate: `trusted`, or why not; None where `why` says why that can't be told.

    `subject` says which certificate it is.
    """

    state: str | None
    subject: str
    why: str | None = None


def judged(ders: Sequence[bytes], name: str, ca: str | None) -> str:
    """Say whether the first certificate of a file is trusted, with the others as those between it and a CA.

    `name` is what it has to be valid for. Where nothing says one, names are not judged, nor whether a server may have
    it: it may be a client's, or that of a CA.
    """
    leaf = parsed(ders[0])
    code, message = _shown_to_openssl(ders, leaf, name, ca)
    if code == _PURPOSE and not name:
        code, message = _chained(ders, ca), "its chain is not as it has to be"
    return "trusted" if code is None else distrust(code, message, leaf, ca)


def by_openssl(context: ssl.SSLContext, leaf: X509, name: str) -> bool:
    """Leave a name to OpenSSL, but one with `_`, which no `*` stands for there, unlike everywhere else.

    Returns whether the name is already known to be another one.
    """
    context.check_hostname = bool(name) and "_" not in name
    return "_" in name and not bears(leaf, name)


def _shown_to_openssl(ders: Sequence[bytes], leaf: X509, name: str, ca: str | None) -> tuple[int | None, str]:
    """Return OpenSSL's number and words for why it does not trust a chain, None where it does."""
    context = trusting(ca or True)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    other = by_openssl(context, leaf, name)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name or None)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        incoming.write(_flight(_needed(ders, leaf), leaf))
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:  # for the proof that the server has the key, which a file can't give
        pass
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, error.verify_message
    except ssl.SSLError as error:
        raise UnknownError(f"this machine's OpenSSL can't judge the certificate: {tls_failure(error)}") from None
    return (OTHER_NAME, "") if other else (None, "")


def _flight(ders: Sequence[bytes], leaf: X509) -> bytes:
    """Return the first messages of a server of TLS 1.2: its hello, and its certificates."""
    hello = b"\x03\x03" + os.urandom(32) + b"\0" + (_BY_RSA if leaf.rsa else _BY_EC) + b"\0" + _RENEGOTIATION
    shown = _sized(b"".join(map(_sized, ders)))
    data = bytes([_SERVER_HELLO]) + _sized(hello) + bytes([_CERTIFICATE]) + _sized(shown)
    pieces = (data[at : at + _RECORD] for at in range(0, len(data), _RECORD))
    return b"".join(struct.pack(">BHH", _HANDSHAKE, 0x0303, len(piece)) + piece for piece in pieces)


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(3) + content


def _needed(ders: Sequence[bytes], leaf: X509) -> list[bytes]:
    """Return a certificate and, of those beside it, those that may lead from it to a CA: a file may hold hundreds."""
    found, issuers, left = [ders[0]], {leaf.issuer}, _MOST_SHOWN - len(ders[0])
    rest = list(dict.fromkeys(ders[1:]))
    while more := next((der for der in rest if any(one.subject in issuers for one in readable([der]))), None):
        rest.remove(more)
        issuers.add(parsed(more).issuer)
        left -= len(more)
        if left < 0:
            break
        found.append(more)
    return found


def _chained(ders: Sequence[bytes], ca: str | None) -> int | None:
    """Return what is wrong with a chain whatever it is for, by OpenSSL's number: a client's, or that of a CA."""
    trusted, now = anchors(ca), dt.datetime.now(dt.UTC)
    links = list(way([parsed(ders[0]), *readable(ders[1:])], trusted))
    for each in links:
        if each.ends < now:
            return _EXPIRED
        if each.begins > now:
            return _EARLY
    for issued, issuer in pairwise(links):
        if not issuer.ca:
            return _NO_CA
        if not _signed(issued, issuer):
            return _BAD_SIGNATURE
    return None if links[-1] in trusted else _UNKNOWN_ISSUER


def _signed(issued: X509, issuer: X509) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        own, key = x509.load_der_x509_certificate(issued.der), load_der_public_key(issuer.public_key)
        how: tuple[object, ...] = ()
        if isinstance(key, rsa.RSAPublicKey):
            how = (own.signature_algorithm_parameters, own.signature_hash_algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            how = (own.signature_algorithm_parameters,)
        key.verify(own.signature, own.tbs_certificate_bytes, *how)  # type: ignore[union-attr,arg-type]
    except InvalidSignature:
        return False
    except Exception:  # noqa: BLE001 - a warning, where these are errors, or a way of signing that it does not know
        raise UnknownError("it is signed in a way that can't be verified here, or numbered so") from None
    return True


def distrust(code: int, message: str, leaf: X509, ca: str | None) -> str:
    """Say why a certificate is not trusted, by OpenSSL's X509_V_ERR number."""
    where = "this machine" if ca is None else "the CA file"
    now = dt.datetime.now(dt.UTC)
    if leaf.ends < now:
        expired = f"expired since {leaf.ends:%Y-%m-%d %H:%M} UTC"
    else:
        expired = "expired in its chain: the certificate of a CA has ended"
    if leaf.begins > now:
        early = f"not valid before {leaf.begins:%Y-%m-%d %H:%M} UTC"
    else:
        early = "not valid yet in its chain: the certificate of a CA begins later"
    unknown = f"of an issuer that {where} does not know ({leaf.issuer})"
    incomplete = f"{unknown}, or an intermediate certificate is missing"
    weak = "of a key or a signature in its chain that this machine takes for too weak"
    reasons = {
        2: incomplete,
        7: "damaged, or of another issuer of the same name: its signature does not match",
        9: early,
        10: expired,
        18: "self-signed",
        19: f"of a CA that {where} does not trust",
        20: incomplete,
        21: incomplete,
        24: "signed by a certificate that is not one of a CA",
        25: "signed by a CA that may not have another one below it (pathlen)",
        26: "not for a server: its purpose is another one (extendedKeyUsage, keyUsage)",
        47: "for a name that its CA may not sign (nameConstraints)",
        48: "for a name that its CA may not sign (nameConstraints)",
        62: f"for another name: {_shown(leaf)}",
        64: f"for another name: {_shown(leaf)}",
        66: weak,
        67: weak,
        68: weak,
        79: "signed by a certificate that is not one of a CA",
    }
    return reasons.get(code, f"not trusted ({message})")


def _shown(leaf: X509) -> str:
    found = leaf.names
    if not found:
        return "it bears none that counts (no subjectAltName)"
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""  # noqa: PLR2004 - as many as a line holds
    return ", ".join(found[:3]) + more
