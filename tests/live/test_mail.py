"""The report by mail, to a real SMTP server: delivered, refused, put off, hung. The verdict stands whatever it says."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_opscheck.delivery.mail import MailError, deliver, message
from pytest_opscheck.inventory.report import Address, Mail
from pytest_opscheck.reports.context import ReportContext

from ..unit.reports.values import ok, result, run
from .smtp import PASSWORD, Authority, Post, server

A, B = "a@example.com", "b@example.com"
PLAIN = Mail(
    to=(Address(A), Address(B, "Bö, <b>")),
    sender=Address("ops@example.com", "Ops"),
    host="127.0.0.1",
    port=0,
    security="none",
    when={"": "always"},
)
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it is TLS from the start


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.fresh(tmp_path)


@contextmanager
def serving(post: Post) -> Iterator[Mail]:
    with server(post, "none", None) as port:
        yield replace(PLAIN, port=port)


def send(mail: Mail, **times: object) -> None:
    page = "<!doctype html>page"
    deliver(mail, message(mail, run(result(), ok()), ReportContext(), page), **{"pauses_s": (0.1, 0.2), **times})  # type: ignore[arg-type]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_delivered_over_tls(authority: Authority, security: str) -> None:
    post = Post()
    with server(post, security, authority.context) as port:
        send(replace(PLAIN, port=port, security=security, user="ops", password=PASSWORD, ca=str(authority.file)))
    mail = post.mail()
    assert post.taken[0][0] == [A, B]
    assert mail["Subject"] == "[P1] shop daily: 1 ok, 1 breach (1 P1)"
    assert str(mail["From"]) == "Ops <ops@example.com>"
    assert [(each.display_name, each.addr_spec) for each in mail["To"].addresses] == [("", A), ("Bö, <b>", B)]
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "BREACH P1 host.disk@prod\n    /var 95 %, expected < 90 %\n" in text.get_content().replace("\r\n", "\n")
    assert "expected &lt; 90 %" in html.get_content()
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "daily-2026-11-20T080000.html"
    assert attached.get_content().strip() == "<!doctype html>page"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "Canary-wrong"}, "rejected the user and password: 535"),
        ({"user": None, "password": None}, "530"),
        ({"ca": None}, "the certificate is not trusted: .*; set ca to the file of its CA"),
        ({"ca": "/no/such/file"}, "ca: /no/such/file: No such file or directory; set it to the file"),
        ({"security": "tls"}, "TLS failed: "),
    ],
)
def test_a_server_that_does_not_take_us(authority: Authority, change: dict[str, str | None], said: str) -> None:
    with server(Post(), "starttls", authority.context) as port:
        mail = replace(PLAIN, port=port, security="starttls", user="ops", password=PASSWORD, ca=str(authority.file))
        with pytest.raises(MailError, match=said) as raised:
            send(replace(mail, **change))  # type: ignore[arg-type]
    assert "Canary" not in str(raised.value)


def test_the_certificate_of_another_server(tmp_path: Path) -> None:
    authority = Authority.fresh(tmp_path, "mail.example.com")
    with (
        server(Post(), "tls", authority.context) as port,
        pytest.raises(MailError, match=r"not trusted: IP address mismatch.*or use the server name that is in the"),
    ):
        send(replace(PLAIN, port=port, security="tls", ca=str(authority.file)))


def test_a_server_without_starttls() -> None:
    with (
        serving(Post()) as mail,
        pytest.raises(MailError, match="STARTTLS extension not supported by server; check security"),
    ):
        send(replace(mail, security="starttls"))


def test_greylisting_is_waited_out_for_those_concerned_alone() -> None:
    post = Post(recipients={B: ["450 4.2.0 Greylisted, come back later"] * 2})
    with serving(post) as mail:
        send(mail)
    assert [to for to, _ in post.taken] == [[A], [B]]
    assert len({re.search(rb"(?i)message-id: (.*)", content)[1] for _, content in post.taken}) == 1  # type: ignore[index]


def test_greylisting_of_the_whole_mail() -> None:
    post = Post(mails=["451 4.7.1 try again later"])
    with serving(post) as mail:
        send(mail)
    assert post.asked == 2
    assert [to for to, _ in post.taken] == [[A, B]]


@pytest.mark.parametrize(
    ("post", "said", "asked"),
    [
        (Post(recipients={A: ["452 4.2.2 Mailbox full"] * 9}), f"to {A}: 452 4.2.2 Mailbox full", 1),
        (Post(recipients={A: ["550 5.1.1 no such user"] * 9}), f"to {A}: 550 5.1.1 no such user", 1),
        (
            Post(mails=["552 5.2.2 Mailbox full"] * 9),
            f"to {A}: 552 5.2.2 Mailbox full; to {B}: 552 5.2.2 Mailbox full",
            1,
        ),
        (Post(mails=["452 4.3.1 disk full"] * 9), f"to {A}: 452 4.3.1 disk full; to {B}: 452 4.3.1 disk full", 3),
        (Post(mails=["554 \x1b[2Jspam"] * 9), "554", 1),
    ],
)
def test_who_did_not_get_it_is_said(post: Post, said: str, asked: int) -> None:
    with serving(post) as mail, pytest.raises(MailError) as raised:
        send(mail)
    assert said in str(raised.value)
    assert "\x1b" not in str(raised.value)
    assert post.asked == asked


def test_a_wait_that_would_last_too_long_is_not_begun() -> None:
    started = time.monotonic()
    with serving(Post(mails=["451 later"] * 9)) as mail, pytest.raises(MailError, match="451 later"):
        send(mail, longest_s=3.0, pauses_s=(60.0,))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("greeting", [b"", b"2", b"220-and more\r\n"])
def test_a_server_that_hangs_is_given_up(greeting: bytes) -> None:
    """Be it from the start, or by sending a little again and again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def dribble() -> None:
            connection, _ = listening.accept()
            with connection:
                while not over.wait(0.2):
                    if greeting:
                        connection.sendall(greeting)

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        started = time.monotonic()
        with pytest.raises(MailError, match=r"127\.0\.0\.1:\d+(:| did not accept it within 2 s)"):
            send(replace(PLAIN, port=listening.getsockname()[1]), longest_s=2.0)
        assert time.monotonic() - started < 3
        over.set()
        thread.join(2)


def test_no_server_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(MailError, match=rf"127\.0\.0\.1:{port}: .*refused; check that a mail server is running there"):
        send(replace(PLAIN, port=port))


EVIL = "x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>\udcff"


def test_no_header_can_be_injected() -> None:
    told = run(result(id=EVIL, message=EVIL, target=EVIL), suite=EVIL)
    told = replace(told, inventory=EVIL, vantage=EVIL)
    post = Post()
    with serving(post) as mail:
        deliver(mail, message(mail, told, ReportContext(problems=[EVIL], uncovered=[EVIL]), EVIL))
    delivered = post.mail()
    assert post.taken[0][0] == [A, B]
    ours = {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
    assert {name for name in list(delivered) if not name.startswith("X-")} == ours
    assert "x Bcc: evil@example.com" in delivered["Subject"]
    html = delivered.get_body(("html",))
    assert html is not None
    assert "<script" not in html.get_content()


def test_a_large_run_has_a_small_body_and_a_packed_report() -> None:
    many = [result(id=f"host.disk@{number}", message="é" * 2000, action="→" * 900) for number in range(5000)]
    page = "<!doctype html>" + "report " * 100_000
    post = Post()
    with serving(post) as mail:
        deliver(replace(mail), message(mail, run(*many), ReportContext(), page))
    delivered = post.mail()
    parts = [part for part in delivered.walk() if part.get_content_type() in ("text/plain", "text/html")]
    assert len(parts) == 2
    assert sum(len(part.as_bytes()) for part in parts) < 100_000
    told = [len(re.findall(r"host\.disk@\d+", part.get_content())) for part in parts]
    assert told[0] == told[1]
    assert told[0] > 10
    assert all(f"and {5000 - told[0]} more in the attached report" in part.get_content() for part in parts)
    (attached,) = delivered.iter_attachments()
    assert attached.get_filename() == "daily-2026-11-20T080000.html.gz"
    assert gzip.decompress(attached.get_content()).decode() == page


Project = Callable[..., pytest.Pytester]
INVENTORY = """
[opscheck]
name = "shop"
[report.mail]
to = ["a@example.com", "Bö <b@example.com>"]
from = "Ops <ops@example.com>"
server = "127.0.0.1:{port}"
security = "{security}"
{more}
[host.local]
expect = {{ disk = false, memory = false, load = false, cpu = false }}
[host.local.command.flag]
run = "test ! -e {path}/flag"
"""


def project(pytester: pytest.Pytester, port: int, security: str = "none", more: str = "") -> None:
    text = INVENTORY.format(port=port, security=security, more=more, path=pytester.path)
    pytester.makefile(".toml", opscheck=text)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_run_mails_its_report_once(
    pytester: pytest.Pytester, authority: Authority, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    (pytester.path / "flag").touch()
    post = Post()
    with server(post, "starttls", authority.context) as port:
        more = f'user = "ops"\npassword = "${{SMTP_PASSWORD}}"\nca = "{authority.file}"\n'
        project(pytester, port, "starttls", more)
        assert pytester.runpytest_subprocess("-m", "daily", *workers).ret == 1
    mail = post.mail()
    assert mail["Subject"] == "[P2] shop daily: 1 ok, 1 breach (1 P2)"
    (attached,) = mail.iter_attachments()
    page = (pytester.path / "reports/daily/latest.html").read_text(encoding="utf-8")
    assert attached.get_content().replace("\r\n", "\n") == page
    assert PASSWORD not in post.taken[0][1].decode(errors="replace")


@pytest.mark.parametrize(("broken", "status"), [(False, 3), (True, 1)])
def test_a_mail_that_is_not_delivered_is_told_and_costs_nothing_else(
    pytester: pytest.Pytester, broken: bool, status: int
) -> None:
    if broken:
        (pytester.path / "flag").touch()
    post = Post(recipients={A: ["552 5.2.2 Mailbox full"]})
    with server(post, "none", None) as port:
        project(pytester, port)
        told = pytester.runpytest_subprocess("-m", "daily")
    assert told.ret == status
    told.stdout.fnmatch_lines(
        ["could not mail the report (not a fault of any target): to a@example.com: 552 5.2.2 Mailbox full"]
    )
    assert [to for to, _ in post.taken] == [[B]]
    data = json.loads((pytester.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    assert data["summary"]["breach"] == broken


@pytest.mark.parametrize(
    ("when", "subjects"),
    [
        ("always", ["[ok]", "[P2]", "[P2]", "[ok]", "[ok]"]),
        ("change", ["[ok]", "[P2]", "[ok]"]),  # the first run has nothing that it could be compared with
        ("P2", ["[P2]", "[P2]"]),
        ("P1", []),
    ],
)
def test_when(pytester: pytest.Pytester, when: str, subjects: list[str]) -> None:
    post = Post()
    with server(post, "none", None) as port:
        project(pytester, port, more=f'when = "{when}"')
        for broken in (False, True, True, False, False):
            if broken:
                (pytester.path / "flag").touch()
            else:
                (pytester.path / "flag").unlink(missing_ok=True)
            pytester.runpytest_subprocess("-m", "daily", "-q")
        pytester.runpytest_subprocess("-m", "daily", "-q", "-k", "flag")
    found = [re.search(rb"Subject: (\[\w+\])", content) for _, content in post.taken]
    assert [each[1].decode() for each in found if each] == subjects


def test_when_by_suite_and_when_the_checker_has_a_fault(pytester: pytest.Pytester) -> None:
    post = Post()
    with server(post, "none", None) as port:
        project(pytester, port, more='when = { daily = "P1" }')
        pytester.makepyfile("import pytest\n@pytest.mark.smoke\n@pytest.mark.daily\ndef test_x(): assert 0")
        pytester.runpytest_subprocess("-m", "smoke", "-q")
        assert post.taken == []
        pytester.runpytest_subprocess("-m", "daily", "-q")
    assert "FAILED" in str(post.mail().get_body(("plain",)))


def test_a_full_disk_does_not_keep_the_mail_back(pytester: pytest.Pytester) -> None:
    (pytester.path / "reports").write_text("")
    post = Post()
    with server(post, "none", None) as port:
        project(pytester, port, more='when = "P1"')
        assert pytester.runpytest_subprocess("-m", "daily", "-q").ret == 3
    assert post.mail()["Subject"].startswith("[failed] shop daily: 2 ok")
    assert "could not write the reports" in str(post.mail().get_body(("plain",)))
