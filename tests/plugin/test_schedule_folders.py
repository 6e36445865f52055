"""Units and crontabs for an inventory in whatever folder: they say just that folder, or `schedule` refuses it."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings

from pytest_opscheck.catalogue import checks
from pytest_opscheck.cli.command import main
from pytest_opscheck.cli.timers import ScheduleError, crontab, jobs, merged, units
from pytest_opscheck.core.visible import has_controls
from pytest_opscheck.inventory import Inventory, load
from tests.live.processes import program
from tests.unit.nasty import PIECES, texts

INVENTORY = """
[opscheck]
timezone = "UTC"
[suites.daily]
at = "09:00"
[host.local]
"""
ODD = [
    "50% of",
    "$HOME ${A}",
    "'a' \"b\"",
    "a;b #c & d",
    "tail\\",
    "sp ",
    "a[b]*?",
    "-dash",
    "ä ß",
    "a\\\\b",
    "x\\%y",
    "~",
]
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Return an inventory, to be put into folders."""
    file = tmp_path_factory.mktemp("shop") / "opscheck.toml"
    file.write_text(INVENTORY)
    return load(file, checks())


def there(inventory: Inventory, folder: Path) -> Inventory:
    folder.mkdir(exist_ok=True)
    return replace(inventory, file=folder / "opscheck.toml", name=folder.name)


def assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keys and values of a unit as systemd reads them: a backslash at a line's end takes the next one."""
    assert has_controls(text.replace("\n", "")) is False
    for line in re.sub(r"(?<!\\)((?:\\\\)*)\\\n", r"\1 ", text).split("\n"):
        key, found, value = line.strip().partition("=")
        if found and not key.startswith(("#", ";")):
            assert "%" not in value.replace("%%", ""), "a specifier"
            yield key, value.replace("%%", "%").strip()


def words(said: str) -> list[str]:
    """Return the words of an ExecStart: in all but the first one systemd would put variables."""
    first, *rest = shlex.split(said)
    assert not any("$" in word.replace("$$", "") for word in rest)
    return [first, *(word.replace("$$", "$") for word in rest)]


def read_unit(text: str, folder: Path) -> None:
    found = dict(assignments(text))
    assert Path(found["WorkingDirectory"]) == folder
    pattern = found["EnvironmentFile"].removeprefix("-")
    assert not re.search(r"(?<!\\)(?:\\\\)*[*?\[]", pattern), "a pattern"
    assert Path(re.sub(r"\\(.)", r"\1", pattern)) == folder / "opscheck.env"
    assert words(found["ExecStart"])[1:] == ["run", "daily", f"--opscheck-inventory={folder}/opscheck.toml"]
    assert list(found) == [
        *("Description", "Wants", "After", "Type", "WorkingDirectory", "EnvironmentFile", "ExecStart"),
        *("SuccessExitStatus", "TimeoutStartSec", "KillSignal", "TimeoutStopSec"),
    ]


def read_crontab(text: str, folder: Path, *, pairs: bool) -> None:
    """Give a crontab's line to a shell as cron does; `pairs`: Debian's makes one backslash of two, others don't."""
    lines = text.split("\n")
    assert [line.partition("cd ")[0] for line in lines] == [lines[0].partition("cd ")[0], "0 9 * * * ", lines[2], ""]
    assert text.splitlines() == lines[:3]
    given = lines[1].partition("* * * ")[2]
    assert not re.search(r"(?<!\\)%", given), "the command would end there"
    given = re.sub(r"\\(%|\\)" if pairs else r"\\(%)", r"\1", given)
    shown = given.replace("exec timeout", "printf '%s\\n' \"$PWD\" \"$FROM_FILE\"; printf '%s\\n'")
    done = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True)
    first, said, *rest = done.stdout.split("\n")
    assert (Path(first), said) == (folder, "a b")
    assert rest[-5:-1] == ["run", "-q", "daily", f"--opscheck-inventory={folder}/opscheck.toml"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=texts)
def test_any_folder(inventory: Inventory, tmp_path: Path, said: str) -> None:
    look(inventory, tmp_path, said)


@pytest.mark.parametrize("said", [*ODD, *PIECES])
def test_an_odd_folder(inventory: Inventory, tmp_path: Path, said: str) -> None:
    look(inventory, tmp_path, said)


def look(inventory: Inventory, tmp_path: Path, said: str) -> None:
    folder = tmp_path / (
        said.replace("/", "_").replace("\0", "_").encode("utf-8", "replace")[:80].decode("utf-8", "ignore") or "x"
    )
    found = there(inventory, folder)
    (folder / "opscheck.env").write_text("FROM_FILE='a b'\n")
    if has_controls(str(folder)):
        for make in (lambda: units(jobs(found)[0], tmp_path), lambda: crontab(found, jobs(found))):
            with pytest.raises(ScheduleError, match="rename that folder or file"):
                make()
        return
    service, timer = units(jobs(found)[0], tmp_path)
    read_unit(service.text, folder)
    assert [key for key, _ in assignments(timer.text)][1:3] == ["OnCalendar", "RandomizedDelaySec"]
    assert re.fullmatch(r"opscheck-[a-z0-9-]{1,80}-daily\.(service|timer)", service.path.name)
    for pairs in (True, False):
        read_crontab(crontab(found, jobs(found)), folder, pairs=pairs)


@pytest.mark.server
def test_systemd_finds_nothing_wrong(inventory: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the command itself is in an odd folder: systemd looks whether it is there."""
    files = []
    for number, name in enumerate(ODD):
        folder = tmp_path / name
        found = there(replace(inventory, content=str(number)), folder)
        if not set("'\"\\") & set(name):
            (folder / "opscheck").symlink_to(Path(sys.executable).with_name("opscheck"))
            monkeypatch.setattr(sys, "executable", str(folder / "python"))
        for each in units(jobs(found)[0], tmp_path):
            each.path.write_text(each.text, encoding="utf-8")
            files.append(each.path)
    done = subprocess.run([program("systemd-analyze"), "verify", *files], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "opscheck-" in line] == []
    assert done.returncode == 0


def test_systemd_starts_no_program_of_such_a_path(
    inventory: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = there(inventory, tmp_path / "it's")
    (tmp_path / "it's/opscheck").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "it's/python"))
    with pytest.raises(ScheduleError, match="can't start a program whose path contains quotes or backslashes"):
        units(jobs(found)[0], tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\x85", "\x1b"])
@pytest.mark.parametrize("words", [("schedule",), ("schedule", "--crontab", "--install"), ("validate",)])
def test_a_line_break_in_the_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, words: tuple[str, ...]
) -> None:
    """Before anything of it is shown or written, with what to do."""
    folder = tmp_path / f"shop{end}ExecStart=x"
    folder.mkdir()
    (folder / "opscheck.toml").write_text(INVENTORY)
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 4
    assert done.output.count("\n") == 1
    assert (
        f"{str(folder / 'opscheck.toml')!r}: the path of the inventory contains a line break or another control"
        in done.output
    )


def test_a_folder_whose_name_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go on there; only units and crontabs can't say it."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "opscheck.toml").write_text(INVENTORY)
    monkeypatch.chdir(folder)
    for words, status in ((("validate",), 0), (("schedule",), 4), (("schedule", "--crontab"), 4), (("status",), 1)):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == status, done.output


def test_lines_of_others_stay_lines(inventory: Inventory, tmp_path: Path) -> None:
    """What others take for the end of a line is none to cron: a comment with one in it must not become a command."""
    found = there(inventory, tmp_path / "shop")
    others = "# a\x85* * * * * false\n# b\x0c* * * * * false\n# c\u2028* * * * * false\n"
    ours = crontab(found, jobs(found))
    once = merged(others, ours, found)
    assert once == others + ours
    assert merged(once, ours, found) == once


def test_an_owner_whose_name_is_none(inventory: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of users may have names with blanks, backslashes and %; then his number stands there."""
    found = there(inventory, tmp_path / "shop")
    os.chown(tmp_path / "shop", 65534, 65534)
    named = pwd.getpwuid(65534)
    values = (r"DOM\a %h", *named[1:])
    monkeypatch.setattr(pwd, "getpwuid", lambda _number: type(named)(values))
    assert dict(assignments(units(jobs(found)[0], tmp_path)[0].text))["User"] == "65534"
