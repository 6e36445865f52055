"""What a target, or a user-defined test, puts into a text steers no terminal, be it shown by pytest or the command."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_opscheck.catalogue import checks
from pytest_opscheck.cli.command import main
from pytest_opscheck.history import Past
from pytest_opscheck.inventory import load
from tests.unit.nasty import PIECES, maker, nasty_run, steers

Project = Callable[..., pytest.Pytester]
EVIL = "\x1b[2J\x1b]8;;http://evil.example\x07l\x1b]8;;\x07\x1b]52;c;ZXZpbA==\x07\x9b31m\x07\x08\u202e\u200b\u2028\x7f\rnew"
INVENTORY = """
[opscheck]
name = "shop"
timezone = "UTC"
[suites.daily]
at = "09:00"
[host.local]
expect = {{ disk = false, memory = false, load = false, cpu = false }}
[host.local.command.broken]
run = "printf '%s' {text}; printf '%s' {text} >&2; exit 3"
stdout = {limit}
action = {text}
runbook = {text}
[maintenance.night]
rule = "FREQ=DAILY"
at = "03:00-03:01"
why = {text}
[[waiver]]
check = "host.command.broken"
target = "local"
subject = {text}
owner = {text}
reason = {text}
ticket = {text}
until = "2020-01-01"
"""
OWN = """
import logging, warnings
import pytest

EVIL = {text}
pytestmark = pytest.mark.daily

def test_raises(expect):
    print(EVIL)
    logging.getLogger("target").error("said %s", EVIL)
    raise KeyError(EVIL) from ValueError("one\\n" + EVIL)

class Odd(Exception):
    def __str__(self):
        return EVIL

def test_odd(expect):
    warnings.warn(EVIL)
    raise Odd

def test_other():
    raise Odd

def test_fails(expect):
    pytest.fail(EVIL)

def test_skips(expect):
    pytest.skip(EVIL)

@pytest.mark.xfail(reason=EVIL)
def test_xfails(expect):
    assert EVIL == ""

@pytest.mark.parametrize("said", [pytest.param(1, id=EVIL), EVIL])
def test_measures(expect, said):
    expect(EVIL, subject=EVIL, limit="== fine")
"""


def written(pytester: pytest.Pytester) -> None:
    text = json.dumps(EVIL, ensure_ascii=True).replace("\x7f", "\\u007f")
    inventory = INVENTORY.format(text=text, limit=json.dumps("~ ^fine$"))
    # In a command of a shell the text is a word.
    inventory = re.sub(r'run = ".*"', lambda _: f'run = {text[:-1].replace(chr(59), "_")}; exit 3"', inventory)
    pytester.makefile(".toml", opscheck=inventory)
    pytester.makepyfile(test_own=OWN.format(text=ascii(EVIL)))


@pytest.mark.parametrize("more", [("-n0", "-v"), ("-n1",)])
def test_what_pytest_shows(project: Project, more: tuple[str, ...]) -> None:
    """Errors with their tracebacks, captured output, log records, warnings, reasons, ids, and our own table."""
    pytester = project()
    written(pytester)
    done = pytester.runpytest_subprocess("-m", "daily", "-rA", "--color=no", "-p", "no:cacheprovider", *more)
    output = done.stdout.str() + done.stderr.str()
    assert done.ret == 1, output
    assert [line for line in output.split("\n") if steers(line)] == []
    for shown in (r"KeyError: ", r"one", r"said \x1b[2J", r"\u202e"):
        assert shown in output
    report = (pytester.path / "reports/daily/latest.xml").read_text(encoding="utf-8")
    said = [text or "" for case in ET.fromstring(report).iter() for text in (case.text, *case.attrib.values())]
    assert [each for each in said if steers(each.replace("\t", ""))] == []


def test_what_the_command_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inventory's texts and the history's, and the errors of an inventory: with colours there are only our own."""
    monkeypatch.chdir(tmp_path)
    text = json.dumps(EVIL).replace("\x7f", "\\u007f")
    Path("opscheck.toml").write_text(INVENTORY.format(text=text, limit=text).replace(f"'%s' {text}", "x"))
    Path("opscheck.toml").write_text(re.sub(r'run = ".*"', 'run = "true"', Path("opscheck.toml").read_text()))
    inventory = load(Path("opscheck.toml"), checks())
    past = Past(inventory.history)
    for number in range(2):
        run, _ = nasty_run(maker([*PIECES[number:], EVIL]))
        past.record(
            replace(run, id=f"r{number}{EVIL}", inventory="shop", started=inventory.now(), finished=inventory.now())
        )
    past.close()
    results = {**run.to_json()}
    Path("results.json").write_text(json.dumps(results))
    begun = ("maintenance", "start", "1h", f"--why={EVIL}")
    commands = [
        *(("validate",), ("plan",), ("plan", "--notify"), begun, ("maintenance", "list"), ("maintenance", "stop")),
        *(("status",), ("history",), ("history", "host"), ("history", "verify"), ("history", "export")),
        *(("report", "results.json"), ("report", "results.json", "--markdown"), ("schedule",)),
        ("compliance", "--since=2026-01-01", "--until=2100-01-01"),
    ]
    shown = {words: CliRunner().invoke(main, words, color=True) for words in commands}
    for words, done in shown.items():
        assert done.exit_code in (0, 1, 4), (words, done.output, done.exception)
        assert [line for line in plainly(done.output).split("\n") if steers(line)] == [], words
    assert "\\x1b]8;;http://evil.example" in shown["history",].output

    bad = f'[opscheck]\nname = {text}\n{text} = 1\n[host.{text}]\n[host.a.expect]\n{text} = "< 1"\n[redis.{text}]\n'
    Path("opscheck.toml").write_text(bad)
    done = CliRunner().invoke(main, ["validate"], color=True)
    assert done.exit_code == 4
    assert all(line.startswith("opscheck.toml:") for line in done.output.splitlines()), done.output
    assert steers(plainly(done.output)) == [], done.output


def plainly(output: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", output)
