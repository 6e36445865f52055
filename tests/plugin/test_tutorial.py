"""The tutorial is gone through in an empty folder: each command is run, and shows what the page says that it shows."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..live.processes import free_port

PAGE = Path(__file__).parent.parent.parent / "docs" / "tutorial.md"
PORT = "8765"
"""That of the page; another program may have it here."""
FOLDER = "/home/you/checks"
LONGEST_S = 180
NEXT = "\x1e"
QUIET = """\
sed -i -E '/^(# )?\\[host\\.local\\.expect\\]/q' opscheck.toml
printf '%s\\n' '[defaults.host.expect]' >> opscheck.toml
printf '%s\\n' 'disk = "< 100%"' 'load = "< 1000"' 'cpu = false' 'uptime = "> 1s"' >> opscheck.toml
"""
"""What else runs on this machine, and how busy it is, is no matter of the page: nothing of it is in the inventory. One
check that depends on that is exchanged for another one, so that there are as many."""


def steps() -> Iterator[tuple[str, str]]:
    """Yield what the page has typed and what that shows; what is to be added to the inventory shows nothing."""
    page = PAGE.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        if language == "toml":
            yield f"cat >> opscheck.toml <<'END'\n\n{block}END", ""
        if language == "console":
            yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def typed(command: str, port: int) -> str:
    """Return a command as a shell takes it, with what a reader waits for without a word."""
    command = command.replace(PORT, str(port))
    if command.endswith("&"):
        return f"{command}\nuntil (: < /dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done\n"
    if command.startswith("kill"):
        return f"{command}\nwait\n"
    return f"{command}\n{QUIET if command == 'opscheck init' else ''}"


def shown(commands: list[str], folder: Path) -> list[str]:
    """Return what each command of one shell shows."""
    script = "exec 2>&1\n" + "".join(f"printf '\\036'\n{command}" for command in commands)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "80"}
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said, _ = process.communicate(timeout=LONGEST_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return said.split(NEXT)[1:]


def plain(text: str) -> str:
    """Return a text without what differs from run to run: moments, times, shares, lengths of bars, blanks in a row."""
    for pattern, instead in (
        (r"\d{4}-\d{2}-\d{2}(?:T\d{6}| \d{2}:\d{2}:\d{2})", "MOMENT"),
        (r"\d+(?:\.\d+)? ?(?:%|(?:ms|s|min|h)\b)", "SO MUCH"),
        (r"={3,}", "==="),
        (r"[ \t]+", " "),
    ):
        text = re.sub(pattern, instead, text)
    return text


def matches(said: str, expected: str) -> bool:
    """Tell whether a text is as the page has it, where `...` stands for anything: lines of their own, or words."""
    pattern = re.escape(plain(expected))
    pattern = re.sub(r"^\\\.\\\.\\\.\\\n", r"(?:.*\\n)*", pattern, flags=re.MULTILINE).replace(r"\.\.\.", ".*")
    return re.fullmatch(pattern, plain(said)) is not None


def test_each_command_shows_what_the_page_says(tmp_path: Path) -> None:
    port, found = free_port(), list(steps())
    told = shown([typed(command, port) for command, _ in found], tmp_path)
    assert len(told) == len(found)
    binaries = str(Path(sys.executable).parent)
    for (command, expected), said in zip(found, told, strict=True):
        here = said.replace(binaries, f"{FOLDER}/.venv/bin").replace(str(tmp_path), FOLDER)
        here = here.replace(str(port), PORT).replace(platform.node(), "vm")
        assert matches(here, expected), f"$ {command}\n{here}\nand not\n{expected}"
    assert sum(command.startswith("pytest") for command, _ in found) == 3


@pytest.mark.parametrize(
    ("said", "expected", "is_so"),
    [
        ("memory 14 %, in 3 s\n", "memory 4.5 %, in 0.2 s\n", True),
        ("opscheck daily: 7 ok\n", "opscheck daily: 8 ok\n", False),
        ("a\nb\nc\n", "a\n...\nc\n", True),
        ("a\nc\n", "a\n...\nc\n", True),
        ("a\nb\nc\n", "a\n...\nb\n", False),
        ("(after 2 min)\n", "(after 40 s)\n", True),
        ("cd x && exec opscheck run\n", "cd x && ... run\n", True),
        ("a line more\n", "", False),
    ],
)
def test_what_is_the_same_as_on_the_page(said: str, expected: str, *, is_so: bool) -> None:
    assert matches(said, expected) is is_so
