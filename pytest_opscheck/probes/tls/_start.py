"""STARTTLS: what a client says in the clear before TLS begins, for the kind tls."""

from __future__ import annotations

import re
import socket
import struct

from .._wire import NoTlsError

_LONGEST_LINE = 2000
_MOST_LINES = 100
_SSL_REQUEST = struct.pack(">II", 8, 80877103)


def smtp(sock: socket.socket) -> None:
    """Ask a mail server for TLS (RFC 3207). Raises NoTlsError where it offers none."""
    _reply(sock, "220", "greeted")
    sock.sendall(b"EHLO opscheck.invalid\r\n")
    if "STARTTLS" not in (line.upper().strip() for line in _reply(sock, "250", "answered EHLO")):
        raise NoTlsError("the mail server offers no STARTTLS")
    sock.sendall(b"STARTTLS\r\n")
    _reply(sock, "220", "answered STARTTLS")


def postgres(sock: socket.socket) -> None:
    """Ask PostgreSQL for TLS (its SSLRequest). Raises NoTlsError where it takes none."""
    sock.sendall(_SSL_REQUEST)
    match sock.recv(1):
        case b"S":
            return
        case b"":
            raise NoTlsError("the connection was closed before TLS began")
        case b"N":
            raise NoTlsError("the PostgreSQL server takes no TLS; check whether ssl = on")
        case _:
            raise NoTlsError("what answers there is no PostgreSQL server")


START = {"smtp": smtp, "postgres": postgres}


def _reply(sock: socket.socket, code: str, what: str) -> list[str]:
    """Return the lines of a mail server's reply, without their codes."""
    lines: list[str] = []
    for _ in range(_MOST_LINES):
        line = _line(sock)
        if not re.match(rf"{code}([ -]|$)", line):
            raise NoTlsError(f"the mail server {what} with {line[:60]!r}")
        lines.append(line[4:])
        if line[3:4] != "-":
            break
    return lines


def _line(sock: socket.socket) -> str:
    """Return a line, read byte by byte: what follows it may be TLS."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
        byte = sock.recv(1)
        if not byte:
            raise NoTlsError("the connection was closed before TLS began")
        line += byte
    return line.decode(errors="replace").strip()
