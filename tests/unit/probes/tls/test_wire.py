"""What is said to a server before TLS and in its first record, over a socket whose other end answers as servers do."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes._wire import NoTlsError
from pytest_opscheck.probes.tls._hello import OLD, takes
from pytest_opscheck.probes.tls._start import postgres, smtp

TLS_1_2 = OLD["TLS 1.2"][0]


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return ours and the server's, which says all that it has to say at once."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        yield ours, theirs


def answer(ends: tuple[socket.socket, socket.socket], said: bytes) -> socket.socket:
    ends[1].sendall(said)
    ends[1].shutdown(socket.SHUT_WR)
    return ends[0]


def hello(version: int) -> bytes:
    body = struct.pack(">H", version) + bytes(32) + b"\0\xc0\x2f\0"
    handshake = b"\2" + struct.pack(">I", len(body))[1:] + body
    return struct.pack(">BHH", 22, version, len(handshake)) + handshake


@pytest.mark.parametrize(
    ("said", "goes_on"),
    [
        (hello(TLS_1_2), True),
        (hello(OLD["TLS 1.1"][0]), False),
        (b"\x15\x03\x01\x00\x02\x02\x46", False),
        (b"", False),
        (b"\x16\x03", False),
    ],
)
def test_a_server_that_goes_on_with_a_version(
    ends: tuple[socket.socket, socket.socket], said: bytes, *, goes_on: bool
) -> None:
    """One that answers with another version, or an alert, or hangs up, does not."""
    assert takes(answer(ends, said), TLS_1_2, "example.com") is goes_on
    sent = ends[1].recv(65536)
    assert sent[:3] == b"\x16\x03\x01"
    assert b"example.com" in sent


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2p1\r\n", hello(TLS_1_2)[:8]]
)
def test_what_is_not_tls_is_unknown(ends: tuple[socket.socket, socket.socket], said: bytes) -> None:
    with pytest.raises(UnknownError, match="is not one of TLS"):
        takes(answer(ends, said), TLS_1_2, "127.0.0.1")


def test_a_mail_server_is_asked_for_tls(ends: tuple[socket.socket, socket.socket]) -> None:
    said = b"220-mx ESMTP\r\n220 ready\r\n250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 go on\r\n"
    smtp(answer(ends, said + b"\x16"))
    assert ends[1].recv(100) == b"EHLO opscheck.invalid\r\nSTARTTLS\r\n"
    assert ends[0].recv(1) == b"\x16"  # nothing of what is TLS's was read


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"554 no service\r\n", "the mail server greeted with '554 no service'"),
        (b"220 mx\r\n250-mx\r\n250 SIZE 1\r\n", "the mail server offers no STARTTLS"),
        (b"220 mx\r\n250-STARTTLS\r\n", "the connection was closed before TLS began"),
        (b"220 mx\r\n250 STARTTLS\r\n454 not now\r\n", "the mail server answered STARTTLS with '454 not now'"),
    ],
)
def test_one_that_does_not_begin_tls_says_why(ends: tuple[socket.socket, socket.socket], said: bytes, why: str) -> None:
    with pytest.raises(NoTlsError, match=why):
        smtp(answer(ends, said))


def test_postgresql_is_asked_for_tls(ends: tuple[socket.socket, socket.socket]) -> None:
    ours = answer(ends, b"SNE")
    postgres(ours)
    assert ends[1].recv(8) == b"\0\0\0\x08\x04\xd2\x16\x2f"
    for why in ("takes no TLS; check whether ssl = on", "no PostgreSQL server", "closed before TLS began"):
        with pytest.raises(NoTlsError, match=why):
            postgres(ours)
