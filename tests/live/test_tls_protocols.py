"""TLS versions, STARTTLS and certificates in files: real servers, each check red by its fault and green again."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from .conftest import Run
from .databases import postgres
from .processes import free_port
from .test_tls import MODERN, Servers, inventory, self_signed, servers
from .web import Site, listener

__all__ = ["servers"]


def test_old_versions_of_tls_are_seen(run: Run, servers: Servers) -> None:
    old = "ssl_ciphers ALL:@SECLEVEL=0;"
    servers.settings = {
        "one": f"ssl_protocols TLSv1 TLSv1.1 TLSv1.2; {old}",
        "eleven": f"ssl_protocols TLSv1.1 TLSv1.2; {old}",
        "modern": MODERN,
        "newest": "ssl_protocols TLSv1.3;",
    }
    for name in servers.settings:
        servers.issue(name, "localhost")
    with servers.nginx():
        expected = {**dict.fromkeys(servers.settings, ">= 1.2"), "newest": ">= 1.3"}
        said = inventory(servers, {name: f'expect = {{ protocol = "{limit}" }}' for name, limit in expected.items()})
        outcome = run(said, suite="weekly")
        assert outcome.verdict("tls.protocol@one") == "breach P2"
        assert outcome.message("tls.protocol@one") == "the oldest version taken is TLS 1.0, expected >= 1.2"
        assert outcome.message("tls.protocol@eleven") == "the oldest version taken is TLS 1.1, expected >= 1.2"
        assert outcome.verdict("tls.protocol@modern") == "ok"
        assert outcome.verdict("tls.protocol@newest") == "ok", outcome.message("tls.protocol@newest")
    servers.settings["one"] = MODERN
    servers.settings["newest"] = MODERN
    with servers.nginx():
        outcome = run(said, suite="weekly")
        assert outcome.verdict("tls.protocol@one") == "ok"
        assert outcome.message("tls.protocol@newest") == "the oldest version taken is TLS 1.2, expected >= 1.3"


@contextmanager
def mail(certificate: Path | None) -> Iterator[int]:
    """Run a mail server that offers STARTTLS where it has a certificate."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    controller = Controller(Sink(), hostname="127.0.0.1", port=free_port(), tls_context=context)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def test_mail_server_after_starttls(run: Run, servers: Servers) -> None:
    servers.issue("good", "localhost")
    servers.issue("expired", "localhost", ends=-3)
    with (
        mail(servers.folder / "good.pem") as good,
        mail(servers.folder / "expired.pem") as expired,
        mail(None) as none,
        listener(b"554 no service\r\n") as closed,
        listener(b"220 slow") as slow,
        Site() as web,
    ):
        ports = {"good": good, "expired": expired, "none": none, "closed": closed, "slow": slow, "web": web.server_port}
        outcome = run(
            "".join(
                f'[tls.{name}]\naddress = "localhost:{port}"\nstarttls = "smtp"\nca = "{servers.ca}"\n'
                f'[tls.{name}.expect]\nprotocol = {{ P2 = ">= 1.2", suites = ["daily"], timeout = "1s" }}\n'
                'reachable = { timeout = "1s" }\ndays_left = { P1 = "> 30d", timeout = "1s" }\n'
                'trusted = { timeout = "1s" }\n'
                for name, port in ports.items()
                if name != "web"
            )
        )
    for check in ("reachable", "days_left", "trusted", "protocol"):
        assert outcome.verdict(f"tls.{check}@good") == "ok", outcome.message(f"tls.{check}@good")
    assert outcome.verdict("tls.reachable@expired") == "ok"
    assert outcome.verdict("tls.days_left@expired") == "breach P1"
    assert "expired since" in outcome.message("tls.trusted@expired")
    assert "the mail server offers no STARTTLS" in outcome.message("tls.reachable@none")
    assert "the mail server greeted with '554 no service'" in outcome.message("tls.reachable@closed")
    assert "no answer within 1 s" in outcome.message("tls.reachable@slow")
    for name in ("none", "closed", "slow"):
        assert outcome.verdict(f"tls.reachable@{name}") == "breach P0"
        assert outcome.verdict(f"tls.days_left@{name}") == "blocked"


def test_postgres_before_and_after_ssl_is_on(run: Run, servers: Servers) -> None:
    with postgres() as server, listener(b"H") as other:
        said = "".join(
            f'[tls.{name}]\naddress = "localhost:{port}"\nstarttls = "postgres"\nca = "{servers.ca}"\n'
            for name, port in {"db": server.port, "other": other}.items()
        )
        outcome = run(said)
        assert outcome.verdict("tls.reachable@db") == "breach P0"
        assert "the PostgreSQL server takes no TLS; check whether ssl = on" in outcome.message("tls.reachable@db")
        assert "what answers there is no PostgreSQL server" in outcome.message("tls.reachable@other")
        servers.issue("db", "localhost")
        server.secure(Path(shutil.copy(servers.folder / "db.pem", server.folder / "data")))
        outcome = run(said)
        for check in ("reachable", "days_left", "trusted"):
            assert outcome.verdict(f"tls.{check}@db") == "ok", outcome.message(f"tls.{check}@db")


def test_certificates_in_files(run: Run, servers: Servers) -> None:
    folder, other = servers.folder, trustme.CA()
    servers.issue("good", "localhost", "www.localhost")
    servers.issue("soon", "localhost", ends=5)
    servers.issue("expired", "localhost", ends=-2)
    servers.issue("early", "localhost", starts=2)
    servers.issue("name", "other.example")
    servers.issue("foreign", "localhost", ca=other)
    servers.issue("chain", "localhost", ca=servers.authority.create_child_ca())
    servers.issue_through_another("linked", 80)
    servers.issue_through_another("unlinked", 5.55)
    whole = (folder / "chain.pem").read_text()
    (folder / "cut.pem").write_text(whole.partition("END CERTIFICATE-----")[0] + "END CERTIFICATE-----\n")
    self_signed(folder / "alone.pem")
    key = "\n".join((folder / "good.pem").read_text().partition("-----BEGIN CERT")[0].splitlines()[1:3])
    (folder / "key.pem").write_text((folder / "good.pem").read_text().partition("-----BEGIN CERT")[0])
    names = (
        "good",
        "soon",
        "expired",
        "early",
        "name",
        "foreign",
        "alone",
        "chain",
        "cut",
        "linked",
        "unlinked",
        "key",
        "gone",
    )
    said = '[host.here]\nconnect = "local://"\n[tls.any]\n' + "".join(
        f'[tls.{name}]\nfile = "{folder}/{name}.pem"\non = "here"\nserver_name = "localhost"\nca = "{servers.ca}"\n'
        for name in names
    )
    said += f'[tls.system]\nfile = "{folder}/good.pem"\n'
    said = said.replace("[tls.any]\n", f'[tls.any]\nfile = "{folder}/name.pem"\nca = "{servers.ca}"\n')
    outcome = run(said, "-vv", "-l", "--tb=long")
    for name in ("good", "any", "chain", "linked"):
        for check in ("reachable", "days_left", "trusted"):
            assert outcome.verdict(f"tls.{check}@{name}") == "ok", outcome.message(f"tls.{check}@{name}")
    assert outcome.verdict("tls.days_left@soon") == "breach P2"
    assert outcome.verdict("tls.trusted@soon") == "ok"
    assert outcome.verdict("tls.days_left@unlinked") == "breach P2"
    assert outcome.verdict("tls.trusted@unlinked") == "ok"
    assert outcome.verdict("tls.days_left@expired") == "breach P1"
    for name, why in {
        "expired": "the certificate for localhost is expired since",
        "early": "is not valid before",
        "name": "is for another name: other.example, expected trusted",
        "foreign": "is of an issuer that the CA file does not know",
        "alone": "is self-signed",
        "cut": "or an intermediate certificate is missing",
        "system": "is of an issuer that this machine does not know",
    }.items():
        assert outcome.verdict(f"tls.trusted@{name}") == "breach P1", name
        assert why in outcome.message(f"tls.trusted@{name}")
    assert "key.pem: there is no certificate in it" in outcome.message("tls.reachable@key")
    assert "gone.pem: there is no such file" in outcome.message("tls.reachable@gone")
    assert outcome.verdict("tls.days_left@gone") == "blocked"
    assert all(line not in outcome.output + str(outcome.results) for line in key.splitlines())
    servers.issue("expired", "localhost")
    outcome = run(said)
    assert outcome.verdict("tls.days_left@expired") == "ok"
    assert outcome.verdict("tls.trusted@expired") == "ok"


def test_a_private_key_never_leaves_its_host(servers: Servers) -> None:
    """What a part of the script prints is what leaves the host."""
    from pytest_opscheck.gather.host import HostConnection
    from pytest_opscheck.probes.tls import TlsServer, kind

    servers.issue("both", "localhost")
    file = servers.folder / "both.pem"
    whole = file.read_text()
    file.write_text(whole.replace("-----END CERTIFICATE-----", "") + whole)  # a block that does not end, before a key
    part = kind.shells["certificate"].part(TlsServer(file=str(file)), 10.0, {})
    (output,) = HostConnection("local://").run([part])
    assert "BEGIN CERTIFICATE" in output.stdout
    assert "PRIVATE" not in output.stdout
    key = whole.partition("-----BEGIN CERT")[0].splitlines()[1]
    assert key not in output.stdout


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('server_name = "a"', "either an address, such as 'api.example.com:443', or a file"),
        ('address = "a:443"\nfile = "/etc/a.pem"', "either an address"),
        ('file = "a.pem"', "'a.pem' is not an absolute path"),
        ('address = "a:25"\nstarttls = "imap"', "'smtp' or 'postgres'"),
        ('address = "a..b:443"', "it can't be the name of a host"),
        ('file = "/etc/a.pem"\nstarttls = "smtp"', "starttls is for an address"),
        ('file = "/etc/a.pem"\non = "nowhere"', "there is no [host.nowhere]"),
        ('address = "a:443"\nexpect = { protocol = true }', "it has no limit"),
        ('address = "a:443"\nexpect = { protocol = "TLS 1.2" }', "'== TLS 1.2' is for a text"),
    ],
)
def test_mistakes_in_the_inventory_are_named(run: Run, keys: str, said: str) -> None:
    outcome = run(f"[tls.a]\n{keys}\n")
    assert outcome.exit_status == 4
    assert said in outcome.output
