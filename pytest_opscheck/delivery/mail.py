"""Mails a run's report: when there is one to send, its message, and the way to the server, which has an end."""

from __future__ import annotations

import contextlib
import gzip
import platform
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from ..core.results import Result, Run, Verdict
from ..core.visible import plain
from ..inventory.report import ALWAYS, CHANGE, Address, Mail
from ..reports.context import ReportContext
from ..reports.mail import bodies
from ..reports.phrases import counts, short
from .destination import Destination, Finished

LONGEST_S = 120.0
"""How long a mail may take in all: then the run ends without."""
PAUSES_S = (5.0, 15.0, 30.0, 60.0)
"""How long to wait before each further attempt where a server says that it may take the mail later."""
_CALL_S = 30.0
_LARGE = 256 * 1024
"""A report from this size on is attached gzipped."""
_LONGEST_SUBJECT = 180
_LATER = range(400, 500)
_JUDGED = (0, 1)
"""The exit statuses of a run that says all there is to say in its results."""

Refused = Mapping[str, tuple[int, bytes | str]]
"""What a server said of recipients, or of the whole mail, by address."""


class MailError(Exception):
    """A mail that was not delivered, or not to everybody; the message says to whom, and why."""


class Mailed(Destination):
    """The mail of a run's report. That it could not be delivered is told, and changes no verdict."""

    task = "mail the report"

    def __init__(self, mail: Mail) -> None:
        self._mail = mail

    def send(self, finished: Finished) -> Iterator[str]:
        """Mail it where that is due: nothing of a part that somebody chose, or of a run that was asked to end."""
        run, context = finished.run, finished.context
        if run.suite is None or finished.is_chosen or finished.was_interrupted:
            return
        if not due(self._mail, run, context, lambda: finished.past.changed(run)):
            return
        try:
            deliver(self._mail, message(self._mail, run, context, finished.page))
        except MailError as error:
            reason = finished.inventory.redactor.text(str(error))
            yield f"could not mail the report (not a fault of any target): {reason}"


def due(mail: Mail, run: Run, beside: ReportContext, changed: Callable[[], bool]) -> bool:
    """Tell whether a mail of a run is to be sent. `changed` tells whether anything is not as in the run before.

    What fails without a verdict has no severity, so that it is always told.
    """
    suites = (run.suite or "").split("+")
    occasions = {mail.when[suite] for suite in (*suites, "") if suite in mail.when}
    if not occasions:
        return False
    if ALWAYS in occasions or run.exit_status not in _JUDGED or beside.failed or beside.problems:
        return True
    worst = _worst(run)
    return (CHANGE in occasions and changed()) or (
        worst is not None and any(worst <= each for each in occasions - {CHANGE})
    )


def _worst(run: Run) -> str | None:
    """Return the worst severity of what is not ok and counts."""
    wrong: list[Result] = [r for r in run.results if r.verdict in (Verdict.BREACH, Verdict.UNKNOWN) and not r.pending]
    return min((result.severity for result in wrong if result.severity), default=None)


def message(mail: Mail, run: Run, beside: ReportContext, page: str) -> EmailMessage:
    """Return a run's mail. No header can be injected: names stand in one line, and the policy refuses any other."""
    made = EmailMessage(policy=SMTP)
    made["Subject"] = _subject(run)
    made["From"] = _mailbox(mail.sender)
    made["To"] = [_mailbox(each) for each in mail.to]
    made["Date"] = format_datetime(run.finished)
    made["Message-ID"] = make_msgid(domain=mail.sender.address.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"  # nobody's holiday note is to answer it
    text, html = bodies(run, beside)
    made.set_content(_encodable(text))
    made.add_alternative(html, subtype="html")
    name = f"{re.sub('[^A-Za-z0-9_+-]', '_', run.suite or 'checks')}-{run.started:%Y-%m-%dT%H%M%S}.html"
    data = page.encode(errors="backslashreplace")
    if len(data) < _LARGE:
        made.add_attachment(data, maintype="text", subtype="html", filename=name, params={"charset": "utf-8"})
    else:
        made.add_attachment(gzip.compress(data, mtime=0), maintype="application", subtype="gzip", filename=f"{name}.gz")
    return made


def _mailbox(address: Address) -> Mailbox:
    return Mailbox(address.name, addr_spec=address.address)


def _subject(run: Run) -> str:
    """Return the worst severity, the inventory, the suite and the counts, in one line."""
    worst = _worst(run) or ("failed" if run.exit_status else "ok")
    numbers = counts(run).partition(": ")[2]
    return short(_encodable(plain(f"[{worst}] {run.inventory} {run.suite or 'checks'}: {numbers}")), _LONGEST_SUBJECT)


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def deliver(
    mail: Mail, made: EmailMessage, *, longest_s: float = LONGEST_S, pauses_s: Sequence[float] = PAUSES_S
) -> None:
    """Hand a mail to its server, and give up when the time is over. Raises MailError."""
    end = time.monotonic() + longest_s
    outcome: list[MailError | None] = []

    def work() -> None:
        try:
            _deliver(mail, made, end, pauses_s)
            outcome.append(None)
        except MailError as error:
            outcome.append(error)
        except Exception as error:  # noqa: BLE001 - the run's verdict stands, whatever goes wrong with its mail
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            outcome.append(MailError(f"{reason}; this is a bug in pytest-opscheck: please report it"))

    thread = threading.Thread(target=work, name="opscheck-mail", daemon=True)
    thread.start()
    thread.join(longest_s)
    if not outcome:
        raise MailError(f"{_place(mail)} did not accept it within {longest_s:g} s; see what slows that server down")
    if outcome[0] is not None:
        raise outcome[0]


def _deliver(mail: Mail, made: EmailMessage, end: float, pauses_s: Sequence[float]) -> None:
    """Send, and send again to those of whom the server says that it may take the mail later."""
    left = [each.address for each in mail.to]
    given_up: dict[str, tuple[int, bytes | str]] = {}
    for pause in (*pauses_s, None):
        refused = _sent(mail, made, left, end)
        left = [address for address, (code, _) in refused.items() if code in _LATER]
        given_up |= {address: answer for address, answer in refused.items() if address not in left}
        if not left:
            break
        if pause is None or time.monotonic() + pause >= end:
            given_up |= {address: refused[address] for address in left}
            break
        time.sleep(pause)
    if given_up:
        raise MailError("; ".join(f"to {address}: {_answer(*answer)}" for address, answer in sorted(given_up.items())))


def _sent(mail: Mail, made: EmailMessage, to: Sequence[str], end: float) -> Refused:
    """Send a mail once, and return whom it was refused for."""
    try:
        with _connected(mail, end) as server:
            return server.send_message(made, mail.sender.address, list(to))
    except smtplib.SMTPRecipientsRefused as error:
        return error.recipients
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code in _LATER:
            return dict.fromkeys(to, (error.smtp_code, error.smtp_error))
        answer = _answer(error.smtp_code, error.smtp_error)
        raise MailError(f"{_place(mail)} rejected the user and password: {answer}; check both") from None
    except smtplib.SMTPResponseException as error:
        return dict.fromkeys(to, (error.smtp_code, error.smtp_error))
    except ssl.SSLCertVerificationError as error:
        hint = "set ca to the file of its CA, or use the server name that is in the certificate"
        raise MailError(f"{_place(mail)}: the certificate is not trusted: {error.verify_message}; {hint}") from None
    except ssl.SSLError as error:
        raise MailError(
            f"{_place(mail)}: TLS failed: {error.reason or error}; check security (tls, starttls)"
        ) from None
    except smtplib.SMTPNotSupportedError as error:
        answer = plain(str(error)).removesuffix(".")
        raise MailError(f"{_place(mail)}: {answer}; check security and user") from None
    except UnicodeEncodeError:
        raise MailError("a user or password with other than ASCII characters can't be sent to a server") from None
    except (smtplib.SMTPException, OSError) as error:
        answer = plain(str(error)) or type(error).__name__
        raise MailError(f"{_place(mail)}: {short(answer)}; check that a mail server is running there") from None


@contextmanager
def _connected(mail: Mail, end: float) -> Iterator[smtplib.SMTP]:
    """Connect to the server, encrypted and signed in as is said."""
    seconds = max(1.0, min(_CALL_S, end - time.monotonic()))
    name = platform.node()
    us = name if re.fullmatch(r"[A-Za-z0-9.-]+", name) else "localhost"  # what smtplib looks for may take long to find
    context = _trust(mail.ca)
    server: smtplib.SMTP
    if mail.security == "tls":
        server = smtplib.SMTP_SSL(mail.host, mail.port, us, timeout=seconds, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, us, timeout=seconds)
    try:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.user is not None and mail.password is not None:
            server.login(mail.user, mail.password)
        yield server
        with contextlib.suppress(smtplib.SMTPException, OSError):  # the mail is delivered by now
            server.quit()
    finally:
        server.close()


def _trust(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # also of a file that holds no certificates
        reason = error.strerror or "it contains no PEM certificate"
        raise MailError(
            f"ca: {ca}: {reason}; set it to the file of the CA that signed the server's certificate"
        ) from None


def _place(mail: Mail) -> str:
    return f"{mail.host}:{mail.port}"


def _answer(code: int, answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return f"{code} {short(plain(text))}".strip()
