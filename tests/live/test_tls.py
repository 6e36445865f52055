"""TLS, with nginx and real certificates: each check red by its fault, and green again."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .conftest import Run
from .processes import answers, free_port, program, running, wait_until
from .web import listener

NOW = dt.datetime.now(dt.UTC)
MODERN = "ssl_protocols TLSv1.2 TLSv1.3;"


def days(number: float) -> dt.datetime:
    return NOW + dt.timedelta(days=number)


Key = ec.EllipticCurvePrivateKey
Signer = tuple[x509.Name, Key]
FOR_LOCALHOST = x509.SubjectAlternativeName([x509.DNSName("localhost")])
FOR_A_CA = x509.BasicConstraints(ca=True, path_length=None)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def signed(subject: Signer, by: Signer, extension: x509.ExtensionType, ends: float) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(subject[0]).issuer_name(by[0]).public_key(subject[1].public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(days(-30)).not_valid_after(days(ends))
    return builder.add_extension(extension, critical=False).sign(by[1], hashes.SHA256())


def write(file: Path, key: Key, *chain: x509.Certificate) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))


def self_signed(file: Path) -> None:
    own = named("localhost"), ec.generate_private_key(ec.SECP256R1())
    write(file, own[1], signed(own, own, FOR_LOCALHOST, 90))


class Servers:
    """nginx with a port for each certificate; `ca` is the file of the authority that signed the good ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca))
        self.ports: dict[str, int] = {}
        self.settings: dict[str, str] = {}

    def issue(
        self, name: str, *identities: str, ends: float = 90, starts: float = -10, ca: trustme.CA | None = None
    ) -> None:
        issued = (ca or self.authority).issue_cert(*identities, not_before=days(starts), not_after=days(ends))
        file = self.folder / f"{name}.pem"
        file.unlink(missing_ok=True)
        issued.private_key_and_cert_chain_pem.write_to_path(str(file))
        self.ports.setdefault(name, 0)

    def issue_through_another(self, name: str, ends: float) -> None:
        """Issue a certificate by an intermediate CA whose own ends in so many days; an old root is sent along.

        The old root has the authority's name, as where another one has taken its place, and has ended.
        """
        root = x509.load_pem_x509_certificate(self.authority.cert_pem.bytes()).subject
        key = serialization.load_pem_private_key(self.authority.private_key_pem.bytes(), None)
        assert isinstance(key, Key)
        leaf, between, old = ((n, ec.generate_private_key(ec.SECP256R1())) for n in (named(name), named("R1"), root))
        chain = (
            signed(leaf, between, FOR_LOCALHOST, 90),
            signed(between, (root, key), FOR_A_CA, ends),
            signed(old, old, FOR_A_CA, -2),
        )
        write(self.folder / f"{name}.pem", leaf[1], *chain)
        self.ports.setdefault(name, 0)

    def address(self, name: str) -> str:
        return f"localhost:{self.ports[name]}"

    @contextmanager
    def nginx(self) -> Iterator[None]:
        self.ports = {name: port or free_port() for name, port in self.ports.items()}
        blocks = "".join(
            f"server {{ listen 127.0.0.1:{port} ssl; {self.settings.get(name, MODERN)}"
            f" ssl_certificate {self.folder}/{name}.pem; ssl_certificate_key {self.folder}/{name}.pem;"
            ' location / { return 200 "well"; } }\n'
            for name, port in self.ports.items()
        )
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "nginx.conf").write_text(
            f"daemon off; pid {self.folder}/nginx.pid; events {{}}\nhttp {{ access_log off; {temporary}\n{blocks}}}\n"
        )
        command = [program("nginx"), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "nginx.log")]
        with running(command, log=self.folder / "nginx.out"):
            wait_until(lambda: all(answers(port) for port in self.ports.values()), "nginx")
            yield


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    folder = tmp_path / "nginx"
    folder.mkdir(mode=0o755)
    return Servers(folder)


def inventory(servers: Servers, options: Mapping[str, str] | None = None) -> str:
    """Every server as a target that trusts the authority; `options` are other keys than that by name."""
    options, trusted = options or {}, f'ca = "{servers.ca}"'
    return "".join(
        f'[tls.{name}]\naddress = "{servers.address(name)}"\n{options.get(name, trusted)}\n' for name in servers.ports
    )


def test_each_certificate_is_red_for_its_own_fault(run: Run, servers: Servers) -> None:
    other = trustme.CA()
    servers.issue("good", "localhost")
    servers.issue("address", "127.0.0.1")
    servers.issue("soon", "localhost", ends=19.5)
    servers.issue("week", "localhost", ends=3)
    servers.issue("expired", "localhost", ends=-2)
    servers.issue("early", "localhost", starts=2)
    servers.issue_through_another("linked", 80)
    servers.issue_through_another("unlinked", 5.55)
    servers.issue("name", "other.example", "www.other.example")
    servers.issue("foreign", "localhost", ca=other)
    servers.issue("system", "localhost")
    servers.issue("old", "localhost")
    servers.settings["old"] = "ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;"
    servers.ports["alone"] = 0
    self_signed(servers.folder / "alone.pem")
    with servers.nginx():
        options = {
            "system": "",
            "address": f'ca = "{servers.ca}"\nserver_name = "127.0.0.1"',
        }
        outcome = run(inventory(servers, options))
        for name in servers.ports:
            assert outcome.verdict(f"tls.reachable@{name}") == "ok"
        expected = {"good": "ok", "address": "ok", "soon": "breach P3", "week": "breach P2", "expired": "breach P1"}
        linked = {"linked": "ok", "unlinked": "breach P2"}
        for name, verdict in {**expected, **linked, "name": "ok", "alone": "ok"}.items():
            assert outcome.verdict(f"tls.days_left@{name}") == verdict, name
        assert outcome.message("tls.days_left@soon").startswith("time left is 19.")
        assert outcome.message("tls.days_left@expired").startswith("time left is -2")
        said = r"time left of the intermediate certificate CN=R1 is 5\.5\d* d, expected >= 7 d"
        assert re.fullmatch(said, outcome.message("tls.days_left@unlinked"))
        for name in ("good", "address", "soon", "week", *linked):
            assert outcome.verdict(f"tls.trusted@{name}") == "ok", outcome.message(f"tls.trusted@{name}")
        for name, why in {
            "expired": f"is expired since {days(-2):%Y-%m-%d %H:%M} UTC, expected trusted",
            "early": "is not valid before",
            "name": "is for another name: other.example, www.other.example",
            "foreign": "is of an issuer that the CA file does not know",
            "system": "is of an issuer that this machine does not know",
            "alone": "is self-signed",
            "old": "is refused by today's clients",
        }.items():
            assert outcome.verdict(f"tls.trusted@{name}") == "breach P1", name
            assert why in outcome.message(f"tls.trusted@{name}")


def test_renewed_certificate_is_green_again_and_http_agrees(run: Run, servers: Servers) -> None:
    servers.issue("api", "localhost", ends=-1)
    servers.ports["api"] = free_port()
    said = inventory(servers) + "".join(
        f'[http.{name}]\nurl = "https://{servers.address("api")}/"\n{verify}\n'
        for name, verify in {"ca": f'verify = "{servers.ca}"', "any": "verify = false", "system": ""}.items()
    )
    with servers.nginx():
        outcome = run(said, "-W", "error")
        assert outcome.verdict("tls.days_left@api") == "breach P1"
        assert outcome.verdict("http.reachable@ca") == "breach P0"
        assert "not trusted: certificate has expired" in outcome.message("http.reachable@ca")
        assert outcome.verdict("http.status@ca") == "blocked"
        assert outcome.verdict("http.status@any") == "ok"
    servers.issue("api", "localhost", ends=60)
    with servers.nginx():
        outcome = run(said, "-W", "error")
        assert outcome.verdict("tls.days_left@api") == "ok"
        assert outcome.verdict("tls.trusted@api") == "ok"
        assert outcome.verdict("http.status@ca") == "ok"
        assert "not trusted: unable to get local issuer" in outcome.message("http.reachable@system")
    outcome = run(said)
    assert outcome.verdict("tls.reachable@api") == "breach P0"
    assert outcome.verdict("tls.days_left@api") == "blocked"
    assert outcome.verdict("tls.trusted@api") == "blocked"


def test_what_never_shakes_hands_ends(run: Run, tmp_path: Path) -> None:
    with listener() as silent, listener(b"SSH-2.0-something\r\n") as ssh:
        started = time.monotonic()
        outcome = run(
            "".join(
                f'[tls.{name}]\naddress = "127.0.0.1:{port}"\n[tls.{name}.expect]\nreachable = {{ timeout = "2s" }}\n'
                f'days_left = {{ timeout = "2s" }}\ntrusted = {{ timeout = "2s" }}\n'
                for name, port in {"silent": silent, "ssh": ssh}.items()
            )
            + f'[tls.file]\naddress = "[::1]:{free_port()}"\nca = "{tmp_path}/none.pem"\n'
        )
        assert time.monotonic() - started < 8
    assert "no TLS handshake within 2 s" in outcome.message("tls.reachable@silent")
    assert "does not speak TLS" in outcome.message("tls.reachable@ssh")
    assert "connection refused" in outcome.message("tls.reachable@file")
    for name in ("silent", "ssh", "file"):
        assert outcome.verdict(f"tls.reachable@{name}") == "breach P0"
        assert outcome.verdict(f"tls.trusted@{name}") == "blocked"


def test_a_ca_file_that_cannot_be_used_is_unknown(run: Run, servers: Servers, tmp_path: Path) -> None:
    servers.issue("none", "localhost")
    servers.issue("empty", "localhost")
    (tmp_path / "empty.pem").touch()
    with servers.nginx():
        outcome = run(inventory(servers, {name: f'ca = "{tmp_path}/{name}.pem"' for name in servers.ports}))
    assert outcome.verdict("tls.trusted@none") == "unknown P1"
    assert "none.pem can't be used: no such file" in outcome.message("tls.trusted@none")
    assert "empty.pem can't be used: it contains no certificate" in outcome.message("tls.trusted@empty")
    assert outcome.verdict("tls.days_left@none") == "ok"
    outcome = run('[tls.a]\naddress = "example.com"\n[tls.b]\naddress = "https://example.com:443"\n')
    assert outcome.exit_status == 4
    assert outcome.output.count("it is not a host with a port") == 2
