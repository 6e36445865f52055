"""The terminal: pytest's own reporter, our words in it, and the table of what is not ok at its end."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest

Project = Callable[..., pytest.Pytester]

RED = """
[opscheck]
name = "shop"
runbook = "docs/runbook.md"

[suites.daily]
fail_at = "P2"

[host.local]
[host.local.expect]
disk = false
load = false
cpu = false
memory = { P3 = "< 0.001%" }
ports = { numbers = [1], action = "Mend it" }

[host.gone]
connect = "ssh://nobody@127.0.0.1:1"
"""
GREEN = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.fine]
run = "SLEEP"
"""


def after(output: str, start: str) -> list[str]:
    """Return the lines below the one that holds a text."""
    found = output.splitlines()
    return found[next(n for n, text in enumerate(found) if start in text) + 1 :]


def on_a_terminal(pytester: pytest.Pytester, *arguments: str, env: Mapping[str, str]) -> str:
    """Run pytest on a terminal of 100 columns, and return every byte that it wrote there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", "daily", *arguments],
        cwd=pytester.path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={
            **{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "PY_COLORS", "CI")},
            "COLUMNS": "100",
            **env,
        },
    )
    os.close(theirs)
    seen = b""
    try:
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            seen += part
    finally:
        os.close(ours)
        process.wait(timeout=60)
    return seen.decode()


def screen(written: str) -> list[str]:
    """Return what stands on the screen at the end, where the cursor went back and forth."""
    lines: list[list[str]] = [[]]
    row = column = 0
    for character in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.", written, re.DOTALL):
        match character:
            case "\x1b[A":
                row -= 1
            case moves if moves.startswith("\x1b") and moves.endswith("G"):
                column = int(moves[2:-1]) - 1
            case colour if colour.startswith("\x1b"):
                pass
            case "\n":
                row += 1
                lines += [[]] if row == len(lines) else []
                column = 0
            case "\r":
                column = 0
            case "\b":
                column = max(0, column - 1)
            case _:
                line = lines[row]
                line[column : column + 1] = [character]
                column += 1
    return ["".join(line).rstrip() for line in lines]


def test_header_letters_and_a_narrow_table(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = project(RED).runpytest_subprocess("-m", "daily")
    output = result.stdout.str()
    assert re.findall("^opscheck: .*", output, re.MULTILINE) == [
        "opscheck: shop (opscheck.toml), suite daily: 2 targets, 8 checks, 2 hosts"
    ]
    result.stdout.re_match_lines([r".*test_host\.py .*B.*w"])
    shown = after(output, "not ok, worst first")
    assert shown[0] == "P0 breach  host.reachable@gone  (new)"
    middle = shown.index("P1 breach  host.ports@local  (new)")
    assert shown[middle + 1 : middle + 4] == [
        "    tcp/1 closed, expected listens",
        "    next: Mend it (docs/runbook.md)",
        "P3 warning  host.memory@local  (new)",
    ]
    assert shown[-3] == "4 checks blocked by host.reachable@gone"
    assert re.fullmatch(
        r"opscheck daily: 1 ok, 3 breach \(1 P0, 1 P1, 1 P3\), 4 blocked · report: reports/daily/[\dT-]+\.html",
        shown[-2],
    )
    assert "2 passed" not in shown[-1]
    for count in ("1 passed", "2 failed", "1 breach below fail_at", "4 blocked"):
        assert count in shown[-1]


def test_a_wide_table_and_words_under_v(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    result = project(RED).runpytest_subprocess("-m", "daily", "-v")
    result.stdout.re_match_lines_random(
        [
            r".*test_ports\[local\] BREACH P1  host\.ports@local: tcp/1 closed, expected listens, \S+ s .*",
            r".*test_memory\[local\] WARNING P3  host\.memory@local: .* %, expected < 0\.001 %, \S+ s .*",
            r".*test_reachable\[local\] OK  host\.reachable@local: .*, \S+ s .*",
            r".*test_disk\[gone\] BLOCKED  host\.disk@gone: blocked by host\.reachable@gone: .*",
        ]
    )
    shown = after(result.stdout.str(), "not ok, worst first")
    assert shown[0].split("  ")[0] == "severity"
    assert re.split(r"\s{2,}", shown[0]) == ["severity", "check", "target", "observed", "expected", "next step"]
    assert any(
        re.split(r"\s{2,}", text)
        == ["P1 new", "host.ports", "local", "tcp/1 closed", "listens", "Mend it (docs/runbook.md)"]
        for text in shown
    )
    assert max(map(len, shown)) <= 140


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_qq_is_one_line(project: Project, workers: tuple[str, ...]) -> None:
    lines = project(RED).runpytest_subprocess("-m", "daily", "-qq", *workers).stdout.lines
    (line,) = [line for line in lines if line and not line.startswith("bringing up nodes")]
    assert line.startswith("opscheck daily: 1 ok, 3 breach (1 P0, 1 P1, 1 P3), 4 blocked")


def test_quiet_leaves_the_table_and_one_line_of_verdicts(project: Project) -> None:
    lines = project(RED).runpytest_subprocess("-m", "daily", "-q").stdout.lines
    assert "P1 breach  host.ports@local  (new)" in lines
    assert not any(line.startswith("opscheck:") for line in lines)
    found = [line for line in lines if line.startswith("opscheck daily:")]
    assert len(found) == 1
    assert found[0].startswith("opscheck daily: 1 ok, 3 breach (1 P0, 1 P1, 1 P3), 4 blocked")


@pytest.mark.parametrize("quiet", ["-q", "-qq"])
def test_quiet_still_says_that_nothing_was_judged(project: Project, quiet: str) -> None:
    result = project("[host.local]\n").runpytest_subprocess("-m", "monthly", quiet)
    assert result.ret == 5
    assert "opscheck monthly: nothing was judged" in result.stdout.str()


def test_v_says_the_whole_reason_of_what_is_blocked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = project(RED).runpytest_subprocess("-m", "daily", "-v")
    shown = after(result.stdout.str(), "not ok, worst first")
    start = next(n for n, text in enumerate(shown) if text.startswith("4 checks blocked by host.reachable@gone: "))
    assert "port 1: Connection refused" in " ".join(text.strip() for text in shown[start : start + 2])
    assert max(map(len, shown[start : start + 2])) < 80


def test_a_run_with_everything_ok_says_so_in_one_line(project: Project) -> None:
    result = project(GREEN.replace("SLEEP", "true")).runpytest_subprocess("-m", "daily")
    assert result.ret == 0
    ours = [text for text in result.stdout.lines if "opscheck" in text and "plugins:" not in text]
    assert len([text for text in ours if text.startswith("opscheck daily: 2 ok · report: reports/daily/")]) == 1
    assert "not ok" not in result.stdout.str()
    assert "\x1b" not in result.stdout.str()


def test_progress_of_workers_goes_away_again(project: Project) -> None:
    """The controller makes no contact itself; it sees what is there, and names what is not."""
    pytester = project(GREEN.replace("SLEEP", "sleep 4"))
    written = on_a_terminal(pytester, "-n", "2", env={"TERM": "xterm"})
    assert re.search(r"\[0 of 1 answered, \d s: [^\]]+\]", written)
    assert not any("answered" in text for text in screen(written))
    assert any(re.match(r"\.\.\s+\[100%\]", text) for text in screen(written))


def test_progress_on_a_terminal_goes_away_again(project: Project) -> None:
    pytester = project(GREEN.replace("SLEEP", "sleep 2.5"))
    written = on_a_terminal(pytester, "-v", env={"TERM": "xterm"})
    assert re.search(r"\[\d+ of \d+ answered, \d s", written)
    shown = screen(written)
    assert not any("answered" in text for text in shown)
    assert any(
        re.fullmatch(r".*test_command\[local-fine\] OK  host\.command\.fine@local: .*, \S+ s \[100%\]", text)
        for text in shown
    )
    assert "\x1b[32m" in written


@pytest.mark.parametrize("env", [{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_people_want_none(project: Project, env: dict[str, str]) -> None:
    written = on_a_terminal(project(RED), env=env)
    assert "\x1b[3" not in written
    assert "P1 breach  host.ports@local  (new)" in written


def test_a_breach_is_red_and_a_warning_yellow(project: Project) -> None:
    written = on_a_terminal(project(RED), env={"TERM": "xterm"})
    assert "\x1b[31mP1 breach  host.ports@local  (new)\x1b[0m" in written
    assert "\x1b[33mP3 warning  host.memory@local  (new)\x1b[0m" in written
    assert re.search("\x1b\\[31m\x1b\\[1m=+ not ok, worst first", written)


def test_output_of_a_target_steers_no_terminal(project: Project) -> None:
    evil = r"""[host.local.command.evil]
run = 'printf "\033[2Jgone\007"'
stdout = "== fine"
"""
    written = on_a_terminal(project(GREEN.replace("SLEEP", "true") + evil), env={"TERM": "xterm"})
    assert "\x1b[2J" not in written
    assert r"output \x1b[2Jgone\x07, expected fine" in written
