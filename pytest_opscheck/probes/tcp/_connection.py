"""A connection to a TCP server: made at the first of its addresses that takes one, and read line by line, bounded."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...answers.next_steps import LISTENS, with_one_step
from ...core.errors import UnknownError, UnreachableError
from ...core.visible import has_controls
from .._certificate import ascii_name
from .._excerpt import beginning, excerpt
from .._wire import NoTlsError, tls_failure, trusting

MOST_BYTES = 65_536
"""Bytes of a line that is read."""
_MOST_ADDRESSES = 16
_LONGEST_SHOWN = 120
_STEPS = ((r"TLS handshake within", "see whether it speaks TLS, or hangs"),)


@dataclass(frozen=True, slots=True)
class Reached:
    """That a server takes connections; `note` says which of its addresses do not, and which attempt it was."""

    target: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a server has said, without its end, and how a message shows it."""

    text: str

    @property
    def shown(self) -> str:
        """The beginning of the line; what would steer a terminal is an escape."""
        return beginning(self.text, _LONGEST_SHOWN)


class Dialogue:
    """What is said and heard over one connection, until a time is over."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._heard = b""

    def send(self, line: str) -> None:
        """Send a line, with the end of a line behind it unless it has one."""
        self._bound()
        line_sent = line if line.endswith("\n") else f"{line}\r\n"
        with self._words("it took nothing", "see whether it hangs"):
            self._sock.sendall(line_sent.encode())

    def line(self, silent: str, step: str) -> Line:
        """Return the next line. Raises UnknownError, with what is said of a server that stays silent."""
        while b"\n" not in self._heard:
            if len(self._heard) > MOST_BYTES:
                raise UnknownError(f"its line is longer than {MOST_BYTES} bytes, and no more of it was read; {LISTENS}")
            with self._words(silent, step):
                self._bound()
                more = self._sock.recv(4096)
            if not more:
                if not self._heard:
                    raise UnknownError(f"{silent}, and closed the connection; see its log")
                break
            self._heard += more
        heard, _, self._heard = self._heard.partition(b"\n")
        return Line(_text(heard.removesuffix(b"\r")))

    def _bound(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)

    @contextlib.contextmanager
    def _words(self, silent: str, step: str) -> Iterator[None]:
        """Say in words what goes wrong while the server is to speak."""
        try:
            yield
        except TimeoutError:
            within = f"within {self._seconds:g} s"
            if self._heard:
                raise UnknownError(f"its line did not end {within}: {excerpt(self._heard)}; {LISTENS}") from None
            raise UnknownError(f"{silent} {within}; {step}") from None
        except OSError as error:
            why = tls_failure(error) if isinstance(error, ssl.SSLError) else (error.strerror or "it ended").lower()
            raise UnknownError(with_one_step(f"{silent}, and broke the connection: {why}")) from None


class Server:
    """A TCP server. The connection by which it was reached is also the first that a probe reads from."""

    def __init__(self, address: str, at: tuple[str, int], timeout_s: float, *, tls: bool, ca: str | None) -> None:
        self.address = address
        self.timeout_s = timeout_s
        self._host, self._port = at
        self._tls = tls
        self._ca = ca
        self._first: socket.socket | None = None
        self.reached = Reached("a connection")

    def reach(self) -> None:
        """Connect, at the first address that takes a connection. Raises UnreachableError where none does."""
        self._first, silent = self._opened(self.timeout_s)
        note = "; ".join(f"there is no connection to {address}: {why}" for address, why in silent) or None
        self.reached = Reached("a connection", note)

    def close(self) -> None:
        """Close the connection that no probe has used."""
        if self._first is not None:
            self._first.close()

    @contextlib.contextmanager
    def dialogue(self, seconds: float) -> Iterator[Dialogue]:
        """Speak with the server, over a connection of its own."""
        sock, self._first = self._first, None
        started = time.monotonic()
        if sock is None:
            sock, _ = self._opened(min(seconds, self.timeout_s))
        with sock:
            yield Dialogue(sock, round(max(0.1, seconds - (time.monotonic() - started)), 1))

    def latency_ms(self, seconds: float) -> float:
        """Return how long it takes to connect, once the name is known. Raises UnknownError where it fails."""
        places = self._places()
        started = time.monotonic()
        try:
            sock, silent = self._opened(seconds, places)
        except UnreachableError as error:
            raise UnknownError(f"the connection that was measured failed: {error}") from None
        took = time.monotonic() - started
        sock.close()
        if silent:
            raise UnknownError(f"there is no connection to {silent[0][0]} ({silent[0][1]}), so the time says nothing")
        return took * 1000

    def _opened(
        self, seconds: float, places: list[tuple[int, str]] | None = None
    ) -> tuple[socket.socket, list[tuple[str, str]]]:
        """Return a connection, and the addresses before it that took none, with the reasons."""
        silent: list[tuple[str, str]] = []
        until, transient = time.monotonic() + seconds, False
        places = self._places() if places is None else places
        for number, (family, address) in enumerate(places):
            left = (until - time.monotonic()) / (len(places) - number)
            try:
                return self._connected(family, address, max(0.1, round(left, 1))), silent
            except UnreachableError as error:
                transient = transient or error.transient
                silent.append((address, str(error)))
        whys = {why: address for address, why in silent}
        reason = next(iter(whys)) if len(whys) == 1 else "; ".join(f"{why} at {at}" for why, at in whys.items())
        raise UnreachableError(with_one_step(f"{self.address}: {reason}", _STEPS), transient=transient)

    def _connected(self, family: int, address: str, seconds: float) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(seconds)
        try:
            sock.connect((address, self._port))
            return self._secured(sock, seconds) if self._tls else sock
        except UnreachableError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            late = isinstance(error, TimeoutError)
            why = f"no connection within {seconds:g} s" if late else (error.strerror or "no connection").lower()
            raise UnreachableError(why, transient=isinstance(error, ConnectionResetError)) from None

    def _secured(self, sock: socket.socket, seconds: float) -> socket.socket:
        try:
            return trusting(self._ca or True).wrap_socket(sock, server_hostname=ascii_name(self._host))
        except TimeoutError:
            raise NoTlsError(f"no TLS handshake within {seconds:g} s") from None
        except (ssl.SSLError, ConnectionResetError) as error:
            raise NoTlsError(tls_failure(error), transient=isinstance(error, ConnectionResetError)) from None

    def _places(self) -> list[tuple[int, str]]:
        try:
            found = socket.getaddrinfo(ascii_name(self._host), self._port, type=socket.SOCK_STREAM)
        except OSError:
            raise UnreachableError(with_one_step(f"{self.address}: its name can't be resolved")) from None
        return list(dict.fromkeys((int(family), str(at[0])) for family, _, _, _, at in found))[:_MOST_ADDRESSES]


def _text(data: bytes) -> str:
    """Return a line as text, also in an older encoding. Raises UnknownError for what is not text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if has_controls(text.replace("\t", " ")):
        raise UnknownError(f"what answers there does not speak in lines of text: {excerpt(data, 40)}; {LISTENS}")
    return text
