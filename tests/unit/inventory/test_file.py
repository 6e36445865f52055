"""The file itself: missing, empty, not UTF-8, not TOML, of other systems; and what stands at its top."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from pytest_opscheck._check import Check
from pytest_opscheck.inventory import SUITES, InventoryError, load, suite_names

from .conftest import Errors, Read

HOST = "[host.local]\n"
NO_TARGETS = "1: there are no targets; add one, for example [host.local], or create the file with `opscheck init`"


def test_five_lines_are_an_inventory(read: Read) -> None:
    inventory = read("[host.local]")
    assert [target.id for target in inventory.targets] == ["host.local"]
    assert {e.id for e in inventory.expectations} >= {"host.reachable@local", "host.disk@local"}
    assert inventory.suites.keys() == set(SUITES)


def test_missing_file(tmp_path: Path, checks: tuple[Check, ...]) -> None:
    with pytest.raises(InventoryError, match=r"none\.toml: No such file or directory; name the inventory with --opsch"):
        load(tmp_path / "none.toml", checks)
    with pytest.raises(InventoryError, match=r"Is a directory; name the inventory with --opscheck-inventory, or write"):
        load(tmp_path, checks)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "\ufeff", "[opscheck]\nname = 'x'\n", "[suites.daily]\n"])
def test_nothing_to_judge(errors: Errors, text: str) -> None:
    assert errors(text.encode()) == [NO_TARGETS]


def test_not_utf8(errors: Errors) -> None:
    assert errors(b"[host.local]\n# caf\xe9\n") == ["2: byte 0xe9 is not UTF-8; save the file as UTF-8"]
    assert errors("[host.local]".encode("utf-16")) == ["1: byte 0xff is not UTF-8; save the file as UTF-8"]


def test_files_of_other_systems(read: Read, errors: Errors) -> None:
    """A byte order mark and CRLF are taken, and lines are counted as people see them."""
    assert read(b"\xef\xbb\xbf[host.local]\r\nconnect = 'local://'\r\n").targets
    found = errors(b"\xef\xbb\xbf[host.local]\r\n\r\nconect = 'local://'\r\n")
    assert found == ["3: host.local.conect: unknown key; did you mean 'connect'?"]


def test_a_document_that_is_known_is_not_read_again(tmp_path: Path, checks: tuple[Check, ...]) -> None:
    """A run looks at its file before it reads it; one that is nested too deeply is an error all the same."""
    gone = tmp_path / "gone.toml"
    inventory = load(gone, checks, known={gone: (HOST, {"host": {"local": {}}})})
    assert [target.id for target in inventory.targets] == ["host.local"]
    deep: dict[str, object] = {}
    for _ in range(60):
        deep = {"a": deep}
    with pytest.raises(InventoryError, match="nested too deeply"):
        load(gone, checks, known={gone: ("", deep)})


TWICE = "this key is in the file twice; keep one of them"
DEEP = " lists or tables are nested too deeply; no key needs more than ten levels"
LARGE = (
    " it has more than the 10 MB that are read; name the inventory with --opscheck-inventory, "
    "or write one with `opscheck init`"
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[host.a]\nconnect = 'local://'\nconnect = 'ssh://b'\n", f"3: connect: {TWICE}"),
        ("[host.a]\nconnect = 'local://'\nconnect = 'ssh://b'", f"3: {TWICE}"),
        ("[host.a]\n[host.b]\n[host.a]\n", f"3: host.a: {TWICE}"),
        ("[host.a]\nexpect = {disk = '< 7%', disk = '< 8%'}\n", f"2: expect: {TWICE}"),
        ("[host.a]\nexpect = {disk = '< 7%'}\n[host.a.expect]\n", f"3: host.a.expect: {TWICE}"),
        (
            "[host.a.expect]\ndisk = < 70%\n",
            "2: disk: this is not a valid TOML value; put texts such as '< 70%' in quotes",
        ),
        ("[host.a\n", "1: the closing ']' is missing"),
        ("host\n", "1: expected '=' after a key in a key/value pair"),
        ("a = 1" + "1" * 5000, " a number is larger than anything that can be measured"),
        (
            "[host.a.command.x]\nrun = 'x'\nexit = 0x" + "f" * 5000,
            "3: host.a.command.x.exit: the number is larger than anything that can be measured",
        ),
        ("a = " + "[" * 5000, DEEP),
        pytest.param("[" + ".".join(["a"] * 2000) + "]", DEEP, id="deep"),
        pytest.param("# " + "x" * 10_000_000, LARGE, id="large"),
    ],
)
def test_not_toml(errors: Errors, text: str, error: str) -> None:
    assert errors(text.encode()) == [error]


@pytest.mark.parametrize(
    "text",
    [
        'url = """\nredis://:hunter2-',
        "url = hunter2-\n",
        "url = 'hunter2-\n",
        'x = """\na\n"""\nhunter2-abc==\n',
        "hunter2-",
    ],
)
def test_an_error_of_syntax_shows_no_value(errors: Errors, text: str) -> None:
    assert "hunter2" not in "".join(errors(text.encode()))


def test_what_stands_at_the_top(read: Read) -> None:
    inventory = read(
        """
        [opscheck]
        name = "fortress"
        timezone = "America/New_York"
        runbook = "docs/runbook.md"
        severities = { critical = "P0", minor = "P3" }
        [suites.deploy_gate]
        fail_at = "critical"
        [suites.nightly]
        [host.local.expect]
        disk = { minor = "< 70%", critical = "< 90%", suites = ["nightly"] }
        cpu = { limit = "< 90%", severity = "critical" }
        """
    )
    assert (inventory.name, str(inventory.timezone)) == ("fortress", "America/New_York")
    assert inventory.runbook == "docs/runbook.md"
    assert {suite.name: suite.fail_at for suite in inventory.suites.values()} == {
        **dict.fromkeys(SUITES, "P3"),
        "deploy_gate": "P0",
        "nightly": "P3",
    }
    expectations = {e.check.name: e for e in inventory.expectations}
    assert str(expectations["disk"].limits) == "P3 < 70%, P0 < 90%"
    assert expectations["disk"].suites == ("nightly",)
    assert str(expectations["cpu"].limits) == "P0 < 90%"
    assert inventory.now().tzinfo is inventory.timezone


def test_the_folder_names_an_inventory_that_does_not(read: Read, tmp_path: Path) -> None:
    inventory = read(HOST)
    assert inventory.name == tmp_path.name
    assert isinstance(inventory.timezone, dt.timezone)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("opscheck = 5", "1: opscheck: it must be a table: [opscheck]"),
        ("suites = []", "1: suites: it must be a table: [suites]"),
        ("opscheck.nam = 'x'", "1: opscheck.nam: unknown key; did you mean 'name'?"),
        ("opscheck.zzz = 'x'", "1: opscheck.zzz: unknown key; it can be: name, runbook, severities, timezone"),
        ("opscheck.name = ''", "1: opscheck.name: it must be a non-empty text"),
        ("opscheck.runbook = 5", "1: opscheck.runbook: it must be a non-empty text"),
        (
            "opscheck.timezone = 'Europe/Berln'",
            "1: opscheck.timezone: unknown time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?",
        ),
        (
            "opscheck.timezone = '../../etc/passwd'",
            "1: opscheck.timezone: unknown time zone '../../etc/passwd'; use for example 'Europe/Berlin' or 'UTC'",
        ),
        ("opscheck.timezone = 5", "1: opscheck.timezone: it must be a non-empty text"),
        ("opscheck.severities = 'P1'", '1: opscheck.severities: it must be a table, for example { critical = "P0" }'),
        ("opscheck.severities.bad = 'P7'", "1: opscheck.severities.bad: 'P7' is not one of P0, P1, P2, P3"),
        ("opscheck.severities.bad = ['P1']", "1: opscheck.severities.bad: ['P1'] is not one of P0, P1, P2, P3"),
        ("opscheck.severities.P1 = 'P2'", "1: opscheck.severities.P1: P1 is already the name of a severity"),
        (
            "opscheck.severities.action = 'P2'",
            "1: opscheck.severities.action: 'action' is already a key of expectations; use another word",
        ),
        (
            "opscheck.severities.ignore = 'P2'",
            "1: opscheck.severities.ignore: 'ignore' is already a key of expectations; use another word",
        ),
        ("suites.nightly = 'P1'", "1: suites.nightly: it must be a table: [suites.nightly]"),
        ("suites.nightly.fail_on = 'P1'", "1: suites.nightly.fail_on: unknown key; did you mean 'fail_at'?"),
        ("suites.daily.fail_at = 'P9'", "1: suites.daily.fail_at: 'P9' is not a severity; use one of P0, P1, P2, P3"),
        (
            "suites.daily.fail_at = 1979-05-27",
            "1: suites.daily.fail_at: datetime.date(1979, 5, 27) is not a severity; ",
        ),
        ("suites.my-suite = {}", "1: suites.my-suite: 'my-suite' cannot be a pytest marker; use letters, digits and _"),
        ("suites.and = {}", "1: suites.and: 'and' cannot be a pytest marker; use letters, digits and _"),
        ("suites._x = {}", "1: suites._x: '_x' cannot be a pytest marker; use letters, digits and _"),
        ("suites.skip = {}", "1: suites.skip: 'skip' is a marker of pytest's own; use another word"),
    ],
)
def test_what_cannot_stand_at_the_top(errors: Errors, text: str, error: str) -> None:
    [found] = errors(f"{text}\n{HOST}".encode())
    assert found.startswith(error)


def test_every_error_at_once_in_the_order_of_the_file(errors: Errors) -> None:
    found = errors(
        """
        [opscheck]
        timezone = "Mars"

        [hots.a]
        [redis.cache]
        url = "${NOT_SET}"
        [redis.cache.expect]
        hit_rate = "> 70"
        [host.prod]
        conect = "ssh://prod"
        [host.prod.expect]
        disk = { P3 = "< 70ms", P1 = "< 9o%" }
        diks = "< 70%"
        """
    )
    percentage = "use for example '< 70%'"
    assert found == [
        "2: opscheck.timezone: unknown time zone 'Mars'; use for example 'Europe/Berlin' or 'UTC'",
        "4: hots: unknown kind of target; did you mean 'host'?",
        "6: redis.cache.url: the environment variable NOT_SET is not set; set it, or write ${NOT_SET:-default}",
        f"8: redis.cache.expect.hit_rate: '> 70' is for a count, and redis.hit_rate is a percentage; {percentage}",
        "10: host.prod.conect: unknown key; did you mean 'connect'?",
        f"12: host.prod.expect.disk.P3: '< 70ms' is for a duration, and host.disk is a percentage; {percentage}",
        f"12: host.prod.expect.disk.P1: '< 9o%' compares with '9o%', which is not a number with a unit; {percentage}",
        "13: host.prod.expect.diks: unknown expectation; did you mean 'disk'?",
    ]


def test_suites_are_known_before_the_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "opscheck.toml"
    file.write_bytes(b"\xef\xbb\xbf[suites.nightly]\r\n[suites.daily]\r\n[suites.my-own]\r\n[suites.skip]\r\n")
    assert suite_names(file) == (*SUITES, "nightly")
    for broken in (b"suites = 5", b"[suites", b"\xff", b"a = " + b"[" * 5000, b"a = " + b"1" * 5000):
        file.write_bytes(broken)
        assert suite_names(file) == SUITES
    assert suite_names(tmp_path / "none.toml") == SUITES


@pytest.mark.parametrize("end", ["\\n", "\\r", "\\u001b", "\\u2028", "\\u0085"])
def test_a_name_is_in_one_line(errors: Errors, end: str) -> None:
    """It stands in subjects of mails, in units of systemd, on terminals."""
    shown = repr(json.loads(f'"a{end}b"'))
    assert errors(f'[opscheck]\nname = "a{end}b"\n[host.local]\n') == [
        f"2: opscheck.name: {shown} contains a line break or another control character; write it on one line"
    ]


def test_errors_steer_no_terminal_and_are_a_line_each(errors: Errors) -> None:
    """Keys are shown as they are, but for what could not be read."""
    odd = "\u202ea\x9b2J\u2028b\u200b"
    found = errors(f'[host.local]\n"{odd}" = 1\n[host.local.expect]\n"{odd}" = "< 1"\n["{odd}"]\n')
    assert len(found) == 3
    assert all(r"\u202ea\x9b2J\u2028b\u200b" in each for each in found)
    assert all(each.isprintable() for each in found)
    [broken] = errors("[\x1b[2J]\n")
    assert broken.isprintable()
