"""The table [report.mail]: to whom, from whom, through which server, and when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import Inventory, load
from pytest_opscheck.inventory.report import Address

Errors = Callable[..., list[str]]
WHO = 'to = "a@example.com"\nfrom = "b@example.com"\n'
MAIL = f'[report.mail]\nserver = "mail"\n{WHO}'
HOST = "[host.a]\n"


def loaded(tmp_path: Path, text: str, **environment: str) -> Inventory:
    (tmp_path / "opscheck.toml").write_text(text + HOST, encoding="utf-8")
    return load(tmp_path / "opscheck.toml", checks(), environment)


def test_without_the_table_there_is_no_mail(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").mail is None


def test_all_of_it(tmp_path: Path) -> None:
    text = (
        '[report.mail]\nto = ["a@example.com", \'"Ops, all" <b@example.com>\']\nfrom = "Checks <c@example.com>"\n'
        'server = "[::1]:465"\nuser = "ops"\npassword = "${SMTP_PASSWORD}"\nca = "/etc/ca.pem"\n'
        'when = { daily = "always", smoke = "critical" }\n[opscheck]\nseverities = { critical = "P0" }\n'
    )
    inventory = loaded(tmp_path, text, SMTP_PASSWORD="Canary-9")
    mail = inventory.mail
    assert mail is not None
    assert mail.to == (Address("a@example.com"), Address("b@example.com", "Ops, all"))
    assert mail.sender == Address("c@example.com", "Checks")
    assert (mail.host, mail.port, mail.security, mail.user) == ("::1", 465, "tls", "ops")
    assert mail.when == {"daily": "always", "smoke": "P0"}
    assert (mail.password, mail.ca) == ("Canary-9", "/etc/ca.pem")
    assert "Canary" not in repr(mail)
    beside = loaded(tmp_path, text.replace("/etc/", ""), SMTP_PASSWORD="Canary-9").mail
    assert beside is not None
    assert beside.ca == str(tmp_path / "ca.pem")
    assert inventory.redactor.text("535 Canary-9") == "535 ***"


def test_by_default_starttls_on_the_port_for_mails_that_are_handed_in(tmp_path: Path) -> None:
    mail = loaded(tmp_path, MAIL).mail
    assert mail is not None
    assert (mail.host, mail.port, mail.security, mail.when) == ("mail", 587, "starttls", {"": "always"})


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("report = 5\n", "1: report: it must be a table: [report]"),
        ("[report]\nmail = 5\n", "2: report.mail: it must be a table: [report.mail]"),
        ("[report.male]\nto = 'x'\n", "report.male: unknown key; did you mean 'mail'?"),
        ("[report.mail]\n", "report.mail.to: it is missing; use for example 'ops@example.com'"),
        (f"[report.mail]\n{WHO}", "report.mail.server: it is missing; use for example 'smtp.example.com:587'"),
        (f"{MAIL}form = 'x'\n", "5: report.mail.form: unknown key; did you mean 'from'?"),
        (MAIL.replace("a@example.com", "nobody"), "3: report.mail.to: 'nobody' is not a mail address; use for example"),
        (MAIL.replace('"a@example.com"', "[]"), "3: report.mail.to: [] is not a mail address"),
        (MAIL.replace('"a@example.com"', "['a@example.com', 5]"), "report.mail.to: 5 is not a mail address"),
        (MAIL.replace("b@example.com", "b@example.com\\r\\nBcc: c@example.com"), "report.mail.from: 'b@example.com\\r"),
        (
            MAIL.replace("b@example.com", "x\\u2028y <b@example.com>"),
            "report.mail.from: 'x\\u2028y <b@example.com>' is no",
        ),
        (
            MAIL.replace("b@example.com", "x\\u0085y <b@example.com>"),
            "report.mail.from: 'x\\x85y <b@example.com>' is no",
        ),
        (MAIL.replace("b@example.com", "x\\ny <b@example.com>"), "report.mail.from: 'x\\ny <b@example.com>' is no"),
        (MAIL.replace('"mail"', '"mail:0"'), "2: report.mail.server: 'mail:0' is not a server"),
        (MAIL.replace('"mail"', '"smtp://mail"'), "report.mail.server: 'smtp://mail' is not a server; use for example"),
        (f"{MAIL}security = 'ssl'\n", "report.mail.security: 'ssl' is not one of starttls, tls, none"),
        (f"{MAIL}user = 'x'\n", "report.mail.user: password is missing; set both, or neither"),
        (f"{MAIL}password = 'x'\n", "report.mail.password: user is missing"),
        (
            f"{MAIL}user = 'x'\npassword = 'y'\nsecurity = 'none'\n",
            "report.mail.security: the password would be sent in the clear; use 'starttls' or 'tls'",
        ),
        (f"{MAIL}ca = 5\n", "report.mail.ca: it must be a non-empty text"),
        (
            f"{MAIL}when = 'daily'\n",
            "mail.when: 'daily' is not a value of when; use one of always, change, P0",
        ),
        (f"{MAIL}when = {{ dayly = 'P1' }}\n", "when.dayly: there is no suite 'dayly'; did you mean 'daily'?"),
        (f"{MAIL}when = {{ daily = 5 }}\n", "report.mail.when.daily: 5 is not a value of when"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(errors: Errors, said: str, error: str) -> None:
    assert error in "\n".join(errors(said + HOST))
