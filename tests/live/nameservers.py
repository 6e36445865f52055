"""BIND: a server of a signed zone, and a resolver that asks it and validates what it says."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from .processes import free_port, program, running, wait_until

ZONE = """
$TTL 0
@ IN SOA ns1 admin {serial} 3600 600 86400 0
@ IN NS ns1
ns1 IN A 127.0.0.1
"""
SHOP = """
@ IN A 192.0.2.1
@ IN A 192.0.2.2
@ IN MX 10 Mail
@ IN TXT "v=spf1 include:_spf.example.com " "-all"
mail IN A 192.0.2.25
www IN CNAME Web
web IN CNAME shop.test.
xn--mller-kva IN CNAME web
_imap._tcp IN SRV 5 0 143 mail
away IN CNAME www.elsewhere.test.
loose IN CNAME nowhere
sub IN NS ns.sub
ns.sub IN A 192.0.2.53
"""
OPTIONS = """
options {{ directory "{folder}"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};
  listen-on port {port} {{ 127.0.0.1; }}; {more} }};
controls {{ }};
"""


class Zones:
    """The zones shop.test, signed, and plain.test, which is not, in a folder; `keys` sign the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.serial = 1
        self.process: subprocess.Popen[bytes] | None = None
        self.keys = self.new_keys("keys")
        self.write("plain.test", "@ IN A 192.0.2.3\nshop IN CNAME www.shop.test.\n")
        self.sign()

    def new_keys(self, name: str) -> Path:
        """Make keys for shop.test in a folder of their own."""
        keys = self.folder / name
        keys.mkdir()
        for more in ((), ("-f", "KSK")):
            made = [program("dnssec-keygen"), "-q", "-a", "ECDSAP256SHA256", *more, "-K", str(keys), "shop.test"]
            subprocess.run(made, check=True, capture_output=True)
        return keys

    @property
    def anchor(self) -> str:
        """The key that a resolver is to trust, as BIND has it."""
        (line,) = (
            line
            for file in self.keys.glob("*.key")
            for line in file.read_text().splitlines()
            if " DNSKEY 257 3 13 " in line
        )
        return f'shop.test. static-key 257 3 13 "{line.split("257 3 13 ")[1]}";'

    def write(self, zone: str, records: str) -> Path:
        self.serial += 1
        file = self.folder / zone
        file.write_text(ZONE.format(serial=self.serial) + records)
        return file

    def sign(self, records: str = SHOP, *, ends: str = "now+2592000", keys: Path | None = None) -> None:
        """Put the zone's records up, with signatures that end then, and wait until they are answered."""
        file = self.write("shop.test", records)
        signer = [program("dnssec-signzone"), "-S", "-P", "-K", str(keys or self.keys), "-s", "now-172800", "-e", ends]
        subprocess.run(
            [*signer, "-o", "shop.test", "-d", str(self.folder), "-f", f"{file}.signed", str(file)],
            check=True,
            capture_output=True,
        )
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGHUP)
            wait_until(lambda: f" {self.serial} " in asked(self.port, "shop.test", "SOA"), "the new zone")

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Run the server of the zones."""
        more = "recursion no;"
        config = OPTIONS.format(folder=self.folder, port=self.port, more=more)
        config += 'zone "shop.test" { type primary; file "shop.test.signed"; };\n'
        config += 'zone "plain.test" { type primary; file "plain.test"; };\n'
        with named(self.folder / "server.conf", config, self.port) as self.process:
            yield
        self.process = None

    @contextlib.contextmanager
    def resolved(self, port: int, more: str = "", listen: str = "") -> Iterator[None]:
        """Run a resolver that asks the server and validates shop.test."""
        settings = f"recursion yes; dnssec-validation yes; qname-minimization off; max-cache-ttl 0; {more}"
        config = listen + OPTIONS.format(folder=self.folder, port=port, more=settings)
        config += f"trust-anchors {{ {self.anchor} }};\n"
        config += 'zone "." { type hint; file "/dev/null"; };\n'
        for zone in ("shop.test", "plain.test"):
            ask = f"forwarders {{ 127.0.0.1 port {self.port}; }};"
            config += f'zone "{zone}" {{ type forward; forward only; {ask} }};\n'
        with named(self.folder / f"resolver-{port}.conf", config, port):
            yield


@contextlib.contextmanager
def named(file: Path, config: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    file.write_text(config)
    command = [program("named"), "-g", "-n", "1", "-c", str(file)]
    with running(command, log=file.with_suffix(".log")) as process:
        wait_until(lambda: asked(port, "shop.test", "NS") != "", "named")
        yield process


def asked(port: int, name: str, of: str) -> str:
    """Return an answer as text; an empty one where there is none yet."""
    with contextlib.suppress(OSError, dns.exception.DNSException):
        return dns.query.udp(dns.message.make_query(name, of), "127.0.0.1", 0.5, port).to_text()
    return ""


Ask = Callable[[bytes], bytes]
Deal = Callable[[bytes, Ask], bytes | None]
"""What is made of a query, by whom the real server can be asked; None for no answer."""


@contextlib.contextmanager
def relay(port: int, deal: Deal) -> Iterator[int]:
    """Serve datagrams in front of a server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def ask(query: bytes) -> bytes:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
                there.connect(("127.0.0.1", port))
                there.send(query)
                return there.recv(65535)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while query := sock.recvfrom(65535):
                    if (answer := deal(query[0], ask)) is not None:
                        sock.sendto(answer, query[1])

        threading.Thread(target=serve, daemon=True).start()
        yield sock.getsockname()[1]


def late(seconds: float) -> Deal:
    """Return what passes answers on after a while."""

    def deal(query: bytes, ask: Ask) -> bytes:
        time.sleep(seconds)
        return ask(query)

    return deal


def losing() -> Deal:
    """Return what loses the first query."""
    count = itertools.count()
    return lambda query, ask: None if next(count) == 0 else ask(query)


def other_id(query: bytes, ask: Ask) -> bytes:
    """Answer with another query's number."""
    return bytes([query[0] ^ 1]) + ask(query)[1:]


def other_question(query: bytes, ask: Ask) -> bytes:
    """Answer to a question that was not asked."""
    return ask(query.replace(b"\x04shop", b"\x04mail\x04shop"))


def garbage(query: bytes, ask: Ask) -> bytes:
    """Answer with what is not DNS."""
    return b"garbage" * 9


def in_folder(folder: Path) -> Zones:
    """Return zones in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return Zones(folder)
