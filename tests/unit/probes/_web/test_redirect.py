"""Whether a redirect keeps to the page that was asked for."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes._web.redirect import elsewhere, onward


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("http://a.example/health", "https://a.example/health"),
        ("http://a.example:8080/health", "https://a.example:8443/health"),
        ("http://a.example/", "https://www.a.example/"),
        ("https://www.a.example/", "https://a.example/"),
        ("https://A.example./x", "https://a.example:443/x"),
        ("http://b\u00fccher.example/", "http://xn--bcher-kva.example/"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("http://a.example", "http://a.example/"),
        ("http://a.example/x", "http://a.example/x/"),
        ("http://a.example/x//y/", "http://a.example/x/y"),
        ("http://a.example/x%7Ey", "http://a.example/x~y"),
        ("http://a.example/Health", "http://a.example/health"),
        ("http://a.example/x", "http://a.example/x;jsessionid=0123"),
        ("http://a.example/x", "http://a.example/x#top"),
        ("http://a.example/", "http://a.example/index.html"),
        ("http://a.example/x/", "http://a.example/x/index.php"),
        ("http://a.example/", "http://a.example/en/"),
        ("http://a.example/", "http://a.example/pt-BR"),
        ("http://a.example/shop", "http://a.example/zh_CN/shop/"),
        ("http://a.example/?a=b%20c&d=", "http://a.example/?a=b+c&d="),
    ],
)
def test_the_same_page_under_another_address(asked: str, found: str) -> None:
    assert elsewhere(asked, found) is None


@pytest.mark.parametrize(
    ("asked", "found", "said"),
    [
        ("http://a.example/health", "http://a.example/login", "another path"),
        ("http://a.example/", "http://a.example/login", "another path"),
        ("http://a.example/", "http://a.example/en/login", "another path"),
        ("http://a.example/health", "http://a.example/", "another path"),
        ("http://a.example/health", "http://a.example/en/", "another path"),
        ("http://a.example/health", "http://a.example/login/health", "another path"),
        ("http://a.example/", "http://a.example/ui/", "another path"),
        ("http://a.example/", "http://a.example/index.php/login", "another path"),
        ("http://a.example/x", "http://a.example/x/y", "another path"),
        ("http://a.example/x", "http://sso.a.example/x", "another host"),
        ("http://a.example/x", "https://b.example/x", "another host"),
        ("http://a.example/x", "http://www.b.example/x", "another host"),
        ("http://127.0.0.1/x", "http://localhost/x", "another host"),
        ("http://a.example/x", "http://a.example:8080/x", "another port"),
        ("https://a.example/x", "https://a.example:8443/x", "another port"),
        ("https://a.example/x", "http://a.example/x", "no longer over TLS"),
        ("http://a.example/x", "http://a.example/x?login", "another query"),
        ("http://a.example/?page=health", "http://a.example/?page=login", "another query"),
        ("http://a.example/?page=health", "http://a.example/", "another query"),
    ],
)
def test_another_page(asked: str, found: str, said: str) -> None:
    assert elsewhere(asked, found) == said


def test_where_a_redirect_leads() -> None:
    at = "http://a.example/x/y?z"
    assert onward(at, " /b ") == "http://a.example/b"
    assert onward(at, "b") == "http://a.example/x/b"
    assert onward(at, "//b.example/") == "http://b.example/"
    assert onward(at, "/caf\u00e9".encode().decode("latin-1")) == "http://a.example/caf\u00e9"
    assert onward(at, "/caf\u00e9") == "http://a.example/caf\u00e9"
    for location in ("http://u:PartOfIt/xyz@h/", "http://[::1", "mailto:a@b", "ftp://a/", "http://a:0/"):
        with pytest.raises(ValueError, match=r"\w"):
            onward(at, location)
