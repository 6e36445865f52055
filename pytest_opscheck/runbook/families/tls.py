"""Certificates: how long one is valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ..asks import Ask, Step, TargetHint, Todo, has_variables, is_open, named

_ADDRESS = re.compile(r"[\w.-]+:\d{2,5}")


def target_of(address: str | None) -> TargetHint:
    """Return a certificate by the address of its server; None where the runbook names none."""
    if not address or is_open(address) or has_variables(address):
        what = "the server's name and port, for example www.example.com:443"
        return TargetHint("tls", "?", "web", {"address": Todo(what, "www.example.com:443")})
    host = address.partition(":")[0]
    label = host.split(".")[0]
    return TargetHint("tls", address, named("web" if label == "www" else label, "web"), {"address": address})


def of_url(url: str) -> TargetHint:
    """Return the certificate of a web address."""
    try:
        parts = urlsplit(url)
        return target_of(f"{parts.hostname}:{parts.port or 443}" if parts.hostname else None)
    except ValueError:
        return target_of(None)


def asks(step: Step) -> Iterator[Ask]:
    """Yield what a step asks of a certificate."""
    for command in step.line.commands:
        if command.program == "openssl" and command.args[:1] == ("s_client",):
            address = command.option("-connect")
            yield Ask(
                "tls.days_left",
                target_of(address if address and _ADDRESS.fullmatch(address) else None),
                "certificate",
                sure=0.85,
                subject=address or "",
            )
            return
        if command.program == "openssl" and command.args[:1] == ("x509",):
            file = command.option("-in")
            if file and file.startswith("/") and not is_open(file):
                target = TargetHint(
                    "tls", file, named(file.rpartition("/")[2].partition(".")[0], "file"), {"file": file}
                )
                yield Ask("tls.days_left", target, "certificate", sure=0.85, subject=file)
            return
        if command.program == "certbot" and command.args[:1] in (("certificates",), ("renew",)):
            yield Ask(
                "tls.days_left",
                TargetHint("tls", "*", "web", target_of(None).keys),
                "certificate",
                sure=0.8,
                subject="certificates",
            )
            return
