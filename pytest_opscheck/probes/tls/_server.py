"""A TLS server, contacted at every address of its name: for the kind tls."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ...core.errors import UnreachableError
from .._certificate import ascii_name
from .._wire import SOON_S, Deadline, NoTlsError, distrusting, shown, tls_failure
from ._hello import takes
from ._start import START

if TYPE_CHECKING:
    from . import TlsServer

MOST_ADDRESSES = 16
"""Addresses of one name that are looked at, side by side."""
ATTEMPTS, PAUSE_S = 3, 0.5
_CERTIFICATE_REQUEST = 13
Found = TypeVar("Found")
Place = tuple[int, str, int]
"""Where to connect to: the family, the address and the port."""


class RefusedError(NoTlsError):
    """A handshake in which the two sides agreed on nothing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server shows at one address: certificates, its own first; or why there are none."""

    place: Place
    chain: tuple[bytes, ...] = ()
    error: UnreachableError | None = None
    attempts: int = 1

    @property
    def address(self) -> str:
        """The address, as messages tell it."""
        return self.place[1]


class Connection:
    """A TLS server, and the certificates that it showed at its addresses without being trusted.

    `shown` are the addresses at which it did, `silent` those to which there was no connection, and `failed` those at
    which there was one and no certificate came.
    """

    def __init__(self, target: TlsServer, timeout_s: float) -> None:
        self.target = target
        self.timeout_s = timeout_s
        self.name = ascii_name(target.name)
        places = self._places()
        found = self.each(places, self._looked if len(places) == 1 else self._looked_again)
        self.shown = [each for each in found if each.chain]
        self.failed = [each for each in found if isinstance(each.error, NoTlsError)]
        self.silent = [each for each in found if each.error and each not in self.failed]
        if not self.shown:
            raise self._unreachable()

    @property
    def several(self) -> bool:
        """Whether the server's addresses show different certificates."""
        return len({each.chain for each in self.shown}) > 1

    @staticmethod
    def each(places: list[Place], ask: Callable[[Place], Found]) -> list[Found]:
        """Ask something at several addresses, side by side."""
        if len(places) == 1:
            return [ask(places[0])]
        with ThreadPoolExecutor(MOST_ADDRESSES, thread_name_prefix="opscheck-tls") as pool:
            return list(pool.map(ask, places))

    def handshake(self, place: Place, context: ssl.SSLContext) -> tuple[bytes, ...]:
        """Shake hands at an address, and return the certificates that the server showed, its own first.

        A server that ends the handshake because it is shown none in return has shown its own before that.

        Raises SSLCertVerificationError where the context does not trust it, UnreachableError where there is no TLS.
        """
        messages: set[int] = set()
        # It has no public name, and nothing else tells that the server asks for a certificate.
        context._msg_callback = lambda *arguments: messages.add(arguments[4])  # type: ignore[attr-defined]  # noqa: SLF001
        with (
            self._started(place) as sock,
            context.wrap_socket(sock, server_hostname=self.name, do_handshake_on_connect=False) as secure,
        ):
            try:
                secure.do_handshake()
            except ssl.SSLCertVerificationError:
                raise
            except OSError:
                if _CERTIFICATE_REQUEST not in messages:
                    raise
            found = tuple(shown(secure))
        if not found:
            raise NoTlsError("the server showed no certificate")
        return found

    def takes(self, place: Place, version: int) -> bool:
        """Tell whether the server goes on where one version of TLS alone is offered."""
        with self._started(place) as sock:
            return takes(sock, version, self.name)

    def _looked(self, place: Place) -> Shown:
        try:
            return Shown(place, self.handshake(place, distrusting()))
        except UnreachableError as error:
            return Shown(place, error=error)

    def _looked_again(self, place: Place) -> Shown:
        """Look up to three times: where another address answers, nobody would make the contact once more."""
        for attempt in range(1, ATTEMPTS + 1):
            found = replace(self._looked(place), attempts=attempt)
            if found.error is None or not found.error.transient:
                break
            time.sleep(PAUSE_S)
        return found

    def _places(self) -> list[Place]:
        host, port = self.target.place
        try:
            found = socket.getaddrinfo(ascii_name(host), port, type=socket.SOCK_STREAM)
        except OSError:
            raise UnreachableError(f"{self.target.address}: its name can't be resolved") from None
        places = dict.fromkeys((int(family), str(at[0]), port) for family, _, _, _, at in found)
        return list(places)[:MOST_ADDRESSES]

    def _unreachable(self) -> UnreachableError:
        """Return why there is nothing to look at, said once where it is the same at every address."""
        silent = [*self.failed, *self.silent]
        whys = {str(each.error): each.address for each in silent}
        why = next(iter(whys)) if len(whys) == 1 else "; ".join(f"{why} at {at}" for why, at in whys.items())
        transient = any(each.error is not None and each.error.transient for each in silent)
        return UnreachableError(f"{self.target.address}: {why}", transient=transient)

    @contextlib.contextmanager
    def _started(self, place: Place) -> Iterator[socket.socket]:
        """Connect, up to where TLS begins, and say in words what goes wrong from there on."""
        deadline, started = Deadline(), time.monotonic()
        try:
            with deadline.within(self.timeout_s), self._connected(place) as sock, deadline.handshake(sock):
                if self.target.starttls is not None:
                    self._begin(sock, START[self.target.starttls])
                yield sock
                if deadline.over:  # a connection that it has ended looks like one that the server has
                    raise TimeoutError
        except ssl.SSLCertVerificationError:
            raise
        except NoTlsError as error:
            again = error.transient and time.monotonic() - started < SOON_S and not deadline.over
            raise NoTlsError(self._late() if deadline.over else str(error), transient=again) from None
        except UnreachableError:
            raise
        except (OSError, ValueError) as error:
            if deadline.over or isinstance(error, TimeoutError):  # the socket's own limit may come first
                raise NoTlsError(self._late()) from None
            refused = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)
            failure = RefusedError if refused else NoTlsError
            again = isinstance(error, ConnectionResetError) and time.monotonic() - started < SOON_S
            raise failure(_why(error), transient=again) from None

    @staticmethod
    def _begin(sock: socket.socket, start: Callable[[socket.socket], None]) -> None:
        try:
            start(sock)
        except ConnectionResetError:
            raise NoTlsError("the connection was closed before TLS began", transient=True) from None

    def _late(self) -> str:
        if self.target.starttls is None:
            return f"no TLS handshake within {self.timeout_s:g} s"
        return (
            f"no answer within {self.timeout_s:g} s of a server that is to begin without TLS; "
            "leave starttls out for one that speaks TLS from the first byte on"
        )

    def _connected(self, place: Place) -> socket.socket:
        family, address, port = place
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            # Half of the time for connecting, so that there is some for the handshake.
            sock.settimeout(self.timeout_s / 2)
            sock.connect((address, port))
            sock.settimeout(self.timeout_s)
        except OSError as error:
            sock.close()
            late = isinstance(error, TimeoutError)
            why = f"no connection within {self.timeout_s / 2:g} s" if late else (error.strerror or "no connection")
            raise UnreachableError(why.lower()) from None
        return sock


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError | ConnectionResetError):
        return tls_failure(error)
    return (getattr(error, "strerror", None) or "the name can't be used").lower()
