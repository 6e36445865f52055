"""GitHub's runner, as far as a step meets it: which lines it takes for commands, and how it reads the file of outputs.

See ActionCommand.cs and FileCommandManager.cs of actions/runner.
"""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\s*::(?P<name>[^ :]+)(?: (?P<properties>.*?))?::(?P<data>.*)", re.DOTALL)


def unescaped(text: str, *, is_property: bool = False) -> str:
    for escape, character in [("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if is_property else [])]:
        text = text.replace(escape, character)
    return text.replace("%25", "%")


def command(line: str) -> tuple[str, dict[str, str], str] | None:
    """Return a command with its properties and its text; None for a line that is none."""
    if found := _COMMAND.match(line):
        said = [each.partition("=") for each in (found["properties"] or "").split(",") if each]
        properties = {name: unescaped(value, is_property=True) for name, _, value in said}
        return found["name"], properties, unescaped(found["data"])
    if "##[" in line:
        return "##", {}, line
    return None


def commands(printed: str) -> list[tuple[str, dict[str, str], str]]:
    return [found for line in printed.splitlines() if (found := command(line)) is not None]


def outputs(text: str) -> dict[str, str]:
    """Return what a file of outputs sets; a line that is out of place fails the step."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, marked, mark = line.partition("<<")
        assert marked, line
        value = []
        while (each := next(lines)) != mark:
            value.append(each)
        found[name] = "\n".join(value)
    return found
