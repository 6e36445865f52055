"""What a step of a runbook asks: the check that would judge it, on which target, and with which keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import shell
from .shell import Command, Line
from .words import Role

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?::?-[^}]*)?\}|(?P<bare>[A-Za-z_]\w*))")
PLACEHOLDER = re.compile(
    r"<[\w .:/-]{1,40}>|\[[A-Za-z][\w -]{0,30}\]|\{\{?[\w.-]{1,30}\}?\}|\bYYYY|\bPORT\b"
    r"|\bHOST(?:NAME)?\b|\bxxx+\b|\byour[-_.]\w+|\b(?:service|container|app|host|user|pod"
    r"|db|file)[-_]?name\b|\bSERVICE\b|\$\d|\$\(",
    re.IGNORECASE,
)
"""What stands in for something that only the reader knows."""


@dataclass(frozen=True, slots=True)
class Todo:
    """What only a person knows, and what stands there while the draft is checked."""

    what: str
    example: str

    def __str__(self) -> str:
        return f"TODO: {self.what}"


@dataclass(frozen=True, slots=True)
class TargetHint:
    """A target that a step is about."""

    kind: str
    identity: str
    name: str
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """A check that a step asks for.

    metric: by whose direction the numbers of its expectation are read. limits: what the step itself says is expected.
    keys: of the long form, for a family those of its table. name: of a family's check. sure: how likely it is meant.
    """

    check: str
    target: TargetHint
    metric: str | None = None
    limits: tuple[tuple[str | None, str], ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    sure: float = 0.8
    look: str = ""
    needs_limit: bool = False
    """Whether it says nothing without a limit: the check has no default."""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedText:
    """A text that says what is expected of a step: where it stands, and what its label says."""

    line: int
    text: str
    role: Role = Role.NORMAL
    severity: str | None = None
    labelled: bool = False
    shown: str = ""
    """The text as it stands, where its label is left out of `text`."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a runbook with what stands around it."""

    line: Line
    number: int
    title: str = ""
    expected_texts: tuple[ExpectedText, ...] = ()
    around: str = ""
    """The heading and the words of its entry in a list."""

    @property
    def expected(self) -> str:
        """What is expected of it, as one text."""
        return "\n".join(each.text for each in self.expected_texts)

    @property
    def words(self) -> str:
        """Everything that is said of it."""
        return f"{self.title}\n{self.expected}\n{self.around}"


def literal(text: str) -> str:
    """Return a text as the inventory has it: a `${` in it is no variable."""
    return text.replace("${", "$${")


def variables(text: str) -> str:
    """Return a text of a shell as the inventory has it: $NAME is ${NAME}."""
    return _VARIABLE.sub(lambda match: f"${{{match['braced'] or match['bare']}}}", text)


def has_variables(text: str) -> bool:
    """Tell whether a text of a shell has variables."""
    return _VARIABLE.search(text) is not None


def is_open(text: str) -> bool:
    """Tell whether a text has a placeholder that a reader fills in: `<service>`, `[host]`, `YYYYMMDD`."""
    return PLACEHOLDER.search(text) is not None


def named(text: str, otherwise: str = "check") -> str:
    """Return a text as the name of a target or a question: letters, digits and `_`."""
    found = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40].strip("_")
    return found or otherwise


@dataclass(frozen=True, slots=True)
class Grep:
    """What a line looks for in what another command prints."""

    pattern: str
    ignore_case: bool = False
    inverted: bool = False


def grep_of(line: Line) -> Grep | None:
    """Return what a line greps for behind its first command; None where it greps for nothing that can be read."""
    return next((found for command in line.commands[1:] if (found := as_grep(command)) is not None), None)


def as_grep(command: Command) -> Grep | None:
    """Return what a grep looks for; None for another program, or a pattern that Python would not read."""
    if command.program not in ("grep", "egrep", "fgrep", "zgrep", "rg"):
        return None
    flags = "".join(arg.lstrip("-") for arg in command.args if re.fullmatch(r"-[A-Za-z]+", arg))
    expression = command.option("-e", "--regexp")
    plain = command.plain()
    if expression is None:
        expression = next((arg for arg in plain if not arg.isdigit()), plain[0] if plain else None)
    if not expression or is_open(expression) or has_variables(expression):
        return None
    extended = command.program in ("egrep", "rg") or "E" in flags or "P" in flags
    pattern = re.escape(expression) if "F" in flags else expression if extended else _basic(expression)
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    return Grep(pattern, "i" in flags, "v" in flags)


def _basic(pattern: str) -> str:
    r"""Return a basic regular expression as an extended one: `\\|` is `|`, and a bare bracket is one."""
    return re.sub(r"\\([|(){}+?])|([(){}+?|])", lambda match: match[1] or f"\\{match[2]}", pattern)


def counts(line: Line) -> bool:
    """Tell whether a line counts what it finds."""
    words = [command for command in line.commands if command.program in ("wc", "grep", "egrep", "zgrep")]
    return any(
        command.program == "wc" or any(re.fullmatch(r"-\w*c\w*|--count", arg) for arg in command.args)
        for command in words
    )


WINDOWS = {
    "24h": "/day",
    "1d": "/day",
    "1 day": "/day",
    "today": "/day",
    "yesterday": "/day",
    "60m": "/h",
    "1h": "/h",
    "1 hour": "/h",
    "1m": "/min",
}
"""Times since when a count is a rate."""


def since_of(command: Command) -> str | None:
    """Return since when a log is read, as an inventory says it: 4h, 30m, today; None where nothing is said."""
    since = command.option("--since", "-S")
    if since is None:
        return None
    since = since.strip().lower().removesuffix(" ago").strip("-")
    if since in ("today", "midnight"):
        return "today"
    match = re.fullmatch(r"(\d+)\s*(s|sec\w*|m|min\w*|h|hour\w*|d|day\w*|w|week\w*)", since)
    if match is None:
        return {"yesterday": "24h"}.get(since)
    number, unit = int(match[1]), match[2][0]
    return f"{number * 7}d" if unit == "w" else f"{number}{unit}"


def rate_of(since: str | None) -> str:
    """Return the rate that a count since a time is, empty where it is none."""
    return WINDOWS.get(since or "", "")


def ssh_host(command: Command) -> TargetHint:
    """Return the host that a command runs on: the one that ssh goes to, a container's, or this machine."""
    for place in command.places:
        if place.kind == "ssh" and not is_open(place.name) and not has_variables(place.name):
            name = named(place.name.rpartition("@")[2].partition(".")[0], "host")
            return TargetHint("host", f"ssh://{place.name}", name, {"connect": f"ssh://{place.name}"})
        if place.kind in ("compose", "container", "kubernetes"):
            what = f"docker:// and the name of the container of {place.name}"
            return TargetHint(
                "host", f"docker://{place.name}", named(place.name), {"connect": Todo(what, "docker://x")}
            )
    return HERE


HERE = TargetHint("host", "local", "main", {})


def in_container(command: Command) -> str | None:
    """Return the container or service that a command runs in; None outside of any."""
    return next((place.name for place in command.places if place.kind in ("compose", "container")), None)


def stack(command: Command | None = None, *, container: str | None = None) -> TargetHint:
    """Return the containers that a command is about: a Compose project, or one container by its name."""
    if container is not None:
        return TargetHint("docker", f"container {container}", named(container), {"names": [container]})
    project = None
    if command is not None and (composed := shell.compose(command)) is not None:
        project = composed[2]
    if project is None and command is not None:
        project = next((place.project for place in command.places if place.project), None)
    if project is None or is_open(project) or has_variables(project):
        what = "the name of the Compose project, see: docker compose ls"
        return TargetHint("docker", "compose", "stack", {"project": Todo(what, "stack")})
    return TargetHint("docker", "compose", "stack", {"project": project})


__all__ = [
    "HERE",
    "Ask",
    "Command",
    "ExpectedText",
    "Grep",
    "Line",
    "Step",
    "TargetHint",
    "Todo",
    "as_grep",
    "counts",
    "grep_of",
    "has_variables",
    "in_container",
    "is_open",
    "literal",
    "named",
    "rate_of",
    "since_of",
    "ssh_host",
    "stack",
    "variables",
]
