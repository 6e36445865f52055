"""A client of SNTP (RFC 4330): one question, one answer."""

from __future__ import annotations

import hashlib
import socket
import struct
import time
from dataclasses import dataclass

from pytest_opscheck import AnsweredError, UnreachableError

EPOCH_S = 2_208_988_800
"""From 1900, where NTP begins to count, to 1970."""
ATTEMPTS = 3
CLIENT, SERVER = 3, 4
HEADER = struct.Struct("!BBbb11I")


@dataclass(frozen=True)
class Answer:
    """What a server says of its time."""

    version: int
    stratum: int
    offset_s: float


def ask(address: str, timeout_s: float, key: str | None = None) -> Answer:
    """Return a server's answer. Raises UnreachableError, and AnsweredError for one that is not NTP."""
    host, _, port = address.partition(":")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(timeout_s / ATTEMPTS)
            udp.connect((host, int(port or 123)))
            return _asked(udp, key)
    except OSError as error:
        raise UnreachableError(f"{error.strerror or error}; see whether it runs, and listens there") from None


def _asked(udp: socket.socket, key: str | None) -> Answer:
    for _ in range(ATTEMPTS):  # a datagram may be lost
        sent = time.time()
        request = struct.pack("!B39xII", 4 << 3 | CLIENT, *_stamp(sent))
        udp.send(request + (_mac(request, key) if key else b""))
        try:
            return _answer(udp.recv(1024), request, sent)
        except TimeoutError:
            continue
    raise UnreachableError("no answer; see whether it hangs, or a firewall drops UDP")


def _answer(data: bytes, request: bytes, sent: float) -> Answer:
    now = time.time()
    if len(data) < HEADER.size or data[0] & 7 != SERVER or data[24:32] != request[40:48]:
        raise AnsweredError("what answers there does not speak NTP; see which server listens there")
    first, stratum, _, _, *words = HEADER.unpack_from(data)
    received, transmitted = (words[at] - EPOCH_S + words[at + 1] / 2**32 for at in (7, 9))
    return Answer(first >> 3 & 7, stratum, ((received - sent) + (transmitted - now)) / 2)


def _stamp(moment: float) -> tuple[int, int]:
    return int(moment) + EPOCH_S, int(moment % 1 * 2**32)


def _mac(request: bytes, key: str) -> bytes:
    return struct.pack("!I", 1) + hashlib.sha1(key.encode() + request, usedforsecurity=False).digest()
