"""What a certificate says, and whether a chain of them out of a file is to be trusted: for the kind tls."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import ipaddress
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._kind import UnknownError
from ._wire import trusting

if TYPE_CHECKING:
    from cryptography import x509

# OpenSSL's X509_V_ERR numbers of what is found here without its help.
_UNKNOWN_ISSUER, _EARLY, _EXPIRED, _SELF_SIGNED, _OTHER_NAME = 20, 9, 10, 18, 62


@dataclass(frozen=True, slots=True)
class Certificate:
    """When a certificate ends, and how many days that is from now: below 0 where it has ended.

    `issuer` is empty for the server's own, and the name of the CA whose certificate ends before it.
    """

    ends: dt.datetime
    days_left: float
    issuer: str = ""


def soonest(chain: Sequence[x509.Certificate], ca: str | None) -> Certificate:
    """Return what ends first of a certificate and those that lead from it to a CA that is trusted.

    chain: the certificates that a server shows, or a file has, its own first.
    ca: the file of the CAs that are trusted, None for those of this machine.
    """
    first = min(_way(chain, _anchors(ca)), key=lambda each: each.not_valid_after_utc)
    ends = first.not_valid_after_utc
    issuer = "" if first is chain[0] else first.subject.rfc4514_string() or "without a name"
    return Certificate(ends, (ends - dt.datetime.now(dt.UTC)).total_seconds() / 86400, issuer)


@functools.cache
def _anchors(ca: str | None) -> Collection[x509.Name]:
    """Return the names of the CAs that are trusted; none where the file can't be used, of which `trusted` tells."""
    try:
        return {each.subject for each in readable(trusting(ca or True).get_ca_certs(binary_form=True))}
    except UnknownError:
        return ()


def _way(chain: Sequence[x509.Certificate], anchors: Collection[x509.Name]) -> Iterator[x509.Certificate]:
    """Yield a certificate and those of its issuers up to a CA that is trusted, of several the one that lasts longest.

    What is shown and leads nowhere does not count: an old root that a server still sends along hurts nobody.
    """
    rest = list(chain[1:])
    current = chain[0]
    yield current
    while current.issuer not in anchors:
        above = [each for each in rest if each.subject == current.issuer]
        if not above:
            return
        current = max(above, key=lambda each: each.not_valid_after_utc)
        rest.remove(current)
        yield current


@dataclass(frozen=True, slots=True)
class Trust:
    """What a client makes of a certificate: `trusted`, or why not. `subject` says which certificate it is."""

    state: str
    subject: str


def judged(chain: Sequence[x509.Certificate], name: str, ca: str | None) -> str:
    """Say whether the first certificate of a file is trusted, with the others as those between it and a CA.

    `name` is what it has to be valid for; where nothing says one, it is enough that it bears any.
    """
    leaf, now = chain[0], dt.datetime.now(dt.UTC)
    if leaf.not_valid_after_utc < now:
        return distrust(_EXPIRED, "", leaf, ca)
    if leaf.not_valid_before_utc > now:
        return distrust(_EARLY, "", leaf, ca)
    own = _all_names(leaf)
    if not own:
        return distrust(_OTHER_NAME, "", leaf, ca)
    why = _refused(chain, name or own[0], ca)
    if why is None:
        return "trusted"
    if leaf.issuer == leaf.subject:
        return distrust(_SELF_SIGNED, why, leaf, ca)
    known = name and _refused(chain, own[0], ca) is None
    return distrust(_OTHER_NAME if known else _UNKNOWN_ISSUER, why, leaf, ca)


def _refused(chain: Sequence[x509.Certificate], name: str, ca: str | None) -> str | None:
    """Return why a chain does not lead from a name to a trusted CA, None where it does."""
    from cryptography import x509
    from cryptography.x509 import verification

    trusted = trusting(ca or True).get_ca_certs(binary_form=True)
    if not trusted:
        raise UnknownError("this machine's CA certificates can't be listed; name a file of them as ca")
    store = verification.Store([parsed(each) for each in trusted])
    subject: x509.DNSName | x509.IPAddress
    try:
        subject = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        subject = x509.DNSName(name.replace("*", "any", 1))
    # Not the rules of the public web for every extension: private CAs keep few of them, and clients do not mind.
    lax, either = verification.ExtensionPolicy.permit_all(), verification.Criticality.AGNOSTIC
    builder = (
        verification.PolicyBuilder()
        .store(store)
        .extension_policies(
            ca_policy=lax.require_present(x509.BasicConstraints, either, None),
            ee_policy=lax.require_present(x509.SubjectAlternativeName, either, None),
        )
    )
    try:
        builder.build_server_verifier(subject).verify(chain[0], list(chain[1:]))
    except verification.VerificationError as error:
        return str(error).partition("\n")[0]
    return None


def distrust(code: int, message: str, leaf: x509.Certificate, ca: str | None) -> str:
    """Say why a certificate is not trusted, by OpenSSL's X509_V_ERR number."""
    where = "this machine" if ca is None else "the CA file"
    ended = leaf.not_valid_after_utc
    if ended < dt.datetime.now(dt.UTC):
        expired = f"expired since {ended:%Y-%m-%d %H:%M} UTC"
    else:
        expired = "expired in its chain: the certificate of a CA has ended"
    unknown = f"of an issuer that {where} does not know ({leaf.issuer.rfc4514_string() or 'without a name'})"
    incomplete = f"{unknown}, or an intermediate certificate is missing"
    other_name = f"for another name: {_names(leaf)}"
    reasons = {
        2: incomplete,
        9: f"not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
        10: expired,
        18: "self-signed",
        19: f"of a CA that {where} does not trust",
        20: incomplete,
        21: incomplete,
        62: other_name,
        64: other_name,
    }
    return reasons.get(code, f"not trusted ({message})")


def _all_names(leaf: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def _names(leaf: x509.Certificate) -> str:
    names = _all_names(leaf)
    if not names:
        return "it bears none that counts (no subjectAltName)"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as many as a line holds
    return ", ".join(names[:3]) + more


def readable(ders: Iterable[bytes]) -> Iterator[x509.Certificate]:
    """Yield those of some certificates that can be read: of what stands around one, that is enough."""
    for der in ders:
        with contextlib.suppress(UnknownError):
            yield parsed(der)


def parsed(der: bytes) -> x509.Certificate:
    """Return a certificate. Raises UnknownError for one that can't be read."""
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise UnknownError(f"the certificate can't be read: {error}") from None
