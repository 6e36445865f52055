"""Certificates and small TLS servers, as odd as real ones."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as Key
from cryptography.x509.oid import NameOID

NOW = dt.datetime.now(dt.UTC)
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    def write(self, file: Path, *beside: bytes) -> Path:
        """Write the key, the certificate and what stands beside it into one file."""
        key = self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(key + self.pem + b"".join(beside))
        return file


def issue(
    name: str,
    by: Issued | None = None,
    *,
    names: Sequence[x509.GeneralName] = (),
    ends: float = 90,
    starts: float = -400,
    ca: bool = False,
    extensions: Sequence[x509.ExtensionType] = (),
    key: Key | None = None,
    number: int | None = None,
    beside: Sequence[x509.NameAttribute[str]] = (),
) -> Issued:
    """Issue a certificate, by itself where no CA does; `ends` and `starts` are days from now."""
    key = key or new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), *beside])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(number or x509.random_serial_number())
        .not_valid_before(NOW + dt.timedelta(days=starts))
        .not_valid_after(NOW + dt.timedelta(days=ends))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signer = by.key if by else key
    algorithm = None if type(signer).__name__.startswith("Ed") else hashes.SHA256()
    return Issued(builder.sign(signer, algorithm), key)


def hosts(*names: str) -> list[x509.GeneralName]:
    return [x509.DNSName(name) for name in names]


def numbered_zero(issued: Issued, by: Issued) -> bytes:
    """Return a certificate in PEM with the serial number 0 in the place of 1, as several public roots have it."""
    assert isinstance(by.key, ec.EllipticCurvePrivateKey)
    der, tbs = issued.certificate.public_bytes(DER), issued.certificate.tbs_certificate_bytes
    algorithm = der[der.index(tbs) + len(tbs) :][:12]
    zero = tbs.replace(b"\x02\x01\x01", b"\x02\x01\x00", 1)
    signature = by.key.sign(zero, ec.ECDSA(hashes.SHA256()))
    body = zero + algorithm + b"\x03" + bytes([len(signature) + 1]) + b"\0" + signature
    return ssl.DER_cert_to_PEM_cert(b"\x30\x82" + len(body).to_bytes(2) + body).encode()


def context(file: Path, *, newest: ssl.TLSVersion | None = None, wants: Path | None = None) -> ssl.SSLContext:
    """Return a server's side of TLS; it wants certificates of clients that the CA in `wants` has signed."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    if newest is not None:
        made.maximum_version = newest
    if wants is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(wants)
    return made


Serve = Callable[[socket.socket], None]


def shakes_hands(side: ssl.SSLContext) -> Serve:
    def serve(connection: socket.socket) -> None:
        with side.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)

    return serve


def hangs_up_without_a_word(side: ssl.SSLContext) -> Serve:
    """Shake hands, and close where it fails, without the alert that says why."""

    def serve(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = side.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                return server.do_handshake()
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))

    return serve


@contextlib.contextmanager
def serving(serve: Serve, at: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve each connection at a port while the block lasts."""
    stop = threading.Event()

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            serve(connection)

    def accept(server: socket.socket) -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server((at, port)) as server:
        server.settimeout(0.05)
        thread = threading.Thread(target=accept, args=(server,))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()
