"""The resolvers of a target, asked side by side: what each says of the name, or why it says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ...core.errors import AnsweredError, BlockedError, UnreachableError
from ._resolver import Resolver, of_this_machine, parse_name

if TYPE_CHECKING:
    from dns.message import QueryMessage
    from dns.name import Name

SERVFAIL = "SERVFAIL"
ANSWERS = ("NOERROR", "NXDOMAIN")
"""The codes of an answer: that there is no such name is one, too."""
_CIRCLE = "CNAME loop"
_MEANINGS = {
    SERVFAIL: "it got no answer that it may pass on",
    "REFUSED": "it does not answer this machine, or not for this name",
    "NOTIMP": "it does not know such questions",
    "FORMERR": "it could not read the question",
    "NOTAUTH": "it is not responsible for this name",
    _CIRCLE: "its aliases lead round in a circle, or never to an end",
}
_REFERS = "it only refers to other servers, as one does that is not a resolver, of a zone that is not its own"
_MOST_ALIASES = 8
Place = TypeVar("Place")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a resolver says of a name and a type: a code and a message, or why there is none (`failure`).

    `name` is the one to which aliases have led.
    """

    name: Name
    code: str = ""
    message: QueryMessage | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A resolver, and what came of asking it for the first time: a code, or an error."""

    resolver: Resolver
    code: str = ""
    attempt: int = 1
    error: UnreachableError | None = None


class Connection:
    """Resolvers that have been asked for a name; `answering` are those whose answer says something."""

    def __init__(
        self, name: str, resolvers: tuple[str, ...], timeout_s: float, *, transport: str = "udp", ca: str | None = None
    ) -> None:
        self.shown = name.rstrip(".") or "."
        self.name = parse_name(name)
        self.timeout_s = timeout_s
        places = [Resolver.of(each, transport, ca) for each in resolvers or of_this_machine()]
        self.asked = _side_by_side(places, self._first)
        self.answering = [each.resolver for each in self.asked if each.code in (*ANSWERS, SERVFAIL)]
        if not self.answering:
            raise self._unreachable()

    def records(self, of: str, name: str | None = None) -> frozenset[str]:
        """Return the records of a type as texts, MX and SRV with their numbers: for a check of your own.

        Raises UnreachableError for no answer.
        """
        from ._records import texts

        until = time.monotonic() + self.timeout_s
        found = self.answer(self.answering[0], of, until, parse_name(name) if name else None)
        if found.failure is not None:
            raise UnreachableError(found.failure)
        return frozenset(texts(found, of))

    def at(self, resolver: Resolver) -> str:
        """Return what to say behind a subject: where, if there are several."""
        return f" at {resolver.written}" if len(self.asked) > 1 else ""

    def each(self, ask: Callable[[Resolver], Found]) -> list[Found]:
        """Ask something of every resolver that answers, side by side."""
        return _side_by_side(self.answering, ask)

    def require_answers(self) -> None:
        """Raise BlockedError where no resolver can tell anything of the name: `resolves` says so."""
        if all(each.code == SERVFAIL for each in self.asked if each.resolver in self.answering):
            raise BlockedError("resolves", meant(SERVFAIL))

    def answer(self, resolver: Resolver, of: str, until: float, name: Name | None = None) -> Answer:
        """Return what a resolver says of a type of records, following aliases that it does not follow itself."""
        name = name or self.name
        for _ in range(_MOST_ALIASES):
            found = self.one_answer(resolver, of, until, name)
            end = _end_of_aliases(found)
            if end is None:
                break
            if found.code != "NOERROR" or end == name or _holds(found, end, of):
                failure = _REFERS if _refers(found, end, of) else found.failure
                return replace(found, name=end, failure=failure and self._through(failure, end))
            name = end
        return Answer(name, _CIRCLE, failure=meant(_CIRCLE))

    def _through(self, failure: str, name: Name) -> str:
        """Return what is wrong, and of which name, where it is one that aliases lead to."""
        led = f" (of {name.to_text(omit_final_dot=True)}, to which it leads)" if name != self.name else ""
        return f"{failure}{led}"

    def one_answer(
        self, resolver: Resolver, of: str, until: float, name: Name, *, dnssec: bool = False, checked: bool = True
    ) -> Answer:
        """Return what a resolver says of a name and a type; dnssec with signatures, checked as far as it does that."""
        import dns.rcode

        try:
            message, _ = resolver.ask(question(name, of, dnssec=dnssec, checked=checked), self._left(until))
        except UnreachableError as error:
            return Answer(name, failure=str(error))
        code = dns.rcode.to_text(message.rcode())
        return Answer(name, code, message, None if code in ANSWERS else meant(code))

    def _first(self, resolver: Resolver) -> Asked:
        import dns.rcode

        try:
            message, attempt = resolver.ask(question(self.name, "A"), self.timeout_s)
        except UnreachableError as error:
            return Asked(resolver, error=error)
        return Asked(resolver, dns.rcode.to_text(message.rcode()), attempt)

    def _left(self, until: float) -> float:
        return round(max(0.1, min(self.timeout_s, until - time.monotonic())), 1)

    def _unreachable(self) -> UnreachableError:
        """Return why there is nothing to ask; a code that refuses the question is an answer all the same."""
        whys = [
            str(each.error) if each.error else f"{each.resolver.written}: {meant(each.code)}" for each in self.asked
        ]
        steps = "" if any("; " in why for why in whys) else "; ask by hand: dig, and see who may ask it"
        refused = [each for each in self.asked if each.code]
        return (AnsweredError if refused else UnreachableError)("; ".join(whys[:3]) + steps)


def question(name: Name, of: str, *, dnssec: bool = False, checked: bool = True) -> QueryMessage:
    """Return a query; dnssec asks for signatures and whether they are valid, and `checked` for what is not, too."""
    import dns.flags
    import dns.message

    query = dns.message.make_query(name, of, want_dnssec=dnssec)
    query.flags |= (dns.flags.AD if dnssec else 0) | (0 if checked else dns.flags.CD)
    return query


def meant(code: str) -> str:
    """Return a code and what it means."""
    return f"{code}: {_MEANINGS.get(code, 'it refuses the question')}"


def _end_of_aliases(found: Answer) -> Name | None:
    """Return the name to which an answer's aliases lead; None where that never ends."""
    import dns.exception

    try:
        return found.message.resolve_chaining().canonical_name if found.message is not None else found.name
    except dns.exception.DNSException:
        return None


def _holds(found: Answer, name: Name, of: str) -> bool:
    """Tell whether an answer holds records of a name, or says that there are none."""
    import dns.rdatatype

    message = found.message
    if message is None:
        return True
    kinds = {dns.rdatatype.to_text(each.rdtype) for each in message.answer if each.name == name}
    denied = any(each.rdtype == dns.rdatatype.SOA and name.is_subdomain(each.name) for each in message.authority)
    return of in kinds or denied


def _refers(found: Answer, name: Name, of: str) -> bool:
    """Tell whether an answer only names other servers, which says nothing of what there is."""
    import dns.rdatatype

    authority = found.message.authority if found.message is not None else ()
    elsewhere = found.code == "NOERROR" and any(each.rdtype == dns.rdatatype.NS for each in authority)
    return elsewhere and not _holds(found, name, of)


def _side_by_side(places: Sequence[Place], ask: Callable[[Place], Found]) -> list[Found]:
    if len(places) == 1:
        return [ask(places[0])]
    with ThreadPoolExecutor(len(places), thread_name_prefix="opscheck-dns") as pool:
        return list(pool.map(ask, places))
