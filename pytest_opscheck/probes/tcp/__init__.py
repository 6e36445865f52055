"""TCP servers of any protocol: whether they take connections, how they greet, and what they answer to a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import Field, model_validator

from .._address import Address, place
from .._kind import Kind, Target
from ._connection import MOST_BYTES, Line, Reached, Server

__all__ = ["MOST_BYTES", "TcpServer", "answer", "banner", "kind", "latency", "reachable"]


class TcpServer(Target):
    """A server that takes TCP connections."""

    address: Address = Field(description="host:port, for example mail.example.com:25")
    tls: bool = Field(default=False, description="true where it speaks TLS from the first byte on, which is verified")
    ca: str | None = Field(
        default=None, min_length=1, description="a file of the CA certificates to trust, instead of this machine's"
    )

    @model_validator(mode="after")
    def _ca_of_tls(self) -> TcpServer:
        if self.ca is not None and not self.tls:
            raise ValueError("ca is for a server that speaks TLS; add tls = true, or leave it out")
        return self

    def where(self) -> str:
        """Return the address."""
        return self.address


@contextmanager
def _connect(target: TcpServer, timeout_s: float) -> Iterator[Server]:
    server = Server(target.address, place(target.address), timeout_s, tls=target.tls, ca=target.ca)
    try:
        server.reach()
        yield server
    finally:
        server.close()


kind = Kind("tcp", TcpServer, "a server that takes TCP connections, whatever it speaks", _connect)


@kind.probe()
def reachable(server: Server) -> Reached:
    """The server takes a connection, at the first address of its name that does; with TLS, a handshake."""
    return server.reached


@kind.probe()
def banner(server: Server, *, timeout_s: float) -> Line:
    """The first line that the server says by itself."""
    with server.dialogue(timeout_s) as dialogue:
        return dialogue.line("it said nothing", "see whether it waits for its client to speak first, or hangs")


@kind.probe()
def answer(server: Server, *, send: str, after_banner: bool = False, timeout_s: float) -> Line:
    """The first line that the server says after a line that is sent; after_banner for one that speaks first."""
    with server.dialogue(timeout_s) as dialogue:
        if after_banner:
            dialogue.line("it said nothing", "leave after_banner out where it waits for its client to speak first")
        dialogue.send(send)
        return dialogue.line("it did not answer", "see whether what is sent is a whole request of its protocol")


@kind.probe(timeout_s=20, latency=True)
def latency(server: Server, *, timeout_s: float) -> float:
    """How many milliseconds it takes to connect; with TLS, up to the end of the handshake."""
    return server.latency_ms(timeout_s)
