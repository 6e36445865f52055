"""Secrets: what is one in a URL, connection string or header, and that no form of it stays in a text."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_opscheck.core.secrets import MASK, Redactor, secret_parts, without_password
from tests.leaks import forms, left


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("redis://:pa55@h:6379/0", ["pa55"]),
        ("postgres://u:p%40ss@h1:1,h2:2/db", ["p%40ss", "p@ss", "u:p%40ss", "u:p@ss"]),
        ("postgresql://u@h/db?password=pa55&sslmode=require", ["pa55"]),
        ("host=h user=u password=pa55 dbname=d", ["pa55"]),
        ("host=h password='two words' dbname=d", ["two words"]),
        ("sentinel://:one1@a:1;sentinel://:two2@b:2", ["one1", "two2"]),
        ("https://t0ken@host/path", ["t0ken"]),
        ("https://h/x?api_key=k3y5&page=2&key=abcd", ["k3y5", "abcd"]),
        ("ssh://u:pa/ss@host", ["pa/ss", "pa", "ss", "u:pa/ss"]),
        ("redis://:12#ss@host", ["12#ss", "12", "ss"]),
        ("u:pa55@host", ["pa55", "u:pa55"]),
        ("Bearer abc.def", ["abc.def"]),
        ("Basic b3BzOnBhNTU=", ["b3BzOnBhNTU=", "pa55", "ops:pa55"]),
        ("ssh://deploy@prod", []),
        ("redis://localhost:6379/0", []),
        ("http://host:8080/path?email=a@b.example", []),
        ("http://[::1", []),
        ("registry/app:v1.2@sha256:0123", []),
        ("Reset token manually", []),
        ("at 12:30", []),
        ("", []),
    ],
)
def test_what_is_secret_in_a_text(text: str, parts: list[str]) -> None:
    assert [part for part in secret_parts(text) if part not in parts] == []
    assert set(parts) <= set(secret_parts(text))


SECRETS = [
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "p@ss'w\"or\\d é&x 100%aé",
    "hunter22",
    "correct horse battery",
    "kümmel-Straße9!",
    "日本語のパスワード12",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_form_of_a_secret_and_no_part_of_it_stays(secret: str) -> None:
    """Whoever decodes what is left finds no eight letters of it in a row; the words around stay."""
    redactor = Redactor.of([secret])
    for name, form in forms(secret).items():
        clean = redactor.text(f"could not reach {form} at localhost")
        assert not left(clean, [secret]), name
        assert clean.startswith("could not reach "), name
        assert clean.endswith(" at localhost"), name


tokens = st.text(string.ascii_letters + string.digits + "+/=_-.!$%&*@#?", min_size=8, max_size=40).filter(
    lambda text: re.search("[a-z][0-9]|[0-9][a-z]", text) is not None and len(set(text)) > 5
)


@settings(max_examples=25, deadline=None)
@given(tokens, st.sampled_from(sorted(forms("x" * 8))), st.text(max_size=30), st.text(max_size=30))
def test_nothing_of_any_secret_stays_in_any_context(secret: str, form: str, before: str, behind: str) -> None:
    text = f"{before} {forms(secret)[form]} {behind}"
    assume(re.sub("[^a-z]", "", secret.lower()) not in before.lower() + behind.lower())
    segments = re.findall("[A-Za-z]{8,}|[0-9]{8,}", secret)
    assume(not segments)  # what is an ordinary word in a secret may stand alone elsewhere
    assert not left(Redactor.of([secret]).text(text), [secret])


@given(st.text(max_size=300))
def test_text_without_secrets_stays(text: str) -> None:
    redactor = Redactor.of(["wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "hunter22", "4711"])
    assert redactor.text(text) == text


def test_of_what_programs_shorten_both_ends_are_masked() -> None:
    redactor = Redactor.of(["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"])
    assert redactor.text("assert 'wJalr...EKEY' == 'x'") == "assert '***...***' == 'x'"
    assert redactor.text("wJalrX [...] of 40") == "*** [...] of 40"
    assert redactor.text("wJalr and EKEY") == "wJalr and EKEY"


def test_a_secret_in_a_long_text_is_found_wherever_it_stands() -> None:
    redactor = Redactor.of(["wJalrXUtnFEMI/K7MDENG", "hunter2"])
    line = "2026-01-31 10:15:00 INFO request GET /srv/app/items took 0.1 s\n"
    text = "".join(f"{line}{'x' * (n % 97)}{'wJalrXUtnFEMI/K7MDENG' if n % 2 else 'hunter2'}\n" for n in range(2000))
    clean = redactor.text(text)
    assert clean.count(MASK) == 2000
    assert clean.count(line) == 2000


def test_masking_takes_linear_time() -> None:
    """Also where a text is made of what escapes begin with."""
    redactor = Redactor.of([f"wJalrXUtn{number}FEMI/K7MDENG" for number in range(50)])
    for text in ("\\" * 200_000, "%25" * 70_000, "&amp;" * 40_000, "\n" * 200_000, "... " * 50_000, "a" * 200_000):
        assert redactor.text(text) == text


def test_of_a_url_its_password_and_never_its_host() -> None:
    redactor = Redactor.of(["redis://u:p%40ssw@h.example:1/0", "http://host.example:80/some/path?page=7&token=sesame"])
    assert redactor.text("redis://u:p%40ssw@h.example:1/0, p@ssw or p%40ssw") == (
        f"redis://{MASK}@h.example:1/0, {MASK} or {MASK}"
    )
    assert redactor.text("http://host.example:80/some/path?page=7") == "http://host.example:80/some/path?page=7"
    assert redactor.text("open sesame") == f"open {MASK}"


@pytest.mark.parametrize("word", ["4711", "guest", "abc"])
def test_an_ordinary_word_that_is_a_password_is_masked_in_a_passwords_place(word: str) -> None:
    redactor = Redactor.of([word])
    for text in (
        f"postgresql://ops:{word}@db/ops",
        f"host=db password={word} user=ops",
        f'{{"password": "{word}"}}',
        f"PIN: {word}",
        f"AUTH {word}",
        f"--password {word}",
    ):
        assert redactor.text(text) == text.replace(word, MASK)
        assert redactor.text(f"it is {word}, {text}") == f"it is {word}, {text.replace(word, MASK)}"
    assert redactor.data({"password": word, "count": word}) == {"password": MASK, "count": word}


def test_a_word_that_a_password_consists_of_stays_where_it_stands_alone() -> None:
    redactor = Redactor.of(["production-2026!", "my-password-123"])
    text = "no password supplied for production, since 2026"
    assert redactor.text(text) == text
    assert redactor.text("it is production-2026! and my-password-123") == f"it is {MASK} and {MASK}"


def test_the_longest_form_goes_first() -> None:
    assert Redactor.of(["secret", "secret-and-more"]).text("secret-and-more") == MASK


def test_lines_of_a_key_are_secret_one_by_one() -> None:
    assert Redactor.of(["first line\nsecond line"]).text("> second line") == f"> {MASK}"
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
    redactor = Redactor.of([key])
    assert redactor.text("-----BEGIN PRIVATE KEY-----\nhkiG9w0BAQEFAASC") == f"-----BEGIN PRIVATE KEY-----\n{MASK}"
    assert redactor.text("-" * 40) == "-" * 40


@pytest.mark.parametrize("word", ["abc", "5432", "127.0", "unknown", "breach", "true", ""])
def test_words_that_would_garble_what_is_said(word: str) -> None:
    assert Redactor.of([word]).text(f"it is {word}") == f"it is {word}"


def test_names_of_the_inventory_stay_readable() -> None:
    assert Redactor.of(["prod", "hunter22"], names=["prod"]).text("host.disk@prod hunter22") == f"host.disk@prod {MASK}"


def test_data_of_any_shape() -> None:
    redactor = Redactor.of(["hunter22", "message"])
    data = {"message": "is hunter22", "list": [("hunter22", 5, None, 0.5, True)]}
    assert redactor.data(data) == {"message": f"is {MASK}", "list": [[MASK, 5, None, 0.5, True]]}


def test_a_redactor_does_not_tell() -> None:
    assert "hunter22" not in repr(Redactor.of(["hunter22"]))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pa55@h:6379/0", "redis://h:6379/0"),
        ("postgres://u:p@h/db?password=x#y", "postgres://h/db"),
        ("redis://:pa/ss@h:6379/0", MASK),
        ("redis://:pa#ss@h:6379/0", MASK),
        ("redis://:pa?ss@h:6379/0", MASK),
        ("redis://u:12#ss@h", MASK),
        ("postgres://u:p@[::1]:5432,h2:2/db", "postgres://[::1]:5432,h2:2/db"),
        ("http://h:80/x?mail=a@b.example", "http://h:80/x"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("http://[::1", MASK),
        ("no url", MASK),
        ("", MASK),
    ],
)
def test_urls_in_messages(url: str, shown: str) -> None:
    assert without_password(url) == shown
