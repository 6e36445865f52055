"""TLS servers: until when their certificate is valid, and whether a client would trust it.

Reading a certificate and trusting it are two handshakes, so that an expired or self-signed one is read too.
"""

from __future__ import annotations

import contextlib
import shlex
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ...core.errors import UnknownError, UnreachableError
from .._address import Address, place
from .._certificate import ascii_name, blocks, parsed, readable
from .._files import IN_SIGHT, absolute, said_of
from .._kind import Kind, Output, Target
from .._wire import trusting
from ._chain import Certificate, soonest
from ._hello import NEWEST, OLD
from ._server import Connection, Place, RefusedError, Shown
from ._trust import OTHER_NAME, Trust, by_openssl, distrust, judged


def _name(text: str) -> str:
    ascii_name(text)
    return text


class TlsServer(Target):
    """A certificate: that of a server that speaks TLS, or that in a file."""

    address: Address | None = Field(default=None, description="host:port, for example api.example.com:443")
    starttls: Literal["smtp", "postgres"] | None = Field(
        default=None, description="the protocol that comes before TLS; by default TLS from the first byte on"
    )
    file: Annotated[str, AfterValidator(absolute)] | None = Field(
        default=None, description="instead of an address: a PEM file, of which only the certificates are read"
    )
    on: str | None = Field(
        default=None, description="the host that the file is on, the NAME of [host.NAME]; by default this machine"
    )
    server_name: Annotated[str, AfterValidator(_name)] | None = Field(
        default=None,
        min_length=1,
        description="the name to send (SNI) and to expect in the certificate; by default the address's host",
    )
    ca: str | None = Field(
        default=None, min_length=1, description="a file of the CA certificates to trust, instead of this machine's"
    )

    @model_validator(mode="after")
    def _one_place(self) -> TlsServer:
        if (self.address is None) == (self.file is None):
            raise ValueError("a certificate has either an address, such as 'api.example.com:443', or a file")
        if self.file is not None and self.starttls is not None:
            raise ValueError("starttls is for an address; leave it out for a file")
        if self.address is not None and self.on is not None:
            raise ValueError("an address is reached from here; `on` is for a file")
        return self

    def host(self) -> str | None:
        """Return the host through which a file is read."""
        return None if self.file is None else self.on or ""

    def where(self) -> str:
        """Return the address or the file."""
        return self.address or self.file or ""

    def by_hand(self) -> str:
        """Return the command that shows the certificate."""
        if self.address is None:
            return shlex.join(["openssl", "x509", "-text", "-in", self.file or ""])
        way = ["-starttls", self.starttls] if self.starttls is not None else []
        asked = ["-connect", self.address, "-servername", self.name, *way, "-showcerts"]
        return shlex.join(["openssl", "s_client", *asked])

    @property
    def place(self) -> tuple[str, int]:
        """The host and the port."""
        return place(self.address or "")

    @property
    def name(self) -> str:
        """The name that the certificate has to bear."""
        return self.server_name or self.place[0]


@contextlib.contextmanager
def _connect(target: TlsServer, timeout_s: float) -> Iterator[Connection]:
    if target.file is not None:
        raise UnknownError("a file is read through its host; in a check of your own: host.file(...)")
    yield Connection(target, timeout_s)


kind = Kind("tls", TlsServer, "a certificate, and the server that speaks TLS with it", _connect)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether there is a certificate, `subject` says where, and `note` says of which addresses nothing is known."""

    target: str
    subject: str | None = None
    note: str | None = None


@kind.probe()
def reachable(connection: Connection) -> tuple[Reached, ...]:
    """The server shows a certificate, whatever it is, at every address of its name to which there is a connection.

    A file holds one.
    """
    notes = [f"there is no connection to {each.address}: {each.error}" for each in connection.silent]
    notes += [f"{each.address} at attempt {each.attempts}" for each in connection.shown if each.attempts > 1]
    note = "; ".join(notes) or None
    failed = tuple(Reached(f"no certificate: {each.error}", each.address) for each in connection.failed)
    return (Reached("a certificate", note=note), *failed)


@kind.probe()
def certificate(connection: Connection) -> tuple[Certificate, ...]:
    """The server's certificate, read without trusting it: also an expired or self-signed one has an end.

    One for each that its addresses show.
    """
    at: dict[tuple[bytes, ...], list[str]] = {}
    for each in connection.shown:
        at.setdefault(each.chain, []).append(each.address)
    return tuple(
        soonest(
            [parsed(chain[0]), *readable(chain[1:])],
            connection.target.ca,
            ", ".join(addresses) if connection.several else "",
        )
        for chain, addresses in at.items()
    )


@dataclass(frozen=True, slots=True)
class Protocol:
    """The oldest version of TLS that a server takes: its name, and its number."""

    oldest: str
    number: float


@kind.probe(timeout_s=40)
def protocol(connection: Connection) -> Protocol:
    """The oldest version that the server goes on with, of SSL 3.0, TLS 1.0, 1.1, 1.2 and 1.3, offered one by one."""

    def oldest(place: Place) -> Protocol:
        for name, (version, number) in OLD.items():
            try:
                if connection.takes(place, version):
                    return Protocol(name, number)
            except UnreachableError as error:
                raise UnknownError(f"offered {name} alone, there was no answer to judge: {error}") from None
        return Protocol(*NEWEST)

    found = connection.each([each.place for each in connection.shown], oldest)
    return min(found, key=lambda each: each.number)


@kind.probe(timeout_s=20)
def trust(connection: Connection) -> tuple[Trust, ...]:
    """Whether the server's chain ends at a CA that is trusted, is valid today, and bears the server's name.

    One for each address, unless all are the same.
    """
    about = f"the certificate for {connection.target.name}"
    shown = {each.place: each for each in connection.shown}
    found = connection.each(list(shown), lambda place: _trusted(connection, shown[place]))
    if len(set(found)) == 1:
        return (Trust(found[0][0], about, found[0][1]),)
    return tuple(
        Trust(state, f"{about} at {each.address}", why)
        for each, (state, why) in zip(connection.shown, found, strict=True)
    )


def _trusted(connection: Connection, shown: Shown) -> tuple[str | None, str | None]:
    """Return what a client makes of a certificate; or None, and why that can't be told."""
    target, leaf, context = connection.target, parsed(shown.chain[0]), trusting(connection.target.ca or True)
    other_name = by_openssl(context, leaf, connection.name)
    try:
        connection.handshake(shown.place, context)
    except ssl.SSLCertVerificationError as error:
        return distrust(error.verify_code, error.verify_message, leaf, target.ca), None
    except RefusedError as error:
        # The first handshake, which took everything, has just ended well: this is what clients see that ask for more.
        return f"refused by today's clients ({error})", None
    except UnreachableError as error:
        return None, f"a second handshake failed: {error}"
    return distrust(OTHER_NAME, "", leaf, target.ca) if other_name else "trusted", None


# Prints the certificates alone: what else the file holds, a private key above all, stays on its host.
_FILE = (
    IN_SIGHT
    + r"""
printf 'name %s\nca %s\npath %s\n' "$2" "$3" "$1"
in_sight "$1"
[ -e "$1" ] || { echo missing; exit 0; }
[ -f "$1" ] || { echo other; exit 0; }
[ -r "$1" ] || { echo unreadable; exit 0; }
awk '/^-----BEGIN /{on = $0 ~ /^-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/}
  on{print "pem " $0}
  /^-----END /{on = 0}' < "$1"
"""
)
_MOST_OF_A_FILE = 1_000_000
_WHY = {
    "missing": "there is no such file",
    "other": "it is not a file",
    "unreadable": "no permission to read it; where it holds the private key too, name one that does not",
}


def _arguments(target: TlsServer) -> tuple[str, ...]:
    return (target.file or "", target.server_name or "", target.ca or "")


def _chain(answers: dict[str, list[str]]) -> list[bytes]:
    """Return the certificates of a file, in their order. Raises UnreachableError where there is none to read."""
    path = answers["path"][0]
    for word, why in _WHY.items():
        if word in answers:
            raise UnreachableError(f"{path}: {why}")
    if "pem" not in answers:
        raise UnreachableError(f"{path}: there is no certificate in it; it has to be PEM, with BEGIN CERTIFICATE")
    try:
        found = blocks(answers["pem"])
    except UnknownError as error:
        raise UnknownError(f"{path}: {error}") from None
    if not found:
        raise UnreachableError(f"{path}: its certificate is cut off: there is no END CERTIFICATE")
    return found


@kind.through_host(reachable, _FILE, args=_arguments, max_bytes=_MOST_OF_A_FILE)
def _file_holds_one(output: Output) -> tuple[Reached, ...]:
    _chain(said_of(output))
    return (Reached("a certificate"),)


@kind.through_host(certificate, _FILE, args=_arguments, max_bytes=_MOST_OF_A_FILE)
def _certificate_of_file(output: Output) -> tuple[Certificate, ...]:
    answers = said_of(output)
    first, *others = _chain(answers)
    return (soonest([parsed(first), *readable(others)], answers["ca"][0] or None),)


@kind.through_host(trust, _FILE, args=_arguments, max_bytes=_MOST_OF_A_FILE)
def _trust_of_file(output: Output) -> tuple[Trust, ...]:
    answers = said_of(output)
    name, ca, path = (answers[word][0] for word in ("name", "ca", "path"))
    state = judged(_chain(answers), ascii_name(name) if name else "", ca or None)
    return (Trust(state, f"the certificate {f'for {name}' if name else f'in {path}'}"),)


@kind.through_host(protocol, "true")
def _no_protocol(output: Output) -> Protocol:  # noqa: ARG001 - there is nothing to read
    raise UnknownError("a file speaks no protocol; expect it of the server's address")
