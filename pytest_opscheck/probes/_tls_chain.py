"""The way from a certificate to a CA that is trusted, and what of it ends first: for the kind tls."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ._kind import UnknownError
from ._tls_read import readable
from ._wire import trusting

if TYPE_CHECKING:
    from cryptography import x509

Anchors = Mapping["x509.Name", Sequence["x509.Certificate"]]


@dataclass(frozen=True, slots=True)
class Certificate:
    """When a certificate ends, and how many days that is from now: below 0 where it has ended.

    `issuer` is empty for the server's own, and says which CA's certificate it is that ends before. `at` are the
    addresses that show it, empty where all show the same.
    """

    ends: dt.datetime
    days_left: float
    issuer: str = ""
    at: str = ""


def soonest(chain: Sequence[x509.Certificate], ca: str | None, at: str = "") -> Certificate:
    """Return what ends first of a certificate and those that lead from it to a CA that is trusted, that one included.

    chain: the certificates that a server shows, or a file has, its own first.
    ca: the file of the CAs that are trusted, None for those of this machine.
    """
    trusted = anchors(ca)
    first = min(way(chain, trusted), key=lambda each: each.not_valid_after_utc)
    ends, issuer = first.not_valid_after_utc, ""
    if first is not chain[0]:
        which = "root" if first in trusted.get(first.subject, ()) else "intermediate"
        issuer = f"{which} certificate {first.subject.rfc4514_string() or 'without a name'}"
    return Certificate(ends, (ends - dt.datetime.now(dt.UTC)).total_seconds() / 86400, issuer, at)


def anchors(ca: str | None) -> Anchors:
    """Return the CAs that are trusted, by name; none where the file can't be used, of which `trusted` tells."""
    stamp = None
    with suppress(OSError):
        stat = Path(ca or ssl.get_default_verify_paths().cafile or "").stat()
        stamp = stat.st_mtime_ns, stat.st_size, stat.st_ino
    return _anchors(ca, stamp)


@lru_cache(maxsize=8)
def _anchors(ca: str | None, stamp: tuple[int, int, int] | None) -> Anchors:  # noqa: ARG001 - another file, once changed
    found: dict[x509.Name, list[x509.Certificate]] = {}
    with suppress(UnknownError):
        for each in readable(trusting(ca or True).get_ca_certs(binary_form=True)):
            found.setdefault(each.subject, []).append(each)
    return found


def way(chain: Sequence[x509.Certificate], trusted: Anchors) -> Iterator[x509.Certificate]:
    """Yield a certificate and those of its issuers up to a CA that is trusted, of several the one that lasts longest.

    What is shown and leads nowhere does not count: an old root that a server still sends along hurts nobody.
    """
    rest = list(chain[1:])
    current = chain[0]
    yield current
    while current not in trusted.get(current.subject, ()):
        above = [each for each in trusted.get(current.issuer, ()) if _may_issue(each, current)]
        above = above or [each for each in rest if _may_issue(each, current)]
        if not above:
            return
        current = max(above, key=lambda each: each.not_valid_after_utc)
        rest = [each for each in rest if each != current]
        yield current


def _may_issue(issuer: x509.Certificate, issued: x509.Certificate) -> bool:
    """Tell whether a certificate's name, and its key's, are those of another one's issuer."""
    from cryptography import x509

    if issuer.subject != issued.issuer or issuer == issued:
        return False
    try:
        key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        wanted = issued.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, ValueError):
        return True
    return wanted in (None, key)
