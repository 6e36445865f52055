"""DNS: what resolvers say of a name, how fast, and whether its zone's signatures are valid and for how long.

dnspython is imported where a target of this kind is read, or named in an inventory.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from ...core.errors import UnreachableError
from .._kind import Kind, Target
from ._connection import Connection, question
from ._records import Records, named, texts
from ._resolver import Resolver, parse_name
from ._signatures import Dnssec, SignaturesLeft, signatures, validity

__all__ = ["DnsName", "dnssec", "kind", "latency", "reachable", "record_sets", "resolves", "signatures_left"]

_MOST_RESOLVERS = 16
_SHARE = 0.9
"""Of its time limit, what a probe leaves to its resolvers."""


def _name(text: str) -> str:
    parse_name(text)
    return text


def _resolvers(value: object) -> object:
    several = [value] if isinstance(value, str) else value
    if isinstance(several, list):
        if not 0 < len(several) <= _MOST_RESOLVERS:
            raise ValueError(f"it is a list of 1 to {_MOST_RESOLVERS} resolvers; leave it out for this machine's")
        for each in several:
            Resolver.of(str(each), "udp")
    return several


class DnsName(Target):
    """A name in DNS, and who is asked for it."""

    name: Annotated[str, AfterValidator(_name)] = Field(description="the whole name, for example shop.example.com")
    resolver: Annotated[
        tuple[str, ...],
        BeforeValidator(_resolvers),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
    ] = Field(
        default=(),
        description="whom to ask: 1.1.1.1, 127.0.0.1:5353, ns1.example.com, or a list, each of which is judged; "
        "by default the nameservers of /etc/resolv.conf",
    )
    transport: Literal["udp", "tcp", "tls"] = Field(
        default="udp", description="how to ask; what is cut short over udp is asked for again over tcp"
    )
    ca: str | None = Field(
        default=None, min_length=1, description="for tls: a file of the CA certificates to trust, not this machine's"
    )

    @model_validator(mode="after")
    def _ca_of_tls(self) -> DnsName:
        if self.ca is not None and self.transport != "tls":
            raise ValueError("ca is for resolvers that speak TLS; add transport = 'tls', or leave it out")
        return self

    def where(self) -> str:
        """Return the name."""
        return self.name

    def by_hand(self) -> str:
        """Return the command that asks the first resolver."""
        way = {"udp": [], "tcp": ["+tcp"], "tls": ["+tls"]}[self.transport]
        resolver = [Resolver.of(each, self.transport) for each in self.resolver[:1]]
        asked = [word for each in resolver for word in (f"@{each.host}", "-p", str(each.port))]
        return shlex.join(["dig", *asked, *way, self.name])


@contextmanager
def _connect(target: DnsName, timeout_s: float) -> Iterator[Connection]:
    yield Connection(target.name, target.resolver, timeout_s, transport=target.transport, ca=target.ca)


kind = Kind(
    "dns",
    DnsName,
    "a name in DNS, and the resolvers that are asked for it",
    _connect,
    libraries=("dns.edns", "dns.message", "dns.query", "dns.resolver"),
)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether a resolver answers; `subject` says which, where there are several, and `note` at which attempt."""

    target: str
    subject: str | None = None
    note: str | None = None


@kind.probe()
def reachable(connection: Connection) -> tuple[Reached, ...]:
    """Each resolver answers: that there is no such name is an answer, and so is SERVFAIL, of which `resolves` tells."""
    several = len(connection.asked) > 1
    found = []
    for each in connection.asked:
        note = f"at attempt {each.attempt}" if each.attempt > 1 else None
        state = "answers" if each.resolver in connection.answering else str(each.error or each.code)
        found.append(Reached(state, each.resolver.written if several else None, note))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Whether a name has an address at a resolver, or what it has instead; `note` names the addresses."""

    subject: str
    state: str | None
    why: str | None = None
    note: str | None = None


@kind.probe(timeout_s=20)
def resolves(connection: Connection, *, timeout_s: float) -> tuple[Resolved, ...]:
    """The name has an A or an AAAA record, at each resolver that answers."""
    until = time.monotonic() + _SHARE * timeout_s
    return tuple(connection.each(lambda resolver: _resolved(connection, resolver, until)))


def _resolved(connection: Connection, resolver: Resolver, until: float) -> Resolved:
    subject = f"{connection.shown}{connection.at(resolver)}"
    answers = [(of, connection.answer(resolver, of, until)) for of in ("A", "AAAA")]
    found = [text for of, answer in answers for text in texts(answer, of)]
    if found:
        return Resolved(subject, "an address", note=named(found))
    failures = [answer for _, answer in answers if answer.failure is not None]
    if failures:
        return Resolved(subject, failures[0].failure if failures[0].code else None, failures[0].failure)
    _, answer = answers[0]
    gone = answer.code == "NXDOMAIN"
    if answer.name == connection.name:
        return Resolved(subject, "not in DNS (NXDOMAIN)" if gone else "without an A or AAAA record")
    lacks = "is not in DNS (NXDOMAIN)" if gone else "has no A or AAAA record"
    return Resolved(subject, f"an alias of {answer.name.to_text(omit_final_dot=True)}, which {lacks}")


@kind.probe(timeout_s=30)
def record_sets(connection: Connection, *, types: Mapping[str, bool], timeout_s: float) -> tuple[Records, ...]:
    """The records of some types at each resolver that answers, as sets of texts; aliases are followed.

    types: each with whether the numbers of an MX or SRV record belong to its text.
    """
    connection.require_answers()
    until = time.monotonic() + _SHARE * timeout_s

    def ask(resolver: Resolver) -> list[Records]:
        return [_records(connection, resolver, until, of, numbers=numbers) for of, numbers in types.items()]

    return tuple(found for each in connection.each(ask) for found in each)


def _records(connection: Connection, resolver: Resolver, until: float, of: str, *, numbers: bool) -> Records:
    subject = f"{of} of {connection.shown}{connection.at(resolver)}"
    answer = connection.answer(resolver, of, until)
    if answer.failure is not None:
        return Records(of, subject, None, answer.failure)
    leads = f"through {answer.name.to_text(omit_final_dot=True)}" if answer.name != connection.name else None
    note = "no such name (NXDOMAIN)" if answer.code == "NXDOMAIN" else leads
    return Records(of, subject, frozenset(texts(answer, of, numbers=numbers)), note=note)


@kind.probe(timeout_s=20)
def dnssec(connection: Connection, *, timeout_s: float) -> tuple[Dnssec, ...]:
    """What each resolver that answers makes of the zone's signatures."""
    until = time.monotonic() + _SHARE * timeout_s
    return tuple(connection.each(lambda resolver: validity(connection, resolver, until)))


@kind.probe(timeout_s=30)
def signatures_left(connection: Connection, *, timeout_s: float) -> tuple[SignaturesLeft, ...]:
    """When the first of the signatures of the name's zone ends, read without checking them."""
    until = time.monotonic() + _SHARE * timeout_s
    return tuple(connection.each(lambda resolver: signatures(connection, resolver, until)))


@dataclass(frozen=True, slots=True)
class Latency:
    """How many milliseconds a resolver took to answer."""

    subject: str
    ms: float | None
    why: str | None = None


@kind.probe(timeout_s=20, latency=True)
def latency(connection: Connection, *, timeout_s: float) -> tuple[Latency, ...]:
    """How long each resolver takes to answer one question, one resolver after the other.

    The question before it, which is not measured, has let it find the answer.
    """
    until = time.monotonic() + _SHARE * timeout_s
    return tuple(_latency(connection, resolver, until) for resolver in connection.answering)


def _latency(connection: Connection, resolver: Resolver, until: float) -> Latency:
    subject = f"latency{connection.at(resolver)}"
    started = time.monotonic()
    try:
        resolver.ask(question(connection.name, "A"), max(0.1, round(until - started, 1)), tries=1)
    except UnreachableError as error:
        return Latency(subject, None, str(error))
    return Latency(subject, (time.monotonic() - started) * 1000)
