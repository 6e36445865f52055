"""What is read of a certificate: as cryptography reads it, without its warnings, and never more than an error."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from cryptography import x509 as theirs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.probes._certificate import ascii_name
from pytest_opscheck.probes._der import first_value, x509

KEY = ec.generate_private_key(ec.SECP256R1())


def made(begins: dt.datetime, ends: dt.datetime) -> theirs.Certificate:
    name = theirs.Name(
        [
            theirs.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            theirs.NameAttribute(NameOID.ORGANIZATION_NAME, "B\u00fccher, Sons & Co."),
            theirs.NameAttribute(NameOID.COMMON_NAME, "any"),
        ]
    )
    names = [
        theirs.DNSName("a.example"),
        theirs.RFC822Name("a@b.example"),
        theirs.IPAddress(ipaddress.ip_address("::1")),
    ]
    builder = theirs.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.public_key(KEY.public_key()).not_valid_before(begins).not_valid_after(ends)
    builder = builder.add_extension(theirs.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(theirs.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(theirs.SubjectKeyIdentifier(b"own"), critical=False)
    builder = builder.add_extension(theirs.AuthorityKeyIdentifier(b"above", None, None), critical=False)
    return builder.sign(KEY, hashes.SHA256())


GOOD = made(dt.datetime(2020, 1, 2, tzinfo=dt.UTC), dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
DER = GOOD.public_bytes(Encoding.DER)


@pytest.mark.parametrize(("begins", "ends"), [(1950, 1999), (2000, 2049), (2049, 2050), (2051, 9999)])
def test_dates_of_every_century(begins: int, ends: int) -> None:
    begin, end = dt.datetime(begins, 1, 31, tzinfo=dt.UTC), dt.datetime(ends, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    found = x509(made(begin, end).public_bytes(Encoding.DER))
    assert (found.begins, found.ends) == (begin, end)


def test_what_a_certificate_says() -> None:
    found = x509(DER)
    assert found.subject == found.issuer == "CN=any,O=B\u00fccher\\, Sons & Co.,C=DE"
    assert found.names == ("a.example", "::1")
    assert (found.ca, found.rsa, found.key, found.issuer_key) == (True, False, b"own", b"above")
    assert found.public_key == KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert first_value(DER + b"\x30\x00") == DER


@given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), max_size=4), st.integers(0, len(DER)))
def test_what_is_damaged_is_an_error_and_nothing_else(changes: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(DER)
    for at, value in changes:
        damaged[at] = value
    for content in (bytes(damaged), bytes(damaged[:length])):
        try:
            x509(content)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.example", "a.example"),
        ("a.example.", "a.example"),
        ("my_service", "my_service"),
        ("B\u00fccher.example", "xn--bcher-kva.example"),
        ("::1", "::1"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_the_name_of_a_host(name: str, found: str) -> None:
    assert ascii_name(name) == found


@pytest.mark.parametrize("name", ["", "a..b", ".a", "a" * 64, "\u00fc" * 64])
def test_what_no_host_is_called(name: str) -> None:
    with pytest.raises(ValueError, match="can't be the name of a host"):
        ascii_name(name)
