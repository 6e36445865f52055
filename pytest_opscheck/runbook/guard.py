"""Whether a command of a runbook only reads. What is not known to do so is never proposed as a command to run."""

from __future__ import annotations

import re
from collections.abc import Callable

from . import programs, shell
from .shell import Command, Line
from .single import BY_PROGRAM, QUIET
from .verdicts import READS, Kind, Verdict, by_its_name, without_options, worst

__all__ = ["PROGRAMS", "Kind", "Verdict", "endless", "of_command", "of_line", "verdict"]


def verdict(text: str) -> Verdict:
    """Tell what a line of a shell does: as much as the worst of its commands."""
    return of_line(shell.read(text))


def of_line(line: Line) -> Verdict:
    """Tell what a line that has been read does."""
    if line.broken:
        return _of_broken(line.text)
    found = [of_command(command) for command in line.commands]
    found += [of_line(nested) for nested in line.nested]
    return worst(found) if found else Verdict(Kind.UNKNOWN, "nothing")


def _of_broken(text: str) -> Verdict:
    """Judge what no shell would read by its words: it is never known to read."""
    word = next((word for word in re.findall(r"[\w./-]+", text[: shell.LONGEST]) if word in programs.CHANGES), None)
    return Verdict(Kind.CHANGES, word) if word else Verdict(Kind.UNKNOWN, "it can't be read as a command")


def of_command(command: Command) -> Verdict:
    """Tell what one command does."""
    if written := next((file for file in command.writes if not QUIET.fullmatch(file)), None):
        return Verdict(Kind.CHANGES, f"> {written}")
    if not command.program:
        return Verdict(Kind.UNKNOWN, "no program")
    if (composed := shell.compose(command)) is not None:
        return _subcommand("docker-compose", (composed[0], *composed[1]))
    if (judge := _JUDGES.get(command.program)) is not None:
        return judge(command)
    if command.program in programs.SUBCOMMANDS:
        return _subcommand(command.program, command.args)
    return _by_lists(command)


def _by_lists(command: Command) -> Verdict:
    """Judge a program that reads, or changes something, however it is called."""
    if command.program in programs.ALWAYS:
        return READS
    if command.program not in programs.CHANGES:
        return by_its_name(command)
    asks = command.args in (("--version",), ("--help",))
    return READS if asks else Verdict(Kind.CHANGES, command.program)


def _subcommand(program: str, args: tuple[str, ...]) -> Verdict:
    if program == "git" and any(arg.startswith("--output") for arg in args):
        return Verdict(Kind.CHANGES, "git --output")
    words = without_options(args)
    if not words:
        return READS if args and set(args) <= {"--failed", "-v", "--no-pager"} else Verdict(Kind.UNKNOWN, program)
    if program == "systemctl" and "--failed" in args:
        return READS
    first = words[0]
    if (program, first) in programs.DEEPER:
        second = words[1] if len(words) > 1 else ""
        reads = second in programs.DEEPER[program, first]
        return READS if reads else Verdict(Kind.CHANGES, f"{program} {first} {second}".strip())
    return READS if first in programs.SUBCOMMANDS[program] else Verdict(Kind.CHANGES, f"{program} {first}")


def _find(command: Command) -> Verdict:
    for place, arg in enumerate(command.args):
        if arg in ("-delete", "-fprint", "-fls", "-fprintf"):
            return Verdict(Kind.CHANGES, f"find {arg}")
        if arg in ("-exec", "-execdir", "-ok", "-okdir") and place + 1 < len(command.args):
            inner = [word for word in command.args[place + 1 :] if word not in (";", "\\;", "+", "{}")]
            return of_command(Command(inner[0], tuple(inner[1:]))) if inner else Verdict(Kind.UNKNOWN, arg)
    return READS


_JUDGES: dict[str, Callable[[Command], Verdict]] = {**BY_PROGRAM, "find": _find}
PROGRAMS = frozenset(_JUDGES) | programs.CHANGES
"""Programs that are known beside those of `programs`."""


def endless(line: Line) -> bool:
    """Tell whether a line goes on until somebody ends it: `top`, `tail -f`, `docker stats`."""
    for command in line.commands:
        follows = command.program in ("tail", "journalctl", "kubectl", "docker", "docker-compose") and command.has(
            "-f", "--follow", "-F"
        )
        stats = command.program == "docker" and command.args[:1] == ("stats",) and not command.has("--no-stream")
        if follows or stats or command.program in programs.ENDLESS or {"watch"} & set(command.runners):
            return True
    return False
