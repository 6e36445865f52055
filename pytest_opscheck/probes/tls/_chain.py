"""The way from a certificate to a CA that is trusted, and what of it ends first: for the kind tls."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...core.errors import UnknownError
from .._certificate import readable
from .._der import X509
from .._wire import trusting


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


def soonest(chain: Sequence[X509], ca: str | None, at: str = "") -> Certificate:
    """Return what ends first of a certificate and those that lead from it to a CA that is trusted, that one included.

    chain: the certificates that a server shows, or a file has, its own first.
    ca: the file of the CAs that are trusted, None for those of this machine.
    """
    trusted = anchors(ca)
    first = min(way(chain, trusted), key=lambda each: each.ends)
    days_left = (first.ends - dt.datetime.now(dt.UTC)).total_seconds() / 86400
    which = "root" if first in trusted else "intermediate"
    issuer = "" if first is chain[0] else f"{which} certificate {first.subject}"
    return Certificate(first.ends, days_left, issuer, at)


def anchors(ca: str | None) -> Sequence[X509]:
    """Return the CAs that are trusted; none where the file can't be used, of which `trusted` tells."""
    stamp = None
    with suppress(OSError):
        stat = Path(ca or ssl.get_default_verify_paths().cafile or "").stat()
        stamp = stat.st_mtime_ns, stat.st_size, stat.st_ino
    return _anchors(ca, stamp)


@lru_cache(maxsize=8)
def _anchors(ca: str | None, stamp: tuple[int, int, int] | None) -> Sequence[X509]:  # noqa: ARG001 - another file, once changed
    with suppress(UnknownError):
        return tuple(readable(trusting(ca or True).get_ca_certs(binary_form=True)))
    return ()


def way(chain: Sequence[X509], trusted: Sequence[X509]) -> Iterator[X509]:
    """Yield a certificate and those of its issuers up to a CA that is trusted, of several the one that lasts longest.

    What is shown and leads nowhere does not count: an old root that a server still sends along hurts nobody.
    """
    rest = list(chain[1:])
    current = chain[0]
    yield current
    while current not in trusted:
        above = [each for each in trusted if each.may_issue(current)]
        above = above or [each for each in rest if each.may_issue(current)]
        if not above:
            return
        current = max(above, key=lambda each: each.ends)
        rest = [each for each in rest if each != current]
        yield current
