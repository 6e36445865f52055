"""How long reports are kept; who gets them by mail, when, and through which server: the table [report]."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import packages
from ..core.extensions import ReportFormat
from ..core.ladders import severity_of
from ..core.units import LimitError
from ..core.visible import has_controls
from .positions import Key
from .problems import Problems, nearest

_OURS = ("json", "html", "xml")
ALWAYS, CHANGE = "always", "change"
SECURITIES = ("starttls", "tls", "none")
"""How the way to the server is encrypted: after a word in the clear, from the start, or not at all."""
_KEYS = ("to", "from", "server", "security", "user", "password", "ca", "when")
_TLS_PORT, _PORT = 465, 587
_MOST_PORT = 65535
_PATH: Key = ("report", "mail")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_NAMED = re.compile(r"\s*\"?(?P<name>[^\"<>\x00-\x1f\x7f]*?)\"?\s*<(?P<address>[^<>]*)>\s*")
_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """An address, and whose it is, where that is said."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """How a report is mailed. `when` is `always`, `change` or a severity, by suite; under "" for every suite."""

    to: tuple[Address, ...]
    sender: Address
    host: str
    port: int
    security: str
    when: Mapping[str, str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None


def read_mail(
    table: object, folder: Path, words: Mapping[str, str], suites: Collection[str], problems: Problems
) -> Mail | None:
    """Return what the table [report.mail] says; None where there is none, or none that can be used.

    A relative file is taken from `folder`, the inventory's.
    """
    if table is None:
        return None
    before = len(problems)
    if not isinstance(table, Mapping):
        problems.add(_PATH, "it must be a table: [report.mail]")
        return None
    for key in table:
        if key not in _KEYS:
            problems.add((*_PATH, key), f"unknown key; {nearest(key, _KEYS)}")
    to = table.get("to")
    recipients = [_address(each, "to", problems) for each in (to if isinstance(to, list) and to else [to])]
    sender = _address(table.get("from"), "from", problems)
    host, port = _server(table.get("server"), problems)
    security = _security(table, port, problems)
    when = _when(table.get("when", ALWAYS), words, suites, problems)
    texts = {key: _text(table, key, problems) for key in ("user", "password", "ca")}
    _refuse_half(texts, security, problems)
    if len(problems) > before or sender is None:
        return None
    if texts["ca"]:
        texts["ca"] = str(folder / Path(texts["ca"]).expanduser())
    return Mail(tuple(each for each in recipients if each), sender, host, port, security, when, **texts)


def read_formats(value: object, problems: Problems) -> tuple[ReportFormat, ...]:
    """Return the formats of packages in which reports are wanted beside ours."""
    path: Key = ("report", "formats")
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        problems.add(path, 'it is a list of names, for example ["csv"]')
        return ()
    found = [_format(name, (*path, place), problems) for place, name in enumerate(value)]
    formats = [each for each in found if each is not None]
    for each in formats:
        if [other.suffix for other in formats].count(each.suffix) > 1:
            problems.add(path, f"two of them write files *.{each.suffix}; keep one of them")
            break
    return tuple(formats)


def _format(name: str, path: Key, problems: Problems) -> ReportFormat | None:
    try:
        found = packages.added(packages.REPORTS, name, ReportFormat)
    except packages.PackageError as error:
        problems.add(path, str(error))
        return None
    if found is None:
        hint = nearest(name, packages.installed(packages.REPORTS))
        problems.add(path, f"no package that is installed adds a format {name!r}; {hint}")
    elif not re.fullmatch(r"[a-z0-9]{1,10}", found.suffix) or found.suffix in _OURS:
        package = packages.package_of(packages.REPORTS, name)
        problems.add(path, f"{package}: {found.suffix!r} can't end the name of its files; use another word, as 'csv'")
        return None
    return found


def _address(value: object, key: str, problems: Problems) -> Address | None:
    text = value if isinstance(value, str) else ""
    named = _NAMED.fullmatch(text)
    address = named["address"].strip() if named else text.strip()
    if _ADDRESS.fullmatch(address) and ".." not in address and not has_controls(text.strip()):
        return Address(address, named["name"].strip() if named else "")
    what = "it is missing" if value is None else f"{value!r} is not a mail address"
    problems.add((*_PATH, key), f"{what}; use for example 'ops@example.com' or 'Ops <ops@example.com>'")
    return None


def _server(value: object, problems: Problems) -> tuple[str, int]:
    match = _SERVER.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None and 0 < int(match["port"] or _PORT) <= _MOST_PORT:
        return match["host"].strip("[]"), int(match["port"] or _PORT)
    what = "it is missing" if value is None else f"{value!r} is not a server"
    problems.add((*_PATH, "server"), f"{what}; use for example 'smtp.example.com:587'")
    return "", _PORT


def _security(table: Mapping[str, Any], port: int, problems: Problems) -> str:
    security = table.get("security", "tls" if port == _TLS_PORT else "starttls")
    if security in SECURITIES:
        return str(security)
    problems.add((*_PATH, "security"), f"{security!r} is not one of {', '.join(SECURITIES)}")
    return "none"


def _text(table: Mapping[str, Any], key: str, problems: Problems) -> str | None:
    value = table.get(key)
    if value is None or (isinstance(value, str) and value):
        return value
    problems.add((*_PATH, key), "it must be a non-empty text")
    return None


def _refuse_half(texts: Mapping[str, str | None], security: str, problems: Problems) -> None:
    for key, other in (("user", "password"), ("password", "user")):
        if texts[key] and not texts[other]:
            problems.add((*_PATH, key), f"{other} is missing; set both, or neither")
    if texts["password"] and security == "none":
        problems.add((*_PATH, "security"), "the password would be sent in the clear; use 'starttls' or 'tls'")


def _when(value: object, words: Mapping[str, str], suites: Collection[str], problems: Problems) -> Mapping[str, str]:
    """Return when to send, by suite: a table names those of which a mail is sent at all."""
    path = (*_PATH, "when")
    if not isinstance(value, Mapping):
        return {"": _occasion(value, path, words, problems)}
    for suite in value:
        if suite not in suites:
            problems.add((*path, suite), f"there is no suite {suite!r}; {nearest(suite, suites)}")
    return {suite: _occasion(each, (*path, suite), words, problems) for suite, each in value.items()}


def _occasion(value: object, path: Key, words: Mapping[str, str], problems: Problems) -> str:
    if value in (ALWAYS, CHANGE):
        return str(value)
    try:
        return severity_of(value, words)
    except LimitError:
        known = ", ".join([ALWAYS, CHANGE, "P0", "P1", "P2", "P3", *words])
        problems.add(path, f"{value!r} is not a value of when; use one of {known}")
        return ALWAYS
