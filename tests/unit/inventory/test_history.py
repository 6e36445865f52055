"""The table [history], `for` and `of` of a limit, and availability: what they mean, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import Inventory, load

Errors = Callable[..., list[str]]
HOST = "[host.a]\n"


def loaded(tmp_path: Path, text: str, **environment: str) -> Inventory:
    (tmp_path / "opscheck.toml").write_text(text, encoding="utf-8")
    return load(tmp_path / "opscheck.toml", checks(), environment)


def test_by_default_a_file_beside_the_reports_for_a_little_more_than_a_year(tmp_path: Path) -> None:
    history = loaded(tmp_path, HOST).history
    assert (history.path, history.url, history.keep_s) == (tmp_path / "reports/history.sqlite3", None, 400 * 86400)
    assert history.inventory == tmp_path.name


def test_a_server_and_how_long(tmp_path: Path) -> None:
    text = f'[history]\nurl = "${{HISTORY_URL}}"\nkeep = "2d"\n{HOST}'
    inventory = loaded(tmp_path, text, HISTORY_URL="postgresql://ops:Canary-9@db/ops")
    assert (inventory.history.url, inventory.history.keep_s) == ("postgresql://ops:Canary-9@db/ops", 2 * 86400)
    assert "Canary" not in inventory.redactor.text(repr(inventory.history) + str(inventory.history.url))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("[history]\nurls = 'x'\n", "2: history.urls: unknown key; did you mean 'url'?"),
        (
            "[history]\nurl = 'mysql://x'\n",
            "2: history.url: it is not the address of a PostgreSQL database; write",
        ),
        ("[history]\nurl = 5\n", "2: history.url: it is not the address of a PostgreSQL database"),
        ("[history]\nkeep = '400'\n", "2: history.keep: '400' is not a length of time; use for example '400d'"),
        (
            "[history]\nkeep = '36501d'\n",
            "2: history.keep: '36501d' is more than a hundred years; use at most '36500d'",
        ),
        ("[report]\nkeep = '36501d'\n", "2: report.keep: '36501d' is more than a hundred years"),
        ("[report]\nkeep = 90\n", "2: report.keep: 90 is not a length of time; use for example '90d'"),
        ("[history]\nkeep = '0d'\n", "2: history.keep: '0d' is not a length of time"),
        ("history = 5\n", "1: history: it must be a table: [history]"),
    ],
)
def test_what_is_no_history(errors: Errors, said: str, error: str) -> None:
    [found] = errors((said + HOST).encode())
    assert found.startswith(error)


def test_how_long_a_breach_has_to_last(tmp_path: Path) -> None:
    text = '[host.a.expect]\ncpu = { P2 = "< 80%", for = "10m" }\nload = { limit = "< 4", of = "3 of 5" }\n'
    text += '[host.a.command.x]\nrun = "true"\nfor = "5m"\n[host.a.expect.reachable]\nfor = "300s"\n'
    found = {each.id: each.lasting for each in loaded(tmp_path, text).expectations}
    assert {name: str(lasting) for name, lasting in found.items() if lasting} == {
        "host.cpu@a": "10 min",
        "host.load@a": "3 of 5",
        "host.command.x@a": "5 min",
        "host.reachable@a": "300 s",
    }


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("for = 'ever'", "cpu.for: 'ever' is not a length of time; use for example '10m'"),
        ("for = true", "cpu.for: True is not a length of time"),
        ("of = '5'", "cpu.of: '5' is not a number of runs; use for example '3 of 5': in 3 of the last 5 runs"),
        ("of = '6 of 5'", "cpu.of: '6 of 5' makes no sense"),
        ("for = '10m', of = '3 of 5'", "cpu.of: use either `for` or `of`"),
    ],
)
def test_what_is_no_lasting(errors: Errors, said: str, error: str) -> None:
    [found] = errors(f"[host.a.expect]\ncpu = {{ P2 = '< 80%', {said} }}\n".encode())
    assert found.startswith(f"2: host.a.expect.{error}")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("of = 'host.cpus@a'", "3: availability.x.of: there is no check 'host.cpus@a' in this inventory; did you mean"),
        (
            "of = 'host.cpu@a'\nover = '500d'",
            "4: availability.x.over: runs are kept for 400d; use less, or set a longer",
        ),
        ("over = '1d'", "2: availability.x: the key 'of' is needed"),
        ("of = 'host.cpu@a'\nover = 'soon'", "4: availability.x.over: 'soon' is not a length of time"),
    ],
)
def test_what_is_no_availability(errors: Errors, said: str, error: str) -> None:
    [found] = errors(f"{HOST}[availability.x]\n{said}\n".encode())
    assert found.startswith(error)
