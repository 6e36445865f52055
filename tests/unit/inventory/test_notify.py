"""[notify.NAME]: what it means, and what is wrong with it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

from pytest_opscheck.inventory import Inventory
from pytest_opscheck.inventory.channels import Way

Errors = Callable[..., list[str]]
Read = Callable[..., Inventory]
HOST = "[opscheck]\nseverities = { critical = 'P0' }\n[host.a]\n"
HOOK = "[notify.x]\nwebhook = 'https://example.com/hook'\n"


def test_channels(read: Read) -> None:
    text = HOST + HOOK + "severities = ['critical', 'P1']\nsuites = ['smoke']\nagain = '4h'\n[notify.y]\nfile = 'a'\n"
    first, second = read(f"{text}digest = true\n[notify.z]\nfile = 'b'\ndigest = '24h'\n").channels[:2]
    assert (first.way, first.severities, first.suites, first.again_s) == (
        Way.WEBHOOK,
        frozenset({"P0", "P1"}),
        frozenset({"smoke"}),
        4 * 3600.0,
    )
    assert (second.severities, second.suites, second.again_s, second.digest_s) == (
        frozenset({"P0", "P1", "P2", "P3"}),
        None,
        None,
        0.0,
    )


@pytest.mark.parametrize(
    ("url", "secrets", "plain"),
    [
        (
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops",
            ["T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkc"],
            "ops",
        ),
        (
            "https://hooks.example.com/services/v1/B00X99?key=abc-123-def",
            ["B00X99", "abc-123-def"],
            "hooks.example.com",
        ),
        ("mailtos://kim:pass-Word1@mail.example.com:587", ["pass-Word1"], "mail.example.com"),
    ],
)
def test_no_part_of_an_address_that_may_be_a_token_is_shown(
    read: Read, url: str, secrets: list[str], plain: str
) -> None:
    key = "webhook" if url.startswith("https") else "url"
    inventory = read(f"{HOST}[notify.x]\n{key} = '{url}'\n")
    shown = inventory.redactor.text(f"{url} and {' '.join(url.replace('/', ' ').split())} {plain}")
    assert not [secret for secret in secrets if secret in shown]
    assert shown.endswith(f" {plain}")
    assert url not in repr(inventory.channels)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (
            "[notify.x]\n",
            "4: notify.x: set exactly one destination: url (through apprise), webhook, file, or channel",
        ),
        (f"{HOOK}file = 'x'\n", "4: notify.x: set exactly one destination"),
        (
            "[notify.x]\nwebhook = 'example.com'\n",
            "5: notify.x.webhook: it is not the address of a webhook; write https://",
        ),
        (
            "[notify.x]\nurl = 'nothing://x'\n",
            "5: notify.x.url: it is not an address that apprise knows, for example slack",
        ),
        (f"{HOOK}severities = ['P7']\n", "6: notify.x.severities[0]: "),
        (f"{HOOK}severities = []\n", "6: notify.x.severities: "),
        (f"{HOOK}suites = ['dayly']\n", "6: notify.x.suites[0]: there is no suite 'dayly'; did you mean 'daily'?"),
        (f"{HOOK}again = 'soon'\n", "6: notify.x.again: 'soon' is not a length of time; use for example '4h'"),
        (f"{HOOK}digest = 'soon'\n", "6: notify.x.digest: 'soon' is not a length of time; use for example '4h'"),
        (f"{HOOK}agian = '4h'\n", "6: notify.x.agian: unknown key; did you mean 'again'?"),
        ("[notify]\nurl = 'x'\n", "5: notify.url: a channel needs a name: [notify.NAME]"),
    ],
)
def test_what_is_wrong(errors: Errors, said: str, error: str) -> None:
    [found] = errors((HOST + said).encode())
    assert found.startswith(error)


def test_apprise_may_be_missing(errors: Errors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    [found] = errors(f"{HOST}[notify.x]\nurl = 'json://example.com'\n".encode())
    assert found.endswith("it needs apprise, which is not installed: pip install 'pytest-opscheck[notify]'")
