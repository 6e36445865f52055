"""Records as texts that can be compared: as DNS compares them, whatever way people write them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from ...core.ladders import Ladder, Rung, ladder_of
from ...core.limits import Limit
from ...core.sets import written
from .._types import LadderParam
from ._resolver import parse_name

if TYPE_CHECKING:
    from dns.rdata import Rdata
    from dns.rdatatype import RdataType

    from ._connection import Answer

_NAMES = ("CNAME", "DNAME", "NS", "PTR")
"""Types of which a record is a name."""
_NUMBERED = ("MX", "SRV")
"""Types of which a record is numbers and a name, which is compared alone where no limit names the numbers."""
_EXAMPLES = {"A": "192.0.2.1", "AAAA": "2001:db8::1", "MX": "mail.example.com", "SRV": "5 0 443 host.example.com"}


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a type at a resolver as a set of texts, None where that can't be told."""

    of: str
    subject: str
    found: frozenset[str] | None
    why: str | None = None
    note: str | None = None


def texts(answer: Answer, of: str, *, numbers: bool = True) -> Iterator[str]:
    """Yield the records of a type that an answer holds, as texts."""
    for rrset in answer.message.answer if answer.message is not None else ():
        if rrset.name == answer.name and rrset.rdtype == _type(of):
            yield from (_text(of, rdata, numbers=numbers) for rdata in rrset)


def with_numbers(ladder: Ladder) -> bool:
    """Tell whether limits name the numbers of an MX or SRV record, such as `10 mail.example.com`."""
    return any(" " in member for rung in ladder.rungs for member in rung.limit.members or ())


def numbered(records: Mapping[str, Ladder]) -> dict[str, bool]:
    """Return of each type whether its limits name the numbers of its records."""
    return {of: with_numbers(ladder) for of, ladder in records.items()}


def _expected(limits: dict[str, Ladder]) -> dict[str, Ladder]:
    made = {}
    for name, ladder in limits.items():
        of = name.upper()
        if of in made:
            raise ValueError(f"{name!r} is said twice, in capital and in small letters")
        _type(of)
        try:
            made[of] = ladder_of(Rung(rung.severity, _normal(of, rung.limit, ladder)) for rung in ladder.rungs)
        except ValueError as error:
            raise ValueError(f"{of}: {error}") from None
    return made


RecordLimits = Annotated[dict[str, LadderParam], AfterValidator(_expected)]
"""What is expected of records: limits over sets, by type."""


def _normal(of: str, limit: Limit, ladder: Ladder) -> Limit:
    """Return a limit over records with its members as `texts` has them."""
    members = limit.members
    if members is None:
        example = _EXAMPLES.get(of, "a, b")
        raise ValueError(f"'{limit}' is not for a set, and records are one; say '== {{{example}}}'")
    return replace(limit, operand=written(_member(of, each, numbers=with_numbers(ladder)) for each in members))


def _member(of: str, text: str, *, numbers: bool) -> str:
    """Return a record as people write it in the form of `texts`. Raises ValueError for what is not one of the type."""
    if of == "TXT":
        return text
    if of in _NAMES or (of in _NUMBERED and not numbers):
        return _name(parse_name(text))
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass

    try:
        rdata = dns.rdata.from_text(dns.rdataclass.IN, _type(of), text, dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        example = f"; write for example '{_EXAMPLES[of]}'" if of in _EXAMPLES else ""
        raise ValueError(f"{text!r} is not a record of type {of}: {str(error).lower().rstrip('.')}{example}") from None
    return _text(of, rdata)


def _text(of: str, rdata: Any, *, numbers: bool = True) -> str:
    """Return a record as it is compared: names in small letters and without the last dot."""
    if of == "TXT":
        return b"".join(rdata.strings).decode("utf-8", "backslashreplace")
    if of in _NAMES:
        return _name(rdata.target)
    if of in _NUMBERED:
        name = _name(rdata.exchange if of == "MX" else rdata.target)
        fields = [rdata.preference] if of == "MX" else [rdata.priority, rdata.weight, rdata.port]
        return " ".join([*map(str, fields), name]) if numbers else name
    return _plain(rdata)


def _plain(rdata: Rdata) -> str:
    import dns.name

    return rdata.to_text(origin=dns.name.root, relativize=False)


def _name(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True).lower())


def _type(of: str) -> RdataType:
    """Return the number of a type of records. Raises ValueError for one that can't be asked for."""
    import dns.exception
    import dns.rdatatype

    with contextlib.suppress(dns.exception.DNSException, ValueError):
        number = dns.rdatatype.from_text(of)
        if not dns.rdatatype.is_metatype(number):
            return number
    raise ValueError(f"{of!r} is not a type of records; write for example A, AAAA, CNAME, MX, NS, SRV or TXT")


def named(texts: Iterable[str]) -> str:
    """Return some records as a note has them."""
    found = sorted(texts)
    return ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")  # noqa: PLR2004 - a line
