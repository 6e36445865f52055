"""DNSSEC: whether a resolver has found the zone's signatures valid, and when the first of them ends."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.errors import BlockedError
from ._connection import ANSWERS, SERVFAIL, Answer, Connection, meant
from ._resolver import Resolver

if TYPE_CHECKING:
    from dns.name import Name

State = tuple[str | None, str | None]
"""What there is to say of signatures, or None and why that can't be told."""
_DAY_S = 86400
_OF_THE_ZONE = ("SOA", "NS", "DNSKEY")
_OF_THE_NAME = ("A", "AAAA")
_NOT_VALIDATING = (
    "it does not say whether they are valid: signatures came with its answer, without the mark (AD) of a resolver that "
    "validates; name one that does"
)


@dataclass(frozen=True, slots=True)
class Dnssec:
    """What a resolver makes of the zone's signatures: valid, unsigned or bogus; None where `why` says why not."""

    subject: str
    state: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class SignaturesLeft:
    """For how many days the signatures of a zone last, and of which records those are that end first."""

    subject: str
    days: float | None
    why: str | None = None
    note: str | None = None


def validity(connection: Connection, resolver: Resolver, until: float) -> Dnssec:
    """Return what a resolver says of the signatures of the name's addresses, or of there being none."""
    subject = f"DNSSEC of {connection.shown}{connection.at(resolver)}"
    found = connection.one_answer(resolver, "A", until, connection.name, dnssec=True)
    if found.code == SERVFAIL:
        return Dnssec(subject, *_of_servfail(connection, resolver, found, until))
    if found.code not in ANSWERS or found.message is None:
        return Dnssec(subject, None, found.failure)
    return Dnssec(subject, *_of_answer(connection, resolver, found.message, until))


def _of_servfail(connection: Connection, resolver: Resolver, found: Answer, until: float) -> State:
    """Tell an answer that is refused because of its signatures from none: asked not to check them, it comes."""
    unchecked = connection.one_answer(resolver, "A", until, connection.name, dnssec=True, checked=False)
    if unchecked.code not in ANSWERS:
        raise BlockedError("resolves", meant(SERVFAIL))
    return f"bogus{_reason(found.message)}", None


def _of_answer(connection: Connection, resolver: Resolver, message: Any, until: float) -> State:
    import dns.flags

    unsigned = _unsigned(message)
    if message.flags & dns.flags.AD and unsigned is None:
        return "valid", None
    if unsigned is not None:
        return f"unsigned ({unsigned})", None
    signer = next(_signatures(message)).signer
    vouched = connection.one_answer(resolver, "DS", until, signer, dnssec=True)
    if vouched.code == "NOERROR" and vouched.message is not None and not _of_type(vouched.message.answer, "DS"):
        zone = signer.to_text(omit_final_dot=True)
        if not message.flags & dns.flags.AA:
            return f"not vouched for (the parent zone has no DS for {zone})", None
    return None, _NOT_VALIDATING


def _unsigned(message: Any) -> str | None:
    """Return what of an answer has no signature, None where all has."""
    section = message.answer or message.authority
    signed = {(each.name, each.covers) for each in section if _is(each, "RRSIG")}
    bare = [
        each
        for each in section
        if not _is(each, "RRSIG") and (each.name, each.rdtype) not in signed and (message.answer or not _is(each, "NS"))
    ]
    if not signed:
        return "no signature came with its answer"
    return f"nothing signs {bare[0].name.to_text(omit_final_dot=True)}" if bare else None


def _reason(message: Any) -> str:
    """Return why a resolver refuses an answer, where it says so (RFC 8914)."""
    import dns.edns

    for option in message.options if message is not None else ():
        if isinstance(option, dns.edns.EDEOption):
            return f" ({option.text or option.code.name.replace('_', ' ').lower()})"
    return ""


def signatures(connection: Connection, resolver: Resolver, until: float) -> SignaturesLeft:
    """Return when the first of the signatures of the name's zone ends, read without checking them.

    Of several signatures of the same records the last one counts: one that is valid is enough.
    """
    at = connection.at(resolver)
    ends, zone, failure = _ends(connection, resolver, until)
    if zone is None:
        why = failure or "no signature came with its answers: the zone is not signed, or the resolver leaves them out"
        return SignaturesLeft(f"time left of the signatures of {connection.shown}{at}", None, why)
    subject = f"time left of the signatures of {zone.to_text(omit_final_dot=True) or '.'}{at}"
    if failure is not None:
        return SignaturesLeft(subject, None, failure)
    (name, of), end = min(ends.items(), key=lambda each: each[1])
    note = f"of the {of} of {name.to_text(omit_final_dot=True) or '.'}"
    return SignaturesLeft(subject, (end - time.time()) / _DAY_S, note=note)


def _ends(
    connection: Connection, resolver: Resolver, until: float
) -> tuple[dict[tuple[Name, str], float], Name | None, str | None]:
    """Return the last end of the signatures of each set of records of the zone, the zone, and what was not answered."""

    def ask(of: str, name: Name) -> Answer:
        return connection.one_answer(resolver, of, until, name, dnssec=True, checked=False)

    answers = [ask(of, connection.name) for of in _OF_THE_NAME]
    zone = next((each.signer for each in _all_signatures(answers) if connection.name.is_subdomain(each.signer)), None)
    answers += [ask(of, zone) for of in _OF_THE_ZONE] if zone is not None else []
    ends: dict[tuple[Name, str], float] = {}
    for name, of, signature in _named_signatures(answers):
        if signature.signer == zone:
            ends[name, of] = max(ends.get((name, of), 0.0), float(signature.expiration))
    return ends, zone, next((each.failure for each in answers if each.failure is not None), None)


def _named_signatures(answers: Iterable[Answer]) -> Iterator[tuple[Name, str, Any]]:
    import dns.rdatatype

    for message in (each.message for each in answers if each.message is not None):
        for rrset in (*message.answer, *message.authority):
            if _is(rrset, "RRSIG"):
                yield from ((rrset.name, dns.rdatatype.to_text(rdata.type_covered), rdata) for rdata in rrset)


def _all_signatures(answers: Iterable[Answer]) -> Iterator[Any]:
    return (signature for _, _, signature in _named_signatures(answers))


def _signatures(message: Any) -> Iterator[Any]:
    return (rdata for rrset in (*message.answer, *message.authority) if _is(rrset, "RRSIG") for rdata in rrset)


def _of_type(section: Iterable[Any], of: str) -> bool:
    return any(_is(each, of) for each in section)


def _is(rrset: Any, of: str) -> bool:
    import dns.rdatatype

    return bool(rrset.rdtype == dns.rdatatype.from_text(of))
