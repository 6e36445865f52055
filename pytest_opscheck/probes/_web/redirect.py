"""Where a redirect leads, and whether that is still the page that was asked for."""

from __future__ import annotations

import locale
import re
from contextlib import suppress
from enum import Enum
from functools import cache
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit


class Follow(Enum):
    """Where a client goes that is redirected: nowhere, anywhere, or anywhere but away from the page it asked for."""

    NOWHERE = False
    ANYWHERE = True
    PAGE = "page"


OTHER_PAGE = ("another path", "another query")
"""In what another page of the same server differs from the one that was asked for."""
PORTS = {"http": 80, "https": 443}


def onward(url: str, location: str) -> str:
    """Return the address that a redirect at `url` leads to. Raises ValueError where it is not one of the web."""
    with suppress(UnicodeError):  # a header is read as Latin-1, and servers write UTF-8
        location = location.encode("latin-1").decode()
    found = urljoin(url, location.strip())
    parts = urlsplit(found)
    if parts.scheme not in PORTS or not parts.hostname or parts.port == 0:
        raise ValueError("not an address of the web")
    return found


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address, in the form in which they are compared."""
    parts = urlsplit(url)
    return parts.scheme, _host(parts), parts.port or PORTS.get(parts.scheme)


def same_server(asked: str, found: str) -> bool:
    """Tell whether an address is on the server that was asked, which may also have asked for TLS."""
    before, after = origin(asked), origin(found)
    return before == after or (before == ("http", after[1], 80) and after[0::2] == ("https", 443))


def elsewhere(asked: str, found: str) -> str | None:
    """Return in what an address differs from the one that was asked for, None where it is the same page.

    The same page is also the one over TLS, with or without `www.`, with or without the last slash, `index.html` of a
    folder, another spelling of the path, and the page of a language: / and /en/. Login pages are none of these.
    """
    before, after = urlsplit(asked), urlsplit(found)
    if (before.scheme, after.scheme) == ("https", "http"):
        return "no longer over TLS"
    if _host(before).removeprefix("www.") != _host(after).removeprefix("www."):
        return "another host"
    if before.scheme == after.scheme and origin(asked)[2] != origin(found)[2]:
        return "another port"
    if not _same_path(_path(before), _path(after)):
        return OTHER_PAGE[0]
    if parse_qsl(before.query, keep_blank_values=True) != parse_qsl(after.query, keep_blank_values=True):
        return OTHER_PAGE[1]
    return None


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    with suppress(UnicodeError):
        return host.encode("idna").decode()
    return host


def _path(parts: SplitResult) -> str:
    """Return a path in the form in which it is compared: /a/B;jsessionid=1/ is /a/b."""
    path = re.sub(r";[^/]*", "", unquote(parts.path))
    path = re.sub(r"/index\.(html?|php)\Z", "/", path)
    return re.sub(r"//+", "/", f"/{path}/").casefold()


def _same_path(before: str, after: str) -> bool:
    _, language, rest = (*after.split("/", 2), "")[:3]
    match = re.fullmatch(r"([a-z]{2})([-_][a-z]{2,4})?", language)
    return before == after or (match is not None and match[1] in _languages() and f"/{rest}" == before)


@cache
def _languages() -> frozenset[str]:
    """Return the languages that Python knows, by their two letters."""
    return frozenset(name[:2] for name in locale.locale_alias.values() if name[2:3] == "_")
