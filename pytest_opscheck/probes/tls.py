"""TLS servers: until when their certificate is valid, and whether a client would trust it.

Reading a certificate and trusting it are two handshakes, so that an expired or self-signed one is read too.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ._files import IN_SIGHT, absolute, said_of
from ._kind import Kind, Output, Reach, Target, UnknownError, UnreachableError
from ._tls_certificate import Certificate, Trust, distrust, judged, parsed, readable, soonest
from ._tls_hello import NEWEST, OLD, takes
from ._tls_start import START
from ._wire import Deadline, distrusting, shown, tls_failure, trusting

if TYPE_CHECKING:
    from cryptography import x509

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/@\[\]]+)):(?P<port>\d{1,5})\Z")
_LAST_PORT = 65535


def _address(said: str) -> str:
    match = _ADDRESS.match(said)
    if match is None or not 0 < int(match["port"]) <= _LAST_PORT:
        raise ValueError("it is no host with a port; write for example 'api.example.com:443' or '[::1]:443'")
    return said


class TlsServer(Target):
    """A certificate: that of a server that speaks TLS, or that in a file."""

    address: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None, description="host:port, for example api.example.com:443"
    )
    starttls: Literal["smtp", "postgres"] | None = Field(
        default=None, description="what is spoken before TLS begins; by default TLS from the first byte on"
    )
    file: Annotated[str, AfterValidator(absolute)] | None = Field(
        default=None, description="instead of an address: a PEM file, of which only the certificates are read"
    )
    on: str | None = Field(
        default=None, description="the host on which the file is, the NAME of [host.NAME]; by default this machine"
    )
    server_name: str | None = Field(
        default=None,
        min_length=1,
        description="the name to ask for and to expect in the certificate; by default the address's host",
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

    @property
    def place(self) -> tuple[str, int]:
        """The host and the port."""
        match = _ADDRESS.match(self.address or "")
        assert match is not None  # noqa: S101 - for the type checker; the address has been validated
        return match["six"] or match["host"], int(match["port"])

    @property
    def name(self) -> str:
        """The name that the certificate has to bear."""
        return self.server_name or self.place[0]


class RefusedError(UnreachableError):
    """A handshake in which the two sides agreed on nothing."""


class Connection:
    """A TLS server, and the certificate that it showed without being trusted."""

    def __init__(self, target: TlsServer, timeout_s: float) -> None:
        self.target = target
        self.timeout_s = timeout_s
        self.own, *self.others = self.handshake(distrusting())

    def handshake(self, context: ssl.SSLContext) -> list[bytes]:
        """Shake hands, and return the certificates that the server showed, its own first.

        Raises SSLCertVerificationError where the context does not trust it, UnreachableError where there is no TLS.
        """
        with self._started() as sock, context.wrap_socket(sock, server_hostname=self.target.name) as secure:
            found = shown(secure)
        if not found:
            raise UnreachableError(f"{self.target.address}: the server showed no certificate")
        return found

    def takes(self, version: int) -> bool:
        """Tell whether the server goes on where one version of TLS alone is offered."""
        with self._started() as sock:
            return takes(sock, version, self.target.name)

    @contextlib.contextmanager
    def _started(self) -> Iterator[socket.socket]:
        """Connect, up to where TLS begins, and say in words what goes wrong from there on."""
        deadline = Deadline()
        try:
            with deadline.within(self.timeout_s), self._connected() as sock, deadline.handshake(sock):
                if self.target.starttls is not None:
                    START[self.target.starttls](sock)
                yield sock
                if deadline.over:  # a connection that it has ended looks like one that the server has
                    raise TimeoutError
        except ssl.SSLCertVerificationError:
            raise
        except UnreachableError as error:
            why = f"no answer within {self.timeout_s:g} s" if deadline.over else str(error)
            raise UnreachableError(f"{self.target.address}: {why}") from None
        except (OSError, ValueError) as error:
            why = f"no TLS handshake within {self.timeout_s:g} s" if deadline.over else _why(error)
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError) and not deadline.over:
                raise RefusedError(f"{self.target.address}: {why}") from None
            transient = isinstance(error, ConnectionResetError) and not deadline.over
            raise UnreachableError(f"{self.target.address}: {why}", transient=transient) from None

    def _connected(self) -> socket.socket:
        # Half of the time for connecting: a name may have a dead address before a live one.
        sock = socket.create_connection(self.target.place, timeout=self.timeout_s / 2)
        sock.settimeout(self.timeout_s)
        return sock


def _why(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "its name can't be resolved"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return "the connection was closed during the TLS handshake"
    if isinstance(error, ssl.SSLError):
        return tls_failure(error)
    return (getattr(error, "strerror", None) or "the name can't be used").lower()


@contextlib.contextmanager
def _connect(target: TlsServer, timeout_s: float) -> Iterator[Connection]:
    if target.file is not None:
        raise UnknownError("a file is read through its host; in a check of your own: host.file(...)")
    yield Connection(target, timeout_s)


kind = Kind("tls", TlsServer, "a certificate, and the server that speaks TLS with it", _connect)


@kind.probe()
def reachable(connection: Connection) -> Reach:  # noqa: ARG001 - that there is one is the answer
    """The server ends a TLS handshake, whatever its certificate; a file holds one."""
    return Reach("a certificate")


@kind.probe()
def certificate(connection: Connection) -> Certificate:
    """The server's certificate, read without trusting it: also an expired or self-signed one has an end."""
    return soonest([parsed(connection.own), *readable(connection.others)], connection.target.ca)


@dataclass(frozen=True, slots=True)
class Protocol:
    """The oldest version of TLS that a server takes: its name, and its number."""

    oldest: str
    number: float


@kind.probe(timeout_s=40)
def protocol(connection: Connection) -> Protocol:
    """The oldest version that the server goes on with, of SSL 3.0, TLS 1.0, 1.1, 1.2 and 1.3, offered one by one."""
    for name, (version, number) in OLD.items():
        try:
            if connection.takes(version):
                return Protocol(name, number)
        except UnreachableError as error:
            raise UnknownError(f"offered {name} alone, there was no answer to judge: {error}") from None
    return Protocol(*NEWEST)


@kind.probe(timeout_s=20)
def trust(connection: Connection) -> Trust:
    """Whether the server's chain ends at a CA that is trusted, is valid today, and bears the server's name."""
    target = connection.target
    about = f"the certificate for {target.name}"
    try:
        connection.handshake(trusting(target.ca or True))
    except ssl.SSLCertVerificationError as error:
        return Trust(distrust(error.verify_code, error.verify_message, parsed(connection.own), target.ca), about)
    except RefusedError as error:
        # The first handshake, which took everything, has just ended well: this is what clients see that ask for more.
        return Trust(f"refused by today's clients ({error})", about)
    except UnreachableError as error:
        raise UnknownError(f"a second handshake failed: {error}") from None
    return Trust("trusted", about)


# Prints the certificates alone: what else the file holds, a private key above all, stays on its host.
_FILE = (
    IN_SIGHT
    + r"""
printf 'name %s\nca %s\npath %s\n' "$2" "$3" "$1"
in_sight "$1"
[ -e "$1" ] || { echo missing; exit 0; }
[ -f "$1" ] || { echo other; exit 0; }
[ -r "$1" ] || { echo unreadable; exit 0; }
awk '/^-----BEGIN /{on = $0 ~ /^-----BEGIN (X509 )?CERTIFICATE-----/} on{print "pem " $0} /^-----END /{on = 0}' \
  < "$1"
"""
)
_WHY = {
    "missing": "there is no such file",
    "other": "it is no file",
    "unreadable": "no permission to read it; where it holds the private key too, name one that does not",
}


def _arguments(target: TlsServer) -> tuple[str, ...]:
    return (target.file or "", target.server_name or "", target.ca or "")


def _chain(said: dict[str, list[str]]) -> list[x509.Certificate]:
    """Return the certificates of a file, in their order. Raises UnreachableError where there is none to read."""
    from cryptography import x509

    path = said["path"][0]
    for word, why in _WHY.items():
        if word in said:
            raise UnreachableError(f"{path}: {why}")
    if "pem" not in said:
        raise UnreachableError(f"{path}: there is no certificate in it; it has to be PEM, with BEGIN CERTIFICATE")
    try:
        return x509.load_pem_x509_certificates("\n".join(said["pem"]).encode())
    except ValueError as error:
        raise UnknownError(f"{path}: a certificate in it can't be read: {error}") from None


@kind.through_host(reachable, _FILE, args=_arguments)
def _file_holds_one(output: Output) -> Reach:
    _chain(said_of(output))
    return Reach("a certificate")


@kind.through_host(certificate, _FILE, args=_arguments)
def _certificate_of_file(output: Output) -> Certificate:
    said = said_of(output)
    return soonest(_chain(said), said["ca"][0] or None)


@kind.through_host(trust, _FILE, args=_arguments)
def _trust_of_file(output: Output) -> Trust:
    said = said_of(output)
    name, ca, path = (said[word][0] for word in ("name", "ca", "path"))
    return Trust(judged(_chain(said), name, ca or None), f"the certificate {f'for {name}' if name else f'in {path}'}")


@kind.through_host(protocol, "true")
def _no_protocol(output: Output) -> Protocol:  # noqa: ARG001 - there is nothing to read
    raise UnknownError("a file speaks no protocol; expect it of the server's address")
