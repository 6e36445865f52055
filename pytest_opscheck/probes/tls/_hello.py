"""The first message of a TLS handshake, made by hand, to see which versions a server takes: for the kind tls.

The local OpenSSL is no help there: by its build, its security level or the machine's policy it may refuse an old
version itself, also after the server has taken it, and what was not really offered would look refused.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping

from ...core.errors import UnknownError

OLD: Mapping[str, tuple[int, float]] = {
    "SSL 3.0": (0x0300, 0.0),
    "TLS 1.0": (0x0301, 1.0),
    "TLS 1.1": (0x0302, 1.1),
    "TLS 1.2": (0x0303, 1.2),
}
"""The versions that are offered one by one: by name, as TLS numbers them, and as a limit compares them."""
NEWEST = ("TLS 1.3", 1.3)
# ECDHE, DHE and RSA key exchange with AES, ChaCha20, Camellia, SEED, 3DES, RC4, IDEA and DES: what servers have spoken.
_CIPHERS = bytes.fromhex(
    "c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033"
    "009d009c003d003c0035002f008800450084004100160013c012c008000ac011c007000500040096009a000700090015"
)
_GROUPS = struct.pack(">4H", 0x001D, 0x0017, 0x0018, 0x0019)
_SIGNATURES = struct.pack(">10H", 0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201)
_ALERT, _HANDSHAKE, _SERVER_HELLO = 21, 22, 2


def takes(sock: socket.socket, version: int, name: str) -> bool:
    """Offer a server one version of TLS alone, and return whether it goes on with that.

    A server that hangs up does not. Raises UnknownError where its answer is not TLS's, OSError where there is none.
    """
    sock.sendall(_client_hello(version, name))
    try:
        head = _read(sock, 5)
        if len(head) < 5 or head[0] == _ALERT:  # noqa: PLR2004 - the head of a record
            return False
        body = _read(sock, 6)
    except ConnectionResetError:
        return False
    if head[0] != _HANDSHAKE or len(body) < 6 or body[0] != _SERVER_HELLO:  # noqa: PLR2004 - type, length, version
        raise UnknownError("the server's answer is not one of TLS")
    return int.from_bytes(body[4:]) == version


def _read(sock: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (more := sock.recv(count - len(found))):
        found += more
    return found


def _client_hello(version: int, name: str) -> bytes:
    body = struct.pack(">H", version) + os.urandom(32) + b"\0" + _sized(_CIPHERS) + b"\1\0"
    if version > OLD["SSL 3.0"][0]:
        body += _sized(_extensions(version, name))
    handshake = b"\1" + struct.pack(">I", len(body))[1:] + body
    return struct.pack(">BHH", _HANDSHAKE, min(version, OLD["TLS 1.0"][0]), len(handshake)) + handshake


def _extensions(version: int, name: str) -> bytes:
    found = {10: _sized(_GROUPS), 11: b"\1\0"}
    if version >= OLD["TLS 1.2"][0]:
        found[13] = _sized(_SIGNATURES)
    if not name.replace(".", "").isdigit() and ":" not in name:  # an address is not a name to ask for
        found[0] = _sized(b"\0" + _sized(name.encode("idna")))
    return b"".join(struct.pack(">H", number) + _sized(content) for number, content in sorted(found.items()))


def _sized(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content
