"""A real SMTP server on a free port of the loopback: it takes mails, or refuses them as it is told to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from .processes import free_port

PASSWORD = "Canary-5-Smtp"


@dataclass
class Post:
    """What a server does: answers to recipients and to mails, the next one first; what it took, and when asked."""

    recipients: dict[str, list[str]] = field(default_factory=dict)
    mails: list[str] = field(default_factory=list)
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)
    asked: int = 0

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd names it
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Answer a recipient."""
        answers = self.recipients.get(address, [])
        answer = answers.pop(0) if answers else "250 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - likewise
        """Answer a mail."""
        self.asked += 1
        answer = self.mails.pop(0) if self.mails else "250 OK"
        if answer.startswith("2"):
            self.taken.append((list(envelope.rcpt_tos), envelope.content))
        return answer

    def mail(self) -> EmailMessage:
        """Return the one mail that was taken, parsed."""
        ((_, content),) = self.taken
        found = message_from_bytes(content, policy=POLICY)
        assert isinstance(found, EmailMessage)
        return found


@dataclass(frozen=True)
class Authority:
    """An authority, its file, and a server's context with its certificate."""

    file: Path
    context: ssl.SSLContext

    @classmethod
    def fresh(cls, folder: Path, name: str = "127.0.0.1") -> Authority:
        """Make one, with a certificate for a name."""
        made = trustme.CA()
        made.cert_pem.write_to_path(str(folder / "ca.pem"))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.issue_cert(name).configure_cert(context)
        return cls(folder / "ca.pem", context)


@contextmanager
def server(post: Post, security: str, context: ssl.SSLContext | None) -> Iterator[int]:
    """Start a server, which takes the user `ops` with the password alone; yield its port."""

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
        right = isinstance(said, LoginPassword) and said == LoginPassword(b"ops", PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    signed = {"authenticator": authenticate, "auth_required": True}
    options: dict[str, Any] = {
        "tls": {"ssl_context": context, "auth_require_tls": False, **signed},
        "starttls": {"tls_context": context, "require_starttls": True, **signed},
        "none": {},
    }[security]
    port = free_port()
    controller = Controller(post, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
