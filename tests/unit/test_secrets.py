"""Secrets: what is one in a URL, connection string or header, and that no form of it stays in a text."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_opscheck.secrets import _OURS, MASK, Redactor, is_secret_key, secret_parts, without_password


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("redis://:pa55@h:6379/0", ["pa55"]),
        ("postgres://u:p%40ss@h1:1,h2:2/db", ["p%40ss", "p@ss"]),
        ("postgresql://u@h/db?password=pa55&sslmode=require", ["pa55"]),
        ("host=h user=u password=pa55 dbname=d", ["pa55"]),
        ("host=h password='two words' dbname=d", ["two words"]),
        ("sentinel://:one1@a:1;sentinel://:two2@b:2", ["one1", "two2"]),
        ("https://t0ken@host/path", ["t0ken"]),
        ("https://h/x?api_key=k3y5&page=2&key=abcd", ["k3y5", "abcd"]),
        ("ssh://u:pa/ss@host", ["pa/ss", "pa", "ss"]),
        ("redis://:12#ss@host", ["12#ss", "12", "ss"]),
        ("u:pa55@host", ["pa55"]),
        ("Bearer abc.def", ["abc.def"]),
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


@pytest.mark.parametrize(
    "key", ["password", "DB_PASSWD", "api-key", "apikey", "access_token", "Authorization", "Cookie"]
)
def test_keys_of_secrets(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize("key", ["url", "connect", "keys", "name", "path", "author"])
def test_other_keys(key: str) -> None:
    assert not is_secret_key(key)


secrets = st.text(st.characters(codec="utf-8"), min_size=6, max_size=20).filter(
    lambda text: (
        len(text.strip()) >= 6 and len(text.splitlines()) == 1 and not text.strip().replace(".", "").isdecimal()
    )
)


@given(secrets, st.text(max_size=10))
def test_no_form_of_a_secret_stays(secret: str, around: str) -> None:
    stripped = secret.strip()
    assume(stripped not in MASK and stripped not in _OURS)
    redactor = Redactor.of([secret])
    forms = (stripped, quote(stripped, safe=""), json.dumps(stripped)[1:-1], repr(stripped)[1:-1])
    for form in forms:
        assume(form not in around)
        assert form not in redactor.text(f"{around} {form} {around}")


def test_of_a_url_its_password_too() -> None:
    redactor = Redactor.of(["redis://u:p%40ssw@h:1/0"])
    assert redactor.text("redis://u:p%40ssw@h:1/0, p@ssw or p%40ssw") == f"{MASK}, {MASK} or {MASK}"


def test_of_a_url_all_but_its_host() -> None:
    redactor = Redactor.of(["http://name:pass@host.example:80/some/path?page=seven-7"], names=["name"])
    assert (
        redactor.text("http://host.example:80/some/path?x and some/path and seven-7")
        == f"{MASK}?x and {MASK} and {MASK}"
    )
    assert redactor.text("name at host.example") == "name at host.example"


def test_the_longest_form_goes_first() -> None:
    assert Redactor.of(["secret", "secret-and-more"]).text("secret-and-more") == MASK


def test_lines_of_a_key_are_secret_one_by_one() -> None:
    assert Redactor.of(["first line\nsecond line"]).text("> second line") == f"> {MASK}"


@pytest.mark.parametrize("word", ["abc", "5432", "127.0", "unknown", "breach", "true", ""])
def test_words_that_would_garble_what_is_said(word: str) -> None:
    assert Redactor.of([word]).text(f"it is {word}") == f"it is {word}"


def test_names_of_the_inventory_stay_readable() -> None:
    assert Redactor.of(["prod", "hunter22"], names=["prod"]).text("host.disk@prod hunter22") == f"host.disk@prod {MASK}"


def test_an_ordinary_word_in_a_query_stays_readable_unless_its_key_tells_that_it_is_secret() -> None:
    redactor = Redactor.of(["https://api.example.com/stats?category=error&token=sesame"])
    assert redactor.text("docker.errors@stack") == "docker.errors@stack"
    assert MASK in redactor.text("open sesame")


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
