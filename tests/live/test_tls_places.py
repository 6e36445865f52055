"""TLS servers with several addresses, and such that want a client's certificate: what each shows is judged."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from .certificates import Serve, context, hangs_up_without_a_word, hosts, issue, serving, shakes_hands
from .conftest import Run

FIRST, SECOND, NOBODY = "127.0.0.1", "127.0.0.2", "127.0.0.3"


@pytest.fixture
def several_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `both.example` be two addresses, and `dead.example` one where nobody is, in a file of hosts of its own."""
    file, python = tmp_path / "hosts", tmp_path / "python"
    names = {FIRST: "localhost both.example dead.example", SECOND: "both.example", NOBODY: "dead.example"}
    file.write_text("".join(f"{address} {name}\n" for address, name in names.items()))
    inside = f'mount --bind "{file}" /etc/hosts && exec "{sys.executable}" "$@"'
    python.write_text(f"#!/bin/sh\nexec unshare -m sh -c '{inside}' sh \"$@\"\n")
    python.chmod(0o755)
    if shutil.which("unshare") is None or subprocess.run([python, "-V"], capture_output=True, check=False).returncode:
        pytest.fail("this machine lets nobody have a file of hosts of their own")
    monkeypatch.setattr(sys, "executable", str(python))


def says_ssh(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-something\r\n")
    connection.recv(1)


@pytest.mark.usefixtures("several_addresses")
def test_every_address_of_a_name_is_looked_at(run: Run, tmp_path: Path) -> None:
    root = issue("root", ca=True, ends=3000)
    other = issue("other root", ca=True, ends=3000)
    (tmp_path / "ca.pem").write_bytes(root.pem)
    names = hosts("both.example", "dead.example")
    certificates = {
        "good": issue("good", root, names=names),
        "expired": issue("expired", root, names=names, ends=-3),
        "foreign": issue("foreign", other, names=names),
    }
    for name, issued in certificates.items():
        issued.write(tmp_path / f"{name}.pem")
    sides = {name: shakes_hands(context(tmp_path / f"{name}.pem")) for name in certificates}
    old = context(tmp_path / "good.pem")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    pairs: dict[str, tuple[Serve, Serve | None]] = {
        "same": (sides["good"], sides["good"]),
        "expired": (sides["good"], sides["expired"]),
        "foreign": (sides["good"], sides["foreign"]),
        "ssh": (sides["good"], says_ssh),
        "old": (sides["good"], shakes_hands(old)),
        "dead": (sides["good"], None),
    }
    inventory = ""
    with contextlib.ExitStack() as stack:
        for name, (first, second) in pairs.items():
            port = stack.enter_context(serving(first))
            if second is not None:
                stack.enter_context(serving(second, SECOND, port))
            inventory += (
                f'[tls.{name}]\naddress = "{"both" if second else "dead"}.example:{port}"\nca = "{tmp_path}/ca.pem"\n'
                f'expect = {{ protocol = {{ limit = ">= 1.2", suites = ["daily"] }} }}\n'
            )
        outcome = run(inventory)
    for name in ("same", "dead"):
        for check in ("reachable", "days_left", "trusted", "protocol"):
            assert outcome.verdict(f"tls.{check}@{name}") == "ok", outcome.message(f"tls.{check}@{name}")
    assert outcome["tls.days_left@same"]["measurements"][0]["subject"] == "time left"
    assert "there is no connection to 127.0.0.3: connection refused" in outcome.message("tls.reachable@dead")
    assert outcome.verdict("tls.days_left@expired") == "breach P1"
    assert outcome.message("tls.days_left@expired").startswith("time left at 127.0.0.2 is -3")
    assert outcome.verdict("tls.trusted@expired") == "breach P1"
    said = "the certificate for both.example at 127.0.0.2 is"
    assert f"{said} expired since" in outcome.message("tls.trusted@expired")
    assert outcome.verdict("tls.days_left@foreign") == "ok"
    assert f"{said} of an issuer that the CA file does not know" in outcome.message("tls.trusted@foreign")
    assert outcome.verdict("tls.reachable@ssh") == "breach P0"
    said = "127.0.0.2 is no certificate: what answers there does not speak TLS, expected a certificate"
    assert outcome.message("tls.reachable@ssh") == said
    assert outcome.verdict("tls.trusted@ssh") == "ok"
    assert outcome.message("tls.protocol@old") == "the oldest version taken is TLS 1.0, expected >= 1.2"


def test_a_server_that_wants_a_client_certificate_has_shown_its_own(run: Run, tmp_path: Path) -> None:
    root = issue("root", ca=True, ends=3000)
    (tmp_path / "ca.pem").write_bytes(root.pem)
    names = hosts("localhost")
    issue("broker", root, names=names, ends=60).write(tmp_path / "good.pem")
    issue("broker", root, names=names, ends=-2).write(tmp_path / "expired.pem")
    issue("broker", names=names).write(tmp_path / "alone.pem")
    inventory = ""
    with contextlib.ExitStack() as stack:
        for name in ("good", "expired", "alone"):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                side = context(tmp_path / f"{name}.pem", newest=version, wants=tmp_path / "ca.pem")
                for way in (shakes_hands, hangs_up_without_a_word):
                    port = stack.enter_context(serving(way(side)))
                    inventory += (
                        f'[tls.{name}_{version.name}_{way.__name__}]\naddress = "localhost:{port}"\n'
                        f'ca = "{tmp_path}/ca.pem"\n'
                    )
        good = context(tmp_path / "good.pem", newest=ssl.TLSVersion.TLSv1_2)
        torn = stack.enter_context(serving(ends_after_its_certificate(good)))
        inventory += f'[tls.torn]\naddress = "localhost:{torn}"\n'
        outcome = run(inventory)
    expected = {"good": ("ok", "ok"), "expired": ("breach P1", "breach P1"), "alone": ("ok", "breach P1")}
    results = [name.partition("@")[2] for name in outcome.results if name.startswith("tls.reachable@")]
    assert len(results) == 13
    for name in results:
        if name == "torn":
            continue
        days_left, trusted = expected[name.partition("_")[0]]
        assert outcome.verdict(f"tls.reachable@{name}") == "ok", outcome.message(f"tls.reachable@{name}")
        assert outcome.verdict(f"tls.days_left@{name}") == days_left, name
        assert outcome.verdict(f"tls.trusted@{name}") == trusted, outcome.message(f"tls.trusted@{name}")
    assert outcome.verdict("tls.reachable@torn") == "breach P0"
    assert "the connection was closed during the TLS handshake" in outcome.message("tls.reachable@torn")


def ends_after_its_certificate(side: ssl.SSLContext) -> Serve:
    """Show a certificate, ask for none, and hang up: no client gets any further."""

    def serve(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = side.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(connection.recv(65536))
        with contextlib.suppress(ssl.SSLWantReadError):
            server.do_handshake()
        connection.sendall(outgoing.read())

    return serve
