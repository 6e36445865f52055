"""TLS servers: until when their certificate is valid, and whether a client would trust it.

Reading a certificate and trusting it are two handshakes, so that an expired or self-signed one is read too.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from ._kind import Kind, Reach, Target, UnknownError, UnreachableError
from ._wire import Deadline, distrusting, tls_failure, trusting

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
    """A server that speaks TLS from the first byte on."""

    address: Annotated[str, AfterValidator(_address)] = Field(description="host:port, for example api.example.com:443")
    server_name: str | None = Field(
        default=None,
        min_length=1,
        description="the name to ask for and to expect in the certificate; by default the host",
    )
    ca: str | None = Field(
        default=None, min_length=1, description="a file of the CA certificates to trust, instead of this machine's"
    )

    def where(self) -> str:
        """Return the address."""
        return self.address

    @property
    def place(self) -> tuple[str, int]:
        """The host and the port."""
        match = _ADDRESS.match(self.address)
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
        self.der = self.handshake(distrusting())

    def handshake(self, context: ssl.SSLContext) -> bytes:
        """Shake hands, and return the certificate that the server showed.

        Raises SSLCertVerificationError where the context does not trust it, UnreachableError where there is no TLS.
        """
        deadline = Deadline()
        try:
            with (
                deadline.within(self.timeout_s),
                self._connected() as sock,
                deadline.handshake(sock),
                context.wrap_socket(sock, server_hostname=self.target.name) as secure,
            ):
                shown = secure.getpeercert(binary_form=True)
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, ValueError) as error:
            why = f"no TLS handshake within {self.timeout_s:g} s" if deadline.over else _why(error)
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError) and not deadline.over:
                raise RefusedError(f"{self.target.address}: {why}") from None
            transient = isinstance(error, ConnectionResetError) and not deadline.over
            raise UnreachableError(f"{self.target.address}: {why}", transient=transient) from None
        if not shown:
            raise UnreachableError(f"{self.target.address}: the server showed no certificate")
        return shown

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
    yield Connection(target, timeout_s)


kind = Kind("tls", TlsServer, "a server that speaks TLS, and its certificate", _connect)


@kind.probe()
def reachable(connection: Connection) -> Reach:  # noqa: ARG001 - that there is one is the answer
    """The server ends a TLS handshake, whatever its certificate."""
    return Reach("TLS")


@dataclass(frozen=True, slots=True)
class Certificate:
    """When a server's own certificate ends, and how many days that is from now: below 0 where it has ended."""

    ends: dt.datetime
    days_left: float


@kind.probe()
def certificate(connection: Connection) -> Certificate:
    """The server's own certificate, read without trusting it: also an expired or self-signed one has an end."""
    ends = _parsed(connection.der).not_valid_after_utc
    return Certificate(ends, (ends - dt.datetime.now(dt.UTC)).total_seconds() / 86400)


@dataclass(frozen=True, slots=True)
class Trust:
    """What a client makes of a server's certificate: `trusted`, or why not. `name` is what it has to be valid for."""

    state: str
    name: str


@kind.probe(timeout_s=20)
def trust(connection: Connection) -> Trust:
    """Whether the server's chain ends at a CA that is trusted, is valid today, and bears the server's name."""
    target = connection.target
    try:
        connection.handshake(trusting(target.ca or True))
    except ssl.SSLCertVerificationError as error:
        return Trust(_distrust(error, _parsed(connection.der), target), target.name)
    except RefusedError as error:
        # The first handshake, which took everything, has just ended well: this is what clients see that ask for more.
        return Trust(f"refused by today's clients ({error})", target.name)
    except UnreachableError as error:
        raise UnknownError(f"a second handshake failed: {error}") from None
    return Trust("trusted", target.name)


def _distrust(error: ssl.SSLCertVerificationError, leaf: x509.Certificate, target: TlsServer) -> str:
    """Say why a certificate is not trusted, by OpenSSL's X509_V_ERR number."""
    where = "this machine" if target.ca is None else "the CA file"
    ended = leaf.not_valid_after_utc
    if ended < dt.datetime.now(dt.UTC):
        expired = f"expired since {ended:%Y-%m-%d %H:%M} UTC"
    else:
        expired = "expired in its chain: the certificate of a CA has ended"
    unknown = f"of an issuer that {where} does not know ({leaf.issuer.rfc4514_string() or 'without a name'})"
    incomplete = f"{unknown}, or an intermediate certificate is not sent"
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
    return reasons.get(error.verify_code, f"not trusted ({error.verify_message})")


def _names(leaf: x509.Certificate) -> str:
    from cryptography import x509

    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return "it bears none that counts (no subjectAltName)"
    names = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as many as a line holds
    return ", ".join(names[:3]) + more


def _parsed(der: bytes) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise UnknownError(f"the server's certificate can't be read: {error}") from None
