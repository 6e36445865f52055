"""What lies under every connection of its own over TLS or HTTP: a deadline that really ends it, and whom TLS trusts."""

from __future__ import annotations

import _ssl
import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Iterator

from ..core.errors import UnknownError, UnreachableError

SOON_S = 3.0
"""A connection that broke within this many seconds is tried again; what takes longer leaves no time for that."""


class NoTlsError(UnreachableError):
    """A connection that was made, and in which the two sides did not get to a certificate."""


class Deadline:
    """Ends the connections that it watches when a time is over, whatever their server still sends."""

    def __init__(self) -> None:
        self.over = False
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()

    def watch(self, sock: socket.socket) -> None:
        """End this connection too."""
        with self._lock:
            self._watched = [*(known for known in self._watched if known.fileno() != -1 and known is not sock), sock]
            if self.over:
                self._end(sock)

    @contextlib.contextmanager
    def handshake(self, sock: socket.socket) -> Iterator[None]:
        """Watch a connection while TLS takes its socket over, which makes another object of the same connection."""
        with sock.dup() as twin:
            self.watch(twin)
            yield

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """End what is watched after a time, unless the block ends before."""
        self.over = False
        timer = threading.Timer(seconds, self._expire)
        timer.name, timer.daemon = "opscheck-deadline", True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
        with self._lock:
            self.over = True
            for sock in self._watched:
                self._end(sock)

    @staticmethod
    def _end(sock: socket.socket) -> None:
        # The plain method also for TLS: its own one would take the session from under the thread that reads.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def trusting(ca: str | bool) -> ssl.SSLContext:
    """Return a context that trusts a file of CA certificates alone, or, where none is named, what this machine trusts.

    The strict mode of newer Pythons is off: it refuses certificates that every other client takes. Whatever is in the
    file ends a chain, an intermediate certificate too, as curl and newer Pythons have it.
    """
    try:
        context = ssl.create_default_context(cafile=ca if isinstance(ca, str) else None)
    except OSError as error:  # an SSLError is one too
        why = "it contains no certificate" if isinstance(error, ssl.SSLError) else (error.strerror or "").lower()
        raise UnknownError(f"the CA file {ca} can't be used: {why}") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def distrusting() -> ssl.SSLContext:
    """Return a context that takes every certificate, and protocols and keys that are no longer safe: it only looks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def shown(secure: ssl.SSLSocket) -> list[bytes]:
    """Return the certificates that a server has sent, its own first: what they are, not what they are worth."""
    if sys.version_info >= (3, 13):
        return secure.get_unverified_chain()
    inner = secure._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - until 3.12 it has no public name
    found = inner.get_unverified_chain() or []
    return [each.public_bytes(_ssl.ENCODING_DER) for each in found]


def tls_failure(error: BaseException) -> str:
    """Return why TLS failed: what that means, and else OpenSSL's own words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        more = (
            " (its CA is not known here, or it sends no intermediate certificate)" if error.verify_code in _CUT else ""
        )
        return f"its certificate is not trusted: {error.verify_message.rstrip('.')}{more}"
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return "the connection was closed during the TLS handshake"
    reason = str(getattr(error, "reason", None) or "the handshake did not end")
    return _REASONS.get(reason, f"TLS failed: {reason.replace('_', ' ').lower()}")


_CUT = (2, 20, 21)
"""OpenSSL's numbers for a chain that does not get to a CA that is known."""
_NOT_TLS = "what answers there does not speak TLS"
_NO_VERSION = "the server and this machine have no TLS version in common"
_WANTED = "the server requires a client certificate, and there is none"
_REASONS = {
    "WRONG_VERSION_NUMBER": _NOT_TLS,
    "HTTP_REQUEST": _NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": _NOT_TLS,
    "RECORD_LAYER_FAILURE": _NOT_TLS,
    "SSL3_SESSION_ID_TOO_LONG": _NOT_TLS,
    "LENGTH_MISMATCH": _NOT_TLS,
    "BAD_LENGTH": _NOT_TLS,
    "UNEXPECTED_MESSAGE": _NOT_TLS,
    "EXCESSIVE_MESSAGE_SIZE": "the server sends more certificates than clients take, which is 100 kB of them",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server refuses the TLS handshake: it wants a client certificate, or ciphers "
    "that are not offered",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTED,
    "UNSUPPORTED_PROTOCOL": _NO_VERSION,
    "TLSV1_ALERT_PROTOCOL_VERSION": _NO_VERSION,
    "TLSV1_UNRECOGNIZED_NAME": "the server knows no such name (server_name, SNI)",
    "TLSV1_ALERT_INTERNAL_ERROR": "the server refuses the TLS handshake: it reports a fault of its own, often a name "
    "that it has no certificate for",
    "NO_APPLICATION_PROTOCOL": "the server does not speak HTTP/1.1",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": "the server does not speak HTTP/1.1",
}
"""What the reasons mean that OpenSSL gives in its own words."""
