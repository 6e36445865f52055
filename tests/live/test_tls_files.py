"""Certificates in files as people have them: clients', CAs', oddly named, numbered and packed. OpenSSL judges them."""

from __future__ import annotations

import base64
import re
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .certificates import DER, Issued, context, hosts, issue, numbered_zero, serving, shakes_hands
from .conftest import Run

FOR_CLIENTS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
SPIFFE = x509.UniformResourceIdentifier("spiffe://example.org/ns/a/sa/b")
SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def trusted_block(issued: Issued) -> bytes:
    """Return a certificate as `openssl x509 -trustout` writes it, with what it is trusted for behind it."""
    text = base64.encodebytes(issued.certificate.public_bytes(DER) + b"\x30\x00").decode()
    return f"-----BEGIN TRUSTED CERTIFICATE-----\n{text}-----END TRUSTED CERTIFICATE-----\n".encode()


def by_keytool() -> tuple[Issued, Issued]:
    """Return a CA as Java's keytool makes one of a user who says no country, and a certificate of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        nowhere = x509.NameAttribute(NameOID.COUNTRY_NAME, "Unknown", _validate=False)
        ca = issue("java", ca=True, beside=[nowhere])
        return ca, issue("a", ca, names=hosts("www.example"))


def test_what_files_hold_is_judged_as_it_is_meant(run: Run, tmp_path: Path) -> None:
    root = issue("root", ca=True, ends=3000, extensions=[SIGNS])
    zero = issue("root zero", ca=True, ends=3000, number=1)
    ending, ended = (issue(f"root {ends}", ca=True, ends=ends) for ends in (4.55, -1.5))
    between = issue("between", root, ca=True, ends=2000)
    java, below_java = by_keytool()
    stranger = issue("stranger", ca=True, ends=3000)
    again = issue("stranger", stranger, ca=True, ends=-5, key=stranger.key)  # sent along, and ended
    lower = issue("lower", root, names=hosts("lower.example"))
    (tmp_path / "ca.pem").write_bytes(
        b"# roots\r\n"
        + root.pem.replace(b"\n", b"\r\n")
        + ending.pem
        + ended.pem
        + numbered_zero(zero, zero)
        + root.pem
        + java.pem
    )
    (tmp_path / "between-ca.pem").write_bytes(between.pem)
    site = hosts("www.example", "*.example")
    good = issue("good", root, names=site)
    forged = issue("client", Issued(root.certificate, issue("other").key), extensions=[FOR_CLIENTS])
    files: dict[str, tuple[bytes, str, str]] = {
        # name: the file, the name that is expected, and what is said
        "idn": (issue("a", root, names=hosts("xn--bcher-kva.example")).pem, "b\u00fccher.example", ""),
        "idn_typed": (issue("a", root, names=hosts("xn--strae-oqa.example")).pem, "Stra\u00dfe.Example.", ""),
        "underscore": (issue("a", root, names=hosts("my_service.default.svc")).pem, "my_service.default.svc", ""),
        "underscore_wild": (good.pem, "my_www.example", ""),
        "underscore_other": (good.pem, "my_www.other", "is for another name: www.example, *.example"),
        "deep": (good.pem, "a.b.example", "is for another name: www.example, *.example"),
        "unnamed": (issue("a", root, names=hosts("my_service.default.svc")).pem, "", ""),
        "nameless": (issue("a", root).pem, "", ""),
        "nameless_server": (issue("a", root).pem, "www.example", "it bears none that counts (no subjectAltName)"),
        "spiffe": (issue("a", root, names=[SPIFFE]).pem, "", ""),
        "client": (issue("client", root, extensions=[FOR_CLIENTS]).pem, "", ""),
        "client_zero": (issue("client", zero, extensions=[FOR_CLIENTS]).pem, "", ""),
        "client_below": (issue("client", between, extensions=[FOR_CLIENTS]).pem + between.pem, "", ""),
        "client_cut": (issue("client", between, extensions=[FOR_CLIENTS]).pem, "", "or an intermediate certificate is"),
        "client_ended": (issue("client", root, ends=-3, extensions=[FOR_CLIENTS]).pem, "", "is expired since"),
        "client_early": (issue("client", root, starts=3, extensions=[FOR_CLIENTS]).pem, "", "is not valid before"),
        "client_foreign": (
            issue("client", stranger, extensions=[FOR_CLIENTS]).pem,
            "",
            "of an issuer that the CA file",
        ),
        "client_forged": (forged.pem, "", "its signature does not match"),
        "client_server": (
            issue("a", root, names=site, extensions=[FOR_CLIENTS]).pem,
            "www.example",
            "not for a server",
        ),
        "root": (root.pem, "", ""),
        "between": (between.pem, "", ""),
        "ed25519": (issue("a", root, names=site, key=ed25519.Ed25519PrivateKey.generate()).pem, "www.example", ""),
        "not_a_ca": (
            issue("a", lower, names=site).pem + lower.pem,
            "www.example",
            "a certificate that is not one of a",
        ),
        "crossed": (issue("a", between, names=site).pem + again.pem + between.pem + between.pem, "www.example", ""),
        "windows": (b"Bag Attributes\r\n" + good.pem.replace(b"\n", b"\r\n"), "www.example", ""),
        "trusted": (trusted_block(good), "www.example", ""),
        "neighbour": (good.pem + b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", "", ""),
        "zero": (numbered_zero(issue("a", root, names=site, number=1), root), "www.example", ""),
        "zero_root": (issue("a", zero, names=site).pem, "www.example", ""),
        "java": (below_java.pem, "www.example", ""),
        "ending": (issue("a", ending, names=site).pem, "www.example", ""),
        "ended": (
            issue("a", ended, names=site).pem,
            "www.example",
            "expired in its chain: the certificate of a CA has",
        ),
        "pinned": (issue("a", between, names=site).pem, "www.example", ""),
    }
    inventory = ""
    for name, (content, expected, _) in files.items():
        (tmp_path / f"{name}.pem").write_bytes(content)
        ca = "between-ca" if name == "pinned" else "ca"
        inventory += f'[tls.{name}]\nfile = "{tmp_path}/{name}.pem"\nca = "{tmp_path}/{ca}.pem"\n'
        inventory += f'server_name = "{expected}"\n' if expected else ""
    broken = {
        "no_end": (good.pem.rpartition(b"-----END")[0], "its certificate is cut off: there is no END CERTIFICATE"),
        "no_base64": (good.pem.replace(b"M", b"?", 1), "certificate 1 in it is damaged: it is not PEM as a whole"),
        "no_der": (
            b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n",
            "the certificate can't be read",
        ),
    }
    for name, (content, _) in broken.items():
        (tmp_path / f"{name}.pem").write_bytes(content)
        inventory += f'[tls.{name}]\nfile = "{tmp_path}/{name}.pem"\n'
    zero_server = issue("zero", zero, names=hosts("localhost"), number=1)
    (tmp_path / "server.pem").write_bytes(
        zero_server.write(tmp_path / "key.pem").read_bytes().partition(b"-----BEGIN C")[0]
    )
    with (tmp_path / "server.pem").open("ab") as file:
        file.write(numbered_zero(zero_server, zero))
    with serving(shakes_hands(context(tmp_path / "server.pem"))) as port:
        inventory += f'[tls.zero_server]\naddress = "localhost:{port}"\nca = "{tmp_path}/ca.pem"\n'
        inventory += f'[tls.machine]\naddress = "localhost:{port}"\n'
        outcome = run(inventory, "-W", "error")
    for name, (_, _, said) in files.items():
        assert outcome.verdict(f"tls.reachable@{name}") == "ok", outcome.message(f"tls.reachable@{name}")
        assert outcome.verdict(f"tls.trusted@{name}") == ("breach P1" if said else "ok"), (
            name,
            outcome.message(f"tls.trusted@{name}"),
        )
        assert said in outcome.message(f"tls.trusted@{name}")
    for name in set(files) - {"client_ended", "ending", "ended"}:
        assert outcome.verdict(f"tls.days_left@{name}") == "ok", outcome.message(f"tls.days_left@{name}")
    said = r"time left of the root certificate CN=root 4\.55 is 4\.5\d* d, expected >= 7 d"
    assert re.fullmatch(said, outcome.message("tls.days_left@ending"))
    assert outcome.verdict("tls.days_left@ended") == "breach P1"
    for name, (_, said) in broken.items():
        assert said in outcome.message(f"tls.trusted@{name}"), outcome.message(f"tls.trusted@{name}")
        assert outcome.verdict(f"tls.trusted@{name}") in ("blocked", "unknown P1")
    for check in ("reachable", "days_left", "trusted"):
        assert outcome.verdict(f"tls.{check}@zero_server") == "ok", outcome.message(f"tls.{check}@zero_server")
    assert outcome.verdict("tls.trusted@machine") == "breach P1"
