"""One resolver: asked one question at a time over UDP, TCP or TLS, each within a time, and in words what goes wrong."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...answers.next_steps import LISTENS, with_one_step
from ...core.errors import UnreachableError
from .._address import place
from .._certificate import ascii_name
from .._wire import tls_failure, trusting

if TYPE_CHECKING:
    from dns.message import QueryMessage
    from dns.name import Name

PORTS = {"udp": 53, "tcp": 53, "tls": 853}
TRIES = 3
"""A datagram may be lost: it is sent again in the second and the third part of the time."""
_NOT_DNS = f"what answers there does not speak DNS; {LISTENS}"


@dataclass(frozen=True, slots=True)
class Resolver:
    """Where a resolver is, how it is asked, and how messages call it."""

    written: str
    host: str
    port: int
    transport: str = "udp"
    ca: str | None = None

    @classmethod
    def of(cls, text: str, transport: str, ca: str | None = None) -> Resolver:
        """Read an address, a name, or one of them with a port. Raises ValueError for what is neither."""
        host, port = _place(text, PORTS[transport])
        return cls(text, host, port, transport, ca)

    def ask(self, query: QueryMessage, seconds: float, *, tries: int = TRIES) -> tuple[QueryMessage, int]:
        """Return the answer to a query, and which try it was that it came for. Raises UnreachableError for none."""
        until = time.monotonic() + seconds
        tries = tries if self.transport == "udp" else 1
        with self._words(seconds):
            for number in range(1, tries + 1):
                left = until - time.monotonic()
                with contextlib.suppress(_timeout()) if number < tries else contextlib.nullcontext():
                    return self._asked(query, max(0.05, left / (tries + 1 - number))), number
        raise AssertionError("unreachable")

    def _asked(self, query: QueryMessage, seconds: float) -> QueryMessage:
        import dns.message

        until = time.monotonic() + seconds
        if self.transport == "udp":
            try:
                return self._over_udp(query, seconds)
            except dns.message.Truncated:
                pass
        return self._over_tcp(query, max(0.05, until - time.monotonic()))

    def _over_udp(self, query: QueryMessage, seconds: float) -> QueryMessage:
        """Ask over a socket that is connected, so that a port where nobody listens is told at once.

        Datagrams that are no answer to this query are passed over: anybody may send them.
        """
        import dns.query

        family, address = self._address()
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((address, self.port))
            return dns.query.udp(  # type: ignore[return-value]  # the answer to a query is a query's message
                query, address, seconds, self.port, sock=sock, raise_on_truncation=True, ignore_errors=True
            )

    def _over_tcp(self, query: QueryMessage, seconds: float) -> QueryMessage:
        import dns.query

        _, address = self._address()
        until = time.monotonic() + seconds
        with socket.create_connection((address, self.port), seconds) as plain, self._secured(plain) as sock:
            sock.setblocking(False)
            left = max(0.05, until - time.monotonic())
            return dns.query.tcp(query, address, left, self.port, sock=sock)  # type: ignore[return-value]  # as above

    def _secured(self, sock: socket.socket) -> socket.socket:
        if self.transport != "tls":
            return sock
        return trusting(self.ca or True).wrap_socket(sock, server_hostname=ascii_name(self.host))

    def _address(self) -> tuple[int, str]:
        """Return the first address of the resolver's name that this machine has a way to."""
        try:
            found = socket.getaddrinfo(ascii_name(self.host), self.port, type=socket.SOCK_DGRAM)
        except OSError:
            raise UnreachableError(with_one_step(f"{self.written}: its name can't be resolved")) from None
        ways = [(int(family), str(at[0])) for family, _, _, _, at in found]
        return next((way for way in ways if _has_way(*way, self.port)), ways[0])

    @contextlib.contextmanager
    def _words(self, seconds: float) -> Iterator[None]:
        import dns.exception

        try:
            yield
        except (dns.exception.Timeout, TimeoutError):
            why = f"no answer within {seconds:g} s"
        except EOFError:
            why = "it closed the connection before it had answered; see its log"
        except (ssl.SSLError, ConnectionResetError) as error:
            broke = "it broke the connection: connection reset by peer"
            why = tls_failure(error) if isinstance(error, ssl.SSLError) or self.transport == "tls" else broke
        except OSError as error:
            why = (error.strerror or "no connection").lower()
        except dns.exception.DNSException:
            why = _NOT_DNS
        else:
            return
        raise UnreachableError(with_one_step(f"{self.written}: {why}"))


def _timeout() -> type[Exception]:
    import dns.exception

    return dns.exception.Timeout


def _has_way(family: int, address: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((address, port))
        return True
    return False


def _place(text: str, port: int) -> tuple[str, int]:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text.strip("[]"))), port
    try:
        return place(text if ":" in text else f"{text}:{port}")
    except ValueError:
        raise ValueError(
            f"{text!r} is not a resolver; write for example '1.1.1.1', '127.0.0.1:5353' or '[::1]:53'"
        ) from None


def of_this_machine() -> tuple[str, ...]:
    """Return the nameservers of /etc/resolv.conf; without any, this machine's own, as the C library has it."""
    import dns.resolver

    try:
        return tuple(map(str, dns.resolver.Resolver().nameservers))
    except (OSError, dns.resolver.NoResolverConfiguration):
        return ("127.0.0.1",)


def parse_name(text: str) -> Name:
    """Return a name as DNS has it, whole and in its ASCII form. Raises ValueError for what is not a name."""
    import dns.exception
    import dns.name

    try:
        name = dns.name.from_text(text, idna_codec=dns.name.IDNA_2008_Practical)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{text!r} is not a name in DNS: {str(error).rstrip('.').lower()}") from None
    if any(label.isspace() or b" " in label for label in name.labels):
        raise ValueError(f"{text!r} is not a name in DNS; write for example 'shop.example.com'")
    return name
